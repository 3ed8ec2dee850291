"""A person, not the model, has the last word on which code leads the claim."""

import pytest
from coding_bench import ANA, Bench

from smartapp.errors import ReviewChanged
from smartapp.reviews import Action, Review

ACCEPT, REJECT, ADD, LEAD, UNDO = Action.ACCEPT, Action.REJECT, Action.ADD, Action.LEAD, Action.UNDO


def after(bench: Bench, *acts: tuple[Action, str]) -> Review:
    """The review after these acts; E11.9 is the model's first-listed code, I10 another suggestion."""
    review = bench.ready()
    for action, code in acts:
        review = bench.coding.decide(bench.key, review.version, action, code, None, ANA)
    return review


def codes(review: Review) -> list[str]:
    return [a.code for a in review.accepted()]


ALL = ((ACCEPT, "E11.9"), (ACCEPT, "I10"), (ADD, "J06.9"))


@pytest.mark.parametrize(
    ("acts", "order"),
    [
        ((), ["E11.9", "I10", "J06.9"]),
        (((LEAD, "J06.9"),), ["J06.9", "E11.9", "I10"]),
        (((LEAD, "J06.9"), (LEAD, "I10")), ["I10", "J06.9", "E11.9"]),
        (((LEAD, "I10"), (LEAD, "J06.9"), (LEAD, "I10")), ["I10", "J06.9", "E11.9"]),
        (((LEAD, "I10"), (UNDO, "I10")), ["E11.9", "I10", "J06.9"]),
        (((LEAD, "J06.9"), (LEAD, "I10"), (UNDO, "I10")), ["J06.9", "E11.9", "I10"]),
        (((LEAD, "I10"), (UNDO, "I10"), (UNDO, "I10")), ["E11.9", "J06.9"]),
        (((LEAD, "I10"), (REJECT, "I10")), ["E11.9", "J06.9"]),
        (((LEAD, "I10"), (REJECT, "I10"), (UNDO, "I10")), ["I10", "E11.9", "J06.9"]),
        (((LEAD, "I10"), (REJECT, "I10"), (ACCEPT, "I10")), ["E11.9", "J06.9", "I10"]),
        (((LEAD, "I10"), (ADD, "I10")), ["I10", "E11.9", "J06.9"]),
    ],
)
def test_order_of_the_claim(bench: Bench, acts: tuple[tuple[Action, str], ...], order: list[str]) -> None:
    """The latest code put first leads, then the ones before it; undoing takes that back, a rejection ends it."""
    review = after(bench, *ALL, *acts)
    assert codes(review) == order
    assert [a.rank for a in review.accepted()] == list(range(1, len(order) + 1))


def test_the_acceptance_still_stands_for_the_code(bench: Bench) -> None:
    """Putting a code first decides nothing about the code: who accepted it stays its decision."""
    review = after(bench, *ALL, (LEAD, "I10"))
    decision, lead = review.decision_on("I10"), review.placing_of("I10")
    assert decision is not None and lead is not None
    assert (decision.action, lead.action) == (ACCEPT, LEAD)
    assert review.accepted()[0].decision == decision


def test_pressed_again_is_kept_once(bench: Bench) -> None:
    """A second press on the code that leads already changes nothing, an old page's included."""
    review = after(bench, *ALL, (LEAD, "I10"))
    again = bench.coding.decide(bench.key, review.version - 1, LEAD, "I10", None, ANA)
    assert again == review


@pytest.mark.parametrize("acts", [(), ((REJECT, "I10"),), ((ACCEPT, "I10"), (UNDO, "I10"))])
def test_only_accepted_codes_lead(bench: Bench, acts: tuple[tuple[Action, str], ...]) -> None:
    """What nobody stands for cannot be put first; nothing is kept of the attempt."""
    review = after(bench, *acts)
    with pytest.raises(ReviewChanged):
        bench.coding.decide(bench.key, review.version, LEAD, "I10", None, ANA)
    assert bench.coding.review(bench.key) == review


def test_the_order_is_what_is_planned_and_signed(bench: Bench) -> None:
    """Summary and attestation name the codes in the order that the person gave them."""
    after(bench, *ALL, (LEAD, "I10"))
    summary = bench.coding.summary(bench.key, bench.client, ANA)
    assert [a.code for a in summary.accepted] == ["I10", "E11.9", "J06.9"]
    assert "I10, E11.9, J06.9" in summary.statement
