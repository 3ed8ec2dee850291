"""Signing, and what becomes of it in the chart."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from coding_bench import ANA, BEN, Bench
from fhir_server import answers, is_silent
from sample_chart import condition, encounter
from threads import together

from smartapp.errors import NothingAccepted, NotSignable, ReviewChanged, ReviewClosed
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.outbox import Outbox
from smartapp.reviews import Action, Choice, Review, ReviewStatus, WrittenResource

NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
SIGNED, WRITTEN, PARTLY = ReviewStatus.SIGNED, ReviewStatus.WRITTEN, ReviewStatus.PARTLY_WRITTEN


class Killed(BaseException):
    """The process ends here."""


def client_that(bench: Bench, token: Callable[[bool], str]) -> FHIRClient:
    return FHIRClient(bench.server.base_url, token, patient="p1", timeout=(1.0, 0.4), sleep=lambda _: None)


def accepted(bench: Bench, *codes: str) -> Review:
    review = bench.ready()
    for code in codes or ("I10", "E11.9"):
        review = bench.coding.decide(bench.key, review.version, Action.ACCEPT, code, None, ANA)
    return review


def sign(bench: Bench, review: Review, by: Any = ANA, client: FHIRClient | None = None) -> Review:
    return bench.coding.sign_off(bench.key, review.version, by, client or bench.client)


def outcomes(review: Review) -> dict[str, str]:
    return {line.purpose: line.outcome for line in review.receipt}


def written(bench: Bench) -> dict[str, int]:
    """How many resources of each type the chart holds that Chartside may have written."""
    return {type: len(bench.server.all(type)) for type in ("Condition", "Claim", "Provenance")}


def test_sign_off(bench: Bench) -> None:
    """Signing keeps who, when and which sentence, writes to the chart and keeps the receipt."""
    signed = sign(bench, accepted(bench))
    assert signed.status is WRITTEN
    assert signed.attestation is not None
    assert (signed.attestation.by, signed.attestation.at) == (ANA, bench.clock())
    assert "E11.9, I10" in signed.attestation.statement
    assert set(outcomes(signed).values()) == {"written"}
    assert written(bench) == {"Condition": 2, "Claim": 1, "Provenance": 1}


def test_the_summary_says_what_is_signed(bench: Bench) -> None:
    """The sentence on the summary is the one that is signed, and each planned resource is on the receipt."""
    review = accepted(bench)
    summary = bench.coding.summary(bench.key, bench.client, ANA)
    assert [a.code for a in summary.accepted] == ["E11.9", "I10"]
    assert written(bench) == {"Condition": 0, "Claim": 0, "Provenance": 0}
    signed = sign(bench, review)
    assert signed.attestation is not None and signed.attestation.statement == summary.statement
    assert {p.purpose for p in summary.planned} == set(outcomes(signed))


def test_one_code_is_attested_in_the_singular(bench: Bench) -> None:
    """The sentence reads well for one code."""
    assert "this code is supported by it: I10." in str(sign(bench, accepted(bench, "I10")).attestation)


def test_nothing_to_sign(bench: Bench) -> None:
    """Without an accepted code there is nothing to sign, and nothing is kept or sent."""
    review = bench.ready()
    with pytest.raises(NothingAccepted):
        sign(bench, review)
    assert bench.coding.review(bench.key) == review
    assert bench.server.sent("POST") == []


def test_signing_what_one_has_not_seen(bench: Bench) -> None:
    """A signature on an older version of the review is refused: the list has changed since."""
    review = accepted(bench, "I10")
    bench.coding.decide(bench.key, review.version, Action.ADD, "J06.9", None, BEN)
    with pytest.raises(ReviewChanged):
        sign(bench, review)
    assert bench.server.sent("POST") == []


def test_a_code_that_has_expired_since(bench: Bench) -> None:
    """Where the encounter's date has moved so that a code is no longer billable, signing is refused by name."""
    bench.server.put(encounter(period={"start": "2025-05-02T09:00:00Z"}))
    review = bench.ready()
    bench.coding.decide(bench.key, review.version, Action.ADD, "Q00.0", None, ANA)
    bench.server.put(encounter())
    bench.coding.retry(bench.key, bench.client)
    review = bench.until(ReviewStatus.READY)
    with pytest.raises(NotSignable, match=r"Rule 101"):
        sign(bench, review)
    (remark,) = bench.coding.summary(bench.key, bench.client, ANA).remarks[:1]
    assert remark.text == "Q00.0 is not a billable ICD-10-CM code on 2026-03-02: it was in force until 2025-12-31."


