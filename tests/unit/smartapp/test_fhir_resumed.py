"""A write-back goes on after an earlier run: what was told then holds only as far as it is still the whole truth."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fhir_server import FakeFHIRServer, answers
from sample_chart import SIGNED_AT, attestation, condition, key
from werkzeug.wrappers import Response

from smartapp.errors import SessionExpired
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.confirmation import differences
from smartapp.fhir.origin import Origins
from smartapp.fhir.outbox import SETTLED_AFTER, Outbox
from smartapp.fhir.resources import build_provenance
from smartapp.reviews import WrittenResource

Lines = tuple[WrittenResource, ...]
Sign = Callable[..., Lines]
BASE = "https://ehr.example/fhir"


def after(lines: Lines, seconds: float = 0) -> Outbox:
    """The outbox that the next run takes up."""
    return Outbox(lines, lambda *_: None, lambda: SIGNED_AT + timedelta(seconds=seconds))


def outcomes(lines: Lines) -> list[str]:
    return [line.outcome for line in lines]


@pytest.fixture
def first(fhir_server: FakeFHIRServer, sign: Sign) -> Lines:
    """One of two diagnoses is in the chart, listed and told of; the other was not taken, so there is no claim."""
    fhir_server.fail("POST", "Condition", answers(403, "Not today."))
    lines = sign()
    assert outcomes(lines) == ["refused", "written", "written", "not-written", "written"]
    return lines


def then(path: str, fault: Any, times: int = 1) -> Callable[[FakeFHIRServer, Callable[[], Response]], Response]:
    """Carries this one out; the next reading of the path fails."""

    def carry_out(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        server.fail("GET", path, fault, times)
        return carry_on()

    return carry_out


@pytest.mark.parametrize(
    ("fault", "times"), [(answers(401), 2), (answers(403), 1), (answers(503), 3)], ids=["session", "forbidden", "away"]
)
def test_a_list_from_before_the_diagnosis_came(
    fhir_server: FakeFHIRServer, sign: Sign, first: Lines, fault: Any, times: int
) -> None:
    """The list was written without the diagnosis that is in the chart now; where this run cannot look, it says so."""
    fhir_server.fail("POST", "Condition", then("Encounter", fault, times))
    second = sign(out=after(first))
    assert second[0].outcome == "written" and second[2].outcome in ("failed", "refused")
    third = sign(out=after(second))
    assert outcomes(third)[:4] == ["written"] * 4
    assert [line.detail for line in third] == [""] * 5
    assert len(fhir_server.get("Encounter/e1")["diagnosis"]) == 2


def test_a_session_that_ends_between_a_diagnosis_and_its_claim(
    fhir_server: FakeFHIRServer, sign: Sign, first: Lines
) -> None:
    """The diagnosis arrived meanwhile and the session ends right after it is found: what rests on it is not done."""
    fhir_server.fail("POST", "Condition", then("Condition/", answers(403)))
    second = sign(out=after(first))
    assert second[0].outcome == "sent"
    fhir_server.fail("GET", str(second[1].reference), answers(401), times=2)
    out = after(second)
    with pytest.raises(SessionExpired):
        sign(out=out)
    assert outcomes(out.lines) == ["written", "written", "pending", "pending", "pending"]
    assert outcomes(sign(out=after(out.lines)))[:4] == ["written"] * 4


def test_a_change_that_fails_after_an_earlier_one_was_told(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """Somebody took ours off the list since; the attempt to list them again counts, not what was told before it."""
    fhir_server.fail("POST", "Provenance", answers(500))
    lines = sign()
    assert lines[2].outcome == "written" and lines[4].outcome == "failed"
    bare = fhir_server.get("Encounter/e1")
    del bare["diagnosis"]
    fhir_server.put(bare)
    fhir_server.fail("PUT", "Encounter", answers(500))
    assert sign(out=after(lines))[2].outcome == "failed"


def test_the_provenance_of_a_list_that_an_earlier_run_wrote(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """The diagnoses are somebody else's and only the list is ours: the Provenance that was missing speaks of it."""
    fhir_server.put(condition("c1", "I10"), condition("c2", "E11.9"))
    fhir_server.fail("POST", "Provenance", answers(500))
    lines = sign()
    assert [line.outcome for line in lines if line.resource in ("Encounter", "Provenance")] == ["written", "failed"]
    sign(out=after(lines))
    spoken = {t["reference"].partition("/")[0] for p in fhir_server.all("Provenance") for t in p["target"]}
    assert "Encounter" in spoken


def test_a_diagnosis_that_may_not_be_looked_at_again(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """It was confirmed earlier: it stays told as written, and the claim rests on it."""
    fhir_server.fail("GET", "Claim", answers(403))
    lines = sign()
    assert lines[1].outcome == "written" and lines[3].outcome == "refused"
    fhir_server.fail("GET", str(lines[1].reference), answers(403))
    second = sign(out=after(lines))
    assert outcomes(second) == ["written"] * 5
    claimed = fhir_server.all("Claim")[0]["diagnosis"]
    assert len(claimed) == 2


def test_a_provenance_of_a_claim_that_may_not_be_looked_at_again(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """The Provenance that was missing speaks of the claim, too."""
    fhir_server.fail("POST", "Provenance", answers(500))
    lines = sign()
    assert lines[3].outcome == "written" and lines[4].outcome == "failed"
    fhir_server.fail("GET", str(lines[3].reference), answers(403))
    assert outcomes(sign(out=after(lines))) == ["written"] * 5
    targets = {t["reference"].partition("/_history")[0] for p in fhir_server.all("Provenance") for t in p["target"]}
    assert lines[3].reference in targets


@pytest.mark.parametrize(("seconds", "told"), [(1, "sent"), (SETTLED_AFTER.total_seconds(), "not-written")])
def test_looked_for_and_not_there(sign: Sign, fhir_chart: Chart, seconds: float, told: str) -> None:
    """While the request may be under way it is not told as left out; once it cannot be any more, it is."""
    out = Outbox([WrittenResource("Claim", "draft claim", "pending", None, "")], lambda *_: None, lambda: SIGNED_AT)
    out.sending(0)
    later = after(out.lines, seconds)
    later.tell(0, "not-written", None, "It needs a diagnosis.")
    assert later.lines[0].outcome == told


def listing(*references: str) -> dict[str, Any]:
    return {"resourceType": "Encounter", "diagnosis": [{"condition": {"reference": r}} for r in references]}


def test_what_was_to_be_taken_off_a_list_and_stands_there_still() -> None:
    """A change that the EHR answered and did not make shows, also where it only takes something away."""
    before, sent = listing("urn:uuid:1", "Condition/x"), listing("Condition/x")
    assert differences(BASE, sent, before, before) == ["diagnosis"]
    assert differences(BASE, sent, sent, before) == []
    assert differences(BASE, {"resourceType": "Encounter"}, sent, sent) == ["diagnosis"]
    assert differences(BASE, sent, listing("Condition/x", "Condition/later"), before) == []


@pytest.mark.parametrize(("refuses", "found"), [(frozenset(), True), (frozenset({"_tag"}), False)])
def test_a_provenance_that_speaks_of_nothing_there(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, fhir_chart: Chart, refuses: frozenset[str], found: bool
) -> None:
    """It does not speak of the encounter either, so only its tag finds it; a server without that search is borne."""
    stray = build_provenance(fhir_chart, ["urn:uuid:1"], attestation(), None)
    fhir_server.put(stray | {"id": "stray"})
    fhir_server.refuses = refuses
    origins = Origins(fhir_client, key(fhir_client.base_url), attestation())
    assert (origins.stray() is not None) == found
