"""Whether everything that Chartside needs is there, without a word of where it is."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from sqlalchemy import Engine, text

from launch.launcher import Launcher
from smartapp.errors import PredictorUnavailable
from smartapp.inference import PredictorClient

LEAST_FREE = 200 * 1024 * 1024  # bytes
OK = "ok"
Check = Callable[[], str]  # OK, or what is wrong


class Readiness:
    """The checks by name; they take seconds at most, also where nobody answers."""

    def __init__(self, engine: Engine, launcher: Launcher, predictor: PredictorClient, state: Path) -> None:
        self._predictor = predictor
        self._checks: Mapping[str, Check] = {
            "database": lambda: _database(engine),
            "sessions": lambda: _sessions(launcher),
            "predictor": lambda: _predictor(predictor),
            "disk": lambda: _disk(_folder(engine, state)),
        }

    def __call__(self) -> dict[str, str]:
        return {name: _told(check) for name, check in self._checks.items()}

    def waiting(self) -> int | None:
        """Predictions under way or waiting in the predictor; None when it does not answer."""
        try:
            return self._predictor.waiting()
        except PredictorUnavailable:
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


def _disk(folder: Path) -> str:
    if not os.access(folder, os.W_OK):
        return "The state folder cannot be written."
    free = shutil.disk_usage(folder).free
    return OK if free >= LEAST_FREE else f"Only {free // 1024**2} MB are free; {LEAST_FREE // 1024**2} MB are needed."


def _folder(engine: Engine, state: Path) -> Path:
    """Of the database, where it is a file."""
    on_file = engine.dialect.name == "sqlite" and engine.url.database
    return Path(str(engine.url.database)).parent if on_file else state
