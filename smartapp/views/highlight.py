"""Cuts a note's text where evidence begins and ends, so that overlapping evidence can be marked without nesting."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

# "Assessment and Plan:", "BP:" at the beginning of a line: what a reader's eye looks for first.
LABEL = re.compile(r"^[ \t]*([^\W\d_][\w /&,()'-]{1,44}:)(?=[ \t\r\n]|\Z)", re.MULTILINE)


class Strength(IntEnum):
    """How much the evidence counts; of overlapping evidence the strongest decides how it is drawn."""

    NOT_CODED = 1
    LESS_CERTAIN = 2
    SUGGESTED = 3


@dataclass(frozen=True, slots=True)
class Passage:
    """Characters `start` to `end` of a note as evidence for a code."""

    start: int
    end: int
    code: str
    strength: Strength


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the text that no evidence begins or ends within."""

    start: int
    text: str
    codes: tuple[str, ...]  # none: plain text
    strength: Strength | None
    label: bool
    opens: bool  # evidence begins here
    closes: bool  # evidence ends here


def segments(text: str, passages: Iterable[Passage]) -> tuple[Segment, ...]:
    """The text in pieces; joined they are the text. Passages outside of the text are cut to it."""
    inside = [
        p
        for p in (Passage(max(p.start, 0), min(p.end, len(text)), p.code, p.strength) for p in passages)
        if p.start < p.end
    ]
    labels = [match.span(1) for match in LABEL.finditer(text)]
    return tuple(_pieces(text, sorted(inside, key=lambda p: p.start), labels))


def _pieces(text: str, passages: list[Passage], labels: list[tuple[int, int]]) -> Iterator[Segment]:
    starts, ends = {p.start for p in passages}, {p.end for p in passages}
    cuts = sorted({0, len(text)} | starts | ends | {cut for label in labels for cut in label})
    label_ends, label_end = dict(labels), 0
    waiting, here = passages[::-1], list[Passage]()
    for start, end in pairwise(cuts):
        here = [p for p in here if p.end > start]
        while waiting and waiting[-1].start <= start:
            here.append(waiting.pop())
        label_end = label_ends.get(start, label_end)
        yield Segment(
            start=start,
            text=text[start:end],
            codes=tuple(dict.fromkeys(p.code for p in sorted(here, key=lambda p: -p.strength))),
            strength=max((p.strength for p in here), default=None),
            label=start < label_end,
            opens=start in starts,
            closes=end in ends,
        )
