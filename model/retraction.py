"""Conditions that a later sentence takes back: 'COPD carried from an old list. I do not think he has it.'"""

import re
from collections.abc import Sequence

from model.reading import Mention, Reading

_HE = r"(?:he|she|they|the patient|patient)"
_NOT = r"(?:do(?:es)? not|don't|doesn't|did not|didn't)"
_HAS_NOT = (
    rf"\b(?:{_NOT} (?:think|believe|feel)(?: that)? {_HE} (?:has|have)|doubt(?: that)? {_HE} (?:has|have)"
    rf"|{_HE} (?:{_NOT} have|(?:is|was|are|were) not (?:felt|thought|believed) to have))"
)
_IT = re.compile(
    rf"{_HAS_NOT} (?:it|this)\b|\bdoubt (?:it|this)(?=\s*(?:[.;,]|$))"
    r"|\b(?:it|this) is (?:\w+ )?(?:unlikely|doubtful)\b(?! to\b)",
    re.IGNORECASE,
)
_NAMED = re.compile(rf"{_HAS_NOT} (?:any |true |actual )?", re.IGNORECASE)
_LINE = re.compile(r"\n\s*(?=[^a-z\s])|\n\s*\n")  # not where a line only wraps
_STATEMENT = re.compile(rf"(?<=[.!?])\s+|{_LINE.pattern}")


def taken_back(reading: Reading, mentions: Sequence[Mention]) -> frozenset[int]:
    """Which of `mentions`, by place, a pronoun of the same or the next statement denies, or their name further on.

    Their name denies the earlier ones of its line or paragraph only.
    """
    text = reading.text.replace("’", "'")
    back: set[int] = set()
    starts = [0, *(m.end() for m in _STATEMENT.finditer(text))]
    for said in _IT.finditer(text):
        for first, last in _before(starts, said.start()):
            held = {i for i, m in enumerate(mentions) if first <= m.span.start and m.span.end <= last}
            if held:
                back |= held
                break
    for said in _NAMED.finditer(text):
        keys = {m.key for m in mentions if m.span.start == said.end()}
        for index, mention in enumerate(mentions):
            earlier = mention.key in keys and mention.span.end <= said.start()
            if earlier and not _LINE.search(text, mention.span.end, said.start()):
                back.add(index)
    return frozenset(back)


def _before(starts: Sequence[int], place: int) -> list[tuple[int, int]]:
    """From where to where the statement of `place` reaches before it, and the one that precedes it."""
    known = [s for s in starts if s <= place][-2:]
    return [*zip(known[::-1], [place, *known[:0:-1]], strict=True)]
