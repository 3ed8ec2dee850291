"""A signed review taken up again: decided anew, signed anew, and only the difference written."""

import pytest
from coding_bench import ANA, BEN, Bench
from correcting import decided, listed, outcomes, replace_id, sign, signed, taken_up, valid
from signing_at_random import on

from smartapp.errors import DecidedSince, NoReason, ReviewChanged
from smartapp.reviews import Action, Particulars, ReviewStatus, Rung

WRITTEN, READY = ReviewStatus.WRITTEN, ReviewStatus.READY
CARRIED = (("DocumentReference", Rung.DOCUMENT), ("Communication", Rung.MESSAGE))


def test_taking_it_up(bench: Bench) -> None:
    """The review is a draft again with its decisions, unsigned; what was signed and written stays told."""
    first = signed(bench)
    review = taken_up(bench, first)
    assert (review.attestation, review.receipt) == (None, ())
    assert [a.code for a in review.accepted()] == [a.code for a in first.accepted()]
    correction = review.being_corrected
    assert correction is not None
    assert (correction.by.name, correction.reason, correction.offered) == (BEN.name, "A code was wrong", True)
    assert (correction.attestation, correction.receipt) == (first.attestation, first.receipt)
    assert valid(bench) == {"I10", "E11.9"}


def test_only_the_difference_is_written(bench: Bench) -> None:
    """One code in the place of another: one Condition made, one marked as an error; the rest follows."""
    review = taken_up(bench, signed(bench))
    review = bench.coding.decide(
        bench.key, review.version, Action.EDIT, "J06.9", None, ANA, Particulars(instead_of="I10")
    )
    before = len(bench.server.sent("POST"))
    corrected = sign(bench, review)
    assert corrected.status is WRITTEN
    assert outcomes(corrected) == {
        "diagnosis J06.9": "written",
        "diagnosis E11.9": "already-there",
        "withdrawal of I10": "written",
        "order of diagnoses": "written",
        "draft claim": "written",
        "who signed, and from which notes": "written",
    }
    assert len(bench.server.sent("POST")) - before == 2  # the new Condition and the Provenance
    assert valid(bench) == {"J06.9", "E11.9"}
    assert sorted(listed(bench), key=lambda pair: pair[1]) == [(a.code, a.rank) for a in corrected.accepted()]
    (claim,) = bench.server.all("Claim")
    assert [d["diagnosisCodeableConcept"]["coding"][0]["code"] for d in claim["diagnosis"]] == [
        a.code for a in corrected.accepted()
    ]
    assert corrected.corrections[0].receipt and not corrected.being_corrected


def test_its_provenance(bench: Bench) -> None:
    """Tells of a revision, why, and of what this signature changed: not of the Condition that stayed as it was."""
    review = decided(bench, taken_up(bench, signed(bench)), (Action.ADD, "J06.9"))
    corrected = sign(bench, review)
    _, provenance = sorted(bench.server.all("Provenance"), key=lambda p: str(p["recorded"]))
    assert provenance["activity"]["coding"][0]["code"] == "UPDATE"
    assert provenance["reason"] == [{"text": "A code was wrong"}]
    targets = {t["reference"].partition("/_history")[0] for t in provenance["target"]}
    assert targets == {line.reference for line in corrected.receipt if line.outcome == "written"} - {
        f"Provenance/{provenance['id']}"
    }


def test_the_order_alone(bench: Bench) -> None:
    review = taken_up(bench, signed(bench), "order")
    last = review.accepted()[-1].code
    corrected = sign(bench, decided(bench, review, (Action.LEAD, last)))
    assert corrected.status is WRITTEN
    assert listed(bench)[0] == (last, 1)
    assert bench.server.all("Claim")[0]["diagnosis"][0]["diagnosisCodeableConcept"]["coding"][0]["code"] == last
    assert len(bench.server.all("Condition")) == 2


def test_nothing_changed(bench: Bench) -> None:
    """Signed as it was: no request but to look, and no Provenance that speaks of nothing."""
    corrected = sign(bench, taken_up(bench, signed(bench)))
    assert corrected.status is WRITTEN
    assert len(bench.server.all("Provenance")) == 1
    assert set(outcomes(corrected).values()) == {"already-there", "not-written"}


def test_a_code_comes_back(bench: Bench) -> None:
    """Withdrawn by one correction, signed by the next: the same Condition is valid again."""
    review = decided(bench, taken_up(bench, signed(bench)), (Action.UNDO, "I10"))
    sign(bench, review)
    assert valid(bench) == {"E11.9"}
    review = decided(bench, taken_up(bench, bench.coding.review(bench.key)), (Action.ADD, "I10"))
    again = sign(bench, review)
    assert (again.status, again.corrections[1].receipt[-1].outcome) == (WRITTEN, "written")
    assert valid(bench) == {"E11.9", "I10"}
    assert len(bench.server.all("Condition")) == 2


