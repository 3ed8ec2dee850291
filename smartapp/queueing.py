"""The queue of charts that wait for a worker: Dramatiq on Redis. A message is a launch key, when it was put there, and
for which request.

A launch key means nothing without our keys, and nothing of a chart is in it: whose chart it is, the session says.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import dramatiq
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import DramatiqError
from dramatiq.middleware import AgeLimit, Retries
from redis.backoff import NoBackoff
from redis.retry import Retry

from smartapp.attending import QueueUnavailable
from smartapp.claims import DEAD_AFTER
from smartapp.errors import TooBusy
from smartapp.logs import request_id

QUEUE, ACTOR = "charts", "attend"
WORKERS = "chartside:workers"  # in Redis: each worker, and when it last said that it lives
MOST_WAITING = 200  # messages; a worker reads some thousands of charts an hour
WAIT_SECONDS = 3.0  # for Redis; it answers in a millisecond or not at all
TRIES = 12  # of one message, each later than the one before
LONGEST_PAUSE = 5 * 60_000  # milliseconds between two of them
DIES_AFTER = 30_000  # milliseconds without a sign of life until what a worker has taken is given to another
UPKEEP = 100_000  # of a million commands to Redis look for such workers

Attend = Callable[[str], bool]  # of a launch: whether nothing remains to be done


class NotSettled(Exception):
    """Another is at work on the chart, or something is away: to be looked at again."""


class ChartQueue:
    """`smartapp.attending.Queue` for those who put charts in; `attend` makes it one that takes them out."""

    def __init__(self, url: str) -> None:
        once_more = Retry(NoBackoff(), 1)  # a kept connection may have died; its own ten tries take half a minute
        client = redis.Redis.from_url(
            url, socket_timeout=WAIT_SECONDS, socket_connect_timeout=WAIT_SECONDS, retry=once_more
        )
        # Behind a session's life a message is worth nothing.
        rules = [AgeLimit(max_age=int(timedelta(hours=1).total_seconds() * 1000)), _RETRIES]
        self._redis = client
        self.broker = RedisBroker(  # type: ignore[no-untyped-call]
            client=client, middleware=rules, namespace="chartside:queue", heartbeat_timeout=DIES_AFTER,
            maintenance_chance=UPKEEP,
        )  # fmt: skip
        self.broker.declare_queue(QUEUE)

    def put(self, launch: str, after: timedelta = timedelta()) -> None:
        """Raises QueueUnavailable; unless the message is for later, also where no worker lives, and TooBusy where it is
        full."""
        delay = int(after.total_seconds() * 1000)
        if not delay and not self.workers():
            raise QueueUnavailable("NoWorker")
        if not delay and self.length() >= MOST_WAITING:
            raise TooBusy
        words = {"launch": launch, "at": time.time() + delay / 1000, "request": request_id.get()}
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=QUEUE, actor_name=ACTOR, args=(), kwargs=words, options={}
        )
        try:
            self.broker.enqueue(message, delay=delay or None)
        except (redis.RedisError, DramatiqError) as error:
            raise QueueUnavailable(type(error).__name__) from None

    def length(self) -> int:
        """Messages waiting or under way. Raises QueueUnavailable."""
        try:
            return int(self.broker.do_qsize(QUEUE))
        except (redis.RedisError, DramatiqError) as error:
            raise QueueUnavailable(type(error).__name__) from None

    def beat(self, worker: str) -> None:
        """That worker lives. Raises QueueUnavailable."""
        now = time.time()
        try:
            self._redis.zadd(WORKERS, {worker: now})
            self._redis.zremrangebyscore(WORKERS, "-inf", now - DIES_AFTER / 1000)
        except redis.RedisError as error:
            raise QueueUnavailable(type(error).__name__) from None

    def leave(self, worker: str) -> None:
        """That worker takes no more. Raises QueueUnavailable."""
        try:
            self._redis.zrem(WORKERS, worker)
        except redis.RedisError as error:
            raise QueueUnavailable(type(error).__name__) from None

    def workers(self) -> int:
        """How many live. Raises QueueUnavailable."""
        try:
            return int(self._redis.zcount(WORKERS, time.time() - DIES_AFTER / 1000, "+inf"))
        except redis.RedisError as error:
            raise QueueUnavailable(type(error).__name__) from None

    def attend(self, attend: Attend, waited: Callable[[float], None]) -> None:
        """What a worker does with each; `waited` is told the seconds from its being put there.

        What is logged meanwhile carries the id of the request for which it was put there.
        """

        def settle(launch: str, at: float, request: str = "") -> None:
            request_id.set(request)
            waited(max(0.0, time.time() - at))
            if not attend(launch):
                raise NotSettled

        dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=self.broker)(settle)


_RETRIES = Retries(max_retries=TRIES, min_backoff=int(DEAD_AFTER.total_seconds() * 1000), max_backoff=LONGEST_PAUSE)
