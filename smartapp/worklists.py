"""What a worklist shows: encounters that were opened, where each stands, and why it waits. Frozen values."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from smartapp.reviews import Reviewer, ReviewKey

PENDING_REASONS: Final = {
    "document": "A document is missing",
    "late-notes": "Notes are still to come",
    "second-look": "Somebody else should look at it",
    "other": "Another reason",
}
QUERY_PENDING: Final = "A query to the physician is not answered yet"
NOT_WHOLE: Final = "Not all that was signed is in the chart: its receipt says what is not"
CHOICE_WANTED: Final = "Somebody else changed the encounter's diagnoses: its receipt asks for a choice"


class Standing(StrEnum):
    """Where an encounter stands in the worklist; the first that holds, from the end."""

    OPENED = "opened"
    CORRECTED = "being-corrected"  # signed, and taken up again to be signed anew
    PENDING = "pending"  # not signed, and somebody or a query keeps it waiting
    SIGNED = "signed"
    AMENDED = "amended"  # signed, and the EHR's notes changed since


class Order(StrEnum):
    """By which the worklist is sorted."""

    RECENT = "recent"  # opened last first
    OLDEST = "oldest"  # opened first first
    CHANGED = "changed"  # worked on last first


@dataclass(frozen=True, slots=True)
class Pending:
    """A person said why the review waits."""

    reason: str  # of PENDING_REASONS
    note: str
    by: Reviewer
    at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the worklist is asked for."""

    standing: Standing | None = None
    recent: bool = False  # opened within the last 24 hours
    order: Order = Order.RECENT
    page: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One encounter of the worklist."""

    key: ReviewKey
    standing: Standing
    reasons: tuple[str, ...]  # why it waits, or wants somebody's attention
    opened_at: datetime  # the last time, by anybody whom this list is about
    changed_at: datetime
    patient_name: str | None  # None where Chartside no longer keeps the chart, or never read it
    mrn: str | None
    encounter_title: str | None
    date_of_service: date | None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of it."""

    rows: tuple[Row, ...]
    total: int
    pages: int
    wanted: Wanted
