"""Which terms hold which words: the arrays behind a search, packed at build time for a quick start."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from model.codebook.entries import Term, TermSource
from model.codebook.words import CONNECTIVE, FREE, RESIDUAL, joined, terms_of

Ints = NDArray[np.int32]
Floats = NDArray[np.float32]
PARTS = ("search-words.txt", "search-codes.txt", "search-terms.npy", "search-starts.npy", "search-held.npy")
_SOURCES = tuple(TermSource)


@dataclass(frozen=True)
class Postings:
    """Terms by number, words by number.

    words: the vocabulary. codes: one for each code that a term names.
    terms (3, terms): number of the code, number of the source, times quoted.
    starts (terms + 1,): where a term's words begin in held.
    held (words of all terms,): number of the word; ~number where the word may be missing at no cost.
    """

    words: Sequence[str]
    codes: Sequence[str]
    terms: Ints
    starts: Ints
    held: Ints

    @cached_property
    def number(self) -> dict[str, int]:
        return {word: n for n, word in enumerate(self.words)}

    @cached_property
    def _by_word(self) -> tuple[Ints, Ints]:
        """(order, starts): the terms of word n are order[starts[n]:starts[n+1]], as positions in held."""
        words = np.where(self.held < 0, ~self.held, self.held)
        order = np.argsort(words, kind="stable").astype(np.int32)
        counts = np.bincount(words, minlength=len(self.words))
        return order, np.concatenate(([0], np.cumsum(counts))).astype(np.int32)

    @cached_property
    def _term_of(self) -> Ints:
        return np.repeat(np.arange(len(self.starts) - 1, dtype=np.int32), np.diff(self.starts))

    @cached_property
    def weight(self) -> Floats:
        """How much a word tells, by the number of terms that hold it: 0.1 .. about 10."""
        _, starts = self._by_word
        weight = np.log((len(self.starts) - 1) / np.maximum(np.diff(starts), 1)).astype(np.float32)
        for words, fixed in ((FREE, 0.3), (RESIDUAL, 1.5), ({CONNECTIVE}, 0.5)):
            weight[[n for word in words if (n := self.number.get(word)) is not None]] = fixed
        return np.maximum(weight, 0.1)

    @cached_property
    def frequency(self) -> list[int]:
        """Number of terms that hold each word."""
        _, starts = self._by_word
        return [int(n) for n in np.diff(starts)]

    @cached_property
    def total(self) -> Floats:
        """Weight of the words of each term that count."""
        counted = np.where(self.held < 0, 0, self.weight[np.maximum(self.held, 0)])
        return np.bincount(self._term_of, weights=counted, minlength=len(self.starts) - 1).astype(np.float32)

    def holding(self, word: int) -> tuple[Ints, NDArray[np.bool_]]:
        """The terms that hold a word, and whether it counts there."""
        order, starts = self._by_word
        positions = order[starts[word] : starts[word + 1]]
        return self._term_of[positions], self.held[positions] >= 0

    def words_of(self, term: int) -> set[int]:
        held = self.held[self.starts[term] : self.starts[term + 1]]
        return {int(n) if n >= 0 else ~int(n) for n in held}


def pack_postings(terms: Iterable[Term]) -> dict[str, bytes]:
    """The parts from which `read_postings` makes Postings."""
    numbers: dict[str, int] = {}
    codes: dict[str, int] = {}
    starts, held = [0], []
    about: list[tuple[int, int, int]] = []
    for term in terms:
        counted = dict.fromkeys(terms_of(term.text))
        free = dict.fromkeys([*joined(term.text), *(w for m in term.modifiers if _adds(m) for w in terms_of(m))])
        for word in counted | free:
            number = numbers.setdefault(word, len(numbers))
            held.append(number if word in counted and word not in FREE else ~number)
        starts.append(len(held))
        about.append((codes.setdefault(term.code, len(codes)), _SOURCES.index(term.source), term.times))
    arrays = {
        "search-terms.npy": np.array(about).T,
        "search-starts.npy": np.array(starts),
        "search-held.npy": np.array(held),
    }
    return {
        "search-words.txt": "\n".join(numbers).encode(),
        "search-codes.txt": "\n".join(codes).encode(),
        **{name: _npy(array.astype("<i4")) for name, array in arrays.items()},
    }


def read_postings(parts: Mapping[str, bytes]) -> Postings:
    terms, starts, held = (np.load(io.BytesIO(parts[name]), allow_pickle=False) for name in PARTS[2:])
    return Postings(
        parts["search-words.txt"].decode().split("\n"),
        parts["search-codes.txt"].decode().split("\n"),
        terms,
        starts,
        held,
    )


def _adds(modifier: str) -> bool:
    """Whether the modifier may be said of the code; "(without vomiting)" may not be found by its noun."""
    return not modifier.startswith(("without", "not "))


def _npy(array: Ints) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()
