"""How many requests are answered in a minute: of a launch, and of an address without one (OWASP ASVS 5.0, 2.4.1).

Whoever has a launch is counted by it alone: what a stranger does behind the same proxy hinders nobody at work.
"""

import ipaddress
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import cast

from flask import Flask, current_app, g, request
from limits import RateLimitItem, RateLimitItemPerMinute, WindowStats
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.middleware.proxy_fix import ProxyFix

from smartapp.audit.events import hash_of
from smartapp.config import Config, Rates
from smartapp.errors import TooManyRequests

log = logging.getLogger(__name__)

EXTENSION = "chartside-limits"
# Probes, and files that cost nothing.
UNCOUNTED = ("operations.healthz", "operations.readyz", "operations.show_metrics", "asset")
WAIT_SECONDS = 1.0  # for Redis; then this process counts for itself
ONE_SUBSCRIBER = 64  # bits of an IPv6 address that one subscriber has at least (RFC 6177)


class InThisProcess:
    """A moving window in memory. That of `limits` starts a thread at nearly each request, and waits for it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock, self._lock = clock, Lock()
        self._hits = dict[str, deque[float]]()  # whoever asked last stands last

    def __len__(self) -> int:
        """Of how many it remembers something."""
        return len(self._hits)

    def hit(self, limit: RateLimitItem, *who: str) -> bool:
        now = self._clock()
        over = now - limit.get_expiry()
        with self._lock:
            hits = self._hits.pop(limit.key_for(*who), deque())
            self._hits[limit.key_for(*who)] = hits
            while hits and hits[0] <= over:
                hits.popleft()
            counted = len(hits) < limit.amount
            if counted:
                hits.append(now)
            while self._hits[oldest := next(iter(self._hits))][-1] <= over:  # never all: this one was just counted
                del self._hits[oldest]
        return counted

    def get_window_stats(self, limit: RateLimitItem, *who: str) -> WindowStats:
        """When there is room again."""
        with self._lock:
            hits = self._hits.get(limit.key_for(*who))
            return WindowStats(hits[0] + limit.get_expiry() if hits else self._clock(), 0)


class Limits:
    """Counts in Redis for all hosts, where there is one; otherwise, and while it is away, each process for itself."""

    def __init__(self, rates: Rates, redis_url: str | None = None) -> None:
        self._launch = RateLimitItemPerMinute(rates.launch, namespace="chartside")
        self._address = RateLimitItemPerMinute(rates.address, namespace="chartside")
        self._here = InThisProcess()
        self._shared = MovingWindowRateLimiter(_in_redis(redis_url)) if redis_url else self._here

    def count_launch(self, launch_key: str) -> None:
        """Raises TooManyRequests."""
        self._count(self._launch, "launch", hash_of(launch_key))

    def count_address(self, address: str) -> None:
        """Raises TooManyRequests."""
        self._count(self._address, "address", hash_of(_subscriber(address)))

    def _count(self, limit: RateLimitItemPerMinute, *who: str) -> None:
        try:
            self._count_with(self._shared, limit, *who)
        except StorageError as away:
            log.warning("requests are counted by each process for itself: %s", type(away.storage_error).__name__)
            self._count_with(self._here, limit, *who)

    @staticmethod
    def _count_with(counter: MovingWindowRateLimiter | InThisProcess, limit: RateLimitItemPerMinute, *who: str) -> None:
        if not counter.hit(limit, *who):
            free_at = counter.get_window_stats(limit, *who).reset_time
            raise TooManyRequests(max(1, math.ceil(free_at - time.time())))


def _in_redis(url: str) -> RedisStorage:
    url = f"redis+{url}" if url.startswith("unix://") else url
    return RedisStorage(
        url, wrap_exceptions=True, key_prefix="chartside:limits",
        socket_timeout=WAIT_SECONDS, socket_connect_timeout=WAIT_SECONDS,
    )  # fmt: skip


def _subscriber(address: str) -> str:
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a Unix socket has none
        return address
    return str(ipaddress.ip_network((known, ONE_SUBSCRIBER), strict=False)) if known.version == 6 else str(known)


def register(app: Flask, config: Config) -> None:
    """Counts everybody outside the pages of a launch; those count with `count_launch` once the session is known."""
    app.extensions[EXTENSION] = Limits(config.rates, config.sessions_url)
    if (
        config.rates.proxies
    ):  # what more proxies than we have would add is a stranger's word (ASVS 5.0, 4.1.3 and 15.3.4)
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=config.rates.proxies, x_proto=0, x_host=0)  # type: ignore[method-assign]
    app.before_request(_count_outsider)


def _count_outsider() -> None:
    if "launch_key" not in g and request.endpoint not in UNCOUNTED:
        count_address()


def count_launch(launch_key: str) -> None:
    """A request of a live session. Raises TooManyRequests."""
    _limits().count_launch(launch_key)


def count_address() -> None:
    """A request of somebody whose session is not known. Raises TooManyRequests."""
    _limits().count_address(request.remote_addr or "")


def _limits() -> Limits:
    return cast(Limits, current_app.extensions[EXTENSION])
