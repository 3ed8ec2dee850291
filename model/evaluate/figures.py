"""Figures over documents, each with a 95 % interval from resamples of the documents."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from model.evaluate.outcomes import Outcome
from model.prediction import Policy

Floats = NDArray[np.float64]
RESAMPLES = 1000
_WANTED = 0.95  # precision at which recall is read
_BINS = 10  # of equal width, for the calibration error


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure and its 95 % interval; None where there was nothing to measure."""

    value: float | None
    low: float | None
    high: float | None


class Resamples:
    """Draws documents with replacement; a document's weight is how often it was drawn. The same draws each time."""

    def __init__(self, documents: int, number: int = RESAMPLES) -> None:
        draw = random.Random(0)  # noqa: S311 (resamples, not secrets)
        drawn = (draw.choices(range(documents), k=documents) for _ in range(number))
        counted = [np.bincount(one, minlength=documents) for one in drawn]
        # Row 0 holds every document once: the figure itself. Shape: 1 + number, documents.
        self.weights: Floats = np.vstack([np.ones(documents), *counted]).astype(np.float64)

    def total(self, per_document: ArrayLike) -> Floats:
        """Sums over the documents of each resample; shape 1 + number, and what a document has of further axes."""
        sums: Floats = self.weights @ np.asarray(per_document, dtype=np.float64)
        return sums


def interval(values: Floats) -> Measure:
    """The first value with the interval of the others; resamples that had nothing to measure (NaN) are left out."""
    if np.isnan(values[0]):
        return Measure(None, None, None)
    others = np.sort(values[1:][~np.isnan(values[1:])])
    if not others.size:
        return Measure(float(values[0]), None, None)
    skipped = int(others.size * 0.025)
    return Measure(float(values[0]), float(others[skipped]), float(others[-1 - skipped]))


def ratio(part: Floats, whole: Floats, empty: float = 0.0) -> Floats:
    """Element by element; `empty` where the whole is nothing."""
    result = np.full(np.shape(whole), empty)
    np.divide(part, whole, out=result, where=whole != 0)
    return result


def harmonic(precision: Floats, recall: Floats) -> Floats:
    return ratio(2 * precision * recall, precision + recall)


def measures(outcomes: Sequence[Outcome], policy: Policy, resamples: Resamples) -> dict[str, Measure]:
    """Every figure of the policy by its name."""
    sums = {name: resamples.total([o.counts[name] for o in outcomes]) for name in outcomes[0].counts}
    own = _report(sums) if policy is Policy.EXHAUSTIVE else _encounter(sums)
    figures = _common(sums) | own | _confidence(outcomes, sums["gold"], resamples)
    return {name: interval(values) for name, values in figures.items()}


def _common(sums: Mapping[str, Floats]) -> dict[str, Floats]:
    precision, recall = ratio(sums["right"], sums["predicted"]), ratio(sums["right"], sums["gold"])
    category_precision = ratio(sums["right_categories"], sums["predicted_categories"])
    category_recall = ratio(sums["right_categories"], sums["gold_categories"])
    return {
        "precision": precision,
        "recall": recall,
        "micro_f1": harmonic(precision, recall),
        "category_f1": harmonic(category_precision, category_recall),
        "evidence_given_right_code": ratio(sums["right_words"], sums["right"]),
        "grounded": ratio(sums["grounded"], sums["shown"]),
    }


def _report(sums: Mapping[str, Floats]) -> dict[str, Floats]:
    precision, recall = ratio(sums["right_words"], sums["predicted"]), ratio(sums["right_words"], sums["gold"])
    return {
        "map": ratio(sums["average_precision"], sums["documents"]),
        "evidence_f1": harmonic(precision, recall),
    }


def _encounter(sums: Mapping[str, Floats]) -> dict[str, Floats]:
    return {
        "exact_match": ratio(sums["exact"], sums["documents"]),
        "first_listed": ratio(sums["first"], sums["documents"]),
        "trap_rate": ratio(sums["fallen"], sums["traps"]),
    }


@dataclass(frozen=True)
class Pairs:
    """Every listed code that counts, most confident first and, at equal confidence, right ones first."""

    confidence: Floats
    right: Floats
    document: NDArray[np.int64]

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> "Pairs":
        pairs = [(c, right, at) for at, outcome in enumerate(outcomes) for c, right in outcome.pairs]
        pairs.sort(key=lambda p: (-p[0], not p[1]))
        confidence, right, document = zip(*pairs, strict=True) if pairs else ((), (), ())
        return cls(np.array(confidence, float), np.array(right, float), np.array(document, int))


def _confidence(outcomes: Sequence[Outcome], gold: Floats, resamples: Resamples) -> dict[str, Floats]:
    pairs = Pairs.of(outcomes)
    return {
        "ece": _calibration_error(pairs, len(outcomes), resamples),
        "ece_by_chance": error_by_chance(pairs, len(resamples.weights)),
        "recall_at_95_precision": ratio(_found_while_precise(pairs, resamples), gold),
    }


def _calibration_error(pairs: Pairs, documents: int, resamples: Resamples) -> Floats:
    """Expected calibration error over ten bins of equal width."""
    bins = _bins(pairs)
    promised, kept = np.zeros((documents, _BINS)), np.zeros((documents, _BINS))
    np.add.at(promised, (pairs.document, bins), pairs.confidence)
    np.add.at(kept, (pairs.document, bins), pairs.right)
    listed = np.bincount(pairs.document, minlength=documents)
    gaps: Floats = np.abs(resamples.total(promised) - resamples.total(kept)).sum(axis=1)
    return ratio(gaps, resamples.total(listed))


def error_by_chance(pairs: Pairs, number: int) -> Floats:
    """The error that as many codes of perfect calibration show, each right as often as it says; row 0 is the mean."""
    draw, bins = np.random.default_rng(0), _bins(pairs)
    errors = np.zeros(number)
    for at in range(1, number):
        missed = (draw.random(len(bins)) < pairs.confidence) - pairs.confidence
        errors[at] = np.abs(np.bincount(bins, missed, minlength=_BINS)).sum() / max(len(bins), 1)
    errors[0] = errors[1:].mean() if number > 1 else 0.0
    return errors


def _bins(pairs: Pairs) -> NDArray[np.int64]:
    """The bin of each code, ten of equal width."""
    edges = np.array([b / _BINS for b in range(1, _BINS)])
    return np.asarray(np.searchsorted(edges, pairs.confidence, side="right"))


def _found_while_precise(pairs: Pairs, resamples: Resamples) -> Floats:
    """Right codes down to the lowest confidence at which precision is still what is wanted."""
    found = np.zeros(len(resamples.weights))
    for at, weights in enumerate(resamples.weights):
        drawn = weights[pairs.document]
        right, listed = np.cumsum(drawn * pairs.right), np.cumsum(drawn)
        found[at] = right[ratio(right, listed) >= _WANTED].max(initial=0.0)
    return found
