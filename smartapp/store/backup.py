"""A copy of the whole database in one file, and the way back into an empty one.

What is sealed stays sealed: the file is worth nothing without the application's secret keys, which are kept apart.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, inspect, text

MARK = "alembic_version"  # the table that every database of ours has


class BackupFailed(Exception):
    """Says what is wrong and how to mend it."""


def backup(engine: Engine, file: Path) -> None:
    """One moment of the database, while others go on writing. Raises BackupFailed; then there is no file."""
    if file.exists():
        raise BackupFailed(f"{file} exists already; name another file")
    if not file.resolve().parent.is_dir():
        raise BackupFailed(f"there is no folder for {file}")
    if MARK not in inspect(engine).get_table_names():
        raise BackupFailed("the database is empty; there is nothing to back up")
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        if engine.dialect.name == "sqlite":
            _copy(_file_of(engine), unfinished)
        else:
            _dump(engine, unfinished)
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.rename(file)
    except OSError as error:
        raise BackupFailed(f"{file}: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def restore(engine: Engine, file: Path) -> None:
    """Fills an empty database; never replaces anything. Raises BackupFailed; then the database is as it was."""
    if not file.is_file():
        raise BackupFailed(f"there is no file {file}")
    if inspect(engine).get_table_names():
        raise BackupFailed(
            "the database is not empty; stop Chartside, move the old database away or name another one in "
            "CHARTSIDE_DATABASE_URL, and say it again"
        )
    if engine.dialect.name == "sqlite":
        _check(file)
        engine.dispose()
        _copy(file, _file_of(engine))
    else:
        words = ["--no-password", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
        _call("pg_restore", engine, [*words, f"--schema={_schema(engine)}", str(file)])


def _copy(source: Path, target: Path) -> None:
    """SQLite's online backup, all pages in one step: a reader of the log sees one moment of it."""
    try:
        with closing(sqlite3.connect(source)) as before, closing(sqlite3.connect(target)) as after:
            before.backup(after)
            _say_sound(after)
    except sqlite3.Error as error:
        raise BackupFailed(f"SQLite: {error}") from None


def _check(file: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            _say_sound(connection)
            ours = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [MARK]).fetchone()
    except sqlite3.Error:
        raise BackupFailed(f"{file} is no backup of a SQLite database, or it is damaged") from None
    if not ours:
        raise BackupFailed(f"{file} is a database, but not one of Chartside")


def _say_sound(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("the copy is damaged")


def _file_of(engine: Engine) -> Path:
    return Path(str(engine.url.database))


def _dump(engine: Engine, file: Path) -> None:
    _call("pg_dump", engine, ["--no-password", "--format=custom", f"--schema={_schema(engine)}", f"--file={file}"])


def _schema(engine: Engine) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text("SELECT current_schema()")).scalar_one())


def _call(program: str, engine: Engine, words: Sequence[str]) -> None:
    """A program of PostgreSQL; the password goes by the environment, as everybody can read a command line."""
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(
            f"{program} is not installed here; install the client programs of PostgreSQL "
            "(Debian: apt install postgresql-client), or back up with the hospital's own means"
        )
    url = engine.url
    where = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    asked = {f"PG{name.upper()}": value for name, value in url.query.items() if name.startswith("ssl")}
    environ = os.environ | {name: str(value) for name, value in (where | asked).items() if value}
    answer = subprocess.run(  # noqa: S603 - a program of PostgreSQL with words of our own
        [found, f"--dbname={url.database}", *words], env=environ, capture_output=True, text=True
    )
    if answer.returncode:
        said = answer.stderr.strip().splitlines()
        raise BackupFailed(said[0] if said else f"{program} failed")
