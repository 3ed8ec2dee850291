"""Calibrated probability that a code is right: boosted trees, then a monotone map fitted on held-out notes."""

import bisect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Tree:
    """A decision tree as flat arrays: node i asks `features[i] <= thresholds[i]`; a leaf has feature -1 and a value."""

    features: tuple[int, ...]
    thresholds: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    values: tuple[float, ...]

    def value(self, row: Sequence[float]) -> float:
        node = 0
        while self.features[node] >= 0:
            node = self.left[node] if row[self.features[node]] <= self.thresholds[node] else self.right[node]
        return self.values[node]


@dataclass(frozen=True, slots=True)
class Confidence:
    """The trees of one policy, their calibration, and the threshold from which a code is suggested."""

    names: tuple[str, ...]
    base: float
    trees: tuple[Tree, ...]
    steps: tuple[tuple[float, float], ...]  # raw score from here on -> probability; rising in both
    threshold: float

    def raw(self, features: Mapping[str, float]) -> float:
        row = [features.get(name, 0.0) for name in self.names]  # a code that rules alone made lacks some
        return 1 / (1 + math.exp(-self.base - sum(tree.value(row) for tree in self.trees)))

    def probability(self, features: Mapping[str, float]) -> float:
        return calibrate(self.steps, self.raw(features))

    def to_json(self) -> dict[str, Any]:
        return {
            "names": self.names,
            "base": self.base,
            "trees": [[t.features, t.thresholds, t.left, t.right, t.values] for t in self.trees],
            "steps": self.steps,
            "threshold": self.threshold,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Confidence":
        trees = tuple(Tree(*(tuple(part) for part in tree)) for tree in value["trees"])
        steps = tuple((float(raw), float(p)) for raw, p in value["steps"])
        return cls(tuple(value["names"]), value["base"], trees, steps, value["threshold"])


def calibrate(steps: Sequence[tuple[float, float]], raw: float) -> float:
    """The probability of a raw score, in a straight line between the points of the fitted map."""
    at = bisect.bisect_right(steps, (raw, math.inf))
    if at == 0:
        return steps[0][1]
    if at == len(steps):
        return steps[-1][1]
    (low, below), (high, above) = steps[at - 1], steps[at]
    return below + (above - below) * (raw - low) / (high - low)
