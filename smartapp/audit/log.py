"""The log in the database: events are added in the transaction of what they tell, one writer at a time."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from smartapp.audit.events import BEFORE_THE_FIRST, Entry, Event, Kind, canonical, hash_of, write
from smartapp.reviews import ReviewKey

metadata = sa.MetaData()
# Append-only by triggers, like `checkpoints`. What stands beside the event is there to find it by.
events = sa.Table(
    "audit_event",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("iss", sa.String(500)),
    sa.Column("patient", sa.String(64)),
    sa.Column("encounter", sa.String(64)),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Index("audit_event_of_chart", "iss", "patient", "encounter", "sequence"),
    sa.Index("audit_event_of_kind", "kind", "sequence"),
)
checkpoints = sa.Table(
    "audit_checkpoint",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("peaks", sa.Text, nullable=False),  # of the tree, in hex: the next one goes on from here
)
_ONE_WRITER: Final = 7_126_250_115  # any number: names the advisory lock


class Notary(Protocol):
    """Signs what the log holds (`smartapp.audit.notary`)."""

    def added(self, first: int, last: int, kinds: frozenset[Kind]) -> None: ...


@dataclass(frozen=True, slots=True)
class Recording:
    """A transaction and the events that tell of it: they hold together or not at all."""

    session: Session
    entries: list[Entry] = field(default_factory=list)

    def tell(self, entry: Entry) -> None:
        self.entries.append(entry)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class AuditLog:
    """The one way to add events. Without a notary the log is a chain only, and where it ends nobody can prove."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime] = _utc_now, notary: Notary | None = None) -> None:
        self._engine, self._clock, self._notary = engine, clock, notary

    @contextmanager
    def recording(self) -> Iterator[Recording]:
        """One transaction, which ends with the block; what the block tells of is in the log when it holds."""
        first = last = 0
        with Session(self._engine, expire_on_commit=False) as session, session.begin():  # what was kept is read on
            recording = Recording(session)
            yield recording
            if recording.entries:
                session.flush()
                first, last = append(session.connection(), recording.entries, self._clock())
        if last and self._notary:
            self._notary.added(first, last, frozenset(entry.kind for entry in recording.entries))

    def record(self, *entries: Entry) -> None:
        """What is nowhere else in the database."""
        with self.recording() as recording:
            recording.entries.extend(entries)

    def record_setting(self, name: str, value: Mapping[str, Any]) -> None:
        """What a setting is from now on, unless the log says so already."""
        with self.recording() as recording:
            connection = recording.session.connection()
            lock(connection)
            before, now = _setting(connection, name), json.loads(canonical(value))
            if before != now:
                old = before or {}
                changed = sorted(part for part in old.keys() | now.keys() if old.get(part) != now.get(part))
                recording.tell(Entry(Kind.SETTING, {"name": name, "value": now, "changed": changed}))

    def setting(self, name: str) -> Mapping[str, Any] | None:
        """What the setting is, as the log tells it; None where it tells nothing."""
        with self._engine.connect() as connection:
            return _setting(connection, name)


def append(connection: Connection, entries: Sequence[Entry], at: datetime) -> tuple[int, int]:
    """Adds the events as the last thing of a transaction, so that others wait as little as can be; first and last."""
    lock(connection)
    newest = sa.select(events.c.sequence, events.c.hash).order_by(events.c.sequence.desc()).limit(1)
    last = connection.execute(newest).one_or_none()
    sequence, previous = (last.sequence, last.hash) if last else (0, BEFORE_THE_FIRST)
    rows = []
    for number, entry in enumerate(entries, sequence + 1):
        text = write(entry, number, at, previous)
        previous = hash_of(text)
        rows.append(
            {"sequence": number, "kind": entry.kind.value, **of_chart(entry.key), "event": text, "hash": previous}
        )
    connection.execute(sa.insert(events), rows)
    return sequence + 1, sequence + len(rows)


def lock(connection: Connection) -> None:
    """One writer at a time until the transaction ends. On SQLite BEGIN IMMEDIATE has seen to that."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:name)"), {"name": _ONE_WRITER})


def of_chart(key: ReviewKey | None) -> dict[str, str | None]:
    """The columns by which the events of a chart are found."""
    return {
        "iss": key.iss if key else None,
        "patient": key.patient if key else None,
        "encounter": key.encounter if key else None,
    }


def _setting(connection: Connection, name: str) -> Mapping[str, Any] | None:
    told = sa.select(events.c.event).where(events.c.kind == Kind.SETTING.value).order_by(events.c.sequence.desc())
    for text in connection.execute(told).scalars():
        event = Event.from_text(text)
        if event.what["name"] == name:
            return dict(event.what["value"])
    return None
