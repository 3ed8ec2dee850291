"""Lets go of what was read of a chart once nobody has worked on its review for long enough."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Engine, Select, and_, delete, exists, func, null, select, update

from smartapp.audit import AuditLog, Entry, Kind
from smartapp.reviews import ReviewStatus
from smartapp.store.query_store import QueryRow
from smartapp.store.tables import LookRow, ReviewRow
from smartapp.store.worklist_store import PendingRow

# Those that are signed and not all written still need their chart.
_OPEN: Final = [s.value for s in (ReviewStatus.READING, ReviewStatus.CODING, ReviewStatus.READY, ReviewStatus.FAILED)]
_FORGETTABLE: Final = [ReviewStatus.WRITTEN.value, *_OPEN]


def count_old(engine: Engine, before: datetime) -> int:
    """How many charts `forget_charts` would let go."""
    with engine.connect() as connection:
        return connection.execute(_charts(before)).scalar_one()


@dataclass(frozen=True, slots=True)
class Rule:
    """Why charts are let go: after how many days, by which setting or option, in whose name."""

    days: int
    by: str
    account: str


def forget_charts(audit: AuditLog, before: datetime, rule: Rule) -> int:
    """Removes chart, prediction, queries and the note why it waits of every review that nobody changed since; gives
    the number of charts.

    Decisions, attestation, receipt and the audit log stay. A review that was never signed is read anew when somebody
    opens it. The log tells how many went and why, in the same transaction, and also that none did.
    """
    with audit.recording() as recording:
        connection = recording.session.connection()
        old = select(ReviewRow.id).where(_is_old(before))
        connection.execute(old.with_for_update()).all()  # nobody changes one of them between the statements
        gone = {
            row: connection.execute(delete(row).where(row.review_id.in_(old))).rowcount
            for row in (LookRow, PendingRow, QueryRow)
        }
        number = connection.execute(_charts(before)).scalar_one()
        begun_anew = {"status": ReviewStatus.READING.value, "stage": "", "model_revision": None}
        unsigned = and_(_is_old(before), ReviewRow.status.in_(_OPEN))
        connection.execute(update(ReviewRow).where(unsigned).values(**begun_anew, code_set_edition=None))
        emptied = {"chart": null(), "prediction": null(), "failure": null(), "claim": None, "heartbeat": None}
        connection.execute(update(ReviewRow).where(_is_old(before)).values(**emptied))
        told = {"charts": number, "queries": gone[QueryRow], "notes_why_it_waits": gone[PendingRow]}
        since = {"not_changed_since": before.isoformat(timespec="seconds")}
        recording.tell(Entry(Kind.PURGE, told | since | asdict(rule)))
        return number


def _charts(before: datetime) -> Select[int]:
    return select(func.count()).select_from(ReviewRow).where(_is_old(before), ReviewRow.chart.is_not(None))


def _is_old(before: datetime) -> ColumnElement[bool]:
    """Whoever holds a review, or a query of it, still works on it."""
    asked = exists().where(QueryRow.review_id == ReviewRow.id, QueryRow.changed_at >= before)
    waits = exists().where(PendingRow.review_id == ReviewRow.id, PendingRow.at >= before)
    held = and_(ReviewRow.claim.is_not(None), ReviewRow.heartbeat >= before)  # by one that lives
    idle = and_(~held, ~asked, ~waits)
    return and_(ReviewRow.status.in_(_FORGETTABLE), ReviewRow.changed_at < before, idle)
