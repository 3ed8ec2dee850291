"""A review: what was read, what was suggested, what a person decided. Frozen values; no rule lives here but their own.

One word a stage: prediction (the model) -> suggestion (shown) -> decision (a person) -> accepted code -> the chart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

# Encounter.status, https://hl7.org/fhir/R4/valueset-encounter-status.html
VOID = frozenset({"cancelled", "entered-in-error"})  # it did not take place
UNDER_WAY = frozenset({"planned", "arrived", "triaged", "in-progress", "onleave"})
INPATIENT = frozenset({"IMP", "ACUTE", "NONAC", "SS"})  # v3-ActCode encounter classes

# The words of CDS Hooks feedback: why a suggestion was overridden. The first is what is chosen most.
REJECT_REASONS = {
    "unsupported": "The note does not support it",
    "wrong-value": "Wrong reading: negated, past, or about someone else",
    "specificity": "A more specific code fits",
    "guideline": "A coding guideline excludes it",
    "query-needed": "The documentation needs a query first",
    "judgement": "Clinical judgement",
}


class ReviewStatus(StrEnum):
    """Where a review stands."""

    READING = "reading"  # the chart is being read
    CODING = "coding"  # the predictor works
    READY = "ready"  # open for decisions
    FAILED = "failed"  # could not be read or coded: `failure` says why; coding by hand is still possible
    SIGNED = "signed"  # attested; the write-back has begun
    WRITTEN = "written"  # confirmed by reading back
    PARTLY_WRITTEN = "partly-written"  # some of it is in the chart; the receipt says what is not
    REFUSED = "refused"  # the EHR took none of it, and says why


class Action(StrEnum):
    """What a person did."""

    ACCEPT = "accept"
    REJECT = "reject"
    ADD = "add"
    LEAD = "lead"  # puts an accepted code at the head of the claim
    UNDO = "undo"  # takes back the latest decision on the code, LEAD included


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
class ReviewKey:
    """Whose encounter in which EHR: one review each."""

    iss: str
    patient: str
    encounter: str


@dataclass(frozen=True, slots=True)
class Reviewer:
    """The person, as the EHR vouches for them."""

    fhir_user: str  # Practitioner/123
    name: str
    launch: str = field(default="", compare=False, repr=False)  # SHA-256 of the launch key: the person stays the same


@dataclass(frozen=True, slots=True)
class Note:
    """A note as read from the EHR: its text, or the reason why there is none."""

    id: str  # of its DocumentReference; of any other resource with its type: DiagnosticReport/12
    version_id: str | None
    title: str
    date: datetime | None
    author: str | None
    text: str | None
    unreadable: str | None  # one plain sentence when text is None
    sha256: str | None  # of the text in UTF-8
    stamp: str = ""  # is another when the EHR may hold another text
    by_date: bool = False  # it names no encounter, and is of the days of this one
    addendum_to: str | None = None  # id of the note beside which it stands
    replaces: tuple[str, ...] = ()  # ids of the notes in whose place it stands
    changed_at: datetime | None = None  # when it was first read with another text than before

    @property
    def is_report(self) -> bool:
        """Of a DiagnosticReport."""
        return self.id.startswith("DiagnosticReport/")

    @property
    def reference(self) -> str:
        """As FHIR names it."""
        return self.id if "/" in self.id else f"DocumentReference/{self.id}"

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Note":
        """The inverse of `asdict` with its moments in ISO 8601."""
        moments = {name: _moment(value.get(name)) for name in ("date", "changed_at")}
        return cls(**{**value, **moments, "replaces": tuple(value.get("replaces", ()))})


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


@dataclass(frozen=True, slots=True)
class NotesSince:
    """What became of the notes in the EHR since they were read."""

    arrived: int = 0
    changed: int = 0
    gone: int = 0  # withdrawn, or entered in error

    def __bool__(self) -> bool:
        return bool(self.arrived or self.changed or self.gone)


@dataclass(frozen=True, slots=True)
class NoteEvidence:
    """Words of one note: characters `start` to `end` of its text."""

    note_id: str
    start: int
    end: int
    quote: str
    section: str | None
    assertion: str


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that acted, as shown."""

    rule: str
    citation: str
    text: str


@dataclass(frozen=True, slots=True)
class Alternative:
    code: str
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A predicted code as shown: never without words."""

    code: str
    title: str
    confidence: float
    first_listed: bool
    suggested: bool  # False: below the threshold, shown under "less certain"
    evidence: tuple[NoteEvidence, ...]
    reasons: tuple[Reason, ...]
    alternatives: tuple[Alternative, ...]

    @property
    def band(self) -> str:
        """Confidence in words."""
        return "high" if self.confidence >= 0.9 else "medium" if self.confidence >= 0.6 else "low"


@dataclass(frozen=True, slots=True)
class WhyNot:
    """A mention that was not coded, and why."""

    code: str
    title: str
    evidence: NoteEvidence
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One act of one person on one code; append-only."""

    id: int
    action: Action
    code: str
    title: str
    reason: str | None
    by: Reviewer
    at: datetime


