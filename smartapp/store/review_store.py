"""Reviews in the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, ScalarSelect, Select, and_, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from launch.vault import Vault
from smartapp.audit import AuditLog, Entry, Kind
from smartapp.audit.wording import write_of
from smartapp.errors import UnknownReview
from smartapp.reviews import NotesSince, Review, Reviewer, ReviewKey, ReviewStatus, WrittenResource
from smartapp.store.columns import seal_with
from smartapp.store.database import READS_ONLY
from smartapp.store.draft import Draft
from smartapp.store.rows import columns_of, read_review
from smartapp.store.tables import AttestationRow, CorrectionRow, LookRow, OutboxRow, ReviewRow

_NAMES = (ReviewRow.iss, ReviewRow.patient, ReviewRow.encounter)
# Of the attestation that stands, as ReviewRow.number.
_NUMBER = (
    select(func.count() + 1)
    .select_from(CorrectionRow)
    .where(CorrectionRow.review_id == ReviewRow.id)
    .correlate(ReviewRow)
    .scalar_subquery()
)


class ClaimLost(Exception):
    """Another job or write-back has taken the review; what this one still had to say no longer counts."""


class ReviewStore:
    """One review for each encounter of each EHR; every change is one transaction and one version."""

    def __init__(self, engine: Engine, vault: Vault, audit: AuditLog | None = None) -> None:
        seal_with(engine, vault)
        self._audit = audit or AuditLog(engine)
        self._engine = engine
        self._reading = engine.execution_options(**READS_ONLY)

    def find(self, key: ReviewKey) -> Review | None:
        with Session(self._reading) as session:
            row = session.scalars(_of(key)).one_or_none()
            return read_review(row) if row else None

    def review(self, key: ReviewKey) -> Review:
        """Raises UnknownReview."""
        with Session(self._reading) as session:
            return read_review(_one(session, _of(key)))

    def chart(self, key: ReviewKey) -> Any:
        """The chart as it was stored; None while it has never been read. Raises UnknownReview."""
        with Session(self._reading) as session:
            return _one(session, _of(key)).chart

    def create(self, key: ReviewKey, at: datetime) -> None:
        """A review about to be read, unless there is one: two windows may open the same encounter at once."""
        row = ReviewRow(
            iss=key.iss,
            patient=key.patient,
            encounter=key.encounter,
            version=1,
            status=ReviewStatus.READING.value,
            stage="",
            opened_at=at,
            changed_at=at,
        )
        try:
            with Session(self._engine) as session, session.begin():
                session.add(row)
        except IntegrityError:
            self.review(key)  # it is there now; anything else that was wrong shows here

    @contextmanager
    def change(self, key: ReviewKey, at: datetime, holding: str | None = None) -> Iterator[Draft]:
        """The review, locked until the block ends; kept when it ends well. Raises UnknownReview, ClaimLost."""
        with self._audit.recording() as recording:
            row = _one(recording.session, _of(key).with_for_update())
            if holding is not None and row.claim != holding:
                raise ClaimLost
            draft = Draft(row, recording.tell)
            yield draft
            if draft.changed:
                row.version += 1
                row.changed_at = at

    def count_unfinished(self, iss: str) -> int:
        """Encounters of this EHR that were signed and are not all in their chart, or are being corrected."""
        signed = ReviewRow.attestations.any() & (ReviewRow.status != ReviewStatus.WRITTEN.value)
        return self._count((ReviewRow.iss == iss) & signed)

    def count_unsigned(self, iss: str) -> int:
        """Encounters of this EHR for which something was decided and nothing signed."""
        return self._count((ReviewRow.iss == iss) & ReviewRow.decisions.any() & ~ReviewRow.attestations.any())

    def _count(self, which: ColumnElement[bool]) -> int:
        with Session(self._reading) as session:
            return session.scalar(select(func.count()).select_from(ReviewRow).where(which)) or 0

    def keep_line(self, claim: str, position: int, line: WrittenResource) -> None:
        """One line of the outbox, kept before anything follows from it. Raises ClaimLost: then nothing may follow."""
        standing = and_(AttestationRow.review_id == ReviewRow.id, AttestationRow.number == _NUMBER)
        signed = select(*_NAMES, ReviewRow.id, _NUMBER.label("number"), AttestationRow.fhir_user).outerjoin(
            AttestationRow, standing
        )
        with self._audit.recording() as recording:
            session = recording.session
            held = session.execute(signed.where(ReviewRow.claim == claim)).one_or_none()
            if held is None:
                raise ClaimLost
            mine = (OutboxRow.review_id == held.id) & (OutboxRow.number == held.number)
            row = update(OutboxRow).where(mine, OutboxRow.position == position)
            if session.connection().execute(row.values(columns_of(line))).rowcount != 1:
                raise ClaimLost
            key, by = ReviewKey(held.iss, held.patient, held.encounter), Reviewer(held.fhir_user or "", "")
            before = select(OutboxRow.position).where(
                OutboxRow.review_id == held.id, OutboxRow.number < held.number, OutboxRow.attempts > 0,
                OutboxRow.reference == line.reference, OutboxRow.resource != "Encounter",
            )  # fmt: skip
            changed = session.scalar(before.limit(1)) is not None
            recording.tell(Entry(Kind.WRITE, write_of(line, changed), key, by))

    def tell(self, entry: Entry) -> None:
        """Keeps in the audit log what changes no review."""
        self._audit.record(entry)

    def begin_look(self, key: ReviewKey, at: datetime, latest_before: datetime) -> bool:
        """Whether it is time to look at the EHR's notes again; whoever is told so is the only one."""
        with self._engine.begin() as connection:
            due = (LookRow.review_id == _id_of(key)) & (LookRow.at <= latest_before)
            return connection.execute(update(LookRow).where(due).values(at=at)).rowcount == 1

    def end_look(self, key: ReviewKey, began: datetime, since: NotesSince) -> None:
        """What was seen; it counts only for the chart that was stored when the look began."""
        seen = {"arrived": since.arrived, "changed": since.changed, "gone": since.gone}
        with self._engine.begin() as connection:
            same = (LookRow.review_id == _id_of(key)) & (LookRow.at == began)
            connection.execute(update(LookRow).where(same).values(**seen))

    def beat(self, claim: str, at: datetime) -> None:
        """Whoever holds the review is alive."""
        with self._engine.begin() as connection:
            connection.execute(update(ReviewRow).where(ReviewRow.claim == claim).values(heartbeat=at))


def _id_of(key: ReviewKey) -> ScalarSelect[int]:
    mine = (ReviewRow.iss == key.iss, ReviewRow.patient == key.patient, ReviewRow.encounter == key.encounter)
    return select(ReviewRow.id).where(*mine).scalar_subquery()


def _of(key: ReviewKey) -> Select[ReviewRow]:
    return select(ReviewRow).where(
        ReviewRow.iss == key.iss, ReviewRow.patient == key.patient, ReviewRow.encounter == key.encounter
    )


def _one(session: Session, query: Select[ReviewRow]) -> ReviewRow:
    row = session.scalars(query).one_or_none()
    if row is None:
        raise UnknownReview
    return row
