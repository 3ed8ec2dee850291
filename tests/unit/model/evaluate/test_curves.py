"""Bins and curves behind the pictures."""

from collections.abc import Callable

import pytest

from model.evaluate.curves import Curves, curves, wilson
from model.evaluate.figures import Resamples
from model.evaluate.outcomes import judge
from model.prediction import Policy


@pytest.mark.parametrize(
    ("right", "codes", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3; the last mirrors the third.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_wilson_as_published(right: int, codes: int, low: float, high: float) -> None:
    assert wilson(right, codes) == pytest.approx((low, high), abs=5e-5)


def curves_of(pairs: list[tuple[float, bool]], code: Callable, prediction: Callable, gold: Callable) -> Curves:
    names = [f"A{n // 10 % 10}{n % 10}.{n // 100}" for n in range(len(pairs))]
    coded = gold({name: "Fever" for name, (_, right) in zip(names, pairs, strict=True) if right})
    listed = [code(name, sure, suggested=sure >= 0.5) for name, (sure, _) in zip(names, pairs, strict=True)]
    return curves([judge(coded, prediction(listed), Policy.EXHAUSTIVE)], Resamples(1, 40))


def test_fifteen_bins_of_equal_mass(code: Callable, prediction: Callable, gold: Callable) -> None:
    """The least confident first; every code in one bin."""
    drawn = curves_of([(n / 300, n % 2 == 0) for n in range(300)], code, prediction, gold)
    assert [b.codes for b in drawn.bins] == [20] * 15
    assert [b.right for b in drawn.bins] == [0.5] * 15
    assert all(b.least <= b.confidence <= b.most for b in drawn.bins)
    assert all(a.most < b.least for a, b in zip(drawn.bins, drawn.bins[1:], strict=False))


def test_codes_of_one_confidence_stay_together(code: Callable, prediction: Callable, gold: Callable) -> None:
    """Right ones are sorted first among equals; cutting between them would show a promise kept and one broken."""
    drawn = curves_of([(0.9, n % 2 == 0) for n in range(30)] + [(0.1, False)] * 10, code, prediction, gold)
    assert [(b.codes, b.right) for b in drawn.bins] == [(10, 0), (30, 0.5)]
    assert [(p.coverage, p.risk) for p in drawn.risk] == [(0.75, 0.5), (1, pytest.approx(25 / 40))]


def test_risk_is_the_share_of_wrong_codes_among_the_most_confident(
    code: Callable, prediction: Callable, gold: Callable
) -> None:
    drawn = curves_of([(0.9, True), (0.8, False), (0.6, True), (0.2, False)], code, prediction, gold)
    assert [p.coverage for p in drawn.risk] == [0.25, 0.5, 0.75, 1]
    assert [p.risk for p in drawn.risk] == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert drawn.chosen == (0.75, pytest.approx(1 / 3))


def test_the_interval_of_risk_holds_the_risk(code: Callable, prediction: Callable, gold: Callable) -> None:
    """Two notes, one all right and one all wrong: at full coverage the risk may be anything."""
    good = judge(gold({"I10": "Fever"}), prediction([code("I10", 0.9)]), Policy.EXHAUSTIVE)
    bad = judge(gold({}), prediction([code("I10", 0.8)]), Policy.EXHAUSTIVE)
    last = curves([good, bad], Resamples(2)).risk[-1]
    assert (last.low, last.risk, last.high) == (0, 0.5, 1)


def test_nothing_predicted_draws_nothing(code: Callable, prediction: Callable, gold: Callable) -> None:
    assert curves_of([], code, prediction, gold) == Curves((), (), (0, 1))


def test_many_codes_of_one_confidence_fall_into_the_bin_of_their_middle(
    code: Callable, prediction: Callable, gold: Callable
) -> None:
    """Thirty codes, two a bin: the second and third share a confidence, and their middle lies in the first bin."""
    pairs = [(0.95, True), (0.9, True), (0.9, False)] + [(0.5 - n / 100, False) for n in range(27)]
    drawn = curves_of(pairs, code, prediction, gold)
    assert [b.codes for b in drawn.bins] == [2] * 13 + [1, 3]
