"""The write-back against a server that fails in one place at a time: nothing twice, nothing claimed falsely."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fhir_server import FakeFHIRServer, answers, commits_then_is_silent, is_silent
from sample_chart import accepted, attestation, condition, encounter, key, outbox
from werkzeug.wrappers import Response

from smartapp.errors import ForeignResource, SessionExpired
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.fhir.resources import condition_id
from smartapp.fhir.writeback import write_back
from smartapp.reviews import WrittenResource

Outcomes = list[tuple[str, str]]
ALL_WRITTEN: Outcomes = [
    ("Condition", "written"), ("Condition", "written"), ("Encounter", "written"), ("Claim", "written"),
    ("Provenance", "written"),
]  # fmt: skip
ALL_THERE = [(name, "already-there") for name, _ in ALL_WRITTEN]


Sign = Callable[..., tuple[WrittenResource, ...]]


def outcomes(lines: tuple[WrittenResource, ...]) -> Outcomes:
    return [(line.resource, line.outcome) for line in lines]


def counts(server: FakeFHIRServer) -> dict[str, int]:
    return {type: len(server.all(type)) for type in ("Condition", "Claim", "Provenance")}


ONCE = {"Condition": 2, "Claim": 1, "Provenance": 1}


def test_all_is_written(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """Conditions, the encounter's diagnoses, a draft claim and the provenance of all of them are in the chart."""
    lines = sign()
    assert outcomes(lines) == ALL_WRITTEN
    assert all(line.detail == "" and line.reference for line in lines)
    first, second = (line.reference for line in lines[:2])
    listed = [(d["condition"]["reference"], d["rank"]) for d in fhir_server.get("Encounter/e1")["diagnosis"]]
    assert listed == [(first, 1), (second, 2)]
    (provenance,) = fhir_server.all("Provenance")
    targets = [t["reference"] for t in provenance["target"]]
    assert targets == [
        f"{first}/_history/1",
        f"{second}/_history/1",
        "Encounter/e1/_history/2",
        f"{lines[3].reference}/_history/1",
    ]


