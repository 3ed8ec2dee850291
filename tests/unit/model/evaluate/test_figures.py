"""Figures and intervals against a second implementation that counts resample by resample, with no arrays."""

import random
from collections.abc import Callable

import numpy as np
import pytest

from model.evaluate.figures import Measure, Pairs, Resamples, error_by_chance, interval, measures, ratio
from model.evaluate.gold import Gold
from model.evaluate.outcomes import Outcome, judge
from model.prediction import CodePrediction, Policy, Prediction

CODES = ["I10", "E11.9", "E11.22", "R05.9", "R50.9", "R07.9", "R07.89", "M10.9", "M25.561", "M25.562"]
WORDS = ["Fever", "cough", "Diabetes", "kidney disease", "chest pain", "gout", "right knee"]
NUMBER = 40


def random_outcomes(
    policy: Policy, seed: int, code: Callable[..., CodePrediction], prediction: Callable[..., Prediction],
    gold: Callable[..., Gold],
) -> list[Outcome]:  # fmt: skip
    """Notes with codes at random; confidence has two decimals, so that there are ties."""
    chance = random.Random(seed)
    outcomes = []
    for _ in range(12):
        right = {c: chance.choice(WORDS) for c in chance.sample(CODES, chance.randint(0, 4))}
        acceptable = chance.sample(CODES, 2) if policy is Policy.ENCOUNTER else []
        barred = [(c, "negated", "gout") for c in chance.sample(CODES, 3)] if policy is Policy.ENCOUNTER else []
        coded = gold(right, acceptable=acceptable, must_not=barred, first_listed=next(iter(right), None))
        listed = []
        for number, name in enumerate(chance.sample([*right, *CODES], 5)):
            if name not in [str(c.code) for c in listed]:
                sure = round(chance.random() ** (0.3 if name in right else 3), 2)
                listed.append(code(name, sure, chance.choice(WORDS), suggested=sure > 0.4, first=number == 0))
        outcomes.append(judge(coded, prediction(listed), policy))
    return outcomes


def share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def f1(precision: float, recall: float) -> float:
    return share(2 * precision * recall, precision + recall)


def plain_figures(drawn: list[Outcome], policy: Policy) -> dict[str, float]:
    """Every figure by its definition, from gold and predictions alone."""
    predicted = [[c for c in o.prediction.codes if str(c.code) not in o.gold.acceptable] for o in drawn]
    shown = [[c for c in codes if c.suggested] for codes in predicted]
    gold = [o.gold.codes for o in drawn]
    number = sum(map(len, gold))
    right = [[c for c in codes if str(c.code) in g] for codes, g in zip(shown, gold, strict=True)]
    by_words = sum(
        any(
            set(range(e.span.start, e.span.end)) & set(range(s.start, s.end))
            for e in c.evidence
            for s in g[str(c.code)]
        )
        for codes, g in zip(right, gold, strict=True)
        for c in codes
    )
    rights, showns = sum(map(len, right)), sum(map(len, shown))
    precision, recall = share(rights, showns), share(rights, number)
    figures = {
        "precision": precision,
        "recall": recall,
        "micro_f1": f1(precision, recall),
        "evidence_given_right_code": share(by_words, rights),
        "ece": plain_calibration_error(predicted, gold),
        "recall_at_95_precision": share(plain_found(predicted, gold), number),
    }
    if policy is Policy.EXHAUSTIVE:
        kinds = [({c[:3] for c in g}, {str(c.code)[:3] for c in codes}) for g, codes in zip(gold, shown, strict=True)]
        common = sum(len(g & p) for g, p in kinds)
        figures["category_f1"] = f1(
            share(common, sum(len(p) for _, p in kinds)), share(common, sum(len(g) for g, _ in kinds))
        )
        figures["evidence_f1"] = f1(share(by_words, showns), share(by_words, number))
        figures["map"] = share(sum(map(plain_average_precision, drawn)), len(drawn))
    else:
        figures["exact_match"] = share(
            sum(
                {str(c.code) for c in codes} == set(g) and all(c not in o.gold.acceptable for c in g)
                for o, codes, g in zip(drawn, shown, gold, strict=True)
            ),
            len(drawn),
        )
    return figures


def plain_average_precision(outcome: Outcome) -> float:
    ranked = sorted(outcome.prediction.codes, key=lambda c: c.confidence, reverse=True)
    hits = [str(c.code) in outcome.gold.codes for c in ranked]
    return share(sum(sum(hits[: at + 1]) / (at + 1) for at, hit in enumerate(hits) if hit), len(outcome.gold.codes))


def plain_pairs(predicted: list[list[CodePrediction]], gold: list[dict[str, object]]) -> list[tuple[float, bool]]:
    pairs = [(c.confidence, str(c.code) in g) for codes, g in zip(predicted, gold, strict=True) for c in codes]
    return sorted(pairs, reverse=True)


