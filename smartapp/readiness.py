"""Whether everything that Chartside needs is there, without a word of where it is."""

import os
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from launch.launcher import Launcher
from smartapp.attending import Queue, QueueUnavailable
from smartapp.audit.notary import SigningNotary
from smartapp.errors import PredictorUnavailable
from smartapp.inference import PredictorClient

LEAST_FREE = 200 * 1024 * 1024  # bytes
SIGNED_WITHIN = timedelta(minutes=15)  # of an event of the audit log; usually five
OK = "ok"
Check = Callable[[], str]  # OK, or what is wrong


class Readiness:
    """The checks by name; they take seconds at most, also where nobody answers."""

    def __init__(
        self, engine: Engine, launcher: Launcher, predictor: PredictorClient, state: Path, notary: SigningNotary,
        queue: Queue | None, clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._predictor, self._queue = predictor, queue
        self._checks: dict[str, Check] = {
            "database": lambda: _database(engine),
            "sessions": lambda: _sessions(launcher),
            "predictor": lambda: _predictor(predictor),
            "disk": lambda: _disk(_folder(engine, state)),
            "audit": lambda: _audit(notary, clock()),
        }
        if queue is not None:
            self._checks["queue"] = lambda: _queue(queue)

    def __call__(self) -> dict[str, str]:
        return {name: _told(check) for name, check in self._checks.items()}

    def waiting(self) -> int | None:
        """Predictions under way or waiting in the predictor; None when it does not answer."""
        try:
            return self._predictor.waiting()
        except PredictorUnavailable:
            return None

    def queued(self) -> int | None:
        """Charts in the broker's queue; None where there is no broker or it does not answer."""
        try:
            return self._queue.length() if self._queue else None
        except QueueUnavailable:
            return None

    def workers(self) -> int | None:
        """That take charts from it; None where there is no broker or it does not answer."""
        try:
            return self._queue.workers() if self._queue else None
        except QueueUnavailable:
            return None


def _told(check: Check) -> str:
    """An error's own words may hold an address or a password."""
    try:
        return check()
    except Exception as error:
        return f"failed ({type(error).__name__})"


def _database(engine: Engine) -> str:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    return OK


def _sessions(launcher: Launcher) -> str:
    launcher.check_sessions()
    return OK


def _predictor(predictor: PredictorClient) -> str:
    try:
        predictor.revision()
    except PredictorUnavailable as away:
        return away.detail
    return OK


def _queue(queue: Queue) -> str:
    try:
        return OK if queue.workers() else "No worker takes charts from the queue."
    except QueueUnavailable:
        return "The broker of the queue does not answer."


def _audit(notary: SigningNotary, now: datetime) -> str:
    since = notary.unsigned_since()
    if since is None or now - since < SIGNED_WITHIN:
        return OK
    return f"What the audit log holds for {int((now - since).total_seconds() // 60)} minutes is not signed yet."


def _disk(folder: Path) -> str:
    if not os.access(folder, os.W_OK):
        return "The state folder cannot be written."
    free = shutil.disk_usage(folder).free
    return OK if free >= LEAST_FREE else f"Only {free // 1024**2} MB are free; {LEAST_FREE // 1024**2} MB are needed."


def _folder(engine: Engine, state: Path) -> Path:
    """Of the database, where it is a file."""
    on_file = engine.dialect.name == "sqlite" and engine.url.database
    return Path(str(engine.url.database)).parent if on_file else state
