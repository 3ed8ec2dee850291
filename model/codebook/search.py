"""Search over the code book: words in any order, abbreviations, lay words, misspellings, or the beginning of a code."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from model.codebook.entries import Entry, SearchResult, TermSource
from model.codebook.leaves import Leaves
from model.codebook.postings import Floats, Postings
from model.codebook.query import Interpreter, Reading, Wanted

_CODE = re.compile(r"[A-Z][0-9A][0-9A-Z]\.?[0-9A-Z]{0,4}-?\Z")
_CONSIDERED = 300  # terms looked at closely
_COVERED, _CLOSE = 0.2, 0.8  # shares of the score: what was asked is there; little else is
_CHOSEN = 0.985  # the term names a heading, the billable code under it is our choice
_LATER_READING = 0.97  # a less likely meaning of an abbreviation
# Nobody looks for the cause of an injury by the words of a disease; what is printed goes before our own wordings.
_TRUST = {TermSource.NEOPLASM: 0.97, TermSource.EXTERNAL: 0.85, TermSource.THESAURUS: 0.98}
_PRIOR = np.array([_TRUST.get(source, 1.0) for source in TermSource], np.float32)

Get = Callable[[str], Entry | None]


@dataclass(frozen=True, slots=True)
class _Match:
    """A term that answers, and how much of it was asked."""

    term: int
    close: float


class Search:
    """Finds billable codes by words. Holds no state of a query; safe to share between threads."""

    def __init__(self, postings: Postings, interpreter: Interpreter, leaves: Leaves, codes: Sequence[str]) -> None:
        """`codes`: every code of the book, in order."""
        self._postings = postings
        self._interpreter = interpreter
        self._leaves = leaves
        self._codes = codes

    def find(self, words: str, get: Get, limit: int) -> list[SearchResult]:
        """The best codes first; `get` knows the day."""
        found = self._by_code(words, get, limit)
        if found:
            return found
        scores: dict[str, float] = {}
        for n, reading in enumerate(self._interpreter.readings(words)):
            for code, score in self._by_words(reading, get).items():
                scores[code] = max(scores.get(code, 0.0), score * _LATER_READING**n)
        best = sorted(scores.items(), key=lambda pair: (-round(pair[1], 4), pair[0]))[:limit]
        return [SearchResult(code, entry.title, round(score, 4)) for code, score in best if (entry := get(code))]

    def _by_code(self, words: str, get: Get, limit: int) -> list[SearchResult]:
        start = words.strip().upper()
        if not _CODE.match(start):
            return []
        start = start.rstrip("-").replace(".", "")
        start = start if len(start) <= 3 else f"{start[:3]}.{start[3:]}"
        default = self._leaves.choose(start, frozenset(), get)
        billable = (code for code in self._codes if code.startswith(start) and (e := get(code)) and e.billable)
        ordered = dict.fromkeys([*([default] if default else []), *billable])
        return [
            SearchResult(code, e.title, 1.0 if code == start else 0.9)
            for code in list(ordered)[:limit]
            if (e := get(code))
        ]

    def _by_words(self, reading: Reading, get: Get) -> dict[str, float]:
        """Billable code -> score for one reading of the query."""
        weights = [self._weight_of(wanted) for wanted in reading.wanted]
        asked = reading.exact
        found: dict[str, float] = {}
        for match in self._matches(reading, weights):
            leaf = self._leaves.choose(self._code_of(match), asked, get)
            if leaf is not None:
                found[leaf] = max(found.get(leaf, 0.0), self._score(match, leaf, asked, reading, weights))
        return found

    def _matches(self, reading: Reading, weights: list[float]) -> list[_Match]:
        """The terms that hold most of what was asked and least of anything else, one a code."""
        postings = self._postings
        covered, counted = self._cover(reading, weights)
        close = counted / np.maximum(postings.total, 0.3)
        scores = covered / max(sum(weights), 0.1) * (_COVERED + _CLOSE * close) * _PRIOR[postings.terms[1]]
        top = np.argpartition(-scores, min(_CONSIDERED, len(scores) - 1))[:_CONSIDERED]
        best: dict[int, _Match] = {}
        for term in top[np.argsort(-scores[top], kind="stable")]:
            if scores[term] > 0:
                best.setdefault(int(postings.terms[0, term]), _Match(int(term), float(close[term])))
        return list(best.values())

    def _cover(self, reading: Reading, weights: list[float]) -> tuple[Floats, Floats]:
        """For every term: weight of the asked words that it holds, and weight of its own words that were asked."""
        covered = np.zeros_like(self._postings.total)
        counted = np.zeros_like(self._postings.total)
        for wanted, weight in zip(reading.wanted, weights, strict=True):
            fits = np.zeros_like(covered)
            for word, fit in sorted(wanted.items(), key=lambda pair: pair[1]):
                terms, counts = self._postings.holding(word)
                fits[terms] = fit
                counted[terms[counts]] += fit * self._postings.weight[word]
            covered += fits * np.float32(weight)
        return covered, counted

    def _score(self, match: _Match, leaf: str, asked: frozenset[int], reading: Reading, weights: list[float]) -> float:
        """The score of a term once the words of the chosen code's title count too, 0..1."""
        held = self._postings.words_of(match.term) | self._leaves.words_of(leaf)
        covered = sum(
            weight * max((fit for word, fit in wanted.items() if word in held), default=0.0)
            for wanted, weight in zip(reading.wanted, weights, strict=True)
        )
        if leaf != self._code_of(match):
            covered *= _CHOSEN
        prior = float(_PRIOR[self._postings.terms[1, match.term]])
        manner = self._leaves.plainness(leaf, asked) * self._leaves.siding(leaf, asked)
        return covered / max(sum(weights), 0.1) * (_COVERED + _CLOSE * min(match.close, 1.0)) * prior * manner

    def _code_of(self, match: _Match) -> str:
        return self._postings.codes[int(self._postings.terms[0, match.term])]

    def _weight_of(self, wanted: Wanted) -> float:
        best = max(wanted.values())
        return float(max(self._postings.weight[word] for word, fit in wanted.items() if fit == best))
