"""A first wording from the evidence: it quotes the notes and names no diagnosis that they do not."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from smartapp.queries.values import Form, Indicator, Wording
from smartapp.reviews import Note, NoteEvidence, Review, Suggestion

MOST_INDICATORS: Final = 6
MOST_OPTIONS: Final = 5
LONGEST: Final = 120  # characters of the words that a query is about
OPEN_QUESTION: Final = (
    "Based on your clinical judgment, what condition does this describe, "
    "with the type, cause, site and severity as far as they can be determined?"
)
CHOICE_QUESTION: Final = "Based on your clinical judgment, which of these describes the condition best?"
# Such a title answers nothing: the query asks for what it leaves out.
_VAGUE: Final = re.compile(r"\b(?:unspecified|not specified|other|NEC|not elsewhere classified)\b", re.IGNORECASE)


def draft_of(review: Review, code: str) -> Wording | None:
    """From the card of a suggested code, or from a mention that was not coded; None where the review has neither."""
    suggestion = next((s for s in review.suggestions if s.code == code), None)
    mentions = [why_not.evidence for why_not in review.why_not if why_not.code == code]
    evidence = suggestion.evidence if suggestion else tuple(mentions)
    if not evidence:
        return None
    options = _options(suggestion) if suggestion else ()
    form, question = (Form.CHOICE, CHOICE_QUESTION) if len(options) > 1 else (Form.OPEN, OPEN_QUESTION)
    indicators = _indicators(evidence, {note.id: note for note in review.notes})
    return Wording(_plain(evidence[0].quote)[:LONGEST], form, question, indicators, options if len(options) > 1 else ())


def _options(suggestion: Suggestion) -> tuple[str, ...]:
    """What was considered for these words, in the order of the alphabet: no place in the list speaks for an option."""
    titles = [suggestion.title, *(alternative.title for alternative in suggestion.alternatives)]
    return tuple(sorted(dict.fromkeys(title for title in titles if not _VAGUE.search(title))))[:MOST_OPTIONS]


def _indicators(evidence: Sequence[NoteEvidence], notes: Mapping[str, Note]) -> tuple[Indicator, ...]:
    found = (_indicator(words, notes.get(words.note_id)) for words in evidence)
    return tuple(dict.fromkeys(found))[:MOST_INDICATORS]


def _indicator(words: NoteEvidence, note: Note | None) -> Indicator:
    """The whole line around the words: a quote torn out of it may say something else."""
    if note is None or note.text is None:
        return Indicator(_plain(words.quote), "a note", None, None)
    day = note.date.date().isoformat() if note.date else None
    return Indicator(_plain(_line(note.text, words.start, words.end)), note.title, day, note.author)


def _line(text: str, start: int, end: int) -> str:
    begins, ends = text.rfind("\n", 0, start) + 1, text.find("\n", end)
    line = text[begins : ends if ends >= 0 else len(text)]
    return line if len(line) <= 300 else text[start:end]


def _plain(words: str) -> str:
    return " ".join(words.split())


def lines_of(text: str) -> Iterable[str]:
    """Of what was typed: each line once, without blanks at its ends, in order."""
    return dict.fromkeys(filter(None, (_plain(line) for line in text.splitlines())))