def test_pressing_twice(bench: Bench) -> None:
    """The second press on the same button answers with the finished review and writes nothing."""
    review = accepted(bench)
    first = sign(bench, review)
    requests = len(bench.server.seen)
    assert sign(bench, review) == first
    assert len(bench.server.seen) == requests


def test_simultaneous_signatures_write_once(bench: Bench) -> None:
    """Two presses at the same moment, in two processes, run one write-back."""
    review = accepted(bench)
    together(lambda window: sign(window, review), [bench.another(), bench.another(), bench])
    assert bench.until(WRITTEN).receipt
    assert written(bench) == {"Condition": 2, "Claim": 1, "Provenance": 1}
    assert len(bench.server.sent("POST", "Condition")) == 2
    assert len(bench.server.sent("PUT", "Encounter")) == 1


def test_a_second_signer_is_told(bench: Bench) -> None:
    """Once somebody has signed, nobody else can."""
    review = accepted(bench)
    sign(bench, review)
    with pytest.raises(ReviewClosed):
        sign(bench, review, by=BEN)
    assert bench.coding.review(bench.key).attestation.by == ANA  # type: ignore[union-attr]


def test_a_diagnosis_of_the_chart_is_not_doubled(bench: Bench) -> None:
    """What the chart says already is told as such."""
    bench.server.put(condition("c1", "E11.9"))
    signed = sign(bench, accepted(bench))
    assert (signed.status, outcomes(signed)["diagnosis E11.9"]) == (WRITTEN, "already-there")
    assert written(bench)["Condition"] == 2


def test_the_ehr_is_down(bench: Bench) -> None:
    """The signature is kept, the receipt says that nothing was sent, and finishing later writes everything."""
    review = accepted(bench)
    bench.server.fail("GET", "Encounter/e1", answers(503), times=3)
    signed = sign(bench, review)
    assert (signed.status, signed.stage) == (SIGNED, "")
    assert set(outcomes(signed).values()) == {"failed"}
    assert "Nothing was sent" in signed.receipt[0].detail
    finished = bench.coding.finish(bench.key, bench.client)
    assert finished.status is WRITTEN
    assert set(outcomes(finished).values()) == {"written"}
    assert finished.attestation == signed.attestation


def test_the_session_has_ended(bench: Bench) -> None:
    """Without a session the review stays signed, says why, and the next launch finishes it on opening."""
    ended = client_that(bench, lambda _: "bad-token")
    signed = sign(bench, accepted(bench), client=ended)
    assert signed.status is SIGNED
    assert "session with the EHR ended" in signed.receipt[0].detail
    assert written(bench) == {"Condition": 0, "Claim": 0, "Provenance": 0}
    bench.another().coding.open(bench.key, bench.client)
    assert bench.until(WRITTEN).receipt
    assert written(bench) == {"Condition": 2, "Claim": 1, "Provenance": 1}


def test_partly_written(bench: Bench) -> None:
    """What the EHR refuses is on the receipt beside what it took; retry writes only the rest."""
    review = accepted(bench)
    bench.server.fail("POST", "Claim", answers(422, "Claims are closed"))
    partly = sign(bench, review)
    assert (partly.status, outcomes(partly)["draft claim"]) == (PARTLY, "refused")
    assert outcomes(partly)["diagnosis I10"] == "written"
    done = bench.coding.retry(bench.key, bench.client)
    assert done.status is WRITTEN
    assert outcomes(done)["diagnosis I10"] == "written"
    assert len(bench.server.sent("POST", "Condition")) == 2


def test_retry_of_a_written_review_changes_nothing(bench: Bench) -> None:
    """A review that is written is read no more."""
    done = sign(bench, accepted(bench))
    requests = len(bench.server.seen)
    assert bench.coding.retry(bench.key, bench.client) == done
    assert bench.coding.finish(bench.key, bench.client) == done
    assert bench.coding.open(bench.key, bench.client) == done
    assert len(bench.server.seen) == requests