def test_signing_twice_writes_once(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """The second run finds everything and sends nothing."""
    sign()
    sent = len(fhir_server.sent("POST")) + len(fhir_server.sent("PUT"))
    assert outcomes(sign()) == ALL_THERE
    assert len(fhir_server.sent("POST")) + len(fhir_server.sent("PUT")) == sent
    assert counts(fhir_server) == ONCE


def test_twice_on_a_server_that_knows_no_conditional_create(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """Searching first keeps it to one where If-None-Exist is ignored."""
    fhir_server.knows_if_none_exist = False
    sign()
    fhir_server.knows_encounter_search = False
    assert outcomes(sign()) == ALL_THERE
    assert counts(fhir_server) == ONCE


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize(
    "fault", [is_silent, commits_then_is_silent, answers(500, "crash")], ids=["lost", "done", "500"]
)
def test_resumption(fhir_server: FakeFHIRServer, sign: Sign, step: int, fault: Any) -> None:
    """Whichever request is lost, before or after it took effect, a second run completes without duplicates."""
    method, type = [
        ("POST", "Condition"),
        ("POST", "Condition"),
        ("PUT", "Encounter"),
        ("POST", "Claim"),
        ("POST", "Provenance"),
    ][step]
    if step == 1:
        fhir_server.fail("POST", "Condition", lambda server, carry_on: carry_on())
    fhir_server.fail(method, type, fault)
    lines = sign()
    if fault is commits_then_is_silent:
        assert outcomes(lines) == ALL_WRITTEN
    else:
        told = "sent" if fault is is_silent else "failed"
        assert outcomes(lines) == [
            *ALL_WRITTEN[:step], (type, told), *((name, "pending") for name, _ in ALL_WRITTEN[step + 1 :]),
        ]  # fmt: skip
        assert "failure above" in lines[-1].detail or step == 4
    assert {outcome for _, outcome in outcomes(sign())} <= {"written", "already-there"}
    assert counts(fhir_server) == ONCE
    assert len(fhir_server.get("Encounter/e1")["diagnosis"]) == 2
    told = [t["reference"].partition("/_history")[0] for p in fhir_server.all("Provenance") for t in p["target"]]
    assert sorted(told) == sorted(
        [
            "Encounter/e1",
            *(f"{r['resourceType']}/{r['id']}" for n in ("Condition", "Claim") for r in fhir_server.all(n)),
        ]
    )


def test_silence_at_the_search_after_a_silent_create(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """When not even the search tells whether it arrived, the line says sent, and nothing is sent again."""

    def then_all_is_silent(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        carry_on()
        server.fail("GET", "Condition", is_silent, times=3)
        return is_silent(server, carry_on)

    fhir_server.fail("POST", "Condition", then_all_is_silent)
    assert outcomes(sign())[:2] == [("Condition", "sent"), ("Condition", "pending")]
    assert len(fhir_server.sent("POST")) == 1
    sign()
    assert counts(fhir_server) == ONCE


@pytest.mark.parametrize(
    ("status", "words"), [(403, "user/Condition.c"), (409, "conflict"), (422, "rules"), (405, "offer")]
)
def test_refused_condition(fhir_server: FakeFHIRServer, sign: Sign, status: int, words: str) -> None:
    """A refused diagnosis is told with the EHR's words; the other is written, and no claim that leaves one out."""
    fhir_server.fail("POST", "Condition", answers(status, "Code not in list."))
    lines = sign()
    assert outcomes(lines) == [
        ("Condition", "failed" if status == 409 else "refused"), ("Condition", "written"), ("Encounter", "written"),
        ("Claim", "not-written"),
        ("Provenance", "written"),
    ]  # fmt: skip
    assert words in lines[0].detail and "Code not in list." in lines[0].detail
    assert "1 of the diagnoses" in lines[2].detail


@pytest.mark.parametrize(
    ("method", "type", "index"), [("PUT", "Encounter", 2), ("POST", "Claim", 3), ("POST", "Provenance", 4)]
)
def test_one_refusal_leaves_the_others(
    fhir_server: FakeFHIRServer, sign: Sign, method: str, type: str, index: int
) -> None:
    """An EHR that takes no Encounter, Claim or Provenance still gets the rest, and the receipt names the permission."""
    fhir_server.fail(method, type, answers(403))
    lines = sign()
    assert [o for o in outcomes(lines) if o[1] != "written"] == [(type, "refused")]
    assert f"permission user/{type}.{'u' if method == 'PUT' else 'c'}" in lines[index].detail


def test_equal_diagnosis_is_reused(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """A diagnosis that somebody else put into the chart meanwhile is listed, not doubled, and not claimed as ours."""
    fhir_server.put(condition("theirs", "E11.9"))
    lines = sign()
    assert outcomes(lines)[:2] == [("Condition", "written"), ("Condition", "already-there")]
    assert lines[1].reference == "Condition/theirs"
    assert fhir_server.get("Encounter/e1")["diagnosis"][1]["condition"]["reference"] == "Condition/theirs"
    assert not any("theirs" in t["reference"] for t in fhir_server.all("Provenance")[0]["target"])


def test_only_foreign_diagnoses(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """Where all is there already and listed, nothing is sent but the claim."""
    entry = {"condition": {"reference": "Condition/theirs"}, "use": {"coding": [{"code": "billing"}]}, "rank": 1}
    fhir_server.put(condition("theirs", "E11.9"), encounter(diagnosis=[entry]))
    assert outcomes(sign("E11.9")) == [
        ("Condition", "already-there"), ("Encounter", "already-there"), ("Claim", "written"), ("Provenance", "written"),
    ]  # fmt: skip
    assert fhir_server.sent("PUT") == []
    assert len(fhir_server.all("Provenance")[0]["target"]) == 1


def test_void_diagnosis_is_not_revived(fhir_server: FakeFHIRServer, sign: Sign, fhir_chart: Chart) -> None:
    """What Chartside wrote and a person then marked as an error is reported, not written anew."""
    ours = [{"system": "urn:ietf:rfc:3986", "value": condition_id(fhir_chart.key, "I10")}]
    void = {"coding": [{"code": "entered-in-error"}]}
    fhir_server.put(condition("void", "I10", identifier=ours, verificationStatus=void))
    lines = sign("I10")
    assert outcomes(lines)[0] == ("Condition", "refused")
    assert "marked as an error" in lines[0].detail
    assert fhir_server.sent("POST") == []


def test_no_coverage_no_claim(fhir_server: FakeFHIRServer, sign: Sign, fhir_chart: Chart) -> None:
    """Without coverage there is no claim, and the receipt says why."""
    lines = sign("I10", chart=replace(fhir_chart, coverage=None))
    assert (lines[2].outcome, "no active coverage" in lines[2].detail) == ("not-written", True)
    assert fhir_server.all("Claim") == []


def test_session_over_before_anything_was_sent(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """An ended session asks for a new launch while nothing is in the chart."""
    fhir_server.fail("GET", "Encounter", answers(401), times=2)
    with pytest.raises(SessionExpired):
        sign()
    assert counts(fhir_server) == {"Condition": 0, "Claim": 0, "Provenance": 0}


def test_session_over_half_way(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """An ended session after the first write is told on the receipt, and a second run completes it."""
    fhir_server.fail("PUT", "Encounter", answers(401), times=2)
    lines = sign()
    assert outcomes(lines)[2:] == [("Encounter", "failed"), ("Claim", "pending"), ("Provenance", "pending")]
    assert "Open Chartside again" in lines[2].detail
    assert {outcome for _, outcome in outcomes(sign())} <= {"written", "already-there"}
    assert counts(fhir_server) == ONCE


@pytest.mark.parametrize(
    ("path", "fault"), [("Encounter", answers(404)), ("Condition", answers(403)), ("Encounter", answers(500))]
)
def test_nothing_is_sent_where_the_chart_cannot_be_checked(
    fhir_server: FakeFHIRServer, sign: Sign, path: str, fault: Any
) -> None:
    """Encounter and diagnoses are looked at first; where that fails nothing is sent, and every line says so."""
    fhir_server.fail("GET", path, fault, times=3)
    lines = sign()
    assert outcomes(lines) == [(name, "failed") for name, _ in ALL_WRITTEN]
    assert all("Nothing was sent" in line.detail for line in lines)
    assert fhir_server.sent("POST") == [] and fhir_server.sent("PUT") == []


def test_encounter_of_another_patient(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """When the encounter turns out to be another patient's, nothing is sent."""
    fhir_server.put(encounter(subject={"reference": "Patient/p2"}))
    assert {outcome for _, outcome in outcomes(sign())} == {"failed"}
    assert fhir_server.sent("POST") == []


def test_chart_of_another_review(fhir_client: FHIRClient, fhir_chart: Chart) -> None:
    """Key, chart and client must be of one review."""
    other = replace(key(fhir_client.base_url), encounter="e2")
    with pytest.raises(ForeignResource):
        write_back(
            fhir_client,
            other,
            accepted("I10"),
            attestation(),
            None,
            chart=fhir_chart,
            outbox=outbox(fhir_chart, "I10"),
            ladder=SINGLE_WRITES,
        )


def test_nothing_accepted(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, fhir_chart: Chart) -> None:
    """Without accepted codes there is nothing to do."""
    assert (
        write_back(
            fhir_client,
            fhir_chart.key,
            (),
            attestation(),
            None,
            chart=fhir_chart,
            outbox=outbox(fhir_chart),
            ladder=SINGLE_WRITES,
        )
        == ()
    )
    assert fhir_server.seen == []
