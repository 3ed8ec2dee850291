"""Finds events: of a chart, of a code, of a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from smartapp.audit.events import Event, Kind
from smartapp.audit.log import checkpoints, events, of_chart
from smartapp.audit.story import is_of_code
from smartapp.audit.verify import Row, reading, stored
from smartapp.reviews import ReviewKey

CHARTS = 50  # the latest that are listed


@dataclass(frozen=True, slots=True)
class Listed:
    """A chart with events, by reference, and the last of them."""

    key: ReviewKey
    last: int
    at: datetime | None  # of that event; None where its text is no event any more


def latest_charts(connection: Connection, encounter: str = "", patient: str = "") -> tuple[Listed, ...]:
    """Of that encounter or that patient, where ids are given."""
    names = (events.c.iss, events.c.patient, events.c.encounter)
    last = sa.func.max(events.c.sequence)
    found = sa.select(*names, last.label("last")).where(events.c.encounter.is_not(None)).group_by(*names)
    for column, wanted in ((events.c.encounter, encounter), (events.c.patient, patient)):
        if wanted:
            found = found.where(column == wanted.rpartition("/")[2])
    rows = connection.execute(found.order_by(last.desc()).limit(CHARTS)).all()
    texts = sa.select(events.c.sequence, events.c.event).where(events.c.sequence.in_([r.last for r in rows]))
    told = {row.sequence: _told_at(row.event) for row in connection.execute(texts)}
    return tuple(Listed(ReviewKey(r.iss, r.patient, r.encounter), r.last, told[r.last]) for r in rows)


def _told_at(text: str) -> datetime | None:
    try:
        return Event.from_text(text).at
    except (ValueError, KeyError, TypeError):  # somebody changed it, which the chart's own page says
        return None


def chart_of(connection: Connection, sequence: int) -> ReviewKey | None:
    """Whose chart the event is of."""
    found = sa.select(events.c.iss, events.c.patient, events.c.encounter).where(events.c.sequence == sequence)
    row = connection.execute(found).one_or_none()
    return ReviewKey(*row) if row and row.encounter else None


def rows_of_chart(connection: Connection, key: ReviewKey) -> tuple[Row, ...]:
    mine = (events.c[name] == value for name, value in of_chart(key).items())
    found = sa.select(*(events.c[name] for name in Row._fields)).where(*mine).order_by(events.c.sequence)
    return tuple(Row._make(row) for row in connection.execute(found))


def signed_up_to(connection: Connection) -> int:
    """The last event under a checkpoint."""
    return connection.execute(sa.select(sa.func.max(checkpoints.c.size))).scalar() or 0


def events_of_code(engine: Engine, code: str, encounter: str) -> tuple[int, ...]:
    """The numbers of the events that tell of this code in the encounter: what was suggested, decided, written."""
    with reading(engine) as connection:
        charts = latest_charts(connection, encounter=encounter)
        told = [Event.from_text(row.event) for chart in charts for row in rows_of_chart(connection, chart.key)]
    return tuple(sorted(event.sequence for event in told if _tells_of(event, code)))


def _tells_of(event: Event, code: str) -> bool:
    what = event.what
    if event.kind == "write":
        return is_of_code(what, code)
    return code in (what.get("code"), what.get("instead_of")) or (event.kind == "attestation" and code in what["codes"])


def restores(engine: Engine) -> tuple[Event, ...]:
    """When the log went on from a backup."""
    found = sa.select(events.c.event).where(events.c.kind == Kind.RESTORE.value).order_by(events.c.sequence)
    with engine.connect() as connection:
        return tuple(map(Event.from_text, connection.execute(found).scalars()))


def between(engine: Engine, since: datetime | None, until: datetime | None) -> Iterator[tuple[Event, str]]:
    """Events from the first moment up to, not including, the second; each with its text."""
    with reading(engine) as connection:
        for row in stored(connection):
            event = Event.from_text(row.event)
            if (since is None or event.at >= since) and (until is None or event.at < until):
                yield event, row.event
