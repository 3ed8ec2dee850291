"""What a signature sets off: the attestation, the planned writes and what became of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from smartapp.reviews.chart import Reviewer

# Why a signed review is opened again; "other" wants the person's own words.
CORRECTION_REASONS: Final = {
    "late-notes": "Notes came or changed after it was signed",
    "query-answered": "The physician answered a query",
    "wrong-code": "A code was wrong",
    "missing-code": "A code was missing",
    "order": "The order, or what was present on admission, was wrong",
    "other": "Another reason",
}


class Rung(StrEnum):
    """How something reaches the EHR, best first; the write plan takes the first that this EHR, these scopes allow."""

    TRANSACTION = "transaction"  # all resources in one Bundle, or none
    SINGLE_WRITES = "single-writes"  # one after the other, each confirmed; undone where a later one is refused
    JSON_PATCH = "json-patch"  # a change of one element, with tests of what it was
    CDS_SUGGESTION = "cds-suggestion"  # the EHR itself makes it, when the user takes the card
    DOCUMENT = "document"  # a coding summary among the notes
    MESSAGE = "message"  # Communication or Task to those who bill
    EXPORT = "export"  # a file that a person carries over


@dataclass(frozen=True, slots=True)
class GivenReason:
    """Why a person signed in spite of a warning."""

    rule: int  # its number
    codes: tuple[str, ...]
    warning: str  # as it was read
    reason: str
    offered: bool = False  # chosen from the rule's own; else in the person's words


@dataclass(frozen=True, slots=True)
class Attestation:
    """The sentence a person signed, with name and time, and why in spite of the warnings."""

    by: Reviewer
    at: datetime
    statement: str
    reasons: tuple[GivenReason, ...] = ()


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A rung that was not taken, and why."""

    rung: Rung
    reason: str


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """One line of the summary: what signing will send, or why it will not be sent."""

    resource: str
    purpose: str
    will_write: bool
    detail: str  # what it says in plain words, or why it is left out
    body: str | None  # the resource as indented JSON; None when nothing is sent
    rung: Rung = Rung.SINGLE_WRITES
    passed: tuple[PassedOver, ...] = ()


class Choice(StrEnum):
    """Whose list of the encounter's diagnoses shall stand."""

    BOTH = "both"  # theirs, and after it what was signed
    MINE = "mine"  # the list as it was reviewed, and after it what was signed
    THEIRS = "theirs"  # the list stays as it is now


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody changed the encounter's diagnoses after they were reviewed: both lists in words, and what was chosen."""

    reviewed: tuple[str, ...]
    theirs: tuple[str, ...]
    signed: tuple[str, ...]  # what signing adds
    seen: str  # names exactly the list shown as theirs: a choice holds for no other
    choice: Choice | None = None
    by: str | None = None  # who chose


@dataclass(frozen=True, slots=True)
class WrittenResource:
    """One write of the outbox, kept from the signature on; all of them are the receipt.

    What it says is built anew from the review, whose decisions no longer change; so is its identifier in the EHR.
    """

    resource: str  # Condition, Encounter, Claim, Provenance ...
    purpose: str  # "diagnosis I10", "order of diagnoses" ...; one of each a review
    outcome: (
        str  # pending | sent | written | already-there | not-written | failed | refused | conflict | undone | stray
    )
    reference: str | None  # Condition/12 once it is in the chart
    detail: str  # why not, in plain words, with the EHR's; empty when written
    rung: Rung = Rung.SINGLE_WRITES
    attempts: int = 0  # how often it was sent
    sent_at: datetime | None = None  # the last time
    conflict: Conflict | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """A signed review was opened again: by whom, when and why; what had been signed, and what that had written."""

    by: Reviewer
    at: datetime
    reason: str  # in words
    offered: bool  # chosen from CORRECTION_REASONS; else in the person's words
    attestation: Attestation
    receipt: tuple[WrittenResource, ...]
