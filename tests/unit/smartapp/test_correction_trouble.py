"""A correction where the EHR does not take it, or somebody else is at it too."""

from dataclasses import replace
from datetime import timedelta

import pytest
from coding_bench import ANA, BEN, Bench
from correcting import decided, listed, outcomes, replace_id, sign, signed, taken_up, valid
from fhir_server import answers

from smartapp.errors import ReviewChanged, ReviewClosed, StillWriting
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.reviews import Action, Choice, ReviewStatus

WRITTEN, READY = ReviewStatus.WRITTEN, ReviewStatus.READY


def test_a_claim_that_is_no_draft_any_more(bench: Bench) -> None:
    first = signed(bench)
    (claim,) = bench.server.all("Claim")
    bench.server.put(claim | {"status": "active"})
    corrected = sign(bench, decided(bench, taken_up(bench, first), (Action.ADD, "J06.9")))
    line = next(line for line in corrected.receipt if line.resource == "Claim")
    assert (corrected.status, line.outcome) == (ReviewStatus.PARTLY_WRITTEN, "refused")
    assert line.detail.startswith("It is active in the EHR by now")


@pytest.mark.parametrize(
    ("acts", "now"), [(((Action.UNDO, "I10"),), "E11.9"), (((Action.UNDO, "I10"), (Action.UNDO, "E11.9")), "none")]
)
def test_a_claim_that_the_ehr_lets_nobody_change(bench: Bench, acts: tuple[tuple[Action, str], ...], now: str) -> None:
    """It is left as it is, with what to tell those who bill; there is nothing to finish."""
    bench = bench.another(ladder_for=lambda _: replace(SINGLE_WRITES, claim_updates=False))
    corrected = sign(bench, decided(bench, taken_up(bench, signed(bench, "I10", "E11.9")), *acts))
    line = next(line for line in corrected.receipt if line.resource == "Claim")
    assert (corrected.status, line.outcome) == (WRITTEN, "not-written")
    assert "Tell those who bill" in line.detail
    assert line.detail.partition("It still has ")[2] in {
        f"{held}; signed now: {now}." for held in ("I10, E11.9", "E11.9, I10")
    }
    assert bench.server.sent("PUT", "Claim") == []


def test_a_withdrawal_that_does_not_take(bench: Bench) -> None:
    """An EHR that answers 200 and changes nothing is told as it is."""
    review = decided(bench, taken_up(bench, signed(bench)), (Action.UNDO, "I10"))
    bench.server.fail("PUT", "Condition", answers(200, ""), times=99)
    corrected = sign(bench, review)
    line = next(line for line in corrected.receipt if line.purpose == "withdrawal of I10")
    assert (line.outcome, valid(bench)) == ("failed", {"I10", "E11.9"})


def test_what_is_still_listed_leaves_the_list_later(bench: Bench) -> None:
    """The EHR took the withdrawal and refused the list: the next correction takes the withdrawn diagnosis off it."""
    review = decided(bench, taken_up(bench, signed(bench)), (Action.UNDO, "I10"))
    bench.server.fail("PUT", "Encounter", answers(422, "Not today."), times=99)
    corrected = sign(bench, review)
    assert (outcomes(corrected)["order of diagnoses"], outcomes(corrected)["withdrawal of I10"]) == (
        "refused",
        "written",
    )
    assert {code for code, _ in listed(bench)} == {"I10", "E11.9"}
    bench.server.mend()
    again = sign(bench, decided(bench, taken_up(bench, corrected), (Action.ADD, "J06.9")))
    assert (again.status, [code for code, _ in listed(bench)]) == (WRITTEN, ["E11.9", "J06.9"]), outcomes(again)


def test_a_withdrawal_that_cannot_be_looked_at_again(bench: Bench) -> None:
    """Finishing later, the EHR does not show the withdrawn diagnosis: it is taken as told, and not listed anew."""
    review = decided(bench, taken_up(bench, signed(bench)), (Action.UNDO, "I10"), (Action.ADD, "J06.9"))
    bench.server.fail("POST", "Condition", answers(403, "Not today."))
    half = sign(bench, review)
    reference = next(line.reference for line in half.receipt if line.purpose == "withdrawal of I10")
    assert half.status is ReviewStatus.PARTLY_WRITTEN and reference
    bench.server.fail("GET", reference, answers(403, "Not today."), times=99)
    done = bench.coding.finish(bench.key, bench.client)
    assert (done.status, [code for code, _ in listed(bench)]) == (WRITTEN, ["E11.9", "J06.9"]), outcomes(done)


def test_two_coders_correct_it(bench: Bench) -> None:
    """It is taken up once, decided on what both see, and signed once; a form from before the correction is refused."""
    first, other = signed(bench), bench.another()
    taken_up(bench, first)
    other.coding.correct(bench.key, first.version, "order", ANA, bench.client)
    review = other.until(READY)
    assert [c.by for c in review.corrections] == [BEN]
    decided(bench, review, (Action.UNDO, "I10"))
    with pytest.raises(ReviewChanged):
        other.coding.decide(bench.key, review.version, Action.ADD, "J06.9", None, BEN)
    with pytest.raises(ReviewChanged):
        other.coding.sign_off(bench.key, review.version, BEN, bench.client)
    corrected = sign(bench, other.coding.review(bench.key))
    with pytest.raises(ReviewClosed):
        other.coding.sign_off(bench.key, corrected.version, BEN, bench.client)
    assert (corrected.status, valid(bench), len(bench.server.all("Provenance"))) == (WRITTEN, {"E11.9"}, 2)


def test_another_coder_lists_a_diagnosis_meanwhile(bench: Bench) -> None:
    """In the EHR, after the chart was read for the correction: nothing is sent before somebody has chosen."""
    review = decided(bench, taken_up(bench, signed(bench)), (Action.UNDO, "I10"), (Action.ADD, "J06.9"))
    now = bench.server.get("Encounter/e1")
    theirs = {"condition": {"reference": "Condition/x"}, "use": {"coding": [{"code": "CC"}]}}
    bench.server.put(
        replace_id(bench.server.all("Condition")[0], "x"), now | {"diagnosis": [*now["diagnosis"], theirs]}
    )
    before = len(bench.server.sent("PUT"))
    held = sign(bench, review)
    conflict = next(line.conflict for line in held.receipt if line.conflict)
    assert len(bench.server.sent("PUT")) == before
    done = bench.coding.choose(bench.key, held.version, Choice.BOTH, conflict.seen, BEN, bench.client)
    listed_now = [e["condition"]["reference"] for e in bench.server.get("Encounter/e1")["diagnosis"]]
    assert (done.status, valid(bench)) == (WRITTEN, {"E11.9", "J06.9", "Z99.9"})
    assert "Condition/x" in listed_now and len(listed_now) == 3


def test_not_while_something_is_on_its_way(bench: Bench) -> None:
    first = signed(bench)
    line = replace(first.receipt[0], outcome="sent", sent_at=bench.clock() - timedelta(seconds=5))
    with bench.store.change(bench.key, bench.clock()) as draft:
        draft.set_receipt([line, *first.receipt[1:]])
    version = bench.coding.review(bench.key).version
    with pytest.raises(StillWriting):
        bench.coding.correct(bench.key, version, "order", BEN, bench.client)
