"""Terms as numbers: what is made of them once, kept in one file, and searched by `model.nearest`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Small = NDArray[np.float32]
Integers = NDArray[np.int64]

SOURCES = "htixnsaweA"  # letters of the tables of terms; their places are the numbers kept


@dataclass(frozen=True)
class Lists:
    """Lists of numbers one behind the other; list i is values[starts[i]:starts[i + 1]]."""

    starts: Integers
    values: NDArray[np.int32]

    @classmethod
    def of(cls, keys: Integers, values: Integers, number: int) -> "Lists":
        """Values by their key, 0..number-1; the order of the values of a key is kept."""
        order = np.argsort(keys, kind="stable")
        counts = np.bincount(keys, minlength=number)
        return cls(np.concatenate([[0], np.cumsum(counts)]), values[order].astype(np.int32))

    def __getitem__(self, at: int) -> NDArray[np.int32]:
        return self.values[self.starts[at] : self.starts[at + 1]]

    @property
    def lengths(self) -> Integers:
        return np.diff(self.starts)

    def owners(self) -> Integers:
        """The list that each value is in."""
        return np.repeat(np.arange(len(self.starts) - 1), self.lengths)

    def inverted(self, number: int) -> "Lists":
        """For every value the lists that hold it."""
        return Lists.of(self.values.astype(np.int64), self.owners(), number)


@dataclass(frozen=True)
class Forest:
    """Boosted trees in one block; shape of the arrays: trees, nodes. A leaf has feature -1."""

    base: float
    depth: int
    features: NDArray[np.int32]
    thresholds: Floats
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    values: Floats

    def probabilities(self, table: Floats) -> Floats:
        """Of every row of `table` [n, features]."""
        trees = np.arange(len(self.values))[None, :]
        rows = np.arange(len(table))[:, None]
        node = np.zeros((len(table), len(self.values)), dtype=np.int64)
        for _ in range(self.depth):
            feature = self.features[trees, node]
            goes_left = table[rows, np.maximum(feature, 0)] <= self.thresholds[trees, node]
            following = np.where(goes_left, self.left[trees, node], self.right[trees, node])
            node = np.where(feature < 0, node, following)
        scores = self.base + self.values[trees, node].sum(axis=1)
        return np.asarray(1 / (1 + np.exp(-scores)))


@dataclass(frozen=True)
class Tables:
    """The terms as numbers: words, terms, codes, and what was learnt about them (`model.train.nearest`)."""

    words: tuple[str, ...]
    codes: tuple[str, ...]
    categories: Integers  # of every code
    terms: Lists  # words of each term
    term_codes: Lists
    sources: NDArray[np.uint8]  # of every value of `term_codes`
    code_words: Lists  # codes under each word: of all terms and titles of the code and of those above it
    category_words: Lists  # categories under each word
    alike: Lists  # words that may stand for each word
    likeness: Small  # of every value of `alike`, 0..1
    weights: Floats  # of the words: how much their absence tells
    senses: NDArray[np.int8]  # of the words [words, directions]: words that are said of the same codes lie close
    forest: Forest | None

    def save(self, path: Path) -> None:
        """One compressed file of arrays; the same bytes each time."""
        arrays: dict[str, NDArray[np.generic]] = {
            "words": np.frombuffer("\n".join(self.words).encode(), dtype=np.uint8),
            "codes": np.frombuffer("\n".join(self.codes).encode(), dtype=np.uint8),
            "categories": self.categories, "sources": self.sources, "likeness": self.likeness, "weights": self.weights,
            "senses": self.senses,
        }  # fmt: skip
        for name in _LISTS:
            lists: Lists = getattr(self, name)
            arrays[f"{name}.lengths"] = lists.lengths.astype(np.int32)
            arrays[f"{name}.values"] = lists.values
        if self.forest:
            arrays["forest.shape"] = np.array([self.forest.base, self.forest.depth])
            arrays |= {f"forest.{name}": getattr(self.forest, name) for name in _FOREST}
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Tables":
        """Reads what `save` wrote; raises OSError, KeyError or ValueError for another file."""
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        lists = {
            name: Lists(np.concatenate([[0], np.cumsum(held[f"{name}.lengths"], dtype=np.int64)]),
                        held[f"{name}.values"])
            for name in _LISTS
        }  # fmt: skip
        forest = None
        if "forest.shape" in held:
            base, depth = held["forest.shape"].tolist()
            forest = Forest(base, int(depth), *(held[f"forest.{name}"] for name in _FOREST))
        words, codes = (tuple(held[name].tobytes().decode().split("\n")) for name in ("words", "codes"))
        return cls(
            words=words, codes=codes, categories=held["categories"], sources=held["sources"], weights=held["weights"],
            likeness=held["likeness"], senses=held["senses"], forest=forest, **lists,
        )  # fmt: skip


_LISTS = ("terms", "term_codes", "code_words", "category_words", "alike")
_FOREST = ("features", "thresholds", "left", "right", "values")
