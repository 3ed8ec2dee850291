"""Each part that may be missing is named, in seconds and without its address."""

from datetime import timedelta
from pathlib import Path

import pytest
from coding_bench import KEY, Clock

from launch.ehrs import TrustedEHRs
from launch.launcher import Launcher
from launch.redis_sessions import RedisSessionStore
from launch.sessions import SessionStore, SQLSessionStore
from launch.vault import Vault
from smartapp import readiness
from smartapp.inference import PredictorClient
from smartapp.readiness import Readiness
from smartapp.store import connect, migrate

VAULT = Vault([KEY])


def ready(folder: Path, database: str | None = None, sessions: SessionStore | None = None) -> Readiness:
    here = connect(f"sqlite:///{folder / 'chartside.db'}")
    migrate(here)
    launcher = Launcher(
        TrustedEHRs([]), sessions or SQLSessionStore(here, VAULT), "https://codes.example", clock=Clock(),
        idle=timedelta(minutes=15),
    )  # fmt: skip
    predictor = PredictorClient(folder / "none.sock", [KEY], timeout=0.2)
    return Readiness(connect(database) if database else here, launcher, predictor, folder)


def test_what_is_there_is_ok(tmp_path: Path) -> None:
    """Only the predictor is missing here, and says so."""
    found = ready(tmp_path)
    assert found() == {
        "database": "ok",
        "sessions": "ok",
        "predictor": "The predictor is not running.",
        "disk": "ok",
    }
    assert found.waiting() is None


def test_a_server_that_is_away(tmp_path: Path) -> None:
    """Neither address nor password of database and Redis is told."""
    away = RedisSessionStore("redis://:a-password@127.0.0.1:9", VAULT)
    told = ready(tmp_path, "postgresql+psycopg://chartside:a-password@127.0.0.1:9/chartside", away)()
    assert told["database"] == "failed (OperationalError)"
    assert told["sessions"] == "failed (SessionsUnavailable)"
    assert "127.0.0.1" not in str(told)
    assert "a-password" not in str(told)


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told before the database is refused."""
    monkeypatch.setattr(readiness, "LEAST_FREE", 2**60)
    assert ready(tmp_path)()["disk"].startswith("Only ")
