"""The whole state of one review."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from smartapp.reviews.chart import AS_READ, INPATIENT, ChartHeader, Note, NotesSince, Reviewer, ReviewKey
from smartapp.reviews.decisions import PLACES, TAKES, AcceptedCode, Action, Decision, Viewing, claim_of, standing
from smartapp.reviews.suggestions import Suggestion, WhyNot
from smartapp.reviews.writing import Attestation, Correction, WrittenResource


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


@dataclass(frozen=True)
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
    attestation: Attestation | None  # None before it is signed, and while it is being corrected
    receipt: tuple[WrittenResource, ...]
    model_revision: str | None
    code_set_edition: str | None
    gaps: tuple[str, ...] = ()  # what of the chart was not read, and why
    ehr_said: tuple[str, ...] = ()  # its warnings while the chart was read
    since: NotesSince = AS_READ  # what became of the notes after that, as last looked
    viewings: tuple[Viewing, ...] = ()  # the first of each person on each code
    corrections: tuple[Correction, ...] = ()  # each with the signature that it took up again, the first one first

    @property
    def being_corrected(self) -> Correction | None:
        """It was signed, and opened again; the person has still to sign anew."""
        return self.corrections[-1] if self.corrections and self.attestation is None else None

    @property
    def has_to_sign(self) -> bool:
        """Codes are accepted, or a correction takes back all that was signed."""
        return bool(self._claim) or self.being_corrected is not None

    @property
    def inpatient(self) -> bool:
        """The first-listed code is then the principal diagnosis (ICD-10-CM guidelines, Section II)."""
        return self.header is not None and self.header.encounter_class in INPATIENT

    def decision_on(self, code: str) -> Decision | None:
        """What stands of acceptance, addition, rejection; or an EDIT, which decides on the replaced code as well."""
        return self._latest(code, TAKES | {Action.REJECT})

    def placing_of(self, code: str) -> Decision | None:
        """What put the code where it stands on the claim; a rejection ends it, and undoing that restores it."""
        latest = self._latest(code, PLACES | {Action.REJECT})
        return latest if latest and latest.action in PLACES else None

    def latest_on(self, code: str) -> Decision | None:
        """What UNDO would take back."""
        return self._latest(code, frozenset(Action))

    def _latest(self, code: str, actions: frozenset[Action]) -> Decision | None:
        return next((d for d in reversed(self._standing) if code in d.codes and d.action in actions), None)

    def note_on(self, code: str, by: Reviewer) -> str:
        """The person's note to self; empty when there is none. Nobody else sees it."""
        notes = (d for d in reversed(self.decisions) if d.action is Action.NOTE and (d.code, d.by) == (code, by))
        return next((d.particulars.text for d in notes), "")

    def viewed_by(self, by: Reviewer) -> frozenset[str]:
        """The codes whose evidence the person has seen."""
        return frozenset(v.code for v in self.viewings if v.by == by)

    def to_accept(self, by: Reviewer) -> tuple[Suggestion, ...]:
        """The undecided suggestions whose evidence the person has seen; what is less certain is not among them."""
        seen = self.viewed_by(by)
        return tuple(s for s in self.suggestions if s.suggested and s.code in seen and not self.decision_on(s.code))

    def rejected(self) -> frozenset[str]:
        """The codes that a person said no to, as it stands; one that was replaced by another code among them."""
        latest = {code: self.decision_on(code) for d in self.decisions for code in d.codes}
        return frozenset(code for code, d in latest.items() if d and (d.action is Action.REJECT or d.code != code))

    def accepted(self) -> tuple[AcceptedCode, ...]:
        """The codes that would be written now, in the order of the claim."""
        return self._claim

    @cached_property
    def _standing(self) -> tuple[Decision, ...]:
        return tuple(standing(self.decisions))

    @cached_property
    def _claim(self) -> tuple[AcceptedCode, ...]:
        return claim_of(self._standing, self.suggestions)
