"""What the review page shows, worked out from a Review: cards, notes with their marks, counts. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from smartapp.reviews import (
    REJECT_REASONS,
    AcceptedCode,
    Action,
    Decision,
    Note,
    NoteEvidence,
    Review,
    ReviewStatus,
    Suggestion,
)
from smartapp.views.highlight import Passage, Segment, Strength, segments

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


CONTEXT = 44  # characters of a quote's line, each side


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
    quotes: tuple[Quote, ...]  # what is plainly stated comes first
    decision: Decision | None
    first: bool = False  # at the head of the claim as it stands
    lead: Decision | None = None  # by which a person put it there, or nearer
    doubt: str = ""  # why the decision wants a second look

    @property
    def state(self) -> str:
        if self.decision is None:
            return "undecided"
        return "rejected" if self.decision.action is Action.REJECT else "accepted"

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
    """Something the note mentions and that was not coded."""

    code: str
    title: str
    quote: Quote
    reason: str


@dataclass(frozen=True, slots=True)
class NotePage:
    """A note as the page shows it."""

    number: int
    title: str
    date: datetime | None
    author: str | None
    unreadable: str | None
    segments: tuple[Segment, ...]
    tags: tuple[str, ...] = ()  # what to know of it at a glance

    @property
    def id(self) -> str:
        return f"n{self.number}"


@dataclass(frozen=True, slots=True)
class Tally:
    """How far the reviewer is; undecided counts what is suggested, not what is less certain."""

    accepted: int
    rejected: int
    undecided: int


@dataclass(frozen=True, slots=True)
class Board:
    """The review page."""

    review: Review
    notes: tuple[NotePage, ...]
    suggested: tuple[Card, ...]
    less_certain: tuple[Card, ...]
    added: tuple[Card, ...]
    mentioned: tuple[Mention, ...]
    claim: tuple[AcceptedCode, ...]
    tally: Tally

    @property
    def first_words(self) -> str:
        """What the code at the head of the claim is called."""
        return "Principal" if self.review.inpatient else "First-listed"

    @property
    def lead_words(self) -> str:
        """What putting a code there is called."""
        return "Make principal" if self.review.inpatient else "List first"

    @property
    def working(self) -> bool:
        """The chart is being read or coded: the page asks again."""
        return self.review.status in (ReviewStatus.READING, ReviewStatus.CODING)

    @property
    def closed(self) -> bool:
        """Signed: nothing more is decided."""
        return self.review.attestation is not None or self.review.status in (
            ReviewStatus.SIGNED,
            ReviewStatus.WRITTEN,
            ReviewStatus.PARTLY_WRITTEN,
            ReviewStatus.REFUSED,
        )

    @property
    def open(self) -> bool:
        """Decisions are taken: the chart has been read, nobody works on it, nobody has signed."""
        return not (self.working or self.closed or self.void) and self.review.header is not None

    @property
    def void(self) -> bool:
        """The EHR says that the encounter did not take place."""
        return self.review.header is not None and self.review.header.void

    def doubt(self, code: str) -> str:
        """Why the decision on the code wants a second look; empty when it does not."""
        cards = (*self.suggested, *self.less_certain, *self.added)
        return next((card.doubt for card in cards if card.code == code), "")

    def card(self, code: str) -> Card | None:
        """The card of a suggested code."""
        return next((c for c in (*self.suggested, *self.less_certain) if c.code == code), None)


def card_id(code: str) -> str:
    """The id of the code's card: a dot would end an id in a selector."""
    return "c-" + code.replace(".", "-")


