"""The steps of a training run: terms, experience, folds, trees, calibration, threshold."""

import gzip
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from model.candidates import Resolver
from model.codebook import CodeBook
from model.confidence import Confidence, calibrate
from model.decisions import judge
from model.experience import Experience
from model.features import in_order
from model.lexicon import Lexicon, merge_terms
from model.prediction import Policy
from model.predictor import BookCodes
from model.tagger import Tags
from model.tokens import term_key
from model.train.boosting import Floats, Integers, Settings, fit, predict
from model.train.house import read_house_terms, read_thesaurus
from model.train.kinship import Kinship
from model.train.learning import STATED, Coded, count, learn_mentions, learn_triggers
from model.train.shorthand import as_abbreviation, compose, read_shorthand
from model.train.terms import index_terms
from model.understanding import Reader, Understanding, lasting_conditions

_NEIGHBOURS = 9  # thresholds of the grid
_OF_STATED = 0.25  # weight of a code of a note put together from terms, beside those of coded notes


@dataclass(frozen=True, slots=True)
class Row:
    """A code of a training document, described by a model that had not seen the document."""

    fold: int
    document: str
    code: str
    label: int  # 1 right, 0 wrong, -1 neither
    first: bool
    features: dict[str, float]
    weight: float = 1.0


@dataclass(frozen=True)
class Workshop:
    """What every step needs."""

    book: CodeBook
    terms: dict[str, str]
    split_codes: frozenset[str]  # gold codes of an old edition that any billable descendant meets
    tags: Mapping[str, Tags] = field(default_factory=dict)  # by document, of a tagger that had not seen it

    @cached_property
    def kinship(self) -> Kinship:
        return Kinship(self.terms)

    def meets(self, code: str, gold: frozenset[str]) -> bool:
        return code in gold or any(g in self.split_codes and code.startswith(g) for g in gold)

    def teach(self, coded: Sequence[Coded]) -> tuple[Reader, Experience]:
        """A reader that knows what these notes teach, and the counts it made on them."""
        mentions = learn_mentions([c for c in coded if c.kind == "reports"], self.kinship)
        triggers = learn_triggers([c for c in coded if c.kind == "encounters"], self.kinship)
        lexicons = (Lexicon(merge_terms(mentions, self.terms)), Lexicon(triggers))
        reader = Reader(lexicons, Resolver(BookCodes(self.book)), lasting_conditions())
        counts = count(coded, lambda one: _pairs(self.read(reader, one)), self.meets)
        return reader, Experience(counts.terms, counts.codes, mentions, triggers)

    def read(self, reader: Reader, one: Coded) -> Understanding:
        tags = self.tags.get(one.document.id)
        return reader.read(one.document, (lambda _: tags) if tags else None)

    def describe(self, fold: int, reader: Reader, experience: Experience, one: Coded, policy: Policy) -> list[Row]:
        """Rows of the codes; of a note put together from terms, those beside a right one are neither."""
        weight = _OF_STATED if one.kind == STATED else 1.0
        beside = {code[:3] for code in one.right} if one.kind == STATED else frozenset()
        judgement = judge(self.read(reader, one), policy, experience)
        rows = []
        for code, weighed in judgement.weighed.items():
            open_ = self.meets(code, one.acceptable) or code[:3] in beside
            label = 1 if self.meets(code, one.right) else -1 if open_ else 0
            first = code == one.first_listed
            rows.append(Row(fold, one.document.id, code, label, first, dict(weighed.features), weight))
        return rows


def _pairs(understood: Understanding) -> Iterable[tuple[str, str, str]]:
    return [(s.mention.key, s.table_code, code) for code, supports in understood.supports.items() for s in supports]


def all_terms(book: CodeBook, shorthand: Iterable[Path]) -> dict[str, str]:
    """The terms of the code book and the house, and the same with abbreviations in the place of words."""
    printed = {k: " ".join(v) for k, v in index_terms(book.terms()).items()}
    terms = merge_terms(read_house_terms(), printed, read_thesaurus())
    pairs = [pair for path in shorthand for pair in read_shorthand(path)]
    for short, words in pairs:
        codes = as_abbreviation(terms.get(term_key(words), ""), short)
        key = term_key(short)
        if codes and key not in terms:
            terms[key] = codes
    terms = merge_terms(terms, compose(terms, pairs))
    return {key: " ".join(dict.fromkeys(codes.split())) for key, codes in terms.items()}


def write_terms(terms: dict[str, str], path: Path) -> None:
    lines = "".join(f"{key}\t{terms[key]}\n" for key in sorted(terms))
    path.write_bytes(gzip.compress(lines.encode("utf-8"), mtime=0))


def folds(coded: Sequence[Coded], number: int) -> list[list[Coded]]:
    """The same folds each time."""
    shuffled = sorted(coded, key=lambda c: c.document.id)
    random.Random(1).shuffle(shuffled)  # noqa: S311 (folds, not secrets)
    return [shuffled[at::number] for at in range(number)]


