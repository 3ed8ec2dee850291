"""Makes the tables of `model.nearest`: terms as numbers, words that may stand for each other, and the ranking trees."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.confidence import Tree
from model.nearest import NearestTerms
from model.nearest_features import FEATURES
from model.nearest_tables import SOURCES, Floats, Forest, Integers, Lists, Small, Tables
from model.tokens import content_words
from model.train.boosting import Settings, fit

SETTINGS = Settings(rounds=120, depth=5, rate=0.12, bins=32, lightest=8.0, columns=0.5, rows=0.7)
_LONGEST = 6  # words of a term from which pairs are learnt
_CROWD = 60  # terms that differ in one word; more tell too little for the time they take
_DOUBT = 2.5  # pairs of terms of different codes that are taken for granted
_ALIKE = 0.2  # least share of pairs with one code
_MOST_ALIKE = 25
_SURE = 0.9  # a word learnt to be alike is never as good as the word itself
_SHORTENED = "s"
_DIRECTIONS = 48
_ROUNDS = 3


class Lineage(Protocol):
    """What is asked of the code book here."""

    def lineage(self, code: str) -> list[str]: ...


def prepare(terms: Mapping[str, str], lineage: Lineage, titles: Mapping[str, str]) -> Tables:
    """Everything but the trees. `terms`: key -> 'source:code source:code'; `titles`: code -> words."""
    keys = list(terms)
    number: dict[str, int] = {}
    worded = [[number.setdefault(word, len(number)) for word in key.split(" ")] for key in keys]
    items = [[(item.split(":", 1)[0], item.split(":", 1)[1].rstrip("-.")) for item in terms[k].split()] for k in keys]
    codes = tuple(sorted({code for one in items for _, code in one}))
    place = {code: at for at, code in enumerate(codes)}
    category_of: dict[str, int] = {}
    categories = np.array([category_of.setdefault(code[:3], len(category_of)) for code in codes], dtype=np.int64)
    term_words, term_codes = _lists(worded), _lists([[place[code] for _, code in one] for one in items])
    said = _said_of_codes(term_words, term_codes, _title_words(codes, lineage, titles, number), len(codes))
    by_word, code = said // len(codes), said % len(codes)
    pairs = np.unique(by_word * len(category_of) + categories[code])
    alike, likeness, needless = learn_words(keys, items, number)
    rarity = _rarity(np.bincount(pairs // len(category_of), minlength=len(number)), len(category_of))
    rarity += _rarity(term_words.inverted(len(number)).lengths, len(keys)) * np.log(len(category_of) + 1)
    weights = rarity * (1 - 0.8 * needless)
    return Tables(
        words=tuple(number), codes=codes, categories=categories, terms=term_words, term_codes=term_codes,
        sources=np.array([SOURCES.index(source) for one in items for source, _ in one], dtype=np.uint8),
        code_words=Lists.of(by_word, code, len(number)),
        category_words=Lists.of(pairs // len(category_of), pairs % len(category_of), len(number)),
        alike=alike, likeness=likeness, weights=weights,
        senses=learn_senses(by_word, code, weights, len(codes)), forest=None,
    )  # fmt: skip


def _lists(rows: Sequence[Sequence[int]]) -> Lists:
    lengths = [len(row) for row in rows]
    values = np.fromiter((value for row in rows for value in row), np.int32, sum(lengths))
    return Lists(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]), values)


def _rarity(found: Integers, whole: int) -> Floats:
    """0..1: the logarithm of how rarely it is found."""
    return np.asarray(np.log(1 + whole / (found + 0.5)) / np.log(whole + 1) / 2)


def _title_words(
    codes: Sequence[str], lineage: Lineage, titles: Mapping[str, str], number: Mapping[str, int]
) -> Iterable[tuple[int, int]]:
    """(word, code) of the title of every code and of those above it."""
    read: dict[str, list[int]] = {}
    for at, code in enumerate(codes):
        for one in lineage.lineage(code):
            if one not in read:
                read[one] = [number[word] for word in content_words(titles.get(one, "")) if word in number]
            yield from ((word, at) for word in read[one])


def _said_of_codes(terms: Lists, codes: Lists, titles: Iterable[tuple[int, int]], number: int) -> Integers:
    """word * number + code for every word of a term or title of the code, in order."""
    term, code = codes.owners(), codes.values.astype(np.int64)
    counts = terms.lengths[term]
    place = np.repeat(terms.starts[term], counts) + np.arange(counts.sum())
    place -= np.repeat(np.cumsum(counts) - counts, counts)
    own = terms.values[place].astype(np.int64) * number + np.repeat(code, counts)
    above = np.fromiter((word * number + at for word, at in titles), np.int64)
    return np.unique(np.concatenate([own, above]))


def learn_words(
    keys: Sequence[str], items: Sequence[Sequence[tuple[str, str]]], number: Mapping[str, int]
) -> tuple[Lists, Small, Floats]:
    """Words that may stand for each other, how surely, and how often each may be left out, 0..1.

    Two terms that differ in one word and have a code in common say that the words are alike ('renal' and 'kidney');
    a term that keeps its code without a word says that the word is needless.
    """
    meant: dict[str, frozenset[str]] = {}
    beside: dict[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
    for key, one in zip(keys, items, strict=True):
        words = key.split(" ")
        codes = frozenset(code for source, code in one if source != _SHORTENED)
        if codes and len(words) <= _LONGEST:
            meant[key] = codes
            for at, word in enumerate(words):
                if len(words) > 1:
                    beside[" ".join(words[:at] + words[at + 1 :])].append((number[word], codes))
    together: Counter[tuple[int, int]] = Counter()
    same: Counter[tuple[int, int]] = Counter()
    added, kept = np.zeros(len(number)), np.zeros(len(number))
    for rest, ends in beside.items():
        for end, codes in ends if rest in meant else ():
            added[end] += 1
            kept[end] += bool(codes & meant[rest])
        for at, (end, codes) in enumerate(ends if len(ends) <= _CROWD else ()):
            for other, other_codes in ends[at + 1 :]:
                pair = (end, other) if end < other else (other, end)
                together[pair] += 1
                if not codes.isdisjoint(other_codes):
                    same[pair] += 1
    needless = np.where(added > 2, (kept + 1) / (added + 4), 0.25)
    return *_alike(together, same, len(number)), needless


def _alike(together: Counter[tuple[int, int]], same: Counter[tuple[int, int]], number: int) -> tuple[Lists, Small]:
    found: list[list[tuple[float, int]]] = [[] for _ in range(number)]
    for (word, other), times in same.items():
        share = times / (together[word, other] + _DOUBT)
        if share > _ALIKE:
            found[word].append((-min(share, _SURE), other))
            found[other].append((-min(share, _SURE), word))
    best = [sorted(one)[:_MOST_ALIKE] for one in found]
    likeness = np.array([-share for one in best for share, _ in one], dtype=np.float32)
    return _lists([[other for _, other in one] for one in best]), likeness


def learn_senses(word: Integers, code: Integers, weights: Floats, codes: int) -> NDArray[np.int8]:
    """[words, directions]: the directions in which the words of the codes differ most, -127..127 a word's own length.

    Latent semantic analysis by subspace iteration. `word`, `code`: a word said of a code.
    """
    lengths = np.sqrt(np.bincount(code, weights[word] ** 2, codes))
    held = weights[word] / np.maximum(lengths[code], 1e-6)
    directions = min(_DIRECTIONS, len(weights), codes)
    found = np.random.default_rng(0).standard_normal((codes, directions))
    for _ in range(_ROUNDS):
        of_words = np.linalg.qr(_times(word, code, held, found, len(weights)))[0]
        found = np.linalg.qr(_times(code, word, held, of_words, codes))[0]
    senses = _times(word, code, held, found, len(weights))
    senses /= np.maximum(np.linalg.norm(senses, axis=1, keepdims=True), 1e-9)
    return np.asarray(np.round(senses * 127), np.int8)


def _times(row: Integers, column: Integers, held: Floats, dense: Floats, rows: int) -> Floats:
    """The product of a sparse matrix and a dense one."""
    each = [np.bincount(row, held * dense[column, at], rows) for at in range(dense.shape[1])]
    return np.stack(each, axis=1)


def train_forest(nearest: NearestTerms, asked: Iterable[tuple[str, str]], settings: Settings = SETTINGS) -> Forest:
    """Trees that tell right codes from wrong ones. `asked`: words of terms that the tables lack, and their codes."""
    tables, labels = [], []
    for phrase, code in asked:
        described = nearest.describe(phrase)
        if described:
            tables.append(described.table)
            labels += [float(leaf.startswith(code.rstrip("-."))) for leaf in described.leaves]
    table = np.concatenate(tables)
    base, trees = fit(table, np.array(labels), np.ones(len(labels)), settings)
    return pack(base, trees, settings.depth)


def pack(base: float, trees: Sequence[Tree], depth: int) -> Forest:
    """Trees of unequal size in one block, filled up with leaves that are never reached."""
    nodes = max(len(tree.values) for tree in trees)

    def block(rows: Sequence[Sequence[float]], blank: float) -> Floats:
        return np.array([[*row, *([blank] * (nodes - len(row)))] for row in rows], dtype=np.float64)

    return Forest(
        base, depth, block([t.features for t in trees], -1).astype(np.int32), block([t.thresholds for t in trees], 0),
        block([t.left for t in trees], 0).astype(np.int32), block([t.right for t in trees], 0).astype(np.int32),
        block([t.values for t in trees], 0),
    )  # fmt: skip


def with_forest(tables: Tables, forest: Forest) -> Tables:
    """The tables with the trees; raises ValueError for trees that ask for features there are not."""
    if int(forest.features.max(initial=-1)) >= len(FEATURES):
        raise ValueError("the trees were made for other features")
    return replace(tables, forest=forest)
