"""Words that a search does not know: what they may be the beginning of, or a misspelling of."""

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property, lru_cache

_CLOSE = 12  # words compared letter by letter
_SLIP = 1.6  # what a wrong letter costs, as a share of the letters: short words are near to anything


class Speller:
    """Finds the words of a vocabulary that are near a word outside it."""

    def __init__(self, words: Sequence[str], frequency: Sequence[int]) -> None:
        self._words = words
        self.near = lru_cache(maxsize=2_000)(self._near)  # readings of a query ask for the same words again
        self._frequency = frequency

    def beginning(self, start: str, limit: int = 30) -> list[tuple[int, float]]:
        """Words that begin so, the commonest first, with how likely they are meant, 0..1."""
        found = [n for n, word in enumerate(self._words) if word.startswith(start)]
        found.sort(key=lambda n: -self._frequency[n])
        return [(n, 0.6 + 0.2 * self._frequency[n] / self._frequency[found[0]]) for n in found[:limit]]

    def _near(self, word: str, limit: int = 3) -> list[tuple[int, float]]:
        """Words one letter away, two for long words, with how alike they are, 0..1."""
        if len(word) < 4 or not word.isalpha():
            return []
        shared: dict[int, int] = defaultdict(int)
        for gram in _grams(word):
            for number in self._holding.get(gram, ()):
                shared[number] += 1
        nearest = sorted(shared, key=lambda n: (shared[n] * -2 + len(self._words[n]), n))[: _CLOSE * 4]
        allowed = 1 if len(word) < 8 else 2
        found = [(n, d) for n in nearest if (d := distance(word, self._words[n], allowed)) <= allowed]
        found.sort(key=lambda pair: (pair[1], -self._frequency[pair[0]]))
        return [(n, 1 - _SLIP * d / len(word)) for n, d in found[:limit]]

    @cached_property
    def _holding(self) -> dict[str, list[int]]:
        holding: dict[str, list[int]] = defaultdict(list)
        for number, word in enumerate(self._words):
            if word.isalpha():
                for gram in _grams(word):
                    holding[gram].append(number)
        return holding


def _grams(word: str) -> set[str]:
    """Pairs of neighbouring letters: any single slip leaves most of them."""
    marked = f"^{word}$"
    return {marked[i : i + 2] for i in range(len(marked) - 1)}


def distance(a: str, b: str, allowed: int) -> int:
    """Letters to insert, drop, change or swap with their neighbour; `allowed` + 1 when there are more."""
    if abs(len(a) - len(b)) > allowed:
        return allowed + 1
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            cost = min(last[j] + 1, row[-1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > allowed:
            return allowed + 1
        before, last = last, row
    return min(last[-1], allowed + 1)
