"""From a term to billable codes: the code the term stands for, made as specific as the sentence says and no more."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Protocol

from model.specification import Specifier
from model.tokens import FUNCTION_WORDS, normalise

_WORD = re.compile(r"[^\W_]+")
_SIDES = frozenset({"right", "left", "bilateral"})
_BOTH = frozenset({"bilateral", "both", "bilaterally"})
# Words of titles that separate one leaf from the next only in form.
_EMPTY = FUNCTION_WORDS | {"other", "specified", "not", "elsewhere", "classified", "encounter", "side", "site"}
_LACKING = re.compile(r",? ?\bwithout\b(?:[^,]+(?:, (?!with\b|not\b)[^,]+)*)", re.IGNORECASE)
_NOTHING_ADDED = frozenset({"unspecified", "initial", "closed", "uncomplicated", "without"})
# What a leaf says where nothing more is told of the condition, the plainer the better.
_PLAIN = {"unspecified": 0.5, "uncomplicated": 0.4, "initial": 0.3, "closed": 0.2, "without": 0.2}
_EYE = re.compile(r"H[0-5]|E(?:08|09|10|11|13)\.3")
_EYES = {"ou": "bilateral", "od": "right", "os": "left"}
_LATER = re.compile(r"subsequent encounter|sequela|delayed healing|nonunion|malunion", re.IGNORECASE)
_FOLLOW_UP = frozenset({"healed", "healing", "subsequent", "aftercare"})


class Codes(Protocol):
    """What is asked of the code book here."""

    def is_billable(self, code: str, on: date | None) -> bool: ...
    def billable_descendants(self, code: str, on: date | None) -> Iterable[str]: ...
    def title(self, code: str, on: date | None) -> str: ...


class Resolver:
    """Finds the billable code for a code of the index and the words around a mention.

    Guidelines FY2026, Sections I.B.2 (number of characters), I.B.13 (laterality), I.B.18 (unspecified).
    """

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._specifier = Specifier(codes)
        self._leaves = lru_cache(maxsize=20_000)(self._read_leaves)
        self._parents = lru_cache(maxsize=20_000)(self._read_siblings)

    def title(self, code: str, on: date | None) -> str:
        return self._codes.title(code, on)

    def resolve(self, code: str, words: frozenset[str], on: date | None) -> tuple[str, ...]:
        """The billable code that says what `words` say, none where the code book has none on that day.

        Both sides take two codes where no code says bilateral (Section I.B.13).
        """
        code = code.rstrip("-.")
        words = words | _of_eyes(words) if _EYE.match(code) else words
        if self._codes.is_billable(code, on):
            leaves = self._parents(code, on) if words & (_SIDES | _BOTH) else ()
            return self._both(_best_leaves(leaves, words), on) if leaves else (code,)
        sided = self._sided(code, on) if words & (_SIDES | _BOTH) else ()
        return self._both(_best_leaves(sided or self._leaves(code, on), words), on)

    def _both(self, codes: tuple[str, ...], on: date | None) -> tuple[str, ...]:
        """One code for both sides where the category has it beside those of one side: M17.0 for M17.11 and M17.12."""
        titles = [_title_words(self._codes.title(c, on)) for c in codes]
        if len(codes) < 2 or not all("unilateral" in t for t in titles):
            return codes
        one_side = titles[0] - _SIDES - {"unilateral"}
        both = {c: _title_words(self._codes.title(c, on)) for c in self._codes.billable_descendants(codes[0][:3], on)}
        fitting = [c for c, t in both.items() if "bilateral" in t and t - _SIDES <= one_side]
        return (max(fitting, key=lambda c: (len(both[c]), c)),) if fitting else codes

    def fuller(self, code: str, words: frozenset[str], on: date | None) -> str | None:
        """The code of the category that says all this one says and more of `words`."""
        found = self._specifier.specify(code, words, on)
        return found if found != code else None

    def _read_leaves(self, code: str, on: date | None) -> tuple[tuple[str, frozenset[str], bool], ...]:
        """Of every leaf what it says beyond the others (not what it lacks), and whether it is of a later encounter."""
        rows = [(leaf, self._codes.title(leaf, on)) for leaf in self._codes.billable_descendants(code, on)]
        worded = [(leaf, _said_words(title), bool(_LATER.search(title))) for leaf, title in rows]
        shared = frozenset.intersection(*(words for _, words, _ in worded)) if worded else frozenset()
        return tuple(sorted((leaf, words - shared, later) for leaf, words, later in worded))

    def _sided(self, code: str, on: date | None) -> tuple[tuple[str, frozenset[str], bool], ...]:
        """The leaves beside a heading of unspecified side: 'pressure ulcer of unspecified heel' is no left heel's."""
        if "unspecified" not in _title_words(self._codes.title(code, on)):
            return ()
        own = {leaf for leaf, _, _ in self._leaves(code, on)}
        leaves = self._leaves(code[:-1].rstrip("."), on) if len(code) > 4 else ()
        if any(words & _SIDES for leaf, words, _ in leaves if leaf in own):
            return ()  # its leaves have sides of their own
        return leaves if any(words & _SIDES for _, words, _ in leaves) else ()

    def _read_siblings(self, code: str, on: date | None) -> tuple[tuple[str, frozenset[str], bool], ...]:
        """The leaves that differ from a code of unspecified side by the side alone."""
        if "unspecified" not in _title_words(self._codes.title(code, on)) or len(code) < 6:
            return ()
        stem = code[:-1] if len(code) < 8 else code[:-2]
        leaves = [leaf for leaf in self._leaves(stem, on) if len(leaf[0]) == len(code) and leaf[0][-1:] == code[-1:]]
        if len(code) < 8:
            leaves = list(self._leaves(stem, on))
        sided = [leaf for leaf in leaves if leaf[1] & _SIDES or "unspecified" in leaf[1]]
        return tuple(sided) if any(leaf[1] & _SIDES for leaf in sided) else ()


