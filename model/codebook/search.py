"""Search over the code book: words in any order, abbreviations, lay words, misspellings, or the beginning of a code."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from model.codebook.bands import Bands
from model.codebook.entries import Entry, SearchResult, TermSource
from model.codebook.leaves import Leaves
from model.codebook.postings import Floats, Postings
from model.codebook.query import Interpreter, Reading, Wanted
from model.codebook.quotes import Quotes

_CODE = re.compile(r"[A-Z][0-9A][0-9A-Z]\.?[0-9A-Z]{0,4}-?\Z")
_CONSIDERED = 300  # terms looked at closely
_COVERED, _CLOSE = 0.2, 0.8  # shares of the score: what was asked is there; little else is
_CHOSEN = 0.985  # the term names a heading, the billable code under it is our choice
_LEAST_OF_FEW = 0.35  # of one or two words, which occur in many terms by the way
_LATER_READING = 0.97  # a less likely meaning of an abbreviation
# Nobody looks for the cause of an injury by the words of a disease; what is printed goes before our own wordings.
_TRUST = {TermSource.NEOPLASM: 0.97, TermSource.EXTERNAL: 0.85, TermSource.THESAURUS: 0.98, TermSource.QUOTED: 0.93}
_VOTED, _USED = 0.4, 0.05  # what the quotes of coded notes add: their votes, and how much a code is used
_VOICE = 0.05  # share of the votes that brings in a code by itself
_SIBLING, _OF_A_SIDE = 0.6, 0.85  # shares of the score of an unspecified first code for those that say more, or a side
# What stands between the parts of a sentence.
_PARTS = re.compile(
    r"[,;:()]|\.\s|\b(?:and|with|but|who|which|due to|secondary to|leading to|associated with|along with|status post|"
    r"s/p|as evidenced by|manifested by|continue|most likely)\b",
    re.IGNORECASE,
)
_SHORTEST_PART, _MOST_PARTS = 3, 4
_SURE_OF_PART = 0.8  # least score of the first code of a part
_OF_PART, _BEHIND = 0.9, 0.98  # share of that score; and at most so much of the best for the whole
_PRIOR = np.array([_TRUST.get(source, 1.0) for source in TermSource], np.float32)

Get = Callable[[str], Entry | None]


@dataclass(frozen=True, slots=True)
class _Match:
    """A term that answers, and how much of it was asked."""

    term: int
    close: float


class Search:
    """Finds billable codes by words. Holds no state of a query; safe to share between threads."""

    def __init__(
        self, postings: Postings, interpreter: Interpreter, leaves: Leaves, bands: Bands, codes: Sequence[str]
    ) -> None:
        """`codes`: every code of the book, in order."""
        self._postings = postings
        self._interpreter = interpreter
        self._leaves = leaves
        self._bands = bands
        self._codes = codes
        self._quotes = Quotes(postings)

    def find(self, words: str, get: Get, limit: int) -> list[SearchResult]:
        """The best codes first; `get` knows the day."""
        found = self._by_code(words, get, limit)
        if found:
            return found
        scores = self._answers(words, get)
        self._offer_parts(scores, words, get)
        self._offer_siblings(scores, words, get)
        scores |= {code: 1.0 for code in self._bands.holding(words) if (entry := get(code)) and entry.billable}
        best = _ranked(scores)[:limit]
        return [
            SearchResult(code, entry.title, round(min(score, 1.0), 4)) for code, score in best if (entry := get(code))
        ]

    def _answers(self, words: str, get: Get) -> dict[str, float]:
        """Code -> score over all readings of the words."""
        scores: dict[str, float] = {}
        readings = self._interpreter.readings(words)
        for n, reading in enumerate(readings):
            likely = n in (0, len(readings) - 1)  # the likeliest meaning, and the words as they were given
            for code, score in self._by_words(reading, get, _VOTED if likely else 0.0).items():
                scores[code] = max(scores.get(code, 0.0), score * _LATER_READING**n)
        return scores

    def _offer_parts(self, scores: dict[str, float], words: str, get: Get) -> None:
        """What a sentence names besides: each of its parts is a search of its own, and its first code is offered."""
        parts = [part for part in _PARTS.split(words) if len(part.strip()) >= _SHORTEST_PART]
        most = _BEHIND * max(scores.values(), default=1.0)
        for part in parts[:_MOST_PARTS] if len(parts) > 1 else ():
            for code, score in _ranked(self._answers(part, get))[:1]:
                if score >= _SURE_OF_PART:
                    scores[code] = max(scores.get(code, 0.0), min(_OF_PART * score, most))

    def _offer_siblings(self, scores: dict[str, float], words: str, get: Get) -> None:
        """Where the first code leaves something unspecified, those that say it come into the list."""
        readings = self._interpreter.readings(words)
        asked = readings[-1].exact if readings else frozenset()
        for first, score in _ranked(scores)[:1]:
            for code in self._leaves.siblings(first, get):
                if self._leaves.siding(code, asked) == 1.0:
                    share = _OF_A_SIDE if self._leaves.is_sided(code) else _SIBLING
                    scores[code] = max(scores.get(code, 0.0), score * share)

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

    def _by_words(self, reading: Reading, get: Get, voted: float) -> dict[str, float]:
        """Billable code -> score for one reading of the query; `voted`: what all votes of quotes add to a code."""
        weights = [self._weight_of(wanted) for wanted in reading.wanted]
        asked = reading.exact
        found: dict[str, float] = {}
        covered, counted = self._cover(reading, weights)
        for match in self._matches(covered, counted, sum(weights)):
            leaf = self._leaves.choose(self._code_of(match), asked, get)
            if leaf is not None:
                found[leaf] = max(found.get(leaf, 0.0), self._score(match, leaf, asked, reading, weights))
        least = _LEAST_OF_FEW if len(reading.wanted) < 3 else 0.0
        scores = {c: score * (1 + _USED * self._quotes.use(c)) for c, score in found.items() if score >= least}
        for code, share in self._quotes.votes(counted, sum(weights)).items() if voted else ():
            if code in scores or (share >= _VOICE and (entry := get(code)) and entry.billable):
                scores[code] = scores.get(code, 0.0) + voted * share * self._leaves.witness(code, asked)
        return scores

    def _matches(self, covered: Floats, counted: Floats, asked: float) -> list[_Match]:
        """The terms that hold most of what was asked and least of anything else, one a code."""
        postings = self._postings
        close = counted / np.maximum(postings.total, 0.3)
        scores = covered / max(asked, 0.1) * (_COVERED + _CLOSE * close) * _PRIOR[postings.terms[1]]
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
        chosen = (word for word, fit in wanted.items() if fit == best)
        return float(max(self._postings.weight[word] * self._quotes.telling[word] for word in chosen))


def _ranked(scores: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(((c, s) for c, s in scores.items() if s > 0), key=lambda pair: (-round(pair[1], 4), pair[0]))
