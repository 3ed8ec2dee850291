"""More of a code than its term says: the leaf of the category all of whose words the statement says.

Guidelines FY2026, Sections I.B.2 (highest number of characters), I.B.13 (laterality) and I.B.18 (no more than is said).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Protocol

from model.tokens import FUNCTION_WORDS, normalise

_WORD = re.compile(r"[^\W_]+")
# Words of titles that ask for nothing in the note.
_FREE = FUNCTION_WORDS | frozenset(
    normalise(word)
    for word in re.findall(
        r"\w+",
        "other specified unspecified not elsewhere classified encounter side site initial closed nondisplaced "
        "displaced unilateral current episode region part acquired as type disease disorder condition due "
        "medical presenting",
    )
)
_VAGUE = re.compile(r"\bunspecified\b|\bNOS\b|\bother\b", re.IGNORECASE)
_PARENTHESES = re.compile(r"\([^)]*\)")
_WITHOUT = re.compile(r",? ?\bwithout (?:mention of )?([^,]+)", re.IGNORECASE)
_WITH = re.compile(r"\bwith ([^,]+)", re.IGNORECASE)
_OTHER = re.compile(r"\bother specified\b", re.IGNORECASE)
_RESIDUAL = re.compile(r"\bother (?:specified )?(?:parts?|sites?) of (?:right |left )?\w+", re.IGNORECASE)
_NEVER = re.compile(r"sequela|nonunion|malunion|delayed healing|subsequent encounter", re.IGNORECASE)
CATEGORIES_KEPT = 2_000  # as many as ICD-10-CM has, about; each day of service has its own, and the days go on


class Codes(Protocol):
    """What is asked of the code book here."""

    def billable_descendants(self, code: str, on: date | None) -> Iterable[str]: ...
    def title(self, code: str, on: date | None) -> str: ...


@dataclass(frozen=True, slots=True)
class _Leaf:
    code: str
    words: frozenset[str]  # all that its title asks
    said: frozenset[str]  # the same without what is 'other part of' something
    has: frozenset[str]  # without what it says to be without
    shared: frozenset[str]  # with the category
    groups: tuple[frozenset[str], ...]  # of each, one must be said: 'heel and midfoot' (Section I.A.14, "and")
    lacking: tuple[frozenset[str], ...]  # what it is without: holds unless the statement affirms it
    vague: int
    other: bool  # a kind that the note names and the tabular list does not


class Specifier:
    """Finds, within the category of a code, the leaf that says all that the code says and more of the statement."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._leaves = lru_cache(maxsize=CATEGORIES_KEPT)(self._read)

    def specify(self, code: str, words: frozenset[str], on: date | None) -> str:
        """The code itself where the statement says no more. `words`: norms of the statement."""
        own = self._own(code, on)
        if own is None or not own.vague:
            return code
        best, most = code, 0
        for leaf in (leaves := self._leaves(code[:3], on)):
            if leaf.code == code or leaf.vague > own.vague or (leaf.other and not own.other):
                continue
            gained = _gained(own, leaf, words)
            if gained > most or (gained == most and most and (leaf.vague, leaf.code) < _rank(leaves, best)):
                best, most = leaf.code, gained
        return best

    def leaves_open(self, code: str, on: date | None) -> bool:
        """Whether the code has words such as 'unspecified', so that a statement may say more."""
        own = self._own(code, on)
        return own is not None and own.vague > 0

    def _own(self, code: str, on: date | None) -> _Leaf | None:
        return next((leaf for leaf in self._leaves(code[:3], on) if leaf.code == code), None)

    def _read(self, category: str, on: date | None) -> tuple[_Leaf, ...]:
        titles = {
            c: _PARENTHESES.sub("", self._codes.title(c, on)) for c in self._codes.billable_descendants(category, on)
        }
        once = dict[frozenset[str], frozenset[str]]()  # a category has hundreds of leaves, and says few things of them

        def kept(words: frozenset[str]) -> frozenset[str]:
            return once.setdefault(words, words)

        everywhere = title_words(self._codes.title(category, on))
        told = [title_words(part) for title in titles.values() for part in _WITH.findall(_WITHOUT.sub("", title))]
        head = self._codes.title(category, on)
        return tuple(
            _Leaf(
                code,
                kept(title_words(title)),
                kept(title_words(_RESIDUAL.sub(" ", title))),
                kept(title_words(_WITHOUT.sub("", title))),
                everywhere,
                tuple(map(kept, _groups(_WITHOUT.sub("", title), everywhere))),
                tuple(kept(title_words(part)) for part in _WITHOUT.findall(title)),
                len(_VAGUE.findall(title)),
                bool(_OTHER.search(title)) and not _OTHER.search(head),
            )
            for code, title in sorted(titles.items())
            if not _NEVER.search(title) and all(_is_left_open(part, told) for part in _WITHOUT.findall(title))
        )


def _is_left_open(lacking: str, told: list[frozenset[str]]) -> bool:
    """Whether the category has the condition with it too; 'without rheumatoid factor' must be said by the note."""
    return any(title_words(lacking) & part for part in told)


def _rank(leaves: tuple[_Leaf, ...], code: str) -> tuple[int, str]:
    return next((leaf.vague, leaf.code) for leaf in leaves if leaf.code == code)


def _gained(own: _Leaf, leaf: _Leaf, words: frozenset[str]) -> int:
    """How many things the leaf says beyond the code, 0 where it says one that the statement does not."""
    if own.words - own.shared and not own.words & leaf.words:
        return 0  # another matter of the same category
    if any(word in words and word not in leaf.words for word in own.said):
        return 0  # it would lose what the code said
    if any(lacking and lacking <= words for lacking in leaf.lacking):
        return 0
    gained = 0
    for group in leaf.groups:
        if group & own.has:
            continue
        if not group & words:
            return 0
        gained += not group & own.words  # what the code says to be without is no detail of it
    return gained


def title_words(title: str) -> frozenset[str]:
    return frozenset(normalise(w) for w in _WORD.findall(title)) - _FREE


def _groups(title: str, everywhere: frozenset[str]) -> tuple[frozenset[str], ...]:
    """The words of a title, those that stand beside each other with 'and' or 'or' in one group."""
    groups: list[set[str]] = []
    joined = False
    for part in re.findall(r"[^\W_]+|/|,", title):
        if part.lower() in ("and", "or", "/"):
            joined = True
            continue
        if part == ",":
            continue
        word = normalise(part)
        if word in _FREE:
            continue
        if joined and groups:
            groups[-1].add(word)
        else:
            groups.append({word})
        joined = False
    return tuple(frozenset(g) for g in groups if not g & everywhere)