def _title_words(title: str) -> frozenset[str]:
    return frozenset(normalise(w) for w in _WORD.findall(title)) - _EMPTY


def _of_eyes(words: frozenset[str]) -> frozenset[str]:
    """Sides by their Latin initials, which mean something else of other organs."""
    return frozenset(side for initials, side in _EYES.items() if initials in words)


def _said_words(title: str) -> frozenset[str]:
    """Words of a title but those of what the condition is without; a side that stands behind them counts."""
    return _title_words(_LACKING.sub(" without ", title)) | _title_words(title) & (_SIDES | {"unspecified"})


def _best_leaves(leaves: Sequence[tuple[str, frozenset[str], bool]], words: frozenset[str]) -> tuple[str, ...]:
    sides = {side for _, own, _ in leaves for side in own & _SIDES}
    if words & _BOTH and sides == {"left", "right"}:
        each = (_best_leaf(leaves, (words - _BOTH - _SIDES) | {side}) for side in ("left", "right"))
        return tuple(sorted({leaf for leaf in each if leaf}))
    best = _best_leaf(leaves, words)
    return (best,) if best else ()


def _best_leaf(leaves: Iterable[tuple[str, frozenset[str], bool]], words: frozenset[str]) -> str | None:
    """The leaf whose own words stand in the text; a word it adds on its own account counts against it."""
    later = bool(words & _FOLLOW_UP)
    heard = words | ({"bilateral"} if words & _BOTH or {"left", "right"} <= words else set())

    def fitness(leaf: tuple[str, frozenset[str], bool]) -> tuple[float, int, str]:
        code, own, later_encounter = leaf
        said = len(own & heard)
        added = len(own - heard - _NOTHING_ADDED)
        plain = sum(weight for word, weight in _PLAIN.items() if word in own)
        bilateral = 1.5 * ("bilateral" in own and "bilateral" in heard)
        return (-(2 * said - added + plain + bilateral - 3 * (later_encounter != later)), len(code), code)

    return min(leaves, key=fitness, default=(None,))[0]
