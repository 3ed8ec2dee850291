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
from smartapp.assembly import sign_in_time
from smartapp.attending import Queue
from smartapp.audit import AuditLog, Entry, Kind
from smartapp.audit.checkpoint import AuditKeys
from smartapp.audit.notary import CheckpointFile, SigningNotary
from smartapp.inference import PredictorClient
from smartapp.queueing import ChartQueue
from smartapp.readiness import Readiness
from smartapp.store import connect, migrate

VAULT = Vault([KEY])


def ready(
    folder: Path, database: str | None = None, sessions: SessionStore | None = None, queue: Queue | None = None
) -> Readiness:
    here = connect(f"sqlite:///{folder / 'chartside.db'}")
    migrate(here)
    launcher = Launcher(
        TrustedEHRs([]), sessions or SQLSessionStore(here, VAULT), "https://codes.example", clock=Clock(),
        idle=timedelta(minutes=15),
    )  # fmt: skip
    predictor, clock = PredictorClient(folder / "none.sock", [KEY], timeout=0.2), Clock()
    keys, file = AuditKeys.load_or_make(folder / "key.pem"), CheckpointFile(folder / "checkpoints.jsonl")
    notary = SigningNotary(here, keys, file, "codes.example/audit", clock)
    return Readiness(connect(database) if database else here, launcher, predictor, folder, notary, queue, clock)


def test_what_is_there_is_ok(tmp_path: Path) -> None:
    """Only the predictor is missing here, and says so."""
    found = ready(tmp_path)
    assert found() == {
        "database": "ok",
        "sessions": "ok",
        "predictor": "The predictor is not running.",
        "disk": "ok",
        "audit": "ok",
    }
    assert (found.waiting(), found.queued()) == (None, None)


def test_a_server_that_is_away(tmp_path: Path) -> None:
    """Neither address nor password of database and Redis is told."""
    away = RedisSessionStore("redis://:a-password@127.0.0.1:9", VAULT)
    queue = ChartQueue("redis://:a-password@127.0.0.1:9")
    found = ready(tmp_path, "postgresql+psycopg://chartside:a-password@127.0.0.1:9/chartside", away, queue)
    told = found()
    assert told["queue"] == "The broker of the queue does not answer."
    assert found.queued() is None
    assert told["database"] == "failed (OperationalError)"
    assert told["sessions"] == "failed (SessionsUnavailable)"
    assert "127.0.0.1" not in str(told)
    assert "a-password" not in str(told)


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told before the database is refused."""
    monkeypatch.setattr(readiness, "LEAST_FREE", 2**60)
    assert ready(tmp_path)()["disk"].startswith("Only ")


def test_an_audit_log_that_nobody_signs(tmp_path: Path) -> None:
    """What is told and not signed a quarter of an hour later says so; the next checkpoint mends it."""
    found = ready(tmp_path)
    engine, clock = connect(f"sqlite:///{tmp_path / 'chartside.db'}"), Clock()
    clock.forward(-20 * 60)
    AuditLog(engine, clock).record(Entry(Kind.VIEWED, {"page": "review"}))
    assert found()["audit"] == "What the audit log holds for 20 minutes is not signed yet."
    keys, file = AuditKeys.load(tmp_path / "key.pem"), CheckpointFile(tmp_path / "checkpoints.jsonl")
    sign_in_time(SigningNotary(engine, keys, file, "codes.example/audit", Clock()))
    assert found()["audit"] == "ok"


def test_an_event_of_just_now_can_wait(tmp_path: Path) -> None:
    """Upkeep signs after some minutes, not after each event."""
    engine = connect(f"sqlite:///{tmp_path / 'chartside.db'}")
    migrate(engine)
    AuditLog(engine, Clock()).record(Entry(Kind.VIEWED, {"page": "review"}))
    notary = SigningNotary(
        engine, AuditKeys.load_or_make(tmp_path / "k"), CheckpointFile(tmp_path / "c"), "x/a", Clock()
    )
    sign_in_time(notary)
    assert notary.unsigned_since() is not None
