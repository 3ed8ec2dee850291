"""Databases with the current schema, made once for all tests where the kind of database lets itself be copied."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, make_url

from smartapp.store import connect, migrate


@cache
def empty_database() -> bytes:
    """A file of SQLite, migrated once for all tests."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        engine = connect(f"sqlite:///{path}")
        migrate(engine)
        engine.dispose()  # the last to leave brings the log into the file
        return path.read_bytes()


def connect_migrated(url: str) -> Engine:
    """Connected to the database, which has the current schema; what it holds stays."""
    where = make_url(url)
    if where.get_backend_name() == "sqlite" and where.database and not Path(where.database).exists():
        Path(where.database).write_bytes(empty_database())
        return connect(url)
    engine = connect(url)
    migrate(engine)
    return engine
