"""Trees, their calibration and their training."""

import json

import numpy as np

from model.confidence import Confidence, calibrate
from model.train.boosting import Settings, fit, predict
from model.train.building import best_threshold, fit_steps


def toy() -> tuple["np.ndarray[tuple[int, int], np.dtype[np.float64]]", "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
    random = np.random.default_rng(1)
    table = random.random((600, 4))
    labels = ((table[:, 0] > 0.5) & (table[:, 1] > 0.3)).astype(float)
    return table, labels


def test_trees_learn_and_serve_alike() -> None:
    """Training's own predictions and the served trees after a trip through JSON agree."""
    table, labels = toy()
    base, trees = fit(table, labels, np.ones(600), Settings(rounds=40, columns=1.0))
    expected = predict(table, base, trees)
    assert ((expected > 0.5) == labels).mean() > 0.97
    names = ("a", "b", "c", "d")
    made = Confidence(names, base, trees, ((0.0, 0.0), (1.0, 1.0)), 0.5)
    served = Confidence.from_json(json.loads(json.dumps(made.to_json())))
    for row, probability in zip(table[:50], expected[:50], strict=True):
        assert abs(served.raw(dict(zip(names, row.tolist(), strict=True))) - probability) < 1e-9


def test_training_is_deterministic() -> None:
    """The same rows give the same trees."""
    table, labels = toy()
    settings = Settings(rounds=5)
    assert fit(table, labels, np.ones(600), settings) == fit(table, labels, np.ones(600), settings)


def test_calibration_rises() -> None:
    """Calibrated probabilities never fall as the score rises, and stay inside 0..1."""
    random = np.random.default_rng(2)
    raw = random.random(2000)
    labels = (random.random(2000) < raw**2).astype(float)
    steps = fit_steps(raw, labels)
    calibrated = [calibrate(steps, x / 100) for x in range(101)]
    assert calibrated == sorted(calibrated)
    assert 0 <= calibrated[0] <= calibrated[-1] <= 1
    assert abs(calibrate(steps, 0.5) - 0.25) < 0.1


def test_threshold_weighs_what_was_not_found() -> None:
    """Gold codes that no row offers do not move the threshold above all rows."""
    probabilities, labels = np.array([0.9, 0.6, 0.3]), np.array([1.0, 1.0, 0.0])
    assert 0.3 < best_threshold(probabilities, labels, 2) <= 0.6


def test_threshold_prefers_precision_on_a_plateau() -> None:
    """Among thresholds whose F1 differs by no more than the slack the highest is taken."""
    probabilities = np.linspace(0.01, 0.99, 197)
    labels = (probabilities > 0.5).astype(float)
    labels[(probabilities > 0.45) & (probabilities <= 0.5)] = [1, 0] * 5
    plain = best_threshold(probabilities, labels, int(labels.sum()))
    assert plain < best_threshold(probabilities, labels, int(labels.sum()), slack=0.05) < 0.6
