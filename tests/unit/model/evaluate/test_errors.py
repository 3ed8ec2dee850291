"""Each error has the kind that says what to mend."""

from collections.abc import Callable

import pytest

from model.evaluate.errors import Kind, count_kinds, errors_of
from model.evaluate.outcomes import judge
from model.prediction import Assertion, Policy

TITLES = {
    "M25.561": "Pain in right knee",
    "M25.562": "Pain in left knee",
    "M25.569": "Pain in unspecified knee",
    "E11.2": "Type 2 diabetes mellitus with kidney complications",
    "E11.22": "Type 2 diabetes mellitus with diabetic chronic kidney disease",
}


def title(code: str) -> str:
    return TITLES.get(code, "")


def kinds(outcome: object) -> dict[str, Kind]:
    return {e.code: e.kind for e in errors_of(outcome, title)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("suggested", "kind", "remark"),
    [
        ("M25.562", Kind.WRONG_SIBLING, "gold: M25.561"),
        ("M25.569", Kind.UNSPECIFIC, "gold: M25.561"),
        ("E11.2", Kind.UNSPECIFIC, "gold: E11.22"),
        ("J45.909", Kind.OVER_CODED, ""),
    ],
)
def test_a_wrong_suggestion_is_told_by_its_kin(
    suggested: str, kind: Kind, remark: str, code: Callable, prediction: Callable, gold: Callable
) -> None:
    """Another code of the category of a gold code that nothing else meets; a vaguer one; or neither."""
    coded = gold({"M25.561": "right knee", "E11.22": "Diabetes with kidney disease"})
    outcome = judge(coded, prediction([code(suggested, 0.8, "right knee")]), Policy.EXHAUSTIVE)
    (error,) = [e for e in errors_of(outcome, title) if e.code == suggested]
    assert (error.kind, error.remark, error.words, error.confidence) == (kind, remark, "right knee", 0.8)
    assert error.title == TITLES.get(suggested, "")


def test_a_second_code_of_a_category_that_is_met_is_over_coded(
    code: Callable, prediction: Callable, gold: Callable
) -> None:
    listed = [code("M25.561", 0.9, "right knee"), code("M25.562", 0.8, "right knee")]
    outcome = judge(gold({"M25.561": "right knee"}), prediction(listed), Policy.EXHAUSTIVE)
    assert kinds(outcome) == {"M25.562": Kind.OVER_CODED}


@pytest.mark.parametrize("reason", ["negated", "family", "history", "uncertain", "hypothetical"])
def test_a_barred_code_is_not_asserted(reason: str, code: Callable, prediction: Callable, gold: Callable) -> None:
    """What the coders say of the code goes before its kin among the gold codes."""
    coded = gold({"R07.89": "pain"}, must_not=[("R07.9", reason, "chest pain")])
    outcome = judge(coded, prediction([code("R07.9", 0.9, "chest pain")]), Policy.ENCOUNTER)
    assert kinds(outcome) == {"R07.89": Kind.MISSED, "R07.9": Kind.NOT_ASSERTED}


def test_the_words_decide_between_two_reasons(code: Callable, prediction: Callable, gold: Callable) -> None:
    """A code barred here as negated and there as integral is what its own words are."""
    barred = [("R07.9", "negated", "chest pain"), ("R07.9", "integral", "Fever")]
    outcome = judge(gold({}, must_not=barred), prediction([code("R07.9", 0.9, "Fever")]), Policy.ENCOUNTER)
    assert kinds(outcome) == {"R07.9": Kind.INTEGRAL}


def test_words_that_do_not_assert_make_a_code_not_asserted(
    code: Callable, prediction: Callable, gold: Callable
) -> None:
    listed = [code("M10.9", 0.9, "gout", assertion=Assertion.FAMILY), code("J45.909", 0.8)]
    outcome = judge(gold({}), prediction(listed), Policy.EXHAUSTIVE)
    assert kinds(outcome) == {"M10.9": Kind.NOT_ASSERTED, "J45.909": Kind.OVER_CODED}


def test_lost_codes_say_how_near_they_came(code: Callable, prediction: Callable, gold: Callable) -> None:
    """Listed, a rival for listed words, refused by a rule, or not thought of; the words are those of the gold."""
    coded = gold({"R05.9": "cough", "E11.22": "kidney disease", "R50.9": "Fever", "M10.9": "gout"})
    listed = [
        code("R05.9", 0.3, "cough", suggested=False),
        code("E11.9", 0.2, "Diabetes", suggested=False, candidates=[("E11.22", 0.01)]),
    ]
    outcome = judge(coded, prediction(listed, refused={"R50.9": "integral"}), Policy.ENCOUNTER)
    found = {e.code: (e.kind, e.confidence, e.remark, e.words) for e in errors_of(outcome, title)}
    assert found == {
        "R05.9": (Kind.NOT_SUGGESTED, 0.3, "", "cough"),
        "E11.22": (Kind.NOT_SUGGESTED, 0.01, "", "kidney disease"),
        "R50.9": (Kind.NOT_SUGGESTED, None, "rule: integral", "Fever"),
        "M10.9": (Kind.MISSED, None, "", "gout"),
    }


def test_right_and_acceptable_codes_are_no_errors(code: Callable, prediction: Callable, gold: Callable) -> None:
    coded = gold({"R50.9": "Fever"}, acceptable=["R05.9"])
    outcome = judge(coded, prediction([code("R50.9", 0.9), code("R05.9", 0.8, "cough")]), Policy.ENCOUNTER)
    assert errors_of(outcome, title) == []
    assert set(count_kinds([]).values()) == {0}


def test_a_barred_code_suggested_for_other_words_is_barred_all_the_same(
    code: Callable, prediction: Callable, gold: Callable
) -> None:
    coded = gold({}, must_not=[("R07.9", "negated", "chest pain")])
    outcome = judge(coded, prediction([code("R07.9", 0.9, "Fever")]), Policy.ENCOUNTER)
    assert kinds(outcome) == {"R07.9": Kind.NOT_ASSERTED}
