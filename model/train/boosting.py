"""Gradient boosting of small trees on the logistic loss, in numpy: a few hundred rows to a few hundred thousand."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.confidence import Tree

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Settings:
    """How hard the trees try; chosen by cross-validation on training notes."""

    rounds: int = 150
    depth: int = 4
    rate: float = 0.06
    bins: int = 32
    ridge: float = 3.0
    lightest: float = 2.0  # smallest sum of second derivatives in a leaf
    columns: float = 0.5  # share of the features a tree may look at
    rows: float = 0.8  # share of the rows a tree learns from
    seed: int = 7


def fit(table: Floats, labels: Floats, weights: Floats, settings: Settings) -> tuple[float, tuple[Tree, ...]]:
    """Base score and trees; `table` is [n, features], labels 0/1, weights of the rows."""
    edges = [_edges(table[:, column], settings.bins) for column in range(table.shape[1])]
    binned = np.stack([np.searchsorted(e, table[:, c], side="left") for c, e in enumerate(edges)], axis=1)
    share = float((labels * weights).sum() / weights.sum())
    base = float(np.log(share / (1 - share)))
    score = np.full(len(labels), base)
    random = np.random.default_rng(settings.seed)
    trees = []
    for _ in range(settings.rounds):
        probability = 1 / (1 + np.exp(-score))
        used = weights * (random.random(len(labels)) < settings.rows)
        columns = np.flatnonzero(random.random(table.shape[1]) < settings.columns)
        slope, curve = (labels - probability) * used, probability * (1 - probability) * used
        tree, leaf = _grow(binned, edges, slope, curve, columns, settings)
        score += np.asarray(tree.values)[leaf]
        trees.append(tree)
    return base, tuple(trees)


def predict(table: Floats, base: float, trees: tuple[Tree, ...]) -> Floats:
    """Probabilities, [n]."""
    score = np.full(len(table), base)
    for tree in trees:
        score += _leaf_values(tree, table)
    return np.asarray(1 / (1 + np.exp(-score)))


def _leaf_values(tree: Tree, table: Floats) -> Floats:
    features, thresholds = np.asarray(tree.features), np.asarray(tree.thresholds)
    left, right = np.asarray(tree.left), np.asarray(tree.right)
    node = np.zeros(len(table), dtype=np.int64)
    while (open_rows := np.flatnonzero(features[node] >= 0)).size:
        at = node[open_rows]
        goes_left = table[open_rows, features[at]] <= thresholds[at]
        node[open_rows] = np.where(goes_left, left[at], right[at])
    return np.asarray(tree.values)[node]


def _edges(column: Floats, bins: int) -> Floats:
    values = np.unique(column)
    if len(values) <= bins:
        return np.asarray((values[1:] + values[:-1]) / 2)
    return np.unique(np.quantile(column, np.linspace(0, 1, bins + 1)[1:-1]))


def _grow(
    binned: Integers, edges: list[Floats], slope: Floats, curve: Floats, columns: Integers, settings: Settings
) -> tuple[Tree, Integers]:
    features, thresholds, left, right, values = [-1], [0.0], [0], [0], [0.0]
    node = np.zeros(len(slope), dtype=np.int64)
    frontier = [0]
    for _ in range(settings.depth):
        following = []
        for at in frontier:
            rows = np.flatnonzero(node == at)
            split = _best_split(binned, rows, slope, curve, columns, settings)
            if split is None:
                continue
            column, bin_ = split
            features[at], thresholds[at] = column, float(edges[column][bin_])
            left[at], right[at] = len(features), len(features) + 1
            for _side in range(2):
                features.append(-1)
                thresholds.append(0.0)
                left.append(0)
                right.append(0)
                values.append(0.0)
            goes_left = binned[rows, column] <= bin_
            node[rows] = np.where(goes_left, left[at], right[at])
            following += [left[at], right[at]]
        frontier = following
    total_slope = np.bincount(node, slope, len(features))
    total_curve = np.bincount(node, curve, len(features))
    leaf_values = settings.rate * total_slope / (total_curve + settings.ridge)
    values = [round(float(v), 6) for v in leaf_values]
    return Tree(tuple(features), tuple(thresholds), tuple(left), tuple(right), tuple(values)), node


def _best_split(
    binned: Integers, rows: Integers, slope: Floats, curve: Floats, columns: Integers, settings: Settings
) -> tuple[int, int] | None:
    if len(rows) < 2 or not len(columns):
        return None
    width = settings.bins + 1
    offsets = np.arange(len(columns)) * width
    places = (binned[np.ix_(rows, columns)] + offsets).ravel()
    shape = (len(columns), width)
    g = np.bincount(places, np.repeat(slope[rows], len(columns)), len(columns) * width).reshape(shape).cumsum(axis=1)
    h = np.bincount(places, np.repeat(curve[rows], len(columns)), len(columns) * width).reshape(shape).cumsum(axis=1)
    g_all, h_all, ridge = g[:, -1:], h[:, -1:], settings.ridge
    gain = g**2 / (h + ridge) + (g_all - g) ** 2 / (h_all - h + ridge) - g_all**2 / (h_all + ridge)
    gain[(h < settings.lightest) | (h_all - h < settings.lightest)] = -1.0
    best = int(gain.argmax())
    column, bin_ = divmod(best, width)
    return (int(columns[column]), bin_) if gain[column, bin_] > 1e-6 else None
