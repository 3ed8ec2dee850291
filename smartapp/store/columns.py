"""Column types that SQLite and PostgreSQL share: instants in UTC, and JSON that only the vault can read."""

import json
from datetime import UTC, datetime
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import DateTime, Engine, LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from launch.vault import Vault

# A column type never sees its Session; what it does see is the dialect, and each engine has its own.
_vaults: WeakKeyDictionary[Dialect, Vault] = WeakKeyDictionary()


def seal_with(engine: Engine, vault: Vault) -> None:
    """Every Sealed column that goes through the engine is sealed and opened by the vault."""
    _vaults[engine.dialect] = vault


class Sealed(TypeDecorator[Any]):
    """JSON, encrypted and authenticated: unreadable in the file, and a changed byte is noticed (BrokenSeal)."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        return _vaults[dialect].seal(json.dumps(value, separators=(",", ":")).encode("ascii"))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(_vaults[dialect].open(value))


class Instant(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no zone, so it is taken off on the way in and put back on the way out."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs its time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)
