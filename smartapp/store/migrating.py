"""Brings a database to the current schema, or back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

_ONE_AT_A_TIME = 7_126_250_114  # any number: names the advisory lock


def migrate(engine: Engine) -> None:
    """All of it or nothing; does nothing where the schema is current already. Several processes may call it at once."""
    with _migrating(engine) as config:
        command.upgrade(config, "head")


def roll_back(engine: Engine, to: str) -> None:
    """Back to an earlier revision ("base": to none), with the loss of what only later ones can hold."""
    with _migrating(engine) as config:
        command.downgrade(config, to)


@contextmanager
def _migrating(engine: Engine) -> Iterator[Config]:
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # on SQLite, BEGIN IMMEDIATE lets in one at a time
            connection.execute(text("SET LOCAL lock_timeout = 0"))  # others may be at it for long
            connection.execute(text("SELECT pg_advisory_xact_lock(:name)"), {"name": _ONE_AT_A_TIME})
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        yield config