@pytest.mark.parametrize("requests", range(0, 24, 2))
def test_killed_at_any_moment_of_the_write_back(bench: Bench, requests: int) -> None:
    """Wherever the process dies between signature and receipt, opening again completes the write, once."""
    review, left = accepted(bench), [requests]

    def token(refresh: bool) -> str:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        return bench.server.token

    died = False
    try:
        sign(bench, review, client=client_that(bench, token))
    except Killed:
        died = True
        cut_short = bench.coding.review(bench.key)
        assert cut_short.status is SIGNED and len(cut_short.receipt) == 5
        assert cut_short.attestation is not None
    assert died or requests > 12
    bench.clock.forward(60)
    again = bench.another()
    again.coding.open(bench.key, bench.client)
    done = again.until(WRITTEN)
    assert set(outcomes(done).values()) <= {"written", "already-there"}
    assert written(bench) == {"Condition": 2, "Claim": 1, "Provenance": 1}
    assert len(bench.server.get("Encounter/e1")["diagnosis"]) == 2


def test_nobody_writes_while_another_does(bench: Bench) -> None:
    """While a living process writes, opening, signing again and finishing elsewhere leave it to it."""
    review, writing, hold = accepted(bench), threading.Event(), threading.Event()

    def token(refresh: bool) -> str:
        writing.set()
        hold.wait(5)
        return bench.server.token

    signer = threading.Thread(target=sign, args=(bench, review, ANA, client_that(bench, token)))
    signer.start()
    assert writing.wait(5)
    other = bench.another()
    for review_elsewhere in (
        other.coding.open(bench.key, bench.client),
        other.coding.finish(bench.key, bench.client),
        sign(other, review),
    ):
        assert (review_elsewhere.status, review_elsewhere.stage) == (SIGNED, "Writing to the chart")
    assert bench.server.sent("POST") == []
    hold.set()
    signer.join()
    assert bench.coding.review(bench.key).status is WRITTEN


