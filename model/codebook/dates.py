"""Days on which a code is in force, and how they are written in the packed code book."""

from datetime import date
from functools import lru_cache

Interval = tuple[date, date]  # first and last day, both included
OPEN = date.max  # no end is known


def write_intervals(intervals: tuple[Interval, ...]) -> str:
    """`20151001-20240930,20251001-`; an open end is left out."""
    return ",".join(f"{a:%Y%m%d}-{'' if b == OPEN else format(b, '%Y%m%d')}" for a, b in intervals)


@lru_cache(maxsize=4096)  # a few hundred different texts serve a hundred thousand codes
def read_intervals(text: str) -> tuple[Interval, ...]:
    if not text:
        return ()
    pairs = (part.split("-") for part in text.split(","))
    return tuple((_day(a), _day(b) if b else OPEN) for a, b in pairs)


def _day(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))
