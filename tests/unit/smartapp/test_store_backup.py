"""The database in one file and back again, on every kind of database."""

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import pytest
from coding_bench import ANA, KEY
from databases import connect_migrated
from sample_chart import key
from sqlalchemy import Engine, text

from launch.vault import Vault
from smartapp.reviews import Action
from smartapp.store import ReviewStore, connect, migrate
from smartapp.store.backup import BackupFailed, backup, restore

AT = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
HERE = key("https://ehr.example/fhir")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = connect_migrated(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine: Engine) -> ReviewStore:
    store = ReviewStore(engine, Vault([KEY]))
    store.create(HERE, AT)
    return store


def decide(store: ReviewStore, code: str) -> None:
    with store.change(HERE, AT) as draft:
        draft.add_decision(Action.ADD, code, "Title", "in my own words", ANA, AT)


def empty(engine: Engine, folder: Path) -> Engine:
    """An empty database of the same kind; the old one of PostgreSQL is lost."""
    if engine.dialect.name == "sqlite":
        return connect(f"sqlite:///{folder / 'new' / 'chartside.db'}")
    with engine.begin() as connection:
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    return engine


def test_there_and_back(engine: Engine, store: ReviewStore, tmp_path: Path) -> None:
    """Everything is as it was, sealed and append-only; the file is its owner's; then work goes on."""
    decide(store, "I10")
    before, file = store.review(HERE), tmp_path / "backup"
    backup(engine, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"in my own words" not in file.read_bytes()
    other = empty(engine, tmp_path)
    restore(other, file)
    migrate(other)
    restored = ReviewStore(other, Vault([KEY]))
    assert restored.review(HERE) == before
    decide(restored, "E11.9")
    assert [d.code for d in restored.review(HERE).decisions] == ["I10", "E11.9"]
    with pytest.raises(Exception, match="append-only"), other.begin() as connection:
        connection.execute(text("DELETE FROM decision"))
    other.dispose()


def test_while_others_write(engine: Engine, store: ReviewStore, tmp_path: Path) -> None:
    """A backup is one moment between two changes, never the half of one."""
    done, begun = Event(), Event()

    def write() -> None:
        while not done.is_set():
            decide(store, "I10")
            begun.set()

    writer = Thread(target=write)
    writer.start()
    assert begun.wait(20)
    for number in range(3):
        backup(engine, tmp_path / f"backup-{number}")
    done.set()
    writer.join()
    last = store.review(HERE)
    other = empty(engine, tmp_path)
    restore(other, tmp_path / "backup-2")
    found = ReviewStore(other, Vault([KEY])).review(HERE)
    assert found.version == 1 + len(found.decisions)
    assert found.decisions == last.decisions[: len(found.decisions)] != ()
    other.dispose()


def test_nothing_is_replaced(engine: Engine, store: ReviewStore, tmp_path: Path) -> None:
    """Neither a file by a backup, nor a database that holds something by what is restored."""
    file = tmp_path / "backup"
    backup(engine, file)
    with pytest.raises(BackupFailed, match="exists already"):
        backup(engine, file)
    with pytest.raises(BackupFailed, match="not empty"):
        restore(engine, file)
    with pytest.raises(BackupFailed, match="no folder"):
        backup(engine, tmp_path / "nowhere" / "backup")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("backup")] == ["backup"]


def test_what_is_no_backup_is_refused(engine: Engine, tmp_path: Path) -> None:
    """And leaves the database empty."""
    other, file = empty(engine, tmp_path), tmp_path / "backup"
    with pytest.raises(BackupFailed, match="no file"):
        restore(other, file)
    file.write_bytes(b"\0" * 4096)
    with pytest.raises(BackupFailed):
        restore(other, file)
    with pytest.raises(BackupFailed, match="empty"):
        backup(other, tmp_path / "another")
    assert not (tmp_path / "another").exists()
    other.dispose()


def test_a_damaged_file_of_sqlite(sqlite_url: str, tmp_path: Path) -> None:
    """Damage is found before anything is restored, and so is a database of others."""
    engine, file = connect(sqlite_url), tmp_path / "backup"
    migrate(engine)
    backup(engine, file)
    whole = file.read_bytes()
    other = connect(f"sqlite:///{tmp_path / 'other.db'}")
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BackupFailed, match="damaged"):
        restore(other, file)
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE pets (name TEXT)"))
    third = connect(f"sqlite:///{tmp_path / 'third.db'}")
    with pytest.raises(BackupFailed, match="not one of Chartside"):
        restore(third, tmp_path / "other.db")
    for each in (engine, other, third):
        each.dispose()


def test_without_the_programs_of_postgresql(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says what to install."""
    engine = connect(postgresql_url)
    migrate(engine)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupFailed, match="postgresql-client"):
        backup(engine, tmp_path / "backup")
    engine.dispose()