def build_board(review: Review) -> Board:
    """The page of the review as it stands."""
    places = {note.id: number for number, note in enumerate(review.notes)}
    titles = {note.id: note.title for note in review.notes if note.text is not None}
    texts = {note.id: note.text or "" for note in review.notes}

    def quote(evidence: NoteEvidence) -> Quote:
        shown = evidence.note_id in titles
        anchor = f"e{places[evidence.note_id]}-{evidence.start}" if shown else None
        several = titles.get(evidence.note_id) if len(review.notes) > 1 else None
        place = " · ".join(part for part in (evidence.section, several) if part)
        before, after = _around(texts.get(evidence.note_id, ""), evidence.start, evidence.end)
        flag = ASSERTIONS.get(evidence.assertion, evidence.assertion)
        return Quote(evidence.quote, before, after, anchor, place, flag)

    def quotes(evidence: Iterable[NoteEvidence]) -> tuple[Quote, ...]:
        return tuple(sorted(map(quote, evidence), key=lambda q: q.flag != ""))

    claim = review.accepted()

    def card(code: str, title: str, suggestion: Suggestion | None) -> Card:
        return Card(
            id=card_id(code),
            code=code,
            title=title,
            suggestion=suggestion,
            quotes=quotes(suggestion.evidence) if suggestion else (),
            decision=review.decision_on(code),
            first=bool(claim) and claim[0].code == code,
            lead=review.lead_of(code),
            doubt=_doubt(review, code, suggestion),
        )

    cards = tuple(card(s.code, s.title, s) for s in review.suggestions)
    known = {s.code for s in review.suggestions}
    return Board(
        review=review,
        notes=_note_pages(review),
        suggested=tuple(c for c in cards if c.suggestion and c.suggestion.suggested),
        less_certain=tuple(c for c in cards if c.suggestion and not c.suggestion.suggested),
        added=tuple(card(a.code, a.title, None) for a in claim if a.code not in known),
        mentioned=tuple(Mention(w.code, w.title, quote(w.evidence), w.reason) for w in review.why_not),
        claim=claim,
        tally=_tally(cards, len(claim)),
    )


def _doubt(review: Review, code: str, suggestion: Suggestion | None) -> str:
    """Whether the words that a person decided on are still what the notes say."""
    decision = review.decision_on(code)
    if decision is None or decision.action is Action.ADD or (review.header and review.header.void):
        return ""
    if suggestion is None:
        return "The notes no longer hold the words that this was decided on."
    changed = {note.id: note.title for note in review.notes if note.changed_at and note.changed_at > decision.at}
    titles = dict.fromkeys(changed[e.note_id] for e in suggestion.evidence if e.note_id in changed)
    if not titles:
        return ""
    return f"{', '.join(titles)}: changed after this was decided. Read the evidence again."


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


def _tally(cards: Iterable[Card], accepted: int) -> Tally:
    states = [(c.state, c.suggestion is not None and c.suggestion.suggested) for c in cards]
    return Tally(
        accepted=accepted,
        rejected=sum(state == "rejected" for state, _ in states),
        undecided=sum(state == "undecided" and suggested for state, suggested in states),
    )


def _note_pages(review: Review) -> tuple[NotePage, ...]:
    passages: dict[str, list[Passage]] = {note.id: [] for note in review.notes}
    found = [
        (s.code, e, Strength.SUGGESTED if s.suggested else Strength.LESS_CERTAIN)
        for s in review.suggestions
        for e in s.evidence
    ]
    found += [(w.code, w.evidence, Strength.NOT_CODED) for w in review.why_not]
    for code, e, strength in found:
        passages.setdefault(e.note_id, []).append(Passage(e.start, e.end, code, strength))
    titles = {note.id: note.title for note in review.notes}
    return tuple(
        NotePage(
            number=number,
            title=note.title,
            date=note.date,
            author=note.author,
            unreadable=note.unreadable if note.text is None else None,
            segments=segments(note.text or "", passages[note.id]),
            tags=_tags(note, titles),
        )
        for number, note in enumerate(review.notes)
    )


def _tags(note: Note, titles: Mapping[str, str]) -> tuple[str, ...]:
    said = {
        "Report": note.is_report,
        "Matched by date": note.by_date,
        f"Addendum to {titles.get(note.addendum_to or '', 'another note')}": note.addendum_to is not None,
        "Replaces an earlier version": bool(note.replaces),
        "Changed since it was first read": note.changed_at is not None,
    }
    return tuple(words for words, holds in said.items() if holds)
