"""From a heading to the billable code a searcher most likely means: by their words, else the one that says least."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from model.codebook.entries import Entry
from model.codebook.postings import Postings
from model.codebook.words import FREE, RESIDUAL, stem, terms_of

# What a code says when nothing is said: preferred when the words of the search do not decide.
_DEFAULT = frozenset(
    terms_of("unspecified complication uncomplicated initial encounter closed not single accidental unintentional")
)
_UNSPECIFIED = re.compile(r"unspecified (?:whether .*|\w+)")
_WITHOUT = re.compile(r"without .*")  # what is absent must not be found by its name
_SIDES = frozenset(terms_of("right left bilateral"))
_FULL = 8  # characters of a code with a 7th character, the dot among them
_MOST_SIBLINGS = 12  # more are a list to read in the book, not an answer
_OF_ANOTHER = 0.15  # share of a vote for a side that nobody asked for
_UNSAID = 0.25  # share of the weight of a word that counts against a code when nobody asked for it


class Leaves:
    """Chooses one billable code under a code."""

    def __init__(
        self,
        parent: Callable[[str], str | None],
        children: Callable[[str], tuple[str, ...]],
        titles: Mapping[str, str],
        postings: Postings,
    ) -> None:
        """`titles`: code -> words; a code without a verified title says what its parent says."""
        self._parent = parent
        self._children = children
        self._titles = titles
        self._postings = postings
        self._default = frozenset(n for word in _DEFAULT if (n := postings.number.get(word)) is not None)
        self._sides = frozenset(n for word in _SIDES if (n := postings.number.get(word)) is not None)
        self._both = postings.number.get(stem("bilateral"), -1)
        self.said_in = lru_cache(maxsize=50_000)(self._said_in)
        self.words_of = lru_cache(maxsize=50_000)(self._words_of)

    def choose(self, code: str, asked: frozenset[int], get: Callable[[str], Entry | None]) -> str | None:
        """The code itself when billable, else a billable code under it; None when there is none on that day."""
        while (entry := get(code)) is not None and not entry.billable:
            children = [child for child in self._children(code) if get(child) is not None]
            if not children:
                return None
            above = self.words_of(code)
            code = max(children, key=lambda child: self._fit(child, above, asked))
        return code if entry is not None else None

    def siblings(self, code: str, get: Callable[[str], Entry | None]) -> list[str]:
        """The billable codes that say more where this one says that something is unspecified, of the same encounter."""
        heading = self._parent(code)
        if heading is None or "unspecified" not in self._titles.get(code, "").lower():
            return []
        seventh = code[-1] if len(code) == _FULL else ""
        heading = self._parent(heading) or heading if seventh else heading
        others = [leaf for leaf in self._under(heading, get) if leaf != code]
        others = [leaf for leaf in others if len(leaf) == _FULL and leaf.endswith(seventh)] if seventh else others
        return others if len(others) <= _MOST_SIBLINGS else []

    def _under(self, code: str, get: Callable[[str], Entry | None]) -> list[str]:
        if (entry := get(code)) is not None and entry.billable:
            return [code]
        return [leaf for child in self._children(code) for leaf in self._under(child, get)]

    def plainness(self, code: str, asked: frozenset[int]) -> float:
        """A little less than 1 for every word of the title that nobody asked for, and for "other"."""
        extra = len(self.words_of(code) - asked - self._default)
        other = self._titles.get(code, "").lower().startswith("other ")
        return 1 - 0.01 * min(extra, 10) - 0.03 * other

    def is_sided(self, code: str) -> bool:
        return bool(self.words_of(code) & self._sides)

    def witness(self, code: str, asked: frozenset[int]) -> float:
        """What a quote of another note is worth for the code: that patient's side is not this one's."""
        return self.siding(code, asked) if asked & self._sides or not self.is_sided(code) else _OF_ANOTHER

    def siding(self, code: str, asked: frozenset[int]) -> float:
        """Less than 1 for a code of no side where one was asked; 0 for a code of the other side alone."""
        sides = asked & self._sides
        named = self.words_of(code) & self._sides
        if not sides or sides & named:
            return 1.0
        if not named:
            return 0.85
        return 0.8 if self._both in sides | named else 0.0

    def _fit(self, code: str, above: frozenset[int], asked: frozenset[int]) -> tuple[float, bool, bool, int]:
        """How well a code goes with what was asked; then whether it is the one that says least."""
        weight = self._postings.weight
        own = self.said_in(code) - above
        unasked = own - asked - self._default
        fit = float(sum(weight[n] for n in self.words_of(code) & asked) - _UNSAID * sum(weight[n] for n in unasked))
        title = self._titles.get(code, "").lower()
        return round(fit, 3), "unspecified" in title, not title.startswith("other "), -len(unasked)

    def _said_in(self, code: str) -> frozenset[int]:
        """Words of the title that say something: not the severity of "unspecified severity"."""
        return self._numbers(_UNSPECIFIED.sub("", self._titles.get(code, "").lower()))

    def _words_of(self, code: str) -> frozenset[int]:
        return self._numbers(self._titles.get(code, "").lower())

    def _numbers(self, text: str) -> frozenset[int]:
        words = set(terms_of(_WITHOUT.sub("", text))) - FREE - RESIDUAL
        return frozenset(n for word in words if (n := self._postings.number.get(word)) is not None)
