"""What the predictor said, as shown: each code with its words."""

from dataclasses import dataclass


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