def cross_rows(
    workshop: Workshop, coded: Sequence[Coded], number: int, stated: Sequence[Coded] = ()
) -> dict[Policy, list[Row]]:
    """Rows of every document, each described by what the other folds teach; those of `stated` teach no fold."""
    rows: dict[Policy, list[Row]] = {policy: [] for policy in Policy}
    parts = [folds([c for c in coded if c.kind == kind], number) for kind in ("reports", "encounters")]
    for fold in range(number):
        rest = [c for part in parts for at, group in enumerate(part) if at != fold for c in group]
        reader, experience = workshop.teach(rest)
        for policy, part in zip((Policy.EXHAUSTIVE, Policy.ENCOUNTER), parts, strict=True):
            for one in part[fold]:
                rows[policy] += workshop.describe(fold, reader, experience, one, policy)
        for one in stated[fold::number]:
            rows[Policy.ENCOUNTER] += workshop.describe(fold, reader, experience, one, Policy.ENCOUNTER)
    return rows


def train_confidence(
    rows: Sequence[Row], gold: Mapping[str, int], settings: Settings, slack: float = 0.0
) -> tuple[Confidence, Floats]:
    """Trees on all rows; calibration and threshold from trees that had not seen the row.

    `gold`: number of codes to be found, by document, of those that calibration and threshold rest on; `slack`: F1 that
    may be given for a higher threshold.
    """
    names = tuple(sorted(rows[0].features))
    table = np.array([[row.features[name] for name in names] for row in rows], dtype=np.float64)
    labels = np.array([row.label for row in rows], dtype=np.float64)
    weights = np.array([row.weight for row in rows], dtype=np.float64)
    fold = np.array([row.fold for row in rows])
    judged = labels >= 0
    held_out = np.zeros(len(rows))
    for at in sorted(set(fold.tolist())):
        seen = (fold != at) & judged
        base, trees = fit(table[seen], labels[seen], weights[seen], settings)
        held_out[fold == at] = predict(table[fold == at], base, trees)
    measured = judged & np.array([row.document in gold for row in rows])
    steps = fit_steps(held_out[measured], labels[measured])
    calibrated = np.array([calibrate(steps, float(raw)) for raw in held_out])
    base, trees = fit(table[judged], labels[judged], weights[judged], settings)
    threshold = best_threshold(calibrated[measured], labels[measured], sum(gold.values()), slack)
    return Confidence(names, base, trees, steps, threshold), calibrated


def train_first_listed(
    rows: Sequence[Row], probabilities: Sequence[float], threshold: float, settings: Settings
) -> Confidence:
    """Trees that say which of the codes that are right or look so the coder listed first."""
    shown: dict[str, dict[str, tuple[Row, float]]] = {}
    for row, probability in zip(rows, probabilities, strict=True):
        if row.label == 1 or probability >= threshold:
            shown.setdefault(row.document, {})[row.code] = (row, probability)
    learnt: list[tuple[dict[str, float], bool]] = []
    for codes in shown.values():
        if any(row.first for row, _ in codes.values()):
            compared = in_order({c: r.features for c, (r, _) in codes.items()}, {c: p for c, (_, p) in codes.items()})
            learnt += [(compared[code], row.first) for code, (row, _) in codes.items()]
    names = tuple(sorted(learnt[0][0]))
    table = np.array([[features[name] for name in names] for features, _ in learnt], dtype=np.float64)
    labels = np.array([first for _, first in learnt], dtype=np.float64)
    base, trees = fit(table, labels, np.ones(len(learnt)), settings)
    return Confidence(names, base, trees, ((0.0, 0.0), (1.0, 1.0)), 0.5)


def fit_steps(raw: Floats, labels: Floats, bins: int = 24) -> tuple[tuple[float, float], ...]:
    """Monotone map from raw score to probability: equal-mass bins, pooled until they rise."""
    order = np.argsort(raw, kind="stable")
    pools = [[float(raw[part].mean()), float(labels[part].mean()), len(part)] for part in _masses(order, raw, bins)]
    merged: list[list[float]] = []
    for pool in pools:
        merged.append(list(pool))
        while len(merged) > 1 and merged[-2][1] >= merged[-1][1]:
            (x2, y2, n2), (x1, y1, n1) = merged.pop(), merged.pop()
            total = n1 + n2
            merged.append([(x1 * n1 + x2 * n2) / total, (y1 * n1 + y2 * n2) / total, total])
    # A tenth of a document of doubt keeps the ends away from certainty.
    return tuple((round(x, 5), round((y * n + 0.05) / (n + 0.1), 5)) for x, y, n in merged)


def _masses(order: Integers, raw: Floats, bins: int) -> list[Integers]:
    """Bins of equal mass of the score, so that the many unlikely codes do not take them all."""
    mass = np.cumsum(raw[order] + 0.02)
    cuts = np.searchsorted(mass, np.linspace(0, mass[-1], bins + 1)[1:-1])
    return [part for part in np.split(order, cuts) if len(part)]


def best_threshold(probabilities: Floats, labels: Floats, gold: int, slack: float = 0.0) -> float:
    """The probability from which suggesting gives the best F1, averaged over its neighbours: a lone peak is chance.

    Where others reach it but for `slack`, the highest of them: a wrong code costs more than one that a person adds.
    """
    grid = [percent / 100 for percent in range(15, 75)]
    reached = np.array([micro_f1(probabilities, labels, gold, threshold) for threshold in grid])
    smooth = np.convolve(reached, np.ones(_NEIGHBOURS) / _NEIGHBOURS, mode="valid")
    return grid[int(np.flatnonzero(smooth >= smooth.max() - slack)[-1]) + _NEIGHBOURS // 2]


def micro_f1(probabilities: Floats, labels: Floats, gold: int, threshold: float) -> float:
    shown = probabilities >= threshold
    return float(2 * (labels[shown] == 1).sum() / (shown.sum() + gold))
