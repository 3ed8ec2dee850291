"""Cards: a code with its words, where the decision about it stands, and what to know before deciding."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from smartapp.checks import Remark
from smartapp.checks.words import doubt
from smartapp.reviews import (
    REJECT_REASONS,
    Action,
    Decision,
    NoteEvidence,
    PresentOnAdmission,
    Review,
    Reviewer,
    Suggestion,
    WhyNot,
)
from smartapp.views.explaining import Instead, instead_of

BANDS = {"high": "High confidence", "medium": "Medium confidence", "low": "Low confidence"}

# How the note speaks of the condition. Plain presence needs no words.
ASSERTIONS = {
    "present": "",
    "absent": "Negated",
    "possible": "Stated as possible",
    "historical": "Stated as past",
    "family": "About a relative",
    "hypothetical": "Hypothetical",
}

LEAVES_OPEN = {"possible", "historical"}  # documentation that a query may mend

# The parts of a SOAP note are headed by their letters.
SOAP = {"S": "Subjective", "O": "Objective", "A": "Assessment", "P": "Plan"}

CONTEXT = 44  # characters of a quote's line, each side


# UB-04 form locator 67; ICD-10-CM guidelines, Appendix I.
POA_WORDS = {
    PresentOnAdmission.YES: "yes",
    PresentOnAdmission.NO: "no",
    PresentOnAdmission.UNKNOWN: "the documentation does not say",
    PresentOnAdmission.UNDETERMINED: "cannot be determined clinically",
    PresentOnAdmission.EXEMPT: "exempt from saying so",
}


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a note in their line, and where on the page they are."""

    text: str
    before: str
    after: str
    anchor: str | None  # None: the note is not on the page
    place: str  # "Assessment · Progress note"
    flag: str  # how the note speaks of it, when that is not plainly "present"


@dataclass(frozen=True, slots=True)
class Card:
    """A code on the page, with where the decision about it stands."""

    id: str
    code: str
    title: str
    suggestion: Suggestion | None  # None: added by a person
    quotes: tuple[Quote, ...]  # what is plainly stated comes first; of a code added by hand, the chosen words
    decision: Decision | None
    first: bool = False  # at the head of the claim as it stands
    placing: Decision | None = None  # by which a person put it where it stands
    doubt: str = ""  # why the decision wants a second look
    instead: tuple[Instead, ...] = ()  # what else it could be, and what the note would have to say
    remarks: tuple[Remark, ...] = ()  # what the rules say of it; of an undecided one, what they would
    note: str = ""  # the viewer's note to self
    viewed: bool = False  # the viewer has seen its evidence

    @property
    def state(self) -> str:
        return state_of(self.decision, self.code)

    @property
    def reason(self) -> str:
        """Why it was rejected, in words."""
        return REJECT_REASONS.get(self.decision.reason or "", "") if self.decision else ""

    @property
    def confidence(self) -> str:
        return BANDS[self.suggestion.band] if self.suggestion else ""

    @property
    def percent(self) -> int:
        """Never 100: nothing is certain."""
        return min(99, round(self.suggestion.confidence * 100)) if self.suggestion else 0


@dataclass(frozen=True, slots=True)
class Mention:
    """Something the notes mention and that was not coded, for one reason."""

    code: str
    title: str
    reason: str
    quotes: tuple[Quote, ...]
    words: NoteEvidence  # the first of them
    asks: bool  # the notes leave open whether the patient has it: the physician may know


def state_of(decision: Decision | None, code: str) -> str:
    """How the decision leaves the code: "undecided", "accepted", "rejected", or "replaced" by another one."""
    if decision is None:
        return "undecided"
    if decision.action is Action.REJECT:
        return "rejected"
    return "accepted" if decision.code == code else "replaced"


def card_id(code: str) -> str:
    """The id of the code's card: a dot would end an id in a selector."""
    return "c-" + code.replace(".", "-")


class Cards:
    """Makes the cards of one review."""

    def __init__(self, review: Review, viewer: Reviewer | None, remarks: Mapping[str, tuple[Remark, ...]]) -> None:
        self._review, self._viewer, self._remarks = review, viewer, remarks
        self._notes = {note.id: (number, note) for number, note in enumerate(review.notes)}
        self._claim = {accepted.code: accepted for accepted in review.accepted()}
        self._viewed = review.viewed_by(viewer) if viewer else frozenset()

    def card(self, code: str, title: str, suggestion: Suggestion | None) -> Card:
        review, accepted = self._review, self._claim.get(code)
        chosen = accepted.evidence if accepted and not suggestion else ()
        return Card(
            id=card_id(code),
            code=code,
            title=title,
            suggestion=suggestion,
            quotes=self._quotes(suggestion.evidence if suggestion else chosen),
            decision=review.decision_on(code),
            first=accepted is not None and accepted.rank == 1,
            placing=review.placing_of(code),
            doubt=doubt(review, code),
            instead=instead_of(suggestion) if suggestion else (),
            remarks=self._remarks.get(code, ()),
            note=review.note_on(code, self._viewer) if self._viewer else "",
            viewed=code in self._viewed,
        )

    def mention(self, same: Sequence[WhyNot]) -> Mention:
        """Of one code, left out for one reason, at one or several places."""
        first = same[0]
        asks = any(w.evidence.assertion in LEAVES_OPEN for w in same)
        quotes = tuple(self.quote(w.evidence) for w in same)
        return Mention(first.code, first.title, first.reason, quotes, first.evidence, asks)

    def quote(self, evidence: NoteEvidence) -> Quote:
        number, note = self._notes.get(evidence.note_id, (0, None))
        text = note.text if note else None
        several = note.title if note and text is not None and len(self._notes) > 1 else None
        section = SOAP.get(evidence.section or "", evidence.section)
        place = " · ".join(part for part in (section, several) if part)
        before, after = _around(text or "", evidence.start, evidence.end)
        flag = ASSERTIONS.get(evidence.assertion, evidence.assertion)
        anchor = f"e{number}-{evidence.start}" if text is not None else None
        return Quote(evidence.quote, before, after, anchor, place, flag)

    def _quotes(self, evidence: Iterable[NoteEvidence]) -> tuple[Quote, ...]:
        return tuple(sorted(map(self.quote, evidence), key=lambda q: q.flag != ""))


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    """Some words before and after, of the same line; an ellipsis where the line goes on."""
    line_start, line_end = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    before, after = text[line_start:start], text[end:line_end]
    if len(before) > CONTEXT:
        before = "… " + before[-CONTEXT:].partition(" ")[2]
    if len(after) > CONTEXT:
        after = after[:CONTEXT].rpartition(" ")[0] + " …"
    return before.lstrip(), after.rstrip()
