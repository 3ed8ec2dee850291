"""Who opened which encounter in which launch and role, and why it waits; the worklist is made of that."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Engine, ForeignKey, String, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from smartapp.audit import AuditLog, Entry, Kind
from smartapp.errors import UnknownReview
from smartapp.queries import QueryState
from smartapp.reviews import ChartHeader, Reviewer, ReviewKey, ReviewStatus
from smartapp.store.columns import Instant, Sealed
from smartapp.store.database import READS_ONLY
from smartapp.store.query_store import QueryRow
from smartapp.store.tables import Base, CorrectionRow, LookRow, OutboxRow, ReviewRow
from smartapp.worklists import (
    CHOICE_WANTED,
    NOT_WHOLE,
    PENDING_REASONS,
    QUERY_PENDING,
    Listing,
    Order,
    Pending,
    Row,
    Standing,
    Wanted,
)

PAGE: Final = 50  # encounters on one page
MOST: Final = 1000  # in one file
RECENT: Final = timedelta(hours=24)
_UNSIGNED: Final = [
    s.value for s in (ReviewStatus.READING, ReviewStatus.CODING, ReviewStatus.READY, ReviewStatus.FAILED)
]
_NOT_WHOLE: Final = [s.value for s in (ReviewStatus.SIGNED, ReviewStatus.PARTLY_WRITTEN, ReviewStatus.REFUSED)]


class OpeningRow(Base):
    """A person opened the encounter in one launch."""

    __tablename__ = "opening"

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), primary_key=True)
    launch: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of the launch key
    fhir_user: Mapped[str] = mapped_column(String(200), index=True)
    tenant: Mapped[str] = mapped_column(String(64))  # SHA-256 of what the EHR calls its part; empty where it has none
    at: Mapped[datetime] = mapped_column(Instant)
    role: Mapped[str | None] = mapped_column(String(16))  # as chosen on the page


class PendingRow(Base):
    """Why a review waits, as a person said."""

    __tablename__ = "pending"

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(Sealed)
    fhir_user: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(Instant)


class WorklistStore:
    """The engine's vault is that of the ReviewStore."""

    def __init__(self, engine: Engine, audit: AuditLog | None = None) -> None:
        self._engine, self._audit = engine, audit or AuditLog(engine)
        self._reading = engine.execution_options(**READS_ONLY)

    def opened(self, key: ReviewKey, tenant: str, by: Reviewer, at: datetime) -> None:
        """Once a launch, whatever the page is asked for again."""
        with Session(self._reading) as session:
            review = _review(session, key)
            if session.get(OpeningRow, (review, by.launch)):
                return
        row = OpeningRow(review_id=review, launch=by.launch, fhir_user=by.fhir_user, tenant=tenant, at=at)
        try:
            with Session(self._engine) as session, session.begin():
                session.add(row)
        except IntegrityError:
            return  # another request of the same launch was faster

    def chosen_role(self, key: ReviewKey, launch: str) -> str | None:
        """As chosen on the page of this launch."""
        chosen = select(OpeningRow.role).join(ReviewRow, ReviewRow.id == OpeningRow.review_id)
        with Session(self._reading) as session:
            return session.scalars(chosen.where(*_is(key), OpeningRow.launch == launch)).one_or_none()

    def choose_role(self, key: ReviewKey, role: str, by: Reviewer) -> None:
        """For this launch, from the next request on."""
        with self._audit.recording() as recording:
            review = _review(recording.session, key)
            mine = (OpeningRow.review_id == review) & (OpeningRow.launch == by.launch)
            recording.session.execute(update(OpeningRow).where(mine).values(role=role))
            recording.tell(Entry(Kind.ROLE, {"role": role}, key, by))

    def pending(self, key: ReviewKey) -> Pending | None:
        with Session(self._reading) as session:
            row = session.get(PendingRow, _review(session, key))
            return Pending(row.reason, row.note, Reviewer(row.fhir_user, row.name), row.at) if row else None

    def set_pending(self, key: ReviewKey, reason: str, note: str, by: Reviewer, at: datetime) -> None:
        """In the place of what was said before. The note stays sealed: the log tells the reason alone."""
        with self._audit.recording() as recording:
            review = _review(recording.session, key, lock=True)
            row = PendingRow(review_id=review, reason=reason, note=note, fhir_user=by.fhir_user, name=by.name, at=at)
            recording.session.merge(row)
            recording.tell(Entry(Kind.PENDING, {"reason": reason}, key, by))

    def end_pending(self, key: ReviewKey, by: Reviewer) -> None:
        with self._audit.recording() as recording:
            row = recording.session.get(PendingRow, _review(recording.session, key, lock=True))
            if row:
                recording.session.delete(row)
                recording.tell(Entry(Kind.PENDING, {"reason": None}, key, by))

    def listing(
        self, iss: str, tenant: str, fhir_user: str | None, wanted: Wanted, now: datetime, size: int = PAGE
    ) -> Listing:
        """Of this EHR and this part of it; of this person's alone, unless None is given."""
        opened = sa.func.max(OpeningRow.at).label("opened")
        standing = _standing().label("standing")
        hers = [OpeningRow.fhir_user == fhir_user] if fhir_user is not None else []
        last = (
            select(OpeningRow.review_id, opened)
            .where(OpeningRow.tenant == tenant, *hers)
            .group_by(OpeningRow.review_id)
            .subquery()
        )
        asked = (
            select(ReviewRow.id, standing, last.c.opened)
            .join(last, last.c.review_id == ReviewRow.id)
            .where(ReviewRow.iss == iss)
        )
        if wanted.standing:
            asked = asked.where(_standing() == wanted.standing.value)
        if wanted.recent:
            asked = asked.where(last.c.opened >= now - RECENT)
        with Session(self._reading) as session:
            total = session.scalar(select(sa.func.count()).select_from(asked.subquery())) or 0
            pages = max(1, -(-total // size))
            page = min(wanted.page, pages)
            by = {  # of what happened in one moment, what is newer counts as later
                Order.RECENT: (last.c.opened.desc(), ReviewRow.id.desc()),
                Order.OLDEST: (last.c.opened, ReviewRow.id),
                Order.CHANGED: (ReviewRow.changed_at.desc(), ReviewRow.id.desc()),
            }
            rows = session.execute(asked.order_by(*by[wanted.order]).offset((page - 1) * size).limit(size)).all()
            shown = _rows(session, rows)
        return Listing(shown, total, pages, Wanted(wanted.standing, wanted.recent, wanted.order, page))

    def tell_seen(self, rows: Iterable[Row], by: Reviewer, page: str) -> None:
        """Each encounter that was shown is a chart that was seen; that none was shown is told, too."""
        seen = [Entry(Kind.VIEWED, {"page": page}, row.key, by) for row in rows]
        self._audit.record(*(seen or [Entry(Kind.VIEWED, {"page": page, "charts": 0}, None, by)]))


def _standing() -> ColumnElement[str]:
    """As SQL, so that one page of a long list is all that is opened."""
    unsigned = ReviewRow.status.in_(_UNSIGNED)
    waits = sa.exists().where(PendingRow.review_id == ReviewRow.id) | sa.exists().where(_unanswered())
    changed = (LookRow.arrived + LookRow.changed + LookRow.gone) > 0
    since = sa.exists().where(LookRow.review_id == ReviewRow.id, changed)
    corrected = sa.exists().where(CorrectionRow.review_id == ReviewRow.id)
    return sa.case(
        (unsigned & corrected, Standing.CORRECTED.value),
        (unsigned & waits, Standing.PENDING.value),
        (unsigned, Standing.OPENED.value),
        (since, Standing.AMENDED.value),
        else_=Standing.SIGNED.value,
    )


def _unanswered() -> ColumnElement[bool]:
    return sa.and_(QueryRow.review_id == ReviewRow.id, QueryRow.state == QueryState.SENT.value)


def _rows(session: Session, found: Iterable[Any]) -> tuple[Row, ...]:
    told = {row.id: row for row in found}
    columns = (
        ReviewRow.id,
        ReviewRow.iss,
        ReviewRow.patient,
        ReviewRow.encounter,
        ReviewRow.status,
        ReviewRow.changed_at,
        ReviewRow.chart,
    )
    reviews = {r.id: r for r in session.execute(select(*columns).where(ReviewRow.id.in_(told)))}
    pending = {p.review_id: p for p in session.scalars(select(PendingRow).where(PendingRow.review_id.in_(told)))}
    asked = select(QueryRow.review_id).where(QueryRow.review_id.in_(told), QueryRow.state == QueryState.SENT.value)
    unanswered = set(session.scalars(asked))
    disputed = set(session.scalars(_disputed().where(OutboxRow.review_id.in_(told))))
    return tuple(_row(row, reviews[id], pending.get(id), id in unanswered, id in disputed) for id, row in told.items())


def _disputed() -> sa.Select[int]:
    """Reviews whose newest signature waits for a choice on the encounter's diagnoses."""
    corrections = select(sa.func.count()).where(CorrectionRow.review_id == OutboxRow.review_id).scalar_subquery()
    return select(OutboxRow.review_id).where(OutboxRow.outcome == "conflict", OutboxRow.number == corrections + 1)


def _row(row: Any, review: Any, pending: PendingRow | None, unanswered: bool, disputed: bool) -> Row:
    header = ChartHeader.from_json(review.chart["header"]) if review.chart else None
    key = ReviewKey(review.iss, review.patient, review.encounter)
    reasons = (
        PENDING_REASONS[pending.reason] if pending else None,
        QUERY_PENDING if unanswered else None,
        CHOICE_WANTED if disputed else NOT_WHOLE if review.status in _NOT_WHOLE else None,
    )
    return Row(
        key,
        Standing(row.standing),
        tuple(filter(None, reasons)),
        row.opened,
        review.changed_at,
        header.patient_name if header else None,
        header.mrn if header else None,
        header.encounter_title if header else None,
        header.date_of_service if header else None,
    )


def _is(key: ReviewKey) -> tuple[ColumnElement[bool], ...]:
    return ReviewRow.iss == key.iss, ReviewRow.patient == key.patient, ReviewRow.encounter == key.encounter


def _review(session: Session, key: ReviewKey, *, lock: bool = False) -> int:
    query = select(ReviewRow.id).where(*_is(key))
    found = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if found is None:
        raise UnknownReview
    return found
