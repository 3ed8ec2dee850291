"""Queries to the physician in the database: one row each, found only within its own review."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Engine, ForeignKey, Select, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from smartapp.audit import AuditLog, Entry, Kind
from smartapp.audit.events import canonical, hash_of
from smartapp.audit.wording import write_of
from smartapp.errors import ReviewChanged, UnknownQuery
from smartapp.queries import Query, QueryState, Wording
from smartapp.reviews import Reviewer, ReviewKey, Rung, WrittenResource
from smartapp.store.columns import Instant, Sealed
from smartapp.store.database import READS_ONLY
from smartapp.store.review_store import ClaimLost
from smartapp.store.tables import Base, ReviewRow

LEASE: Final = timedelta(minutes=2)  # longer than one query can take on its way to the EHR


class QueryRow(Base):
    """What was asked is sealed: it quotes the notes."""

    __tablename__ = "query"

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), index=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), index=True)
    code: Mapped[str] = mapped_column(String(16))
    wording: Mapped[Any] = mapped_column(Sealed)
    answer: Mapped[str | None] = mapped_column(Sealed)
    fhir_user: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    sent_by: Mapped[str | None] = mapped_column(String(200))
    sent_name: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    claim: Mapped[str | None] = mapped_column(String(32))  # of the one request that brings it to the EHR
    claimed_at: Mapped[datetime | None] = mapped_column(Instant)
    resource: Mapped[str | None] = mapped_column(String(64))  # from here on as in the outbox of a review
    rung: Mapped[str | None] = mapped_column(String(20))
    outcome: Mapped[str | None] = mapped_column(String(16))
    attempts: Mapped[int]
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    reference: Mapped[str | None] = mapped_column(String(200))
    detail: Mapped[str | None] = mapped_column(Sealed)  # may quote the EHR


@dataclass(frozen=True, slots=True)
class QueryDraft:
    """A query opened for change, within one transaction."""

    row: QueryRow
    query: Query

    def claim(self, at: datetime) -> str | None:
        """The right to bring it to the EHR; None while another request has it."""
        if self.row.claim and self.row.claimed_at and abs(at - self.row.claimed_at) < LEASE:
            return None
        self.row.claim, self.row.claimed_at = uuid4().hex, at
        return self.row.claim

    def set_line(self, line: WrittenResource) -> None:
        self.row.resource, self.row.rung, self.row.outcome = line.resource, line.rung.value, line.outcome
        self.row.attempts, self.row.sent_at = line.attempts, line.sent_at
        self.row.reference, self.row.detail = line.reference, line.detail


class QueryStore:
    """The engine's vault is that of the ReviewStore; every change is one transaction with its event."""

    def __init__(self, engine: Engine, audit: AuditLog | None = None) -> None:
        self._audit = audit or AuditLog(engine)
        self._reading = engine.execution_options(**READS_ONLY)

    def of(self, key: ReviewKey) -> tuple[Query, ...]:
        """All of the review, oldest first."""
        with Session(self._reading) as session:
            return tuple(_query(key, row) for row in session.scalars(_of(key).order_by(QueryRow.id)))

    def query(self, key: ReviewKey, id: int) -> Query:
        """Raises UnknownQuery, also for one of another review."""
        with Session(self._reading) as session:
            return _query(key, _one(session, key, id))

    def create(self, key: ReviewKey, code: str, wording: Wording, by: Reviewer, at: datetime) -> Query:
        """A draft; where the review has one for the code already, that one."""
        with self._audit.recording() as recording:
            session = recording.session
            # The review's row is locked, so that two clicks make one draft.
            review = session.scalars(select(ReviewRow.id).where(*_is(key)).with_for_update()).one()
            drafts = _of(key).where(QueryRow.code == code, QueryRow.state == QueryState.DRAFT.value)
            row = session.scalars(drafts).first()
            if row is None:
                row = QueryRow(
                    review_id=review, version=1, state=QueryState.DRAFT.value, code=code, wording=wording.to_json(),
                    fhir_user=by.fhir_user, name=by.name, created_at=at, changed_at=at, attempts=0,
                )  # fmt: skip
                session.add(row)
                session.flush()
                recording.tell(Entry(Kind.QUERY, _told(row, "drafted"), key, by))
            return _query(key, row)

    @contextmanager
    def change(
        self, key: ReviewKey, id: int, version: int, act: str, by: Reviewer, at: datetime
    ) -> Iterator[QueryDraft]:
        """The query, locked until the block ends. Raises UnknownQuery, ReviewChanged where it is another version."""
        with self._audit.recording() as recording:
            row = _one(recording.session, key, id, lock=True)
            if row.version != version:
                raise ReviewChanged
            yield QueryDraft(row, _query(key, row))
            row.version, row.changed_at = version + 1, at
            recording.tell(Entry(Kind.QUERY, _told(row, act), key, by))

    def claim(self, key: ReviewKey, id: int, at: datetime) -> str | None:
        """To go on with what was cut short; None while another request is at it."""
        with self._audit.recording() as recording:
            row = _one(recording.session, key, id, lock=True)
            return QueryDraft(row, _query(key, row)).claim(at)

    def keep_line(self, key: ReviewKey, id: int, claim: str, by: Reviewer, line: WrittenResource) -> None:
        """Kept before anything follows from it. Raises ClaimLost: then nothing may follow."""
        with self._audit.recording() as recording:
            row = _one(recording.session, key, id, lock=True)
            if row.claim != claim:
                raise ClaimLost
            QueryDraft(row, _query(key, row)).set_line(line)
            recording.tell(Entry(Kind.WRITE, write_of(line), key, by))

    def release(self, key: ReviewKey, id: int, claim: str) -> None:
        with self._audit.recording() as recording:
            row = _one(recording.session, key, id, lock=True)
            if row.claim == claim:
                row.claim = row.claimed_at = None


def _is(key: ReviewKey) -> tuple[Any, ...]:
    return ReviewRow.iss == key.iss, ReviewRow.patient == key.patient, ReviewRow.encounter == key.encounter


def _of(key: ReviewKey) -> Select[QueryRow]:
    return select(QueryRow).join(ReviewRow, ReviewRow.id == QueryRow.review_id).where(*_is(key))


def _one(session: Session, key: ReviewKey, id: int, *, lock: bool = False) -> QueryRow:
    query = _of(key).where(QueryRow.id == id)
    row = session.scalars(query.with_for_update(of=QueryRow) if lock else query).one_or_none()
    if row is None:
        raise UnknownQuery
    return row


def _told(row: QueryRow, act: str) -> dict[str, Any]:
    """Its words by their hash alone."""
    sha256 = hash_of(canonical(row.wording))
    return {"query": row.id, "act": act, "state": row.state, "code": row.code, "sha256": sha256}


def _query(key: ReviewKey, row: QueryRow) -> Query:
    line = None
    if row.resource is not None and row.outcome is not None:
        line = WrittenResource(
            row.resource, f"query {row.id}", row.outcome, row.reference, row.detail or "",
            Rung(row.rung or Rung.EXPORT), row.attempts, row.sent_at,
        )  # fmt: skip
    return Query(
        row.id, key, row.version, QueryState(row.state), row.code, Wording.from_json(row.wording),
        Reviewer(row.fhir_user, row.name), row.created_at, row.changed_at, line,
        Reviewer(row.sent_by, row.sent_name or "") if row.sent_by else None, row.answer,
    )  # fmt: skip
