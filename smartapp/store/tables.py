"""The tables of a review. What tells about a patient's health in words is sealed; ids, codes and titles are plain."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from smartapp.store.columns import Instant, Sealed


class Base(DeclarativeBase):
    """All tables of the store."""


class DecisionRow(Base):
    """Append-only: a trigger of the first migration refuses every change."""

    __tablename__ = "decision"

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), index=True)
    action: Mapped[str] = mapped_column(String(16))
    code: Mapped[str] = mapped_column(String(16))
    title: Mapped[str] = mapped_column(String(400))
    reason: Mapped[str | None] = mapped_column(Sealed)
    instead_of: Mapped[str | None] = mapped_column(String(16))
    particulars: Mapped[Any | None] = mapped_column(Sealed)  # may quote the notes
    fhir_user: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(Instant)


class ViewingRow(Base):
    """A person had the evidence for a code before their eyes."""

    __tablename__ = "viewing"

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(16), primary_key=True)
    fhir_user: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(Instant)


class AttestationRow(Base):
    """One a signature, numbered from 1, and append-only like the decisions it closes."""

    __tablename__ = "attestation"

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    fhir_user: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(Instant)
    statement: Mapped[str] = mapped_column(Text)
    reasons: Mapped[Any | None] = mapped_column(Sealed)  # typed by a person, and may speak of the patient


class CorrectionRow(Base):
    """The attestation of this number was taken up again; append-only."""

    __tablename__ = "correction"

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(Sealed)
    offered: Mapped[bool]
    fhir_user: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(Instant)


class OutboxRow(Base):
    """One planned write, made in the transaction of the signature; kept before and after each request about it."""

    __tablename__ = "outbox"
    __table_args__ = (UniqueConstraint("review_id", "number", "resource", "purpose", name="one_write_each"),)

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)  # of the attestation
    position: Mapped[int] = mapped_column(primary_key=True)
    resource: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[str] = mapped_column(String(200))
    rung: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int]
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    reference: Mapped[str | None] = mapped_column(String(200))
    detail: Mapped[str] = mapped_column(Sealed)  # may quote the EHR
    conflict: Mapped[Any | None] = mapped_column(Sealed)


class LookRow(Base):
    """The latest look whether the EHR's notes are still those that were read; it belongs to the chart as stored."""

    __tablename__ = "look"

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    arrived: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    gone: Mapped[int] = mapped_column(default=0)


class ReviewRow(Base):
    """One encounter of one EHR."""

    __tablename__ = "review"
    __table_args__ = (UniqueConstraint("iss", "patient", "encounter", name="review_of_encounter"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    iss: Mapped[str] = mapped_column(String(500))
    patient: Mapped[str] = mapped_column(String(64))  # a FHIR id has at most 64 characters (R4, 2.24.0.1)
    encounter: Mapped[str] = mapped_column(String(64))
    version: Mapped[int]
    status: Mapped[str] = mapped_column(String(20))
    stage: Mapped[str] = mapped_column(String(200))
    failure: Mapped[str | None] = mapped_column(Sealed)  # may quote the EHR
    claim: Mapped[str | None] = mapped_column(String(32))  # of the one job or write-back that works on it
    heartbeat: Mapped[datetime | None] = mapped_column(Instant)  # when that one last showed it lives
    chart: Mapped[Any | None] = mapped_column(Sealed)
    prediction: Mapped[Any | None] = mapped_column(Sealed)
    model_revision: Mapped[str | None] = mapped_column(String(100))
    code_set_edition: Mapped[str | None] = mapped_column(String(40))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)

    decisions: Mapped[list[DecisionRow]] = relationship(order_by=DecisionRow.id)
    viewings: Mapped[list[ViewingRow]] = relationship(order_by=(ViewingRow.at, ViewingRow.code))
    attestations: Mapped[list[AttestationRow]] = relationship(order_by=AttestationRow.number)
    corrections: Mapped[list[CorrectionRow]] = relationship(order_by=CorrectionRow.number)
    look: Mapped[LookRow | None] = relationship(cascade="all, delete-orphan")
    outbox: Mapped[list[OutboxRow]] = relationship(
        order_by=(OutboxRow.number, OutboxRow.position), cascade="all, delete-orphan"
    )

    @property
    def number(self) -> int:
        """Of the attestation that stands, or that comes next."""
        return len(self.corrections) + 1
