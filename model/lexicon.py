"""The terms of the code book and those learnt from coded notes, and where a document uses them."""

import gzip
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from model.document import Span
from model.reading import Mention, Reading, Sentence
from model.tokens import FUNCTION_WORDS, Token

LONGEST = 9  # words of a term; longer titles are not written out in notes
CAPITALS = "A"  # source of an abbreviation that is known in capitals alone: 'MR' is not 'Mr'
_WIDEST_GAP = 3  # blanks inside a term; columns of a table stand further apart
_SCATTERED = 3  # words of a term whose words stand apart
_APART = 8  # words from the first to the last of them
_MOST_MARKED = 40  # of a sentence
# A term does not reach across these: 'sepsis without shock' is not 'sepsis with shock'.
_DENYING = frozenset({"without", "no", "not", "nor", "never", "absence", "negative"})
_BRIDGES = frozenset({",", "/", "wrap", "."})


@dataclass(frozen=True, slots=True)
class TermCode:
    """One code that a term stands for, and which table said so."""

    code: str
    source: str


class Lexicon:
    """Terms by their key (`tokens.term_key`); the order of words in the note does not matter."""

    def __init__(self, terms: Mapping[str, str]) -> None:
        """`terms`: key -> 'source:code source:code'."""
        self._terms = terms
        self._capitals = {k for k, codes in terms.items() if codes.startswith(f"{CAPITALS}:")}
        self._reach: dict[str, int] = {}
        for key in terms:
            words = key.split(" ")
            for word in words:
                if self._reach.get(word, 0) < len(words):
                    self._reach[word] = len(words)

    @classmethod
    def load(cls, path: Path, learnt: Mapping[str, str]) -> "Lexicon":
        """The terms of the code book, those learnt before them."""
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = (line.rstrip("\n").partition("\t") for line in lines)
            return cls(merge_terms(learnt, {key: codes for key, _, codes in rows}))

    def __len__(self) -> int:
        return len(self._terms)

    def codes(self, key: str) -> tuple[TermCode, ...]:
        """What the term stands for, in the order of the tables."""
        pairs = (item.split(":", 1) for item in self._terms.get(key, "").split())
        return tuple(TermCode(code, source.lower()) for source, code in pairs)

    def find(self, reading: Reading) -> list[Mention]:
        """The longest terms of every sentence; a term inside a longer one is not a mention of its own."""
        mentions: list[Mention] = []
        for number, sentence in enumerate(reading.sentences):
            mentions.extend(_longest(self._matches(reading, number, sentence)))
        return mentions

    def find_scattered(self, reading: Reading, marked: Sequence[bool], known: Collection[Mention]) -> list[Mention]:
        """Terms whose words stand apart, all of them marked: 'lung' and 'metastasis' in 'lesions of the lung that are
        compatible with metastasis'. `marked`: of every token; `known`: what was found in one piece."""
        seen = {(m.key, m.first, m.last) for m in known}
        mentions: list[Mention] = []
        for number, sentence in enumerate(reading.sentences):
            words = [
                i
                for i in range(sentence.first, sentence.last)
                if reading.tokens[i].word and reading.tokens[i].norm not in FUNCTION_WORDS
            ]
            found = [
                mention
                for places in _scattered(words, marked)
                if (mention := self._scattered_mention(reading, number, places, words))
                and (mention.key, mention.first, mention.last) not in seen
            ]
            found = [m for m in found if not _borrowed(m, [k for k in known if k.sentence == number])]
            larger = [set(m.places) for m in found if m.length == _SCATTERED]
            larger += [set(m.places) for m in known if m.sentence == number and not m.nested]
            mentions += [replace(m, nested=any(set(m.places) < other for other in larger)) for m in found]
        return mentions

    def _scattered_mention(
        self, reading: Reading, number: int, places: tuple[int, ...], words: Sequence[int]
    ) -> Mention | None:
        norms = [reading.tokens[i].norm for i in places]
        key = " ".join(sorted(set(norms)))
        if len(set(norms)) < len(norms) or key not in self._terms or key in self._capitals:
            return None
        first, last = places[0], places[-1]
        if any(reading.tokens[i].norm in _DENYING for i in range(first, last) if i not in places):
            return None
        gap = bisect_left(words, last) - bisect_left(words, first) + 1 - len(places)
        span = Span(reading.tokens[first].start, reading.tokens[last].end)
        return Mention(span, key, len(places), number, first, last + 1, broken=True, gap=gap, words=places)

    def _matches(self, reading: Reading, number: int, sentence: Sentence) -> Iterator[Mention]:
        for run in _runs(reading.tokens, sentence):
            for at, (index, _) in enumerate(run):
                reach = min(self._reach.get(reading.tokens[index].norm, 0), len(run) - at)
                words: list[str] = []
                for position, broken in run[at : at + reach]:
                    norm = reading.tokens[position].norm
                    if norm not in self._reach or norm in words:
                        break
                    words.append(norm)
                    key = " ".join(sorted(words))
                    if key in self._terms and not (key in self._capitals and _is_a_word(reading, index)):
                        crossed = broken != run[at][1]
                        first, last = reading.tokens[index], reading.tokens[position]
                        yield Mention(
                            Span(first.start, last.end), key, len(words), number, index, position + 1, crossed
                        )


