"""Conditions that a later sentence takes back: 'COPD carried from an old list. I do not think he has it.'"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

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
    starts, pronouns, named = _denials(reading.text)
    back: set[int] = set()
    for place in pronouns:
        for first, last in _before(starts, place):
            held = {i for i, m in enumerate(mentions) if first <= m.span.start and m.span.end <= last}
            if held:
                back |= held
                break
    for start, end in named:
        keys = {m.key for m in mentions if m.span.start == end}
        for index, mention in enumerate(mentions):
            earlier = mention.key in keys and mention.span.end <= start
            if earlier and not _LINE.search(reading.text, mention.span.end, start):
                back.add(index)
    return frozenset(back)


@lru_cache(maxsize=4)  # rules ask of one note for one mention after the other
def _denials(text: str) -> tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Where statements begin, where a pronoun is denied, and where a name is, up to the name."""
    text = text.replace("’", "'")
    starts = (0, *(m.end() for m in _STATEMENT.finditer(text)))
    pronouns = tuple(m.start() for m in _IT.finditer(text))
    return starts, pronouns, tuple(m.span() for m in _NAMED.finditer(text))


def _before(starts: Sequence[int], place: int) -> list[tuple[int, int]]:
    """From where to where the statement of `place` reaches before it, and the one that precedes it."""
    upto = bisect_right(starts, place)
    known = starts[max(0, upto - 2) : upto]
    return [*zip(known[::-1], [place, *known[:0:-1]], strict=True)]
