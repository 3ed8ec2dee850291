"""Rules on the notes: they say more than the code, they changed since, something in them is undecided."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache

from model.specification import Specifier
from model.tokens import tokenise
from smartapp.checks.case import Book, Case
from smartapp.checks.remarks import Remark
from smartapp.reviews import Action, NoteEvidence, Review

_NEAR = 5  # words on either side of the evidence that may belong to it
_DENYING, _DENIED = frozenset({"no", "without", "not"}), 4  # words, and how many after one of them are denied
_SIDED = re.compile(r"\b(?:right|left|bilateral)\b", re.IGNORECASE)
_ENDS = frozenset(".;!?\n\f") | {"\n\n"}


class _Titled:
    """The code book as the specifier asks it."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def billable_descendants(self, code: str, on: date | None) -> tuple[str, ...]:
        return self._book.billable_descendants(code, on)

    def title(self, code: str, on: date | None) -> str:
        entry = self._book.get(code, on)
        return entry.title if entry else ""


@lru_cache(maxsize=4)
def _specifier(book: Book) -> Specifier:
    return Specifier(_Titled(book))


def unspecified(case: Case) -> Iterator[Remark]:
    """501, 502: the words around the evidence say a side or a detail that the code leaves open."""
    specifier = _specifier(case.book)
    for accepted in (a for a in case.accepted if specifier.leaves_open(a.code, case.day)):
        for words in accepted.evidence:
            if words.assertion != "present" or not (said := near_words(case, accepted.code, words)):
                continue
            better = specifier.specify(accepted.code, said, case.day)
            if better == accepted.code or better in case.codes:
                continue
            sided = _SIDED.search(case.title(better)) and not _SIDED.search(accepted.title)
            text = f"{accepted.code} ({accepted.title}) leaves open what the words around “{words.quote}” say: "
            text += f"{better} ({case.title(better)})."
            rule = "side-said" if sided else "detail-said"
            yield case.remark(rule, (accepted.code,), text, add=(better,), instead_of=accepted.code)
            break


def near_words(case: Case, code: str, words: NoteEvidence, near: int = _NEAR) -> frozenset[str]:
    """The words of the evidence and those beside it that may belong to it; none where the note cannot be read."""
    text = next((note.text for note in case.review.notes if note.id == words.note_id), None)
    return _said(text, words, _of_others(case, code, words), near) if text else frozenset()


def _of_others(case: Case, code: str, words: NoteEvidence) -> tuple[tuple[int, int], ...]:
    """Where words of the same note stand that speak for other codes alone: a side among them is theirs (I.B.13)."""
    others = (place for other, places in case.evidence.items() if other != code for place in places)
    apart = (o for o in others if o[0] == words.note_id and (o[2] <= words.start or words.end <= o[1]))
    return tuple((first, last) for _, first, last in apart)


def _said(text: str, words: NoteEvidence, of_others: Sequence[tuple[int, int]], near: int) -> frozenset[str]:
    """The words of the evidence and the nearest of its sentence, without those that are denied or of other codes."""
    start, end = max(0, words.start - 200), min(len(text), words.end + 200)
    tokens = tokenise(text[start:end])
    low = next((n for n, t in enumerate(tokens) if t.end > words.start - start), len(tokens))
    high = next((n for n, t in enumerate(tokens) if t.start >= words.end - start), len(tokens))
    ahead = 0
    while low and ahead < near and tokens[low - 1].norm not in _ENDS:
        low, ahead = low - 1, ahead + tokens[low - 1].word
    behind = 0
    while high < len(tokens) and behind < near and tokens[high].norm not in _ENDS:
        high, behind = high + 1, behind + tokens[high].word
    heard, denied = set(), 0
    for token in (t for t in tokens[low:high] if t.word):
        at = start + token.start
        if not denied and not any(first <= at < last for first, last in of_others):
            heard.add(token.norm)
        denied = _DENIED if token.norm in _DENYING else max(0, denied - 1)
    return frozenset(heard)


def doubt(review: Review, code: str) -> str:
    """Why the words that a person decided on are no longer what the notes say; empty when they are. A code taken in
    the place of another may never have been suggested."""
    decision = review.decision_on(code)
    if decision is None or decision.action is Action.ADD or (review.header and review.header.void):
        return ""
    suggestion = next((s for s in review.suggestions if s.code == code), None)
    if suggestion is None:
        return "" if decision.action is Action.EDIT else "The notes no longer hold the words that this was decided on."
    changed = {note.id: note.title for note in review.notes if note.changed_at and note.changed_at > decision.at}
    titles = dict.fromkeys(changed[e.note_id] for e in suggestion.evidence if e.note_id in changed)
    if not titles:
        return ""
    return f"{', '.join(titles)}: changed after this was decided. Read the evidence again."


def changed(case: Case) -> Iterator[Remark]:
    """503."""
    for code in case.codes:
        if told := doubt(case.review, code):
            yield case.remark(
                "words-changed", (code,), f"{code}: {told[0].lower() if told[:4] == 'The ' else told[0]}{told[1:]}"
            )


def undecided(case: Case) -> Iterator[Remark]:
    """504: what is suggested and neither accepted nor rejected."""
    open = [s.code for s in case.review.suggestions if s.suggested and not case.review.decision_on(s.code)]
    if open:
        are, them = ("is", "it") if len(open) == 1 else ("are", "them")
        text = f"{', '.join(open)} {are} suggested, and nobody has decided on {them}."
        yield case.remark("undecided", open, text)