def _borrowed(mention: Mention, known: Iterable[Mention]) -> bool:
    """Whether every word of it belongs to a longer term, and not all to one: 'kidney' and 'failure' of 'kidney disease
    stage 3 and heart failure'."""
    owners = [set(m.places) for m in known if m.length > 1 and not m.nested and not m.broken]
    places = set(mention.places)
    return places <= set().union(*owners) and not any(places <= words for words in owners)


def _is_a_word(reading: Reading, index: int) -> bool:
    """An abbreviation written like a word ('Mr', 'hit'), or after a number, where it tells of a measure ('99% RA')."""
    token = reading.tokens[index]
    before = reading.tokens[index - 1].norm if index else ""
    return not reading.text[token.start : token.end].isupper() or before[:1].isdigit()


def _scattered(words: Sequence[int], marked: Sequence[bool]) -> Iterator[tuple[int, ...]]:
    """Two or three marked words that stand within reach of each other."""
    chosen = [(at, index) for at, index in enumerate(words) if marked[index]][:_MOST_MARKED]
    for at, (place, index) in enumerate(chosen):
        near = [i for p, i in chosen[at + 1 :] if p - place <= _APART]
        for size in range(1, _SCATTERED):
            for others in combinations(near, size):
                yield (index, *others)


def merge_terms(*tables: Mapping[str, str]) -> dict[str, str]:
    """One table of terms; where several know a term, the codes of the earlier come first."""
    merged: dict[str, str] = {}
    for table in tables:
        for key, codes in table.items():
            merged[key] = f"{merged[key]} {codes}" if key in merged else codes
    return merged


def _runs(tokens: tuple[Token, ...], sentence: Sentence) -> Iterator[list[tuple[int, int]]]:
    """Words that may form one term: (token, how many commas and strokes before it)."""
    run: list[tuple[int, int]] = []
    crossed = 0
    end = 0
    for index in range(sentence.first, sentence.last):
        token = tokens[index]
        if run and token.start - end > _WIDEST_GAP:
            yield run
            run = []
        end = token.end
        if token.word:
            if token.norm not in FUNCTION_WORDS:
                run.append((index, crossed))
        elif token.norm in _BRIDGES:
            crossed += token.norm != "wrap"
        elif run:
            yield run
            run = []
    if run:
        yield run


def _longest(matches: Iterable[Mention]) -> list[Mention]:
    """Longer terms first; one torn by a comma counts as half a word shorter; no two share a word."""
    chosen: list[Mention] = []
    taken: set[int] = set()
    for mention in sorted(matches, key=lambda m: (-m.length + 0.5 * m.broken, m.broken, m.first)):
        words = range(mention.first, mention.last)
        if not taken.intersection(words):
            chosen.append(mention)
            taken.update(words)
        elif taken.issuperset(words) and not mention.broken:
            chosen.append(replace(mention, nested=True))
    return sorted(chosen, key=lambda m: m.span)
