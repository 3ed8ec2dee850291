"""Launches under way and sessions, kept on the server with what matters sealed: here in SQL, in Redis beside it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa

from launch.context import LaunchContext
from launch.errors import SessionsUnavailable
from launch.vault import BrokenSeal, Vault

STATE_LIFE = timedelta(minutes=10)
SESSION_LIFE = timedelta(hours=12)  # however busy
IDLE = timedelta(minutes=15)  # without a request; 5 to 60 minutes are sensible


@dataclass(frozen=True, slots=True)
class Pending:
    """A launch between our redirect to the EHR and its answer."""

    state: str = field(repr=False)
    browser: str = field(repr=False)
    iss: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    created_at: datetime
    scope: str = ""  # as asked: an answer that says nothing of it grants that
    standalone: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the EHR gave us; stays on the server."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One launch: one chart, one user, one browser. Pages carry its key in their path."""

    key: str
    browser: str = field(repr=False)
    context: LaunchContext = field(repr=False)
    tokens: Tokens
    created_at: datetime
    seen_at: datetime


class SessionStore(Protocol):
    """Where launches and sessions are kept; every method is one short transaction. Raises SessionsUnavailable."""

    def put_pending(self, pending: Pending) -> None: ...
    def take_pending(self, state: str) -> Pending | None: ...  # whoever takes it first has it alone
    def put(self, session: Session) -> None: ...
    def get(self, key: str) -> Session | None: ...
    def every(self) -> list[Session]: ...  # for an administrator; those of lost keys are left out
    def touch(self, key: str, at: datetime) -> None: ...
    def put_tokens(self, key: str, tokens: Tokens) -> None: ...
    def claim_refresh(self, key: str, now: datetime, until: datetime) -> bool: ...  # for one caller at a time
    def release_refresh(self, key: str) -> None: ...
    def remove(self, key: str) -> None: ...


class Seals:
    """Launches and sessions as both stores keep them: sealed, and worth nothing under another key than their own."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def pending(self, pending: Pending) -> bytes:
        return self._seal(asdict(pending) | {"created_at": to_seconds(pending.created_at)})

    def open_pending(self, state: str, sealed: bytes | None) -> Pending | None:
        value = self._open(sealed, "state", state)
        return Pending(**{**value, "created_at": _time(value["created_at"])}) if value else None

    def session(self, session: Session) -> bytes:
        return self._seal({"key": session.key, "browser": session.browser, "context": session.context.to_json()})

    def tokens(self, key: str, tokens: Tokens) -> bytes:
        return self._seal(asdict(tokens) | {"key": key, "expires_at": to_seconds(tokens.expires_at)})

    def open_session(self, key: str, sealed: bytes, tokens: bytes, created_at: int, seen_at: int) -> Session | None:
        value, given = self._open(sealed, "key", key), self._open(tokens, "key", key)
        if not value or not given:
            return None
        return Session(
            key,
            value["browser"],
            LaunchContext.from_json(value["context"]),
            Tokens(given["access_token"], given["refresh_token"], _time(given["expires_at"])),
            _time(created_at),
            _time(seen_at),
        )

    def _seal(self, value: dict[str, Any]) -> bytes:
        return self._vault.seal(json.dumps(value).encode())

    def _open(self, sealed: bytes | None, name: str, expected: str) -> dict[str, Any] | None:
        """None too for what a key we no longer have sealed, and for what was moved here: the session is over then."""
        try:
            value = json.loads(self._vault.open(sealed)) if sealed else None
        except BrokenSeal:
            return None
        return value if isinstance(value, dict) and value.get(name) == expected else None


metadata = sa.MetaData()
_states = sa.Table(
    "launch_state",
    metadata,
    sa.Column("state", sa.String(64), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False, index=True),
)
_sessions = sa.Table(
    "launch_session",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("sealed_tokens", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False, index=True),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("refresh_until", sa.BigInteger, nullable=False, default=0),  # a refresh is under way until then
)


class SQLSessionStore:
    """SessionStore in SQL, shared by every process of the application; times in seconds since 1970."""

    def __init__(self, engine: sa.Engine, vault: Vault) -> None:
        self._engine, self._seals = engine, Seals(vault)
        self._reading = engine.execution_options(reads_only=True)  # every request reads: it waits for no writer

    def put_pending(self, pending: Pending) -> None:
        created, sealed = to_seconds(pending.created_at), self._seals.pending(pending)
        with self._transaction() as db:
            db.execute(sa.delete(_states).where(_states.c.created_at < created - STATE_LIFE.total_seconds()))
            db.execute(sa.insert(_states).values(state=pending.state, sealed=sealed, created_at=created))

    def take_pending(self, state: str) -> Pending | None:
        with self._transaction() as db:
            taken = db.execute(sa.delete(_states).where(_states.c.state == state).returning(_states.c.sealed)).scalar()
        return self._seals.open_pending(state, taken)

    def put(self, session: Session) -> None:
        created = to_seconds(session.created_at)
        with self._transaction() as db:
            db.execute(sa.delete(_sessions).where(_sessions.c.created_at < created - SESSION_LIFE.total_seconds()))
            db.execute(
                sa.insert(_sessions).values(
                    key=session.key,
                    sealed=self._seals.session(session),
                    sealed_tokens=self._seals.tokens(session.key, session.tokens),
                    created_at=created,
                    seen_at=to_seconds(session.seen_at),
                )
            )

    def get(self, key: str) -> Session | None:
        found = self._read(sa.select(_sessions).where(_sessions.c.key == key))
        return found[0] if found else None

    def every(self) -> list[Session]:
        return self._read(sa.select(_sessions).order_by(_sessions.c.created_at, _sessions.c.key))

    def touch(self, key: str, at: datetime) -> None:
        self._update(key, seen_at=to_seconds(at))

    def put_tokens(self, key: str, tokens: Tokens) -> None:
        self._update(key, sealed_tokens=self._seals.tokens(key, tokens))

    def claim_refresh(self, key: str, now: datetime, until: datetime) -> bool:
        free = sa.and_(_sessions.c.key == key, _sessions.c.refresh_until <= to_seconds(now))
        with self._transaction() as db:
            claimed = db.execute(sa.update(_sessions).where(free).values(refresh_until=to_seconds(until)))
        return claimed.rowcount == 1

    def release_refresh(self, key: str) -> None:
        self._update(key, refresh_until=0)

    def remove(self, key: str) -> None:
        with self._transaction() as db:
            db.execute(sa.delete(_sessions).where(_sessions.c.key == key))

    @contextmanager
    def _transaction(self, engine: sa.Engine | None = None) -> Iterator[sa.Connection]:
        try:
            with (engine or self._engine).begin() as db:
                yield db
        except (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError) as error:
            # The database is away, full or locked, or all connections to it are taken.
            raise SessionsUnavailable(type(error).__name__) from None

    def _read(self, rows: sa.Select[Any]) -> list[Session]:
        with self._transaction(self._reading) as db:
            kept = db.execute(rows).all()
        opened = (
            self._seals.open_session(row.key, row.sealed, row.sealed_tokens, row.created_at, row.seen_at)
            for row in kept
        )
        return [session for session in opened if session]

    def _update(self, key: str, **values: Any) -> None:
        with self._transaction() as db:
            db.execute(sa.update(_sessions).where(_sessions.c.key == key).values(**values))


def to_seconds(at: datetime) -> int:
    return int(at.timestamp())


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
