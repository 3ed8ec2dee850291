"""Words by their letters: what is cut, bent or misspelt is like its right form."""

from collections.abc import Sequence

import numpy as np

from model.nearest_tables import Lists

_CLOSE = 0.5  # likeness of the letters of two words
_MOST = 12  # words alike in their letters


class Spelling:
    """Finds words by their letters; a word cut or misspelt is like its right form."""

    def __init__(self, words: Sequence[str]) -> None:
        self._number: dict[str, int] = {}
        number = self._number
        held = [sorted({number.setdefault(gram, len(number)) for gram in _grams(word)}) for word in words]
        owners = np.repeat(np.arange(len(words)), [len(grams) for grams in held])
        grams = np.fromiter((gram for one in held for gram in one), np.int64, len(owners))
        self._holding = Lists.of(grams, owners, len(number))
        self._rarity = np.log(1 + len(words) / (1.0 + self._holding.lengths))
        self._greatest = np.log(1.0 + len(words))
        self._norms = np.sqrt(np.bincount(owners, self._rarity[grams] ** 2, len(words)))

    def like(self, word: str) -> list[tuple[int, float]]:
        """Numbers of the words most like it, and how like they are, 0..1; none for short words and numbers."""
        if len(word) < 4 or word[0].isdigit():
            return []
        grams = set(_grams(word))
        known = sorted(self._number[gram] for gram in grams if gram in self._number)
        if not known:
            return []
        norm = np.sqrt((self._rarity[known] ** 2).sum() + (len(grams) - len(known)) * self._greatest**2)
        shared = np.concatenate([self._holding[gram] for gram in known])
        parts = np.repeat(self._rarity[known] ** 2, self._holding.lengths[known])
        likeness = np.bincount(shared, parts, len(self._norms)) / (self._norms * norm)
        close = np.flatnonzero(likeness > _CLOSE)
        close = close[np.argsort(-likeness[close], kind="stable")][:_MOST]
        return [(int(at), float(likeness[at])) for at in close]


def _grams(word: str) -> list[str]:
    marked = f"^{word}$"
    return [marked[at : at + size] for size in (2, 3, 4) for at in range(len(marked) - size + 1)]