@dataclass(frozen=True, slots=True)
class AcceptedCode:
    """A code that a person stands for; made only from that person's decision."""

    code: str
    title: str
    rank: int  # 1 = first-listed
    evidence: tuple[NoteEvidence, ...]  # none for a code added by hand
    decision: Decision

    def __post_init__(self) -> None:
        if self.decision.action not in (Action.ACCEPT, Action.ADD) or self.decision.code != self.code:
            raise ValueError(f"{self.code}: an accepted code is made from the decision that accepted it")


@dataclass(frozen=True, slots=True)
class Attestation:
    """The sentence a person signed, with name and time."""

    by: Reviewer
    at: datetime
    statement: str


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
class ChartHeader:
    """What the page shows above the notes."""

    patient_name: str
    birth_date: str | None
    gender: str | None
    mrn: str | None
    encounter_title: str
    encounter_class: str | None  # AMB, EMER, IMP ...
    date_of_service: date | None
    existing_diagnoses: tuple[str, ...]  # "I10 Essential (primary) hypertension" from the chart
    discharged: bool = False  # the EHR says when the encounter ended
    family_name: str | None = None  # parts of patient_name, where the EHR gives them
    given_names: str | None = None
    status: str | None = None  # of the encounter, as in FHIR

    @property
    def void(self) -> bool:
        """The encounter did not take place: there is nothing to code."""
        return self.status in VOID

    @property
    def under_way(self) -> bool:
        """It goes on, or is still to come: notes will follow."""
        return self.status in UNDER_WAY

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ChartHeader":
        """The inverse of `asdict` with its day in ISO 8601."""
        day = value["date_of_service"]
        existing = tuple(value["existing_diagnoses"])
        return cls(
            **{**value, "date_of_service": date.fromisoformat(day) if day else None, "existing_diagnoses": existing}
        )


@dataclass(frozen=True, slots=True)
class Review:
    """The whole state of one review."""

    key: ReviewKey
    version: int  # grows with every change; a POST carries the version it saw
    status: ReviewStatus
    stage: str  # progress in words: "reading note 2 of 5"
    failure: str | None
    header: ChartHeader | None
    notes: tuple[Note, ...]
    suggestions: tuple[Suggestion, ...]
    why_not: tuple[WhyNot, ...]
    decisions: tuple[Decision, ...]
    attestation: Attestation | None
    receipt: tuple[WrittenResource, ...]
    model_revision: str | None
    code_set_edition: str | None
    gaps: tuple[str, ...] = ()  # what of the chart was not read, and why
    ehr_said: tuple[str, ...] = ()  # its warnings while the chart was read
    since: NotesSince = NotesSince()  # what became of the notes after that, as last looked

    @property
    def inpatient(self) -> bool:
        """The first-listed code is then the principal diagnosis (ICD-10-CM guidelines, Section II)."""
        return self.header is not None and self.header.encounter_class in INPATIENT

    def decision_on(self, code: str) -> Decision | None:
        """The acceptance, addition or rejection of the code that stands, after undoing; where it is listed is apart."""
        return next((d for d in reversed(self._standing(code)) if d.action is not Action.LEAD), None)

    def lead_of(self, code: str) -> Decision | None:
        """What put the code at the head of the claim and stands; a rejection ends it, and undoing that restores it."""
        latest = next((d for d in reversed(self._standing(code)) if d.action in (Action.LEAD, Action.REJECT)), None)
        return latest if latest and latest.action is Action.LEAD else None

    def _standing(self, code: str) -> list[Decision]:
        """What was decided on the code, in order, without what was taken back."""
        standing: list[Decision] = []
        for decision in self.decisions:
            if decision.code != code:
                continue
            if decision.action is Action.UNDO:
                standing = standing[:-1]
            else:
                standing.append(decision)
        return standing

    def rejected(self) -> frozenset[str]:
        """The codes that a person said no to, as it stands."""
        latest = (self.decision_on(code) for code in {d.code for d in self.decisions})
        return frozenset(d.code for d in latest if d and d.action is Action.REJECT)

    def accepted(self) -> tuple[AcceptedCode, ...]:
        """The codes that would be written now, in the order of the claim.

        First what a person put at its head, the latest first; then a suggested first-listed code; then in the order of
        acceptance.
        """
        evidence = {s.code: s.evidence for s in self.suggestions}
        first = {s.code for s in self.suggestions if s.first_listed}
        standing = [d for code in dict.fromkeys(d.code for d in self.decisions) if (d := self.decision_on(code))]
        leads = {d.code: lead.id for d in standing if (lead := self.lead_of(d.code))}
        kept = sorted(
            (d for d in standing if d.action in (Action.ACCEPT, Action.ADD)),
            key=lambda d: (-leads.get(d.code, 0), d.code not in first, d.id),
        )
        return tuple(AcceptedCode(d.code, d.title, n, evidence.get(d.code, ()), d) for n, d in enumerate(kept, 1))
