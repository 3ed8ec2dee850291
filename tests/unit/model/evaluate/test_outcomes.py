"""Which prediction meets which gold code, and what a document counts."""

from collections.abc import Callable

import pytest

from model.evaluate.gold import Gold
from model.evaluate.outcomes import is_grounded, judge, match
from model.prediction import Policy, Prediction


@pytest.mark.parametrize(
    ("gold", "ranked", "met"),
    [
        ({"I10", "E11.9"}, ["E11.9", "R05.9"], ["E11.9", None]),
        ({"I10"}, ["I10", "I10"], ["I10", None]),  # met once
        ({"M54.5"}, ["M54.50", "M54.51"], ["M54.5", None]),  # a split code is met by the first descendant
        ({"E11.2"}, ["E11.21"], [None]),  # no split code: a descendant is another code
        ({"C50.9", "C50.91"}, ["C50.911", "C50.919"], ["C50.91", "C50.9"]),  # the longest beginning first
        ({"C50.9", "C50.911"}, ["C50.911", "C50.912"], ["C50.911", "C50.9"]),  # the code itself before a beginning
    ],
)
def test_each_gold_code_is_met_once(gold: set[str], ranked: list[str], met: list[str | None]) -> None:
    assert match(gold, {"M54.5", "C50.9", "C50.91"}, ranked) == met


def test_equal_confidence_keeps_the_order_of_the_list(code: Callable, prediction: Callable, gold: Callable) -> None:
    """Confidence is ranked as it is written, with four decimals."""
    listed = prediction([code("R05.9", 0.30001), code("R50.9", 0.30004), code("I10", 0.9)])
    outcome = judge(gold({"R50.9": "Fever"}), listed, Policy.EXHAUSTIVE)
    assert [str(j.code.code) for j in outcome.judged] == ["I10", "R05.9", "R50.9"]
    assert outcome.counts["average_precision"] == pytest.approx(1 / 3)


def test_counts_of_a_report(code: Callable, prediction: Callable, gold: Callable) -> None:
    """Worked by hand: two of three suggestions right, one of them by the right words; a fourth only listed."""
    coded = gold(
        {"R50.9": "Fever", "R05.9": "cough", "E11.22": "Diabetes with kidney disease", "M25.561": "right knee"}
    )
    listed = [
        code("R50.9", 0.9, "Fever"),
        code("M25.562", 0.8, "right knee"),
        code("R05.9", 0.7, "chest pain"),
        code("E11.22", 0.2, "Diabetes", suggested=False),
    ]
    counts = judge(coded, prediction(listed), Policy.EXHAUSTIVE).counts
    assert counts == {
        "documents": 1, "gold": 4, "predicted": 3, "right": 2, "right_words": 1, "shown": 3, "grounded": 3,
        "average_precision": pytest.approx((1 / 1 + 2 / 3 + 3 / 4) / 4),
        "gold_categories": 4, "predicted_categories": 3, "right_categories": 3,
    }  # fmt: skip


@pytest.fixture
def visit(gold: Callable) -> Gold:
    return gold(
        {"E11.22": "Diabetes with kidney disease", "R50.9": "Fever"},
        acceptable=["R05.9", "N18.9"],
        first_listed="E11.22",
        must_not=[
            ("R07.9", "negated", "chest pain"),
            ("M10.9", "family", "gout"),
            ("R05.1", "other", "cough"),  # shares its category with an acceptable code: no trap
            ("E11.9", "other", "Diabetes"),  # shares it with a core code: no trap
        ],
    )


def test_counts_of_an_encounter(code: Callable, prediction: Callable, visit: Gold) -> None:
    """Acceptable codes neither count nor spoil; a trap is fallen into by any code of its category."""
    listed = [
        code("E11.22", 0.9, "Diabetes", first=True),
        code("R05.9", 0.8, "cough"),
        code("R07.89", 0.7, "chest pain"),
        code("N18.30", 0.6, "kidney disease"),
        code("R50.9", 0.2, suggested=False),
    ]
    outcome = judge(visit, prediction(listed), Policy.ENCOUNTER)
    assert outcome.counts == {
        "documents": 1, "gold": 2, "predicted": 3, "right": 1, "right_words": 1, "shown": 4, "grounded": 4,
        "exact": False, "first": True, "traps": 2, "fallen": 1,
        "gold_categories": 2, "predicted_categories": 2, "right_categories": 1,
    }  # fmt: skip
    assert outcome.pairs == [(0.9, True), (0.7, False), (0.6, False), (0.2, True)]


def test_an_encounter_with_every_core_code_and_no_other_is_exact(
    code: Callable, prediction: Callable, visit: Gold
) -> None:
    """What is acceptable may stand beside; the first-listed code must be the coder's."""
    listed = [code("E11.22", 0.9), code("R50.9", 0.8, first=True), code("N18.9", 0.7)]
    counts = judge(visit, prediction(listed), Policy.ENCOUNTER).counts
    assert counts["exact"]
    assert not counts["first"]


def test_words_must_stand_where_they_are_said_to(code: Callable, prediction: Callable, gold: Callable) -> None:
    """A code is grounded when every quote is exactly the text of its span."""
    right: Prediction = prediction([code("R50.9", 0.9)])
    text = gold({}).document.text
    assert is_grounded(text, right.codes[0])
    assert not is_grounded(f" {text}", right.codes[0])
    assert not is_grounded(text[:3], right.codes[0])
