"""Abbreviations written out for the tagger, which learnt from dictated notes that seldom shorten a diagnosis."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from model.tokens import read_pairs

_WORD = re.compile(r"[^\W_]+")
_MEANINGS = read_pairs(Path(__file__).with_name("spelled_out.tsv"))


@dataclass(frozen=True, slots=True)
class Part:
    """Characters from `begin` on that stand for the characters `start` to `end` of the original."""

    begin: int
    text: str
    start: int
    end: int
    meaning: bool  # stands for them as a whole; otherwise character by character

    def origin(self, at: int) -> tuple[int, int]:
        """The characters of the original that the character `at` stands for."""
        if self.meaning:
            return self.start, self.end
        there = self.start + at - self.begin
        return there, min(there + 1, self.end)


class SpelledOut:
    """A text with every word written out that is known to shorten one thing alone, in whatever case it stands."""

    def __init__(self, original: str) -> None:
        self._parts: list[Part] = []
        done = 0
        for word in _WORD.finditer(original):
            meaning = _MEANINGS.get(word[0].lower())
            if meaning:
                self._add(original[done : word.start()], done, word.start(), False)
                self._add(meaning, *word.span(), True)
                done = word.end()
        self._add(original[done:], done, len(original), False)
        self.text = "".join(part.text for part in self._parts)

    def _add(self, text: str, start: int, end: int, meaning: bool) -> None:
        begin = self._parts[-1].begin + len(self._parts[-1].text) if self._parts else 0
        self._parts.append(Part(begin, text, start, end, meaning))

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the original that `start` to `end` stand for; `end` lies behind `start`."""
        return self._part(start).origin(start)[0], self._part(end - 1).origin(end - 1)[1]

    def _part(self, at: int) -> Part:
        return self._parts[bisect_right(self._parts, at, key=attrgetter("begin")) - 1]
