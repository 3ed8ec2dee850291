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
# The number of a list item; a dose; markup; a greeting alone, which is one letter from HELLP.
_NO_WORDS = re.compile(
    r"^\s*\d{1,2}[.)]\s|\b\d+(?:\.\d+)?\s*(?:mg|mcg|ml|units?)\b|</?[a-z][^>]*>?|^\W*hello\W*$", re.IGNORECASE
)
_MENDED = 6  # letters of a word of a phrase that is recognised when misspelt
_SURE = 0.65  # least likeness where every word is taken for a misspelling: a short word resembles anything
_FILLER = frozenset(map(stem, FILLER))

Wanted = Mapping[int, float]  # number of a word that will do -> how well


class Phrases:
    """Phrases with what the code book says for them: abbreviations, lay words."""

    def __init__(self, table: str) -> None:
        self._meanings: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._wholes: dict[tuple[str, ...], tuple[str, ...]] = {}  # of a query that holds nothing else
        for line in table.splitlines():
            if line and not line.startswith("#"):
                phrase, meanings = line.split("\t")
                held = self._wholes if phrase.startswith("=") else self._meanings
                held[tuple(plain(phrase))] = tuple(m.strip() for m in meanings.split(";"))

    def items(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        return ((" ".join(phrase), meanings) for phrase, meanings in self._meanings.items())

    def words(self) -> Iterator[str]:
        """Every word of every phrase."""
        return (word for table in (self._meanings, self._wholes) for phrase in table for word in phrase)

    def readings(self, words: list[str]) -> list[str]:
        """The words as given, then with every phrase written out; the likeliest meaning first."""
        given = " ".join(words)
        if whole := self._wholes.get(tuple(words)):
            return [*whole, given]
        readings = [""]
        position = 0
        while position < len(words):
            length, meanings = self._longest(words, position)
            readings = [f"{r} {m}" for m in meanings for r in readings][:_READINGS]
            position += length
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
        self._phrase_list = sorted(
            {w for table in (abbreviations, synonyms) for w in table.words() if len(w) >= _MENDED}
        )
        self._phrase_words = frozenset(w for table in (abbreviations, synonyms) for w in table.words())
        self._phrase_speller = Speller(self._phrase_list, [1] * len(self._phrase_list))

    def readings(self, query: str) -> list[Reading]:
        words = [part for word in plain(_NO_WORDS.sub(" ", query)) for part in self._split(word)][: _MOST_WORDS * 2]
        words = [self._mended(word) for word in words]
        texts = [s for a in self._abbreviations.readings(words) for s in self._synonyms.readings(a.split())]
        found = [self._reading(text) for text in list(dict.fromkeys(texts))[:_READINGS]]
        return [reading for reading in found if reading.wanted]

    def _split(self, word: str) -> list[str]:
        """`ckd3` is `ckd 3` where the code book has no such word."""
        parts = _NUMBERED.fullmatch(word)
        known = stem(word) in self._postings.number or self._abbreviations.readings([word])[0] != word
        return [word] if known or parts is None else [parts[1], parts[2]]

    def _mended(self, word: str) -> str:
        """A word of the phrases where the word is misspelt and no word of the code book is nearer: `metormin`."""
        if word in self._phrase_words or stem(word) in self._postings.number:
            return word
        nearest = self._phrase_speller.near(word, 1)
        known = self._speller.near(stem(word)) if nearest else []
        return self._phrase_list[nearest[0][0]] if nearest and (not known or nearest[0][1] >= known[0][1]) else word

    def _reading(self, text: str) -> Reading:
        words = list(dict.fromkeys(terms_of(text)))
        words = [w for w in words if w not in _FILLER] or words
        last = next(reversed(plain(text)), "")
        wanted = (self._wanted(word, last if word == stem(last) else None) for word in words)
        guessed = not any(word in self._postings.number for word in words if not word.isdigit())
        least = _SURE if guessed else 0.0
        return Reading(tuple(w for w in wanted if w and max(w.values()) >= least)[:_MOST_WORDS])

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
