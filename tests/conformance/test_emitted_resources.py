"""Every resource that leaves Chartside is FHIR R4 in the eyes of three independent validators."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from fhir_server import FakeFHIRServer, running
from sample_chart import accepted, attestation, condition, coverage, encounter, note, patient
from validators import complaints, node_is_ready

from smartapp.fhir.chart import read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.writeback import write_back

pytestmark = pytest.mark.validator


@pytest.fixture(scope="module")
def server() -> Iterator[FakeFHIRServer]:
    yield from running()


@pytest.fixture(autouse=True)
def node(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("need")(node_is_ready(), "Node with the packages of tests/validators")


def emitted(server: FakeFHIRServer, *chart: dict[str, Any]) -> list[dict[str, Any]]:
    """What is sent to the EHR when two codes are signed for the chart."""
    server.reset()
    server.put(*chart)
    with FHIRClient(server.base_url, lambda _: server.token, patient="p1") as client:
        read = read_chart(client, "p1", "e1", lambda _: None)
        write_back(client, read.key, accepted("I10", "E11.9"), attestation(), "rev-1", chart=read)
    return [seen.body for method in ("POST", "PUT") for seen in server.sent(method) if seen.body]


@pytest.mark.parametrize("class_code", ["AMB", "EMER", "IMP", "VR"])
def test_what_is_sent_is_valid(server: FakeFHIRServer, class_code: str) -> None:
    """Conditions, Encounter, Claim and Provenance of office, emergency, inpatient and virtual encounters."""
    sent = emitted(server, patient(), encounter(class_code=class_code), note(), coverage(), condition())
    assert {resource["resourceType"] for resource in sent} == {"Condition", "Encounter", "Claim", "Provenance"}
    assert complaints(sent) == []


def test_without_insurance_no_claim_is_sent(server: FakeFHIRServer) -> None:
    """No Coverage in the chart: no Claim, and the rest is valid."""
    sent = emitted(server, patient(), encounter(), note())
    assert "Claim" not in {resource["resourceType"] for resource in sent}
    assert complaints(sent) == []


def test_conditions_are_us_core_encounter_diagnoses(server: FakeFHIRServer) -> None:
    """US Core Condition Encounter Diagnosis: that one category, an ICD-10-CM code, the encounter."""
    sent = [r for r in emitted(server, patient(), encounter(), note()) if r["resourceType"] == "Condition"]
    assert len(sent) == 2
    for resource in sent:
        (category,) = resource["category"]
        assert [c["code"] for c in category["coding"]] == ["encounter-diagnosis"]
        assert resource["code"]["coding"][0]["system"] == "http://hl7.org/fhir/sid/icd-10-cm"
        assert resource["encounter"]["reference"] == "Encounter/e1"


def test_the_validators_see_what_is_broken(server: FakeFHIRServer) -> None:
    """Each of the three finds the fault it is there for; one that accepts everything would prove nothing."""
    sent = emitted(server, patient(), encounter(), note(), coverage())
    broken = {r["resourceType"]: deepcopy(r) for r in sent}
    broken["Claim"]["status"] = "nonsense"  # a required binding
    broken["Provenance"]["recorded"] = "yesterday"  # a primitive
    broken["Condition"]["verificationStatus"]["coding"][0]["code"] = "entered-in-error"  # invariant con-5
    said = " ".join(complaints(list(broken.values())))
    assert "npm-fhir" in said
    assert "fhirkit-rs" in said
    assert "con-5" in said
