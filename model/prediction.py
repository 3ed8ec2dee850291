"""What the predictor says, with the whole account of why; frozen, and the same after a trip through JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from model.codes import ICD10CMCode
from model.document import Span


class Policy(StrEnum):
    """`exhaustive`: every mention is coded. `encounter`: US rules decide what belongs on the claim."""

    EXHAUSTIVE = "exhaustive"
    ENCOUNTER = "encounter"


class Assertion(StrEnum):
    """What the text says of a mention."""

    PRESENT = "present"
    ABSENT = "absent"
    POSSIBLE = "possible"
    HISTORICAL = "historical"
    FAMILY = "family"
    HYPOTHETICAL = "hypothetical"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Words of the document: `quote` is always exactly the characters of `span`."""

    span: Span
    quote: str
    section: str | None  # heading as the note writes it
    assertion: Assertion


@dataclass(frozen=True, slots=True)
class Candidate:
    """A code that was considered for a mention, and how well it fits, 0..1."""

    code: ICD10CMCode
    title: str
    score: float


@dataclass(frozen=True, slots=True)
class FiredRule:
    """A rule of the Official Guidelines or the code book that acted on the code."""

    id: str
    citation: str  # section and fiscal year
    reason: str  # one plain sentence


@dataclass(frozen=True, slots=True)
class CodePrediction:
    """A code with its evidence. Without evidence there is no code."""

    code: ICD10CMCode
    title: str
    confidence: float  # calibrated probability, 0..1
    suggested: bool
    first_listed: bool
    evidence: tuple[Evidence, ...]
    candidates: tuple[Candidate, ...]
    rules: tuple[FiredRule, ...]

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"{self.code} has no evidence")
        if not 0 <= self.confidence <= 1:
            raise ValueError(f"{self.code}: confidence {self.confidence} outside 0..1")


@dataclass(frozen=True, slots=True)
class NotCoded:
    """A mention that was understood and deliberately not coded."""

    evidence: Evidence
    code: ICD10CMCode
    title: str
    reason: str  # one plain sentence
    rule: FiredRule | None


@dataclass(frozen=True, slots=True)
class Prediction:
    """Everything the predictor says of one document, and what it was when it said so."""

    document_id: str
    document_sha256: str
    policy: Policy
    model_revision: str
    code_set_edition: str
    codes: tuple[CodePrediction, ...]  # most confident first
    not_coded: tuple[NotCoded, ...]
    thresholds: Mapping[str, float] = field(default_factory=dict)  # from which confidence a code is suggested

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` is its inverse."""
        plain: dict[str, Any] = asdict(self, dict_factory=_plain)
        return plain

    def to_line(self) -> dict[str, Any]:
        """The line of `chartside predict`: codes with confidence and evidence as character offsets."""
        return {
            "id": self.document_id,
            "codes": [
                {
                    "code": str(c.code),
                    "confidence": round(c.confidence, 4),
                    "suggested": c.suggested,
                    "first_listed": c.first_listed,
                    "evidence": [{"start": e.span.start, "end": e.span.end} for e in c.evidence],
                }
                for c in self.codes
            ],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Prediction":
        return cls(
            document_id=value["document_id"],
            document_sha256=value["document_sha256"],
            policy=Policy(value["policy"]),
            model_revision=value["model_revision"],
            code_set_edition=value["code_set_edition"],
            codes=tuple(_code_prediction(c) for c in value["codes"]),
            not_coded=tuple(_not_coded(n) for n in value["not_coded"]),
            thresholds=value.get("thresholds", {}),
        )


def _plain(items: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(items)


def _code(value: Any) -> ICD10CMCode:
    return ICD10CMCode(value["text"])


def _evidence(value: Any) -> Evidence:
    return Evidence(Span(**value["span"]), value["quote"], value["section"], Assertion(value["assertion"]))


def _rule(value: Any) -> FiredRule:
    return FiredRule(**value)


def _code_prediction(value: Any) -> CodePrediction:
    return CodePrediction(
        code=_code(value["code"]),
        title=value["title"],
        confidence=value["confidence"],
        suggested=value["suggested"],
        first_listed=value["first_listed"],
        evidence=tuple(_evidence(e) for e in value["evidence"]),
        candidates=tuple(Candidate(_code(c["code"]), c["title"], c["score"]) for c in value["candidates"]),
        rules=tuple(_rule(r) for r in value["rules"]),
    )


def _not_coded(value: Any) -> NotCoded:
    rule = _rule(value["rule"]) if value["rule"] else None
    return NotCoded(_evidence(value["evidence"]), _code(value["code"]), value["title"], value["reason"], rule)
