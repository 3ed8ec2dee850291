"""What a searcher may mean: abbreviations written out, other words for the same, parts of words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from model.codebook.postings import Postings
from model.codebook.spelling import Speller
from model.codebook.words import FILLER, plain, stem, terms_of

_LONGEST = 5  # words of an abbreviation or phrase
_READINGS = 6
_NUMBERED = re.compile(r"([a-z]{2,})([0-9]+[a-z]?)")
_MOST_WORDS = 24
# The number of a list item; a dose.
_NO_WORDS = re.compile(r"^\s*\d{1,2}[.)]\s|\b\d+(?:\.\d+)?\s*(?:mg|mcg|ml|units?)\b", re.IGNORECASE)
_FILLER = frozenset(map(stem, FILLER))

Wanted = Mapping[int, float]  # number of a word that will do -> how well


class Phrases:
    """Phrases with what the code book says for them: abbreviations, lay words."""

    def __init__(self, table: str) -> None:
        self._meanings: dict[tuple[str, ...], tuple[str, ...]] = {}
        for line in table.splitlines():
            if line and not line.startswith("#"):
                phrase, meanings = line.split("\t")
                self._meanings[tuple(plain(phrase))] = tuple(m.strip() for m in meanings.split(";"))

    def items(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        return ((" ".join(phrase), meanings) for phrase, meanings in self._meanings.items())

    def readings(self, words: list[str]) -> list[str]:
        """The words as given, then with every phrase written out; the likeliest meaning first."""
        readings = [""]
        position = 0
        while position < len(words):
            length, meanings = self._longest(words, position)
            readings = [f"{r} {m}" for m in meanings for r in readings][:_READINGS]
            position += length
        given = " ".join(words)
        return list(dict.fromkeys([*(r.strip() for r in readings), given]))

    def _longest(self, words: list[str], position: int) -> tuple[int, tuple[str, ...]]:
        for length in range(min(_LONGEST, len(words) - position), 0, -1):
            if meanings := self._meanings.get(tuple(words[position : position + length])):
                return length, meanings
        return 1, (words[position],)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a query, each element a word and what will do for it."""

    wanted: tuple[Wanted, ...]

    @property
    def exact(self) -> frozenset[int]:
        return frozenset(n for words in self.wanted for n in words)


class Interpreter:
    """Turns the words of a query into numbers of the vocabulary."""

    def __init__(self, postings: Postings, speller: Speller, abbreviations: Phrases, synonyms: Phrases) -> None:
        self._postings = postings
        self._speller = speller
        self._abbreviations = abbreviations
        self._synonyms = synonyms
        self._same = _word_pairs(synonyms)

    def readings(self, query: str) -> list[Reading]:
        words = [part for word in plain(_NO_WORDS.sub(" ", query)) for part in self._split(word)][: _MOST_WORDS * 2]
        texts = [s for a in self._abbreviations.readings(words) for s in self._synonyms.readings(a.split())]
        found = [self._reading(text) for text in list(dict.fromkeys(texts))[:_READINGS]]
        return [reading for reading in found if reading.wanted]

    def _split(self, word: str) -> list[str]:
        """`ckd3` is `ckd 3` where the code book has no such word."""
        parts = _NUMBERED.fullmatch(word)
        known = stem(word) in self._postings.number or self._abbreviations.readings([word])[0] != word
        return [word] if known or parts is None else [parts[1], parts[2]]

    def _reading(self, text: str) -> Reading:
        words = list(dict.fromkeys(terms_of(text)))
        words = [w for w in words if w not in _FILLER] or words
        last = next(reversed(plain(text)), "")
        wanted = (self._wanted(word, last if word == stem(last) else None) for word in words)
        return Reading(tuple(w for w in wanted if w)[:_MOST_WORDS])

    def _wanted(self, word: str, begun: str | None) -> Wanted:
        """The words that will do for one word; `begun` is the last word as typed, which may not be finished yet."""
        number = self._postings.number.get(word)
        if number is not None:
            others = {n: 0.9 for same in self._same.get(word, ()) if (n := self._postings.number.get(same)) is not None}
            return {**others, number: 1.0}
        completed = self._speller.beginning(begun) if begun is not None and len(begun) > 2 else []
        return dict(completed or self._speller.near(word))


def _word_pairs(synonyms: Phrases) -> dict[str, set[str]]:
    """Single words that mean the same, either way round."""
    same: dict[str, set[str]] = {}
    for phrase, meanings in synonyms.items():
        for meaning in meanings:
            left, right = terms_of(phrase), terms_of(meaning)
            if len(left) == len(right) == 1:
                same.setdefault(left[0], set()).add(right[0])
                same.setdefault(right[0], set()).add(left[0])
    return same
