"""Notes to the predictor's document, and its prediction back to suggestions on the notes; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from model.document import NOTE_BREAK, Document, Setting, Span
from model.prediction import Assertion, CodePrediction, Evidence, Prediction
from model.sections import SectionKind, kind_of_section
from smartapp.reviews import Alternative, Note, NoteEvidence, Reason, Suggestion, WhyNot

# Where the author concludes comes before where they recount, and what was before them comes last.
_CONCLUDES: Final = {SectionKind.ASSESSMENT: 0, SectionKind.PROBLEMS: 1, SectionKind.PLAN: 1}
_BACKGROUND: Final = {SectionKind.PAST, SectionKind.SURGICAL, SectionKind.FAMILY, SectionKind.SOCIAL}


@dataclass(frozen=True, slots=True)
class Placed:
    """A readable note and where its text begins in the joined document."""

    note_id: str
    start: int
    text: str


def place(notes: Sequence[Note]) -> tuple[Placed, ...]:
    """The notes that have words, in order, one NOTE_BREAK apart."""
    placed: list[Placed] = []
    start = 0
    for note in notes:
        if note.text and note.text.strip():
            placed.append(Placed(note.id, start, note.text))
            start += len(note.text) + len(NOTE_BREAK)
    return tuple(placed)


def join_notes(encounter: str, notes: Sequence[Note], setting: str, day: date | None) -> Document | None:
    """One document of all notes, so that rules see them all; None when no note has words."""
    placed = place(notes)
    if not placed:
        return None
    return Document(encounter, NOTE_BREAK.join(p.text for p in placed), Setting(setting), day)


def suggestions_of(prediction: Prediction, notes: Sequence[Note]) -> tuple[Suggestion, ...]:
    """The predicted codes with their words in the notes, the first-listed one first, then the most confident.

    A code whose words cannot be shown is not suggested.
    """
    placed = place(notes)
    found = ((code, _locate_all(code.evidence, placed)) for code in prediction.codes)
    shown = [_suggestion(code, evidence) for code, evidence in found if evidence]
    return tuple(sorted(shown, key=lambda suggestion: not suggestion.first_listed))


def why_not_of(prediction: Prediction, notes: Sequence[Note]) -> tuple[WhyNot, ...]:
    placed = place(notes)
    found = ((left, locate(left.evidence, placed)) for left in prediction.not_coded)
    return tuple(WhyNot(str(left.code), left.title, words, left.reason) for left, words in found if words)


def locate(evidence: Evidence, placed: Sequence[Placed]) -> NoteEvidence | None:
    """The same words in their note; None when they cross a note break or are not what the note says there."""
    for note in placed:
        start, end = evidence.span.start - note.start, evidence.span.end - note.start
        if start >= 0 and end <= len(note.text) and note.text[start:end] == evidence.quote:
            return NoteEvidence(note.note_id, start, end, evidence.quote, evidence.section, evidence.assertion.value)
    return None


def _locate_all(evidence: Sequence[Evidence], placed: Sequence[Placed]) -> tuple[NoteEvidence, ...]:
    """What proves most comes first; words that lie inside other words of the same code say nothing more."""
    spans = [e.span for e in evidence]

    def is_inside(span: Span) -> bool:
        return any(s != span and s.start <= span.start and span.end <= s.end for s in spans)

    found = (locate(words, placed) for words in evidence if not is_inside(words.span))
    return tuple(sorted(filter(None, found), key=_weight))


def _weight(words: NoteEvidence) -> tuple[bool, int]:
    """What is plainly stated, then by the section: the assessment or discharge diagnosis first."""
    return words.assertion != Assertion.PRESENT, _weight_of_section(words.section or "")


@lru_cache(maxsize=512)
def _weight_of_section(heading: str) -> int:
    kind = kind_of_section(heading)
    return 3 if kind in _BACKGROUND else _CONCLUDES.get(kind or SectionKind.NONE, 2)


def _suggestion(code: CodePrediction, evidence: tuple[NoteEvidence, ...]) -> Suggestion:
    return Suggestion(
        code=str(code.code),
        title=code.title,
        confidence=code.confidence,
        first_listed=code.first_listed,
        suggested=code.suggested,
        evidence=evidence,
        reasons=tuple(Reason(rule.id, rule.citation, rule.reason) for rule in code.rules),
        alternatives=tuple(Alternative(str(c.code), c.title, c.score) for c in code.candidates if c.code != code.code),
    )
