"""Work in the background, in threads of this process, that shows it is alive for as long as it is."""

import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Lock, Thread

from smartapp import metrics
from smartapp.logs import request_id

log = logging.getLogger(__name__)

MOST_WAITING = 50  # charts; at four a second or two each that is half a minute
Work = Callable[[], None]


class Jobs:
    """A few daemon threads and one heart. They start with the first job, so that a forked web process has its own."""

    def __init__(self, workers: int = 4, beat_every: float = 5.0) -> None:
        self._workers, self._beat_every = workers, beat_every
        self._waiting: SimpleQueue[Work | None] = SimpleQueue()
        self._beats: dict[object, Work] = {}
        self._lock = Lock()
        self._started = False
        self._ending, self._stopped = Event(), Event()
        self._under_way = 0

    def has_room(self) -> bool:
        """False where so much waits that what is submitted now would wait too long."""
        return self._waiting.qsize() < MOST_WAITING

    def submit(self, work: Work, beat: Work) -> None:
        """Does the work soon; calls `beat` regularly from now, also while the work still waits, until it is done."""
        ticket = self._keep_beating(beat)

        def run() -> None:
            request_id.set(asked_by)  # what is logged is for the request that asked for it
            metrics.JOBS_WAITING.dec()
            metrics.JOB_WAIT_SECONDS.observe(time.perf_counter() - asked)
            try:
                work()
            except Exception as error:
                log_without_words("a background job failed", error)
            finally:
                self._stop_beating(ticket)

        asked, asked_by = time.perf_counter(), request_id.get()
        metrics.JOBS_WAITING.inc()
        self._waiting.put(run)

    @contextmanager
    def beating(self, beat: Work) -> Iterator[None]:
        """Calls `beat` regularly while the block runs in the caller's own thread."""
        ticket = self._keep_beating(beat)
        try:
            yield
        finally:
            self._stop_beating(ticket)

    def stop(self, patience: float = 0.0) -> None:
        """Begins nothing more, gives what is under way so many seconds to end, and then beats no more.

        What still runs or waits after that will be taken over elsewhere.
        """
        self._ending.set()
        for _ in range(self._workers):
            self._waiting.put(None)
        give_up = time.monotonic() + patience
        while self._under_way and time.monotonic() < give_up:
            time.sleep(0.05)
        self._stopped.set()

    def _keep_beating(self, beat: Work) -> object:
        ticket = object()
        with self._lock:
            self._beats[ticket] = beat
            if not self._started:
                self._started = True
                for target in (self._beat, *[self._work] * self._workers):
                    Thread(target=target, daemon=True, name="chartside-jobs").start()
        return ticket

    def _stop_beating(self, ticket: object) -> None:
        with self._lock:
            self._beats.pop(ticket, None)

    def _work(self) -> None:
        while (run := self._waiting.get()) is not None and not self._ending.is_set():
            with self._counted():
                run()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._lock:
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def _beat(self) -> None:
        while not self._stopped.wait(self._beat_every):
            with self._lock:
                beats = tuple(self._beats.values())
            for beat in beats:
                try:
                    beat()
                except Exception as error:  # a database busy for a moment; the next beat may do
                    log_without_words("a heartbeat was missed", error)


def log_without_words(what: str, error: Exception) -> None:
    """Type and place of an error only: its own words may hold a patient's."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    log.error("%s: %s at %s", what, type(error).__name__, place)
