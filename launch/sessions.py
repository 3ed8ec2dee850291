"""Launches under way and sessions, kept on the server: what matters sealed, one row each."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa

from launch.context import LaunchContext
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
    """Where launches and sessions are kept; every method is one short transaction."""

    def put_pending(self, pending: Pending) -> None: ...
    def take_pending(self, state: str) -> Pending | None: ...  # whoever takes it first has it alone
    def put(self, session: Session) -> None: ...
    def get(self, key: str) -> Session | None: ...
    def touch(self, key: str, at: datetime) -> None: ...
    def put_tokens(self, key: str, tokens: Tokens) -> None: ...
    def claim_refresh(self, key: str, now: datetime, until: datetime) -> bool: ...  # for one caller at a time
    def release_refresh(self, key: str) -> None: ...
    def remove(self, key: str) -> None: ...


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
        self._engine, self._vault = engine, vault

    def put_pending(self, pending: Pending) -> None:
        created = _seconds(pending.created_at)
        sealed = self._seal(asdict(pending) | {"created_at": created})
        with self._engine.begin() as db:
            db.execute(sa.delete(_states).where(_states.c.created_at < created - STATE_LIFE.total_seconds()))
            db.execute(sa.insert(_states).values(state=pending.state, sealed=sealed, created_at=created))

    def take_pending(self, state: str) -> Pending | None:
        with self._engine.begin() as db:
            taken = db.execute(sa.delete(_states).where(_states.c.state == state).returning(_states.c.sealed)).scalar()
        value = self._open(taken)
        return Pending(**{**value, "created_at": _time(value["created_at"])}) if value else None

    def put(self, session: Session) -> None:
        created = _seconds(session.created_at)
        sealed = self._seal({"key": session.key, "browser": session.browser, "context": session.context.to_json()})
        with self._engine.begin() as db:
            db.execute(sa.delete(_sessions).where(_sessions.c.created_at < created - SESSION_LIFE.total_seconds()))
            db.execute(
                sa.insert(_sessions).values(
                    key=session.key,
                    sealed=sealed,
                    sealed_tokens=self._seal_tokens(session.tokens),
                    created_at=created,
                    seen_at=_seconds(session.seen_at),
                )
            )

    def get(self, key: str) -> Session | None:
        with self._engine.connect() as db:
            row = db.execute(sa.select(_sessions).where(_sessions.c.key == key)).one_or_none()
        value = row and self._open(row.sealed)
        tokens = row and self._open(row.sealed_tokens)
        if not row or not value or not tokens or value["key"] != key:  # a row's seal is worth nothing on another row
            return None
        return Session(
            key,
            value["browser"],
            LaunchContext.from_json(value["context"]),
            Tokens(tokens["access_token"], tokens["refresh_token"], _time(tokens["expires_at"])),
            _time(row.created_at),
            _time(row.seen_at),
        )

    def touch(self, key: str, at: datetime) -> None:
        self._update(key, seen_at=_seconds(at))

    def put_tokens(self, key: str, tokens: Tokens) -> None:
        self._update(key, sealed_tokens=self._seal_tokens(tokens))

    def claim_refresh(self, key: str, now: datetime, until: datetime) -> bool:
        free = sa.and_(_sessions.c.key == key, _sessions.c.refresh_until <= _seconds(now))
        with self._engine.begin() as db:
            claimed = db.execute(sa.update(_sessions).where(free).values(refresh_until=_seconds(until)))
        return claimed.rowcount == 1

    def release_refresh(self, key: str) -> None:
        self._update(key, refresh_until=0)

    def remove(self, key: str) -> None:
        with self._engine.begin() as db:
            db.execute(sa.delete(_sessions).where(_sessions.c.key == key))

    def _update(self, key: str, **values: Any) -> None:
        with self._engine.begin() as db:
            db.execute(sa.update(_sessions).where(_sessions.c.key == key).values(**values))

    def _seal_tokens(self, tokens: Tokens) -> bytes:
        return self._seal(asdict(tokens) | {"expires_at": _seconds(tokens.expires_at)})

    def _seal(self, value: dict[str, Any]) -> bytes:
        return self._vault.seal(json.dumps(value).encode())

    def _open(self, sealed: bytes | None) -> dict[str, Any] | None:
        """None too for what an earlier key sealed: the session is over then."""
        try:
            value = json.loads(self._vault.open(sealed)) if sealed else None
        except BrokenSeal:
            return None
        return value if isinstance(value, dict) else None


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
