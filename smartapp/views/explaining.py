"""What else a code could be, and what the note would have to say for that. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from smartapp.reviews import Suggestion

LEAST: Final = 0.005  # an alternative that fits less shows as 0 %
ALIKE: Final = 0.35  # of two titles' words; below this, their difference says nothing
_WORDS: Final = re.compile(r"[\w'-]+")
_EMPTY: Final = frozenset({"unspecified", "not", "otherwise", "specified", "and", "or", "of", "the", "in", "with"})


@dataclass(frozen=True, slots=True)
class Instead:
    """Another code for the same words, and what the note would have to say for it."""

    code: str
    title: str
    percent: int
    if_said: str  # "if the note said “left”"


def instead_of(suggestion: Suggestion) -> tuple[Instead, ...]:
    """The alternatives that fit at all, the best first."""
    return tuple(
        Instead(a.code, a.title, round(a.score * 100), if_said(suggestion.title, a.title))
        for a in sorted(suggestion.alternatives, key=lambda a: -a.score)
        if a.score >= LEAST
    )


def if_said(title: str, other: str) -> str:
    """What the words of the note would have to be for the other title to be the right one."""
    mine, theirs = _WORDS.findall(title), _WORDS.findall(other)
    matcher = SequenceMatcher(None, [w.casefold() for w in mine], [w.casefold() for w in theirs], autojunk=False)
    if matcher.ratio() < ALIKE:
        return "if the note meant this instead"
    changes = [change for change in matcher.get_opcodes() if change[0] != "equal"]
    said = [" ".join(theirs[start:end]) for _, _, _, start, end in changes if _means(theirs[start:end])]
    unsaid = [" ".join(mine[start:end]) for _, start, end, _, _ in changes if _means(mine[start:end])]
    if "unspecified" in (w.casefold() for w in theirs) and unsaid:
        return f"if the note did not say {_quoted(unsaid)}"
    if said:
        return f"if the note said {_quoted(said)}"
    return f"if the note did not say {_quoted(unsaid)}" if unsaid else "if the note said no more than this"


def _means(words: Collection[str]) -> bool:
    return any(word.casefold() not in _EMPTY for word in words)


def _quoted(parts: Collection[str]) -> str:
    return " and ".join(f"“{part}”" for part in parts)
