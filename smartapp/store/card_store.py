"""The CDS service's memory: which cards were shown for which review, and what became of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Engine, ForeignKey, String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from smartapp.audit import AuditLog, Entry, Kind
from smartapp.errors import UnknownCard
from smartapp.reviews import ReviewKey
from smartapp.store.columns import Instant, Sealed
from smartapp.store.database import READS_ONLY
from smartapp.store.tables import Base, ReviewRow


class CardRow(Base):
    """A card as it was first shown; append-only, like the rest of this module."""

    __tablename__ = "cds_card"

    uuid: Mapped[str] = mapped_column(String(36), primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), index=True)
    hook: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Instant)


class OfferRow(Base):
    """A signed code on a card: what a suggestion's uuid stands for."""

    __tablename__ = "cds_offer"

    card: Mapped[str] = mapped_column(ForeignKey("cds_card.uuid"), primary_key=True)
    uuid: Mapped[str] = mapped_column(String(36), primary_key=True)
    code: Mapped[str] = mapped_column(String(16))


class FeedbackRow(Base):
    """What the EHR reports: one row for each suggestion taken, one for a card overridden."""

    __tablename__ = "cds_feedback"

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), index=True)
    card: Mapped[str] = mapped_column(ForeignKey("cds_card.uuid"))
    code: Mapped[str | None] = mapped_column(String(16))  # none: the card as a whole
    outcome: Mapped[str] = mapped_column(String(16))  # accepted | overridden
    reason_system: Mapped[str | None] = mapped_column(String(500))
    reason: Mapped[str | None] = mapped_column(String(500))
    comment: Mapped[str | None] = mapped_column(Sealed)  # in somebody's own words
    outcome_at: Mapped[datetime] = mapped_column(Instant)  # as the EHR says
    received_at: Mapped[datetime] = mapped_column(Instant)


class Reported(Protocol):
    """What an EHR says of a card (`smartapp.cds.Feedback`)."""

    @property
    def card(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def suggestions(self) -> tuple[str, ...]: ...
    @property
    def reason(self) -> tuple[str, str] | None: ...
    @property
    def comment(self) -> str | None: ...
    @property
    def at(self) -> datetime: ...


class CardStore:
    """Cards, what they offered, and feedback. The engine's vault is that of the ReviewStore."""

    def __init__(self, engine: Engine, audit: AuditLog | None = None) -> None:
        self._engine, self._audit = engine, audit or AuditLog(engine)
        self._reading = engine.execution_options(**READS_ONLY)

    def issue(self, key: ReviewKey, uuid: str, hook: str, offers: Iterable[tuple[str, str]], at: datetime) -> None:
        """Keeps a card with the codes it offers, once: the same card may be shown many times."""
        with Session(self._reading) as session:
            if session.get(CardRow, uuid):
                return
        try:
            with Session(self._engine) as session, session.begin():
                review = session.scalars(
                    select(ReviewRow.id).where(
                        ReviewRow.iss == key.iss,
                        ReviewRow.patient == key.patient,
                        ReviewRow.encounter == key.encounter,
                    )
                ).one()
                session.add(CardRow(uuid=uuid, review_id=review, hook=hook, at=at))
                session.flush()
                session.add_all(OfferRow(card=uuid, uuid=name, code=code) for name, code in offers)
        except IntegrityError:
            return  # another call has kept it meanwhile

    def keep(self, iss: str, entries: Sequence[Reported], at: datetime) -> dict[ReviewKey, tuple[str, ...]]:
        """Keeps the feedback, all or nothing; which codes were taken, by review. Raises UnknownCard.

        The same report once more is kept once: a client may repeat itself ("Suggestion accepted").
        """
        taken: dict[ReviewKey, tuple[str, ...]] = {}
        with self._audit.recording() as recording:
            session = recording.session
            for entry in entries:
                review = _review_of(session, iss, entry.card)
                codes = _codes(session, entry)
                for code in codes or (None,):
                    if _add_once(session, _row(review.id, entry, code, at)):
                        recording.tell(_event(review, entry, code))
                if codes:
                    key = ReviewKey(review.iss, review.patient, review.encounter)
                    taken[key] = (*taken.get(key, ()), *codes)
        return taken


def _review_of(session: Session, iss: str, card: str) -> ReviewRow:
    """Another EHR's cards are as unknown as those that never were."""
    query = select(ReviewRow).join(CardRow, CardRow.review_id == ReviewRow.id)
    review = session.scalars(query.where(CardRow.uuid == card, ReviewRow.iss == iss)).one_or_none()
    if review is None:
        raise UnknownCard
    return review


def _codes(session: Session, entry: Reported) -> tuple[str, ...]:
    offers = {row.uuid: row.code for row in session.scalars(select(OfferRow).where(OfferRow.card == entry.card))}
    if not set(entry.suggestions) <= offers.keys():
        raise UnknownCard("A suggestion was accepted that this card did not make.")
    return tuple(offers[name] for name in dict.fromkeys(entry.suggestions))


def _row(review: int, entry: Reported, code: str | None, at: datetime) -> FeedbackRow:
    system, reason = entry.reason or (None, None)
    return FeedbackRow(
        review_id=review, card=entry.card, code=code, outcome=entry.outcome, reason_system=system, reason=reason,
        comment=entry.comment, outcome_at=entry.at, received_at=at,
    )  # fmt: skip


def _event(review: ReviewRow, entry: Reported, code: str | None) -> Entry:
    """Without the reason and the comment: they may be in somebody's own words."""
    what = {"card": entry.card, "code": code, "outcome": entry.outcome, "outcome_at": entry.at.isoformat()}
    return Entry(Kind.FEEDBACK, what, ReviewKey(review.iss, review.patient, review.encounter))


def _add_once(session: Session, row: FeedbackRow) -> bool:
    """Whether it is new."""
    same = select(FeedbackRow.id).where(
        FeedbackRow.card == row.card,
        FeedbackRow.code.is_(None) if row.code is None else FeedbackRow.code == row.code,
        FeedbackRow.outcome == row.outcome,
        FeedbackRow.outcome_at == row.outcome_at,
    )
    new = session.scalars(same.limit(1)).first() is None
    if new:
        session.add(row)
    return new
