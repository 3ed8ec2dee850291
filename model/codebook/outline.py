"""Chapters with their blocks and categories, in the order of the Tabular List."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter; `categories` are those that a newer edition adds and for which no block is known yet."""

    blocks: dict[str, list[str]] = field(default_factory=dict)  # block -> categories
    categories: list[str] = field(default_factory=list)


def chapters(places: Mapping[str, Sequence[str]], categories: Sequence[str]) -> dict[str, Chapter]:
    """`places`: category -> block and chapter. `categories`: of all editions, in order."""
    made: dict[str, Chapter] = {}
    for category, (block, chapter) in places.items():
        made.setdefault(chapter, Chapter()).blocks.setdefault(block, []).append(category)
    for category in categories:
        if category not in places:
            before = [known for known in places if known[0] == category[0] and known <= category]
            if before:
                made[places[max(before)][1]].categories.append(category)
    return made
