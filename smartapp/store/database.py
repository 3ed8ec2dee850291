"""Connecting to the database, SQLite or PostgreSQL, so that nothing confirmed is lost."""

import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

BUSY_TIMEOUT_MS = 15_000
# For a server of PostgreSQL: seconds to be reached; then, where its host or the way to it has gone without a word, the
# connection is given up after half a minute (libpq, 34.1.2).
PATIENCE = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
# A process that is frozen inside a transaction must not keep all others waiting; milliseconds, for the server to watch.
LIMITS = "-c lock_timeout=15000 -c idle_in_transaction_session_timeout=60000"
_PAUSE = 0.02  # seconds between tries
READS_ONLY = {"reads_only": True}  # execution option of an engine whose transactions change nothing


def connect(database_url: str) -> Engine:
    """An engine whose errors do not quote what was to be stored; a file of SQLite is made for its owner only."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite":
        options = f"{LIMITS} {url.query.get('options', '')}"  # what the URL says comes last, and holds
        arguments = PATIENCE | {"options": options}
        return create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=arguments)
    if url.database and url.database != ":memory:":
        path = Path(url.database)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
    engine = create_engine(url, hide_parameters=True)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin by itself, too late and deferred
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _keep_a_log(connection)
    for pragma in (
        "synchronous=FULL",  # a confirmed decision survives a power cut
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _keep_a_log(connection: Any) -> None:
    """The first process turns a new file to WAL; others that open it meanwhile are refused at once, time-out or not."""
    give_up = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(_PAUSE)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    """IMMEDIATE: a transaction that first reads and then writes gets SQLITE_BUSY at once, whatever the time-out."""
    reads_only = connection.get_execution_options().get("reads_only", False)
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
