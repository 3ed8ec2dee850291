"""What coded notes say for a query: the words that coders quoted vote for their codes, the nearer the more."""

from functools import cached_property

import numpy as np

from model.codebook.entries import TermSource
from model.codebook.postings import Floats, Postings

_LEAST = 0.3  # likeness of a quote that votes
_STEEP = 4  # power of the likeness: a quote half as like has a sixteenth of a vote
_DOUBT = 2.0  # votes that nobody cast: what stands in one note decides little
_QUOTED = tuple(TermSource).index(TermSource.QUOTED)
_SHORTEST = 3  # characters of a category
_CREDIT = 4.0  # quotes in which a word is supposed to have told its code
_LEAST_TOLD = 0.3  # of a word that never told one


class Quotes:
    """The quoted terms of the postings. Empty where none are known."""

    def __init__(self, postings: Postings) -> None:
        self._postings = postings
        self._terms = np.flatnonzero(postings.terms[1] == _QUOTED)
        self._codes, self._times = postings.terms[0, self._terms], postings.terms[2, self._terms]

    def votes(self, counted: Floats, asked: float) -> dict[str, float]:
        """Code -> its share of the votes, 0..1. `counted`: for every term, the weight of its words that were asked.

        asked: the weight of the query.
        """
        both = asked + self._postings.total[self._terms]
        like = 2 * counted[self._terms] / np.maximum(both, 0.1)
        near = np.flatnonzero(like > _LEAST)
        votes = np.bincount(self._codes[near], weights=like[near] ** _STEEP * self._times[near])
        total = float(votes.sum()) + _DOUBT
        return {self._postings.codes[int(n)]: float(votes[n]) / total for n in np.flatnonzero(votes)}

    @cached_property
    def telling(self) -> Floats:
        """How far each word tells a code, 0..1: in how many of the quotes that hold it, it is a word of their code.

        `continue`, `difficulty` and `stable` stand in many quotes and name nothing; a word of no quote counts whole
        and so does a digit, which is a type or a stage.
        """
        postings, size = self._postings, len(self._postings.words)
        of_term = np.repeat(np.arange(len(postings.starts) - 1), np.diff(postings.starts))
        words = np.where(postings.held < 0, ~postings.held, postings.held).astype(np.int64)
        quoted = postings.terms[1, of_term] == _QUOTED
        asked, codes = words[quoted], postings.terms[0, of_term].astype(np.int64)
        known = np.isin(np.arange(size), asked)[words] & ~quoted
        printed = np.unique(codes[known] * size + words[known])
        number = {code: n for n, code in enumerate(postings.codes)}
        told = np.zeros(len(asked), bool)
        for length in range(_SHORTEST, 9):
            above = np.array([number.get(code[:length], -1) for code in postings.codes], np.int64)
            told |= np.isin(above[codes[quoted]] * size + asked, printed)
        seen = np.bincount(asked, minlength=size)
        held = np.bincount(asked, weights=told, minlength=size)
        share = np.maximum((held + _CREDIT) / (seen + _CREDIT), _LEAST_TOLD)
        share[[n for word, n in postings.number.items() if len(word) == 1]] = 1.0
        return share.astype(np.float32)

    def use(self, code: str) -> float:
        """How much a code is used, by the notes in which words were quoted for it: 0..1, the commonest 1."""
        return self._use.get(code, 0.0)

    @cached_property
    def _use(self) -> dict[str, float]:
        times = np.log1p(np.bincount(self._codes, weights=self._times))
        return {self._postings.codes[int(n)]: float(times[n] / times.max()) for n in np.flatnonzero(times)}