def plain_calibration_error(predicted: list[list[CodePrediction]], gold: list[dict[str, object]]) -> float:
    pairs = plain_pairs(predicted, gold)
    gaps = 0.0
    for bin in range(10):
        inside = [(c, y) for c, y in pairs if min(int(c * 10 + 1e-9), 9) == bin]
        gaps += abs(sum(c for c, _ in inside) - sum(y for _, y in inside))
    return share(gaps, len(pairs))


def plain_found(predicted: list[list[CodePrediction]], gold: list[dict[str, object]]) -> int:
    found = best = 0
    for place, (_, right) in enumerate(plain_pairs(predicted, gold), 1):
        found += right
        best = found if found / place >= 0.95 else best
    return best


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("seed", range(5))
def test_figures_and_intervals_follow_the_definitions(
    policy: Policy, seed: int, code: Callable, prediction: Callable, gold: Callable
) -> None:
    outcomes = random_outcomes(policy, seed, code, prediction, gold)
    found = measures(outcomes, policy, Resamples(len(outcomes), NUMBER))
    draw = random.Random(0)
    others = [plain_figures(draw.choices(outcomes, k=len(outcomes)), policy) for _ in range(NUMBER)]
    for name, value in plain_figures(outcomes, policy).items():
        spread = sorted(other[name] for other in others)
        assert found[name].value == pytest.approx(value, abs=1e-9), name
        assert found[name].low == pytest.approx(spread[1], abs=1e-9), name
        assert found[name].high == pytest.approx(spread[-2], abs=1e-9), name


def test_figures_of_an_encounter_worked_by_hand(code: Callable, prediction: Callable, gold: Callable) -> None:
    """Two notes: one trap of two is fallen into, one first-listed code of two is right, one note is exact."""
    first = judge(
        gold(
            {"I10": "Fever"}, first_listed="I10", must_not=[("M10.9", "family", "gout"), ("R07.9", "negated", "pain")]
        ),
        prediction([code("I10", 0.9, first=True), code("M10.9", 0.8, "gout")]),
        Policy.ENCOUNTER,
    )
    second = judge(
        gold({"E11.9": "Diabetes", "R05.9": "cough"}, first_listed="E11.9"),
        prediction([code("R05.9", 0.9, "cough", first=True), code("E11.9", 0.8, "Diabetes")]),
        Policy.ENCOUNTER,
    )
    found = {name: m.value for name, m in measures([first, second], Policy.ENCOUNTER, Resamples(2, NUMBER)).items()}
    assert found["precision"] == pytest.approx(3 / 4)
    assert found["recall"] == 1
    assert found["category_f1"] == pytest.approx(6 / 7)
    assert found["trap_rate"] == found["first_listed"] == found["exact_match"] == 1 / 2
    # .9 and .9 right, then of the two at .8 the right one is counted first.
    assert found["recall_at_95_precision"] == 1
    assert found["ece"] == pytest.approx((abs(1.8 - 2) + abs(1.6 - 1)) / 4)


def test_no_prediction_and_no_code_is_no_error(prediction: Callable, gold: Callable) -> None:
    """Empty notes give figures of zero, not a fault."""
    for policy in Policy:
        found = measures([judge(gold({}), prediction([]), policy)], policy, Resamples(1, 3))
        assert found["micro_f1"] == Measure(0, 0, 0)
        assert found["ece"] == found["ece_by_chance"] == Measure(0, 0, 0)


@pytest.mark.parametrize(("sure", "error"), [(0.5, 0.0881), (1.0, 0.0)])
def test_few_codes_of_perfect_calibration_show_an_error(sure: float, error: float) -> None:
    """Twenty codes at .5 are ten right give or take: the mean deviation of the binomial, 20 C(20, 10) / 2^21 of 20."""
    pairs = Pairs(np.full(20, sure), np.ones(20), np.zeros(20, int))
    by_chance = error_by_chance(pairs, 1001)
    assert by_chance[0] == pytest.approx(error, abs=0.004)
    assert by_chance[1:].min() <= by_chance[0] <= by_chance[1:].max()


def test_the_interval_of_a_thousand_resamples_leaves_out_25_on_each_side() -> None:
    draws = [float(n) for n in range(1000)]
    random.Random(3).shuffle(draws)
    assert interval(Resamples(1, 0).total([7.0])) == Measure(7, None, None)
    assert interval(np.array([500.0, *draws])) == Measure(500, 25, 974)
    assert interval(np.array([500.0, np.nan, *draws, np.nan])) == Measure(500, 25, 974)
    assert interval(np.array([np.nan, *draws])) == Measure(None, None, None)
    assert ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist() == [0.5, 0.0]
