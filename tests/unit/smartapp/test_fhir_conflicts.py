"""What the EHR holds after a write decides: other people's changes, and servers that store something else."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from fhir_server import FakeFHIRServer, answers, outcome
from werkzeug.wrappers import Response

from smartapp.reviews import WrittenResource

Sign = Callable[..., tuple[WrittenResource, ...]]


def test_changed_encounter_is_merged_again(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """412 because somebody changed another element: both changes are kept."""

    def somebody_is_faster(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        server.put(server.get("Encounter/e1") | {"status": "in-progress"})
        return carry_on()

    fhir_server.fail("PUT", "Encounter", somebody_is_faster)
    assert {line.outcome for line in sign()} == {"written"}
    held = fhir_server.get("Encounter/e1")
    assert held["status"] == "in-progress" and len(held["diagnosis"]) == 2


def test_changed_diagnoses_stop_the_encounter(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """412 because somebody changed the diagnoses: theirs stay, ours are not forced in, the words say so."""
    theirs = [{"condition": {"reference": "Condition/x"}, "rank": 1}]

    def somebody_codes(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        server.put(server.get("Encounter/e1") | {"diagnosis": theirs})
        return carry_on()

    fhir_server.fail("PUT", "Encounter", somebody_codes)
    lines = sign()
    assert lines[2].outcome == "failed" and "Somebody else changed the diagnoses" in lines[2].detail
    assert fhir_server.get("Encounter/e1")["diagnosis"] == theirs
    assert sign()[2].outcome == "written"
    assert len(fhir_server.get("Encounter/e1")["diagnosis"]) == 3


def test_412_without_end(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """A server that always answers 412 gets two tries."""
    fhir_server.fail("PUT", "Encounter", answers(412, "no"), times=9)
    assert sign()[2].outcome == "failed"
    assert len(fhir_server.sent("PUT")) == 2


@pytest.mark.parametrize(
    ("type", "change"),
    [
        ("Condition", {"code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I11.9"}]}}),
        ("Condition", {"encounter": {"reference": "Encounter/other"}}),
        ("Claim", {"status": "active"}),
        ("Provenance", {"target": [{"reference": "Condition/other"}]}),
    ],
)
def test_altered_on_the_way(fhir_server: FakeFHIRServer, sign: Sign, type: str, change: dict[str, Any]) -> None:
    """What the EHR stored differently is not called written; the line names the element and where to look."""

    def alters(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        response = carry_on()
        stored = json.loads(response.get_data())
        server.put(stored | change)
        return response

    fhir_server.fail("POST", type, alters)
    line = next(line for line in sign("I10") if line.resource == type)
    assert line.outcome == "failed"
    assert next(iter(change)) in line.detail
    assert str(line.reference).startswith(f"{type}/")


def test_lost_update_is_noticed(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """A server that answers 200 and keeps the old Encounter is found out by reading back."""
    fhir_server.fail("PUT", "Encounter", lambda server, carry_on: outcome(200, "fine"))
    line = sign()[2]
    assert (line.outcome, "diagnosis" in line.detail) == ("failed", True)


def test_server_that_rewrites_harmlessly(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """Another display, another time zone, absolute references, dropped extras: still what was sent."""

    def rewrites(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        stored = json.loads(carry_on().get_data())
        stored["code"] = {"coding": [{**stored["code"]["coding"][0], "display": "Hypertension"}, {"code": "59621000"}]}
        stored["subject"] = {"reference": f"{server.base_url}/Patient/p1"}
        del stored["recorder"]
        server.put(stored)
        return answers(201, Location=f"{server.base_url}/Condition/{stored['id']}")(server, carry_on)

    fhir_server.fail("POST", "Condition", rewrites)
    assert sign("I10")[0].outcome == "written"
