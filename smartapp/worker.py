"""The worker: takes charts from the queue and attends to them, until it is told to stop."""

import logging
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from socketserver import ThreadingMixIn
from threading import Event, Thread
from typing import Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

import dramatiq
from prometheus_client import CONTENT_TYPE_LATEST

from launch.errors import SessionEnded, SessionsUnavailable, UntrustedIssuer
from launch.launcher import Launcher
from launch.sessions import Session
from smartapp import metrics
from smartapp.attending import Attending, QueueUnavailable
from smartapp.audit.events import hash_of
from smartapp.fhir.client import FHIRClient
from smartapp.jobs import log_without_words
from smartapp.queueing import ChartQueue
from smartapp.reviews import Reviewer, ReviewKey

log = logging.getLogger(__name__)

THREADS = 4
BEATS_EVERY: Final = 10.0  # seconds
LOOKS_EVERY = 200  # milliseconds, at most, between two looks into an empty queue
STOP_WITHIN = 45_000  # milliseconds for what is under way once it is told to stop


@dataclass(frozen=True, slots=True)
class Worker:
    """Knows of a chart what its session says, and does what its review says: read and code, or write."""

    attending: Attending
    launcher: Launcher
    client_for: Callable[[Session], FHIRClient]

    def attend(self, launch: str) -> bool:
        """False when it is to be looked at again. Errors end here: their words, which Dramatiq would keep, may tell."""
        began = time.perf_counter()
        try:
            settled = self._attend(launch)
            log.info("attended", extra={"said": {"settled": settled, "seconds": round(time.perf_counter() - began, 4)}})
            return settled
        except (SessionEnded, UntrustedIssuer):
            return True  # without the user's session nothing can be done; opening the chart again begins anew
        except SessionsUnavailable:
            log.warning("the store of sessions is away; the chart is looked at again")
            return False
        except Exception as error:
            log_without_words("a chart from the queue could not be attended to", error)
            return False

    def _attend(self, launch: str) -> bool:
        session = self.launcher.live(launch)
        context = session.context
        key = ReviewKey(context.iss, context.patient, context.encounter)
        by = Reviewer(context.fhir_user, context.user_name, hash_of(session.key))
        return self.attending.attend(key, self.client_for(session), by)


def serve(worker: Worker, queue: ChartQueue, threads: int = THREADS, port: int | None = None) -> None:
    """Until SIGTERM or Ctrl-C, in the main thread; what is under way then ends, what waits stays in the queue.

    At the port: whether it lives, and its numbers.
    """
    stop, name = Event(), token_hex(8)
    for told in (signal.SIGTERM, signal.SIGINT):
        signal.signal(told, lambda *_: stop.set())
    queue.attend(worker.attend, metrics.JOB_WAIT_SECONDS.observe)
    running = dramatiq.Worker(queue.broker, worker_threads=threads, worker_timeout=LOOKS_EVERY)
    running.start()
    if port:
        serve_pages(port, partial(is_alive, running))
    with suppress(QueueUnavailable):
        queue.beat(name)
    beating = Thread(target=keep_beating, args=(queue, name, stop), daemon=True)
    beating.start()
    log.info("the worker is ready")
    stop.wait()
    running.stop(STOP_WITHIN)
    beating.join()


def is_alive(running: dramatiq.Worker) -> bool:
    """Each of its threads is there. That the broker is away is no reason to start it again: it finds its way back."""
    threads = [*running.consumers.values(), *running.workers]
    return bool(running.workers) and all(thread.is_alive() for thread in threads)


def keep_beating(queue: ChartQueue, name: str, stop: Event) -> None:
    """Says in the broker that this worker lives, until it takes no more."""
    while not stop.wait(BEATS_EVERY):
        with suppress(QueueUnavailable):
            queue.beat(name)
    with suppress(QueueUnavailable):
        queue.leave(name)


def serve_pages(port: int, alive: Callable[[], bool]) -> None:
    """`/healthz` and `/metrics`, in a thread; nothing of a chart is in them."""

    def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/healthz":
            lives = alive()
            start("200 OK" if lives else "503 Service Unavailable", [("Content-Type", "application/json")])
            return [b'{"status":"ok"}' if lives else b'{"status":"a thread has ended"}']
        if path == "/metrics":
            start("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
            return [metrics.as_text()]
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b""]

    server = make_server("", port, answer, server_class=_Server, handler_class=_Silent)
    Thread(target=server.serve_forever, daemon=True, name="chartside-pages").start()


class _Server(ThreadingMixIn, WSGIServer):
    """One that waits for a slow caller keeps nobody else waiting."""

    daemon_threads = True


class _Silent(WSGIRequestHandler):
    """Its own log is no JSON."""

    timeout = 10  # seconds for a caller that says nothing

    def log_message(self, format: str, *args: object) -> None:
        return