def test_an_unforeseen_error_keeps_the_signature(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A bug while writing leaves a signed review that says so; its words are not logged."""

    def token(refresh: bool) -> str:
        raise ZeroDivisionError("Maier")

    signed = sign(bench, accepted(bench), client=client_that(bench, token))
    assert (signed.status, signed.attestation is not None) == (SIGNED, True)
    assert "Press Finish writing" in signed.receipt[0].detail
    assert "ZeroDivisionError" in caplog.text and "Maier" not in caplog.text
    assert bench.coding.finish(bench.key, bench.client).status is WRITTEN


def test_what_was_written_stays_told() -> None:
    """A later attempt that could not look takes nothing off the receipt; one that knows better replaces its line."""

    def after(before: WrittenResource, outcome: str, reference: str | None = None) -> WrittenResource:
        out = Outbox([before], lambda *_: None, lambda: NOW)
        out.tell(0, outcome, reference)
        return out.lines[0]

    first = WrittenResource("Condition", "diagnosis I10", "written", "Condition/1", "", attempts=1)
    assert after(first, "pending") == after(first, "already-there", "Condition/1") == first
    assert after(first, "written", "Condition/2").reference == "Condition/2"
    assert after(replace(first, outcome="failed", reference=None), "already-there").outcome == "written"
    assert after(replace(first, outcome="failed", attempts=0), "already-there").outcome == "already-there"


def test_an_outstanding_answer_stays_told() -> None:
    """What was sent without an answer stays sent, whatever keeps a later run from looking for it."""
    sent = WrittenResource("Claim", "draft claim", "sent", None, "", attempts=1, sent_at=NOW)
    for later, under_way in ((timedelta(seconds=59), True), (timedelta(seconds=61), False)):
        out = Outbox([sent], lambda *_: None, lambda later=later: NOW + later)  # type: ignore[misc]
        out.tell(0, "failed", None, "The EHR did not answer in time.")
        assert out.lines[0].outcome == "sent"
        assert out.may_be_under_way(0) is under_way
        out.answered(0)
        assert not out.may_be_under_way(0)


def test_a_request_still_under_way_is_not_repeated(bench: Bench) -> None:
    """Sent without an answer and not found: nothing is sent again before it can no longer arrive."""
    review = accepted(bench, "I10")
    bench.server.knows_if_none_exist = False
    bench.server.fail("POST", "Condition", is_silent)
    signed = sign(bench, review)
    assert (signed.status, outcomes(signed)["diagnosis I10"]) == (SIGNED, "sent")
    again = bench.coding.finish(bench.key, bench.client)
    assert outcomes(again)["diagnosis I10"] == "sent" and "in a minute" in again.receipt[0].detail
    assert len(bench.server.sent("POST", "Condition")) == 1
    bench.clock.forward(61)
    assert bench.coding.finish(bench.key, bench.client).status is WRITTEN
    assert written(bench)["Condition"] == 1


def test_the_ehr_refuses_all(bench: Bench) -> None:
    """Where the EHR takes none of the diagnoses, the review says refused, with its words."""
    review = accepted(bench, "I10")
    bench.server.fail("POST", "Condition", answers(422, "Coding is closed."))
    refused = sign(bench, review)
    assert refused.status is ReviewStatus.REFUSED
    assert "Coding is closed." in refused.receipt[0].detail
    assert bench.coding.finish(bench.key, bench.client).status is WRITTEN


def test_a_zombie_sends_nothing_more(bench: Bench) -> None:
    """A writer that another has replaced stops before its next request leaves."""
    review = accepted(bench)
    asked = [0]

    def token(refresh: bool) -> str:
        asked[0] += 1
        if asked[0] == 6:  # somewhere among the diagnoses
            with bench.store.change(bench.key, bench.clock()) as draft:
                draft.claim(bench.clock())
        return bench.server.token

    sign(bench, review, client=client_that(bench, token))
    assert bench.coding.review(bench.key).status is SIGNED
    assert written(bench)["Claim"] == written(bench)["Provenance"] == 0
    bench.clock.forward(61)
    assert bench.coding.finish(bench.key, bench.client).status is WRITTEN
    assert written(bench) == {"Condition": 2, "Claim": 1, "Provenance": 1}


def test_a_choice_between_two_lists(bench: Bench) -> None:
    """Another coder changed the encounter's list: nothing is sent, the choice is kept with its person, then all is."""
    review = accepted(bench)
    theirs = {"condition": {"reference": "Condition/x", "display": "Asthma"}, "use": {"coding": [{"code": "CC"}]}}
    bench.server.put(encounter(diagnosis=[theirs]))
    held = sign(bench, review)
    assert (held.status, outcomes(held)["order of diagnoses"]) == (SIGNED, "conflict")
    assert bench.server.sent("POST") == bench.server.sent("PUT") == []
    conflict = next(line.conflict for line in held.receipt if line.conflict)
    for version, seen in ((held.version, "another list"), (held.version - 1, conflict.seen)):
        with pytest.raises(ReviewChanged):
            bench.coding.choose(bench.key, version, Choice.MINE, seen, BEN, bench.client)
    held = bench.coding.finish(bench.key, bench.client)
    assert outcomes(held)["order of diagnoses"] == "conflict"
    done = bench.coding.choose(bench.key, held.version, Choice.BOTH, conflict.seen, BEN, bench.client)
    assert done.status is WRITTEN
    assert next(line.conflict for line in done.receipt if line.conflict).by == BEN.name
    listed = [d["condition"]["reference"] for d in bench.server.get("Encounter/e1")["diagnosis"]]
    assert listed[0] == "Condition/x" and len(listed) == 3
    assert bench.coding.choose(bench.key, held.version, Choice.BOTH, conflict.seen, BEN, bench.client) == done
    with pytest.raises(ReviewChanged):  # another person's choice is not passed over in silence
        bench.coding.choose(bench.key, held.version, Choice.MINE, conflict.seen, ANA, bench.client)
    assert bench.coding.review(bench.key) == done


def test_two_coders_on_one_encounter(bench: Bench) -> None:
    """The second sees what the first did before anything of theirs counts, and both stand in the same list."""
    review = bench.ready()
    other = bench.another()
    first = bench.coding.decide(bench.key, review.version, Action.ACCEPT, "I10", None, ANA)
    with pytest.raises(ReviewChanged):
        other.coding.decide(bench.key, review.version, Action.REJECT, "I10", "unsupported", BEN)
    seen = other.coding.review(bench.key)
    assert seen == first
    both = other.coding.decide(bench.key, seen.version, Action.ACCEPT, "E11.9", None, BEN)
    with pytest.raises(ReviewChanged):
        sign(bench, first)
    assert sign(bench, both).status is WRITTEN
    assert {c["recorder"]["reference"] for c in bench.server.all("Condition")} == {ANA.fhir_user, BEN.fhir_user}