def test_what_others_have_stays(bench: Bench) -> None:
    """A biller's entries in the draft, and a diagnosis that somebody else listed."""
    first = signed(bench)
    (claim,) = bench.server.all("Claim")
    theirs = {"sequence": 2, "productOrService": {"coding": [{"system": "urn:x", "code": "99213"}]}}
    bench.server.put(claim | {"item": [*claim["item"], theirs | {"diagnosisSequence": [2]}]})
    encounter = bench.server.get("Encounter/e1")
    other = {"condition": {"reference": "Condition/other"}, "use": encounter["diagnosis"][0]["use"], "rank": 9}
    bench.server.put(
        replace_id(bench.server.all("Condition")[0], "other"),
        encounter | {"diagnosis": [other, *encounter["diagnosis"]]},
    )
    second = first.accepted()[1].code
    corrected = sign(bench, decided(bench, taken_up(bench, first), (Action.UNDO, first.accepted()[0].code)))
    assert corrected.status is WRITTEN
    (claim,) = bench.server.all("Claim")
    assert [item["diagnosisSequence"] for item in claim["item"]] == [[1], [1]]
    assert other in bench.server.get("Encounter/e1")["diagnosis"]
    assert (second, 1) in listed(bench)


def test_the_sentence_names_each_reason(bench: Bench) -> None:
    first = signed(bench)
    with pytest.raises(NoReason):
        bench.coding.correct(bench.key, first.version, "other", BEN, bench.client, "  ")
    with pytest.raises(ReviewChanged):
        bench.coding.correct(bench.key, first.version - 1, "order", BEN, bench.client)
    assert bench.coding.review(bench.key).attestation == first.attestation
    bench.coding.correct(bench.key, first.version, "other", BEN, bench.client, "The surgeon called.")
    bench.coding.correct(bench.key, first.version, "other", BEN, bench.client, "Pressed twice.")
    (correction,) = bench.until(READY).corrections
    assert (correction.reason, correction.offered) == ("The surgeon called.", False)


@pytest.mark.parametrize("rung", [Rung.TRANSACTION, Rung.JSON_PATCH, Rung.DOCUMENT, Rung.MESSAGE])
def test_by_each_rung(bench: Bench, rung: Rung) -> None:
    """Whatever the rung: written, and what was carried is carried once more as a correction."""
    other = bench.another(ladder_for=lambda _: on(rung))
    review = decided(other, taken_up(other, signed(other)), (Action.UNDO, "I10"), (Action.ADD, "J06.9"))
    corrected = sign(other, review)
    assert corrected.status is WRITTEN, outcomes(corrected)
    for type in ("DocumentReference", "Communication"):
        carried = [r for r in bench.server.all(type) if r.get("identifier")]
        assert len(carried) == (2 if (type, rung) in CARRIED else 0)


def test_to_no_codes_at_all(bench: Bench) -> None:
    """Signed in the wrong chart: what Chartside wrote is marked as an error, the list and the draft claim as well."""
    review = decided(bench, taken_up(bench, signed(bench)), (Action.UNDO, "I10"), (Action.UNDO, "E11.9"))
    corrected = sign(bench, review)
    assert corrected.status is WRITTEN, outcomes(corrected)
    assert (valid(bench), listed(bench)) == (set(), [])
    assert [claim["status"] for claim in bench.server.all("Claim")] == ["entered-in-error"]
    assert corrected.attestation and "withdraw all codes" in corrected.attestation.statement
    again = sign(bench, decided(bench, taken_up(bench, corrected), (Action.ADD, "I10")))
    assert (again.status, valid(bench)) == (WRITTEN, {"I10"}), outcomes(again)
    assert [claim["status"] for claim in bench.server.all("Claim")] == ["draft"]


def test_opened_by_mistake(bench: Bench) -> None:
    """Cancelled, what was signed stands again with its receipt; decided since, it is not as it was signed."""
    first = signed(bench)
    review = decided(bench, taken_up(bench, first), (Action.ADD, "J06.9"))
    with pytest.raises(DecidedSince):
        bench.coding.cancel_correction(bench.key, BEN)
    decided(bench, review, (Action.UNDO, "J06.9"))
    for _ in range(2):
        closed = bench.coding.cancel_correction(bench.key, BEN)
        assert (closed.status, closed.attestation, closed.receipt) == (WRITTEN, first.attestation, first.receipt)
        assert closed.corrections == ()
    corrected = sign(bench, decided(bench, taken_up(bench, closed), (Action.UNDO, "I10")))
    assert (corrected.status, valid(bench), len(corrected.corrections)) == (WRITTEN, {"E11.9"}, 1)
