"""What a person does with codes: decisions, the ones of them that stand, and the claim that they make."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from smartapp.reviews.chart import Reviewer
from smartapp.reviews.suggestions import NoteEvidence, Suggestion

# The words of CDS Hooks feedback: why a suggestion was overridden. The first is what is chosen most.
REJECT_REASONS = {
    "unsupported": "The note does not support it",
    "wrong-value": "Wrong reading: negated, past, or about someone else",
    "specificity": "A more specific code fits",
    "guideline": "A coding guideline excludes it",
    "query-needed": "The documentation needs a query first",
    "judgement": "Clinical judgement",
}


class Action(StrEnum):
    """What a person did."""

    ACCEPT = "accept"
    REJECT = "reject"
    ADD = "add"
    EDIT = "edit"  # takes a code in the place of another one, which is then decided as well
    LEAD = "lead"  # puts an accepted code at the head of the claim
    MOVE = "move"  # puts an accepted code before another one
    POA = "poa"  # says whether the condition was present on admission
    NOTE = "note"  # a note to self; an empty one takes it away
    UNDO = "undo"  # takes back the latest of the others on the code, notes left out


TAKES = frozenset({Action.ACCEPT, Action.ADD, Action.EDIT})  # after these a person stands for the code
PLACES = frozenset({Action.LEAD, Action.MOVE})


class PresentOnAdmission(StrEnum):
    """The indicator of an inpatient claim (ICD-10-CM guidelines, Appendix I; UB-04 form locator 67)."""

    YES = "Y"
    NO = "N"
    UNKNOWN = "U"  # the documentation does not say
    UNDETERMINED = "W"  # the provider cannot say
    EXEMPT = "1"  # the code is on the list of those that need none


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a decision says beyond action, code and reason."""

    before: str | None = None  # MOVE: the code that it goes before; None: to the end
    poa: PresentOnAdmission | None = None  # POA
    instead_of: str | None = None  # EDIT: the code that it replaces
    text: str = ""  # NOTE: the note; REJECT: what the person says beside the reason
    evidence: tuple[NoteEvidence, ...] = ()  # ADD, EDIT: the words that the person chose

    def to_json(self) -> dict[str, Any] | None:
        """Without what is not said; None when nothing is."""
        return {name: value for name, value in asdict(self).items() if value} or None

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> "Particulars":
        said = dict(value or {})
        if "poa" in said:
            said["poa"] = PresentOnAdmission(said["poa"])
        return cls(**{**said, "evidence": tuple(NoteEvidence(**words) for words in said.get("evidence", ()))})


NO_PARTICULARS = Particulars()


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
    particulars: Particulars = NO_PARTICULARS

    @property
    def codes(self) -> tuple[str, ...]:
        """All that it decides on: the code, and for an EDIT the one it replaces."""
        replaced = self.particulars.instead_of
        return (self.code, replaced) if replaced else (self.code,)


@dataclass(frozen=True, slots=True)
class Viewing:
    """A person had the evidence for a code before their eyes; the first time."""

    code: str
    by: Reviewer
    at: datetime


@dataclass(frozen=True, slots=True)
class AcceptedCode:
    """A code that a person stands for; made only from that person's decision."""

    code: str
    title: str
    rank: int  # 1 = first-listed
    evidence: tuple[NoteEvidence, ...]  # none for a code added by hand without choosing words
    decision: Decision
    poa: PresentOnAdmission | None = None  # None: nobody has said

    def __post_init__(self) -> None:
        if self.decision.action not in TAKES or self.decision.code != self.code:
            raise ValueError(f"{self.code}: an accepted code is made from the decision that accepted it")


def standing(decisions: Iterable[Decision]) -> list[Decision]:
    """In order, without what was taken back; notes to self are apart."""
    kept: list[Decision] = []
    for decision in decisions:
        if decision.action is Action.UNDO:
            latest = next((n for n in reversed(range(len(kept))) if decision.code in kept[n].codes), None)
            if latest is not None:
                del kept[latest]
        elif decision.action is not Action.NOTE:
            kept.append(decision)
    return kept


def claim_of(decisions: Sequence[Decision], suggestions: Sequence[Suggestion]) -> tuple[AcceptedCode, ...]:
    """The codes that a person stands for, in the order of the claim, after the decisions that stand.

    In the order of acceptance, but a suggested first-listed code goes to the head, behind what a person put there; a
    code taken in the place of another one stands where that stood.
    """
    first = {s.code for s in suggestions if s.first_listed}
    order, placed = list[str](), set[str]()
    taken: dict[str, Decision] = {}
    for d in decisions:
        replaced = d.particulars.instead_of
        if d.action in TAKES:
            taken[d.code] = d
        if d.action in TAKES and d.code not in order:
            order.insert(_place_of(d, order, first, placed), d.code)
        elif d.action in PLACES and d.code in order:
            _put(order, d)
            placed.add(d.code)
        if d.action is Action.REJECT and d.code in order:
            order.remove(d.code)
            placed.discard(d.code)
        if replaced in order:
            order.remove(replaced)
    poa = {d.code: d.particulars.poa for d in decisions if d.action is Action.POA}
    words = {s.code: s.evidence for s in suggestions}
    return tuple(
        AcceptedCode(code, taken[code].title, rank, _evidence(taken[code], words), taken[code], poa.get(code))
        for rank, code in enumerate(order, 1)
    )


def _place_of(taken: Decision, order: Sequence[str], first: set[str], placed: set[str]) -> int:
    if taken.particulars.instead_of in order:
        return order.index(taken.particulars.instead_of)
    if taken.code in first:
        return next((n for n, code in enumerate(order) if code not in placed), len(order))
    return len(order)


def _put(order: list[str], placing: Decision) -> None:
    """Where the code that it should stand before was taken back since, it stays where it is."""
    before = placing.particulars.before
    if placing.action is Action.MOVE and before is not None and before not in order:
        return
    order.remove(placing.code)
    at = 0 if placing.action is Action.LEAD else len(order) if before is None else order.index(before)
    order.insert(at, placing.code)


def _evidence(taken: Decision, words: Mapping[str, tuple[NoteEvidence, ...]]) -> tuple[NoteEvidence, ...]:
    """What the person chose; else what speaks for the code; else, in the place of another code, what spoke for that."""
    return taken.particulars.evidence or words.get(taken.code, ()) or words.get(taken.particulars.instead_of or "", ())
