"""Every resource that leaves Chartside is FHIR R4 in the eyes of three independent validators."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import ladders
import pytest
from fhir_server import FakeFHIRServer, running
from sample_chart import accepted, attestation, condition, coverage, encounter, note, outbox, patient
from validators import complaints, node_is_ready

from smartapp.audit.events import BEFORE_THE_FIRST, Entry, Event, Kind, write
from smartapp.fhir.audit_event import audit_event
from smartapp.fhir.chart import read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.coding_summary import build_document, build_message
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.fhir.resources import build_condition
from smartapp.fhir.writeback import write_back
from smartapp.reviews import Action, Reviewer

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
        lines = outbox(read, "I10", "E11.9")
        write_back(
            client,
            read.key,
            accepted("I10", "E11.9"),
            attestation(),
            "rev-1",
            chart=read,
            outbox=lines,
            ladder=SINGLE_WRITES,
        )
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


def by_other_rungs() -> Iterator[dict[str, Any]]:
    """What goes to EHRs that take no Condition, Claim or Provenance as it is."""
    codes, chart = accepted("I10", "E11.9"), ladders.chart()
    document = ladders.ladder("DocumentReference", "Condition", vendor="epic", cds_issuer="https://ehr.example")
    yield build_document(chart, codes, attestation(), "rev-1", document)
    yield build_document(chart, codes, attestation(), None, ladders.ladder("DocumentReference", vendor="oracle"))
    yield build_condition(chart.key, codes[0], ladders.ladder("Condition", vendor="oracle"))
    communication = ladders.ladder("Communication", billing_pool="Group/billing")
    yield build_message(chart, codes, attestation(), "rev-1", communication)
    task = replace(communication, message="Task", billing_pool="Organization/billing")
    yield build_message(chart, codes, attestation(), "rev-1", task)


def test_what_goes_by_other_rungs_is_valid() -> None:
    """Coding summary as document, Communication and Task; the Condition with the two codings of Oracle Health."""
    sent = list(by_other_rungs())
    assert [r["resourceType"] for r in sent] == [
        "DocumentReference", "DocumentReference", "Condition", "Communication", "Task"
    ]  # fmt: skip
    assert complaints(sent) == []


def audit_events() -> Iterator[dict[str, Any]]:
    """One of each kind, with and without a chart, a person and success."""
    key, by = ladders.KEY, Reviewer("Practitioner/ana", "Ana Ruiz, MD", "f" * 64)
    line = {"resource": "Condition", "purpose": "diagnosis I10", "rung": "single-writes", "attempts": 1}
    told = {
        Kind.WRITE: {**line, "outcome": "written", "reference": "Condition/1/_history/1"},
        Kind.NOTE: {"note": "DocumentReference/n1", "version": "1", "sha256": "0" * 64, "readable": True},
    }
    entries = [Entry(kind, told.get(kind, {"code": "I10"}), key, by) for kind in Kind]
    entries += [
        Entry(Kind.WRITE, {**line, "outcome": "refused", "reference": None}, key, by),
        Entry(Kind.WRITE, {**line, "resource": "Encounter", "outcome": "written", "reference": "Encounter/e1"}, key),
        Entry(Kind.DENIED, {"asked": "review.show", "status": 401}),
        Entry(Kind.SETTING, {"name": "ehrs", "value": {}, "changed": []}),
    ]
    for number, entry in enumerate(entries, 1):
        text = write(entry, number, attestation().at, BEFORE_THE_FIRST)
        yield audit_event(Event.from_text(text), text, "https://codes.example")


def test_exported_audit_events_are_valid() -> None:
    """Of every kind."""
    assert complaints(list(audit_events())) == []


def test_audit_events_after_balp_have_its_slices() -> None:
    """IHE BALP, PatientRead, PatientCreate, PatientUpdate: client, server and user; patient and data; success."""
    claimed = [event for event in audit_events() if "meta" in event]
    names = {event["meta"]["profile"][0].rpartition(".")[2] for event in claimed}
    assert names == {"PatientRead", "PatientCreate", "PatientUpdate"}
    for event in claimed:
        assert event["type"]["code"] == "rest"
        assert (event["subtype"][0]["code"], event["action"]) in {("read", "R"), ("create", "C"), ("update", "U")}
        assert event["outcome"] == "0"
        machines = [a for a in event["agent"] if not a["requestor"]]
        assert {a["type"]["coding"][0]["code"] for a in machines} == {"110152", "110153"}
        assert all(a["who"] and a["network"] for a in machines)
        client = machines[0]["type"]["coding"][0]["code"]
        assert client == ("110152" if event["action"] == "R" else "110153")
        assert sorted(e["type"]["code"] for e in event["entity"]) == ["1", "2", "4"]
        patient = next(e for e in event["entity"] if e["type"]["code"] == "1")
        assert patient["what"]["reference"] == f"{ladders.KEY.iss}/Patient/{ladders.KEY.patient}"
        assert patient["role"]["code"] == "1"


def test_two_codings_say_what_the_user_selected() -> None:
    """Oracle Health writes one coding with userSelected true and one with false, and no others."""
    condition = build_condition(ladders.KEY, accepted("I10")[0], ladders.ladder("Condition", vendor="oracle"))
    codings = [(c["code"], c["userSelected"]) for c in condition["code"]["coding"]]
    assert codings == [("I10", True), ("I10", False)]
    # "Modifier fields ... cause the transaction to fail", but for the two statuses that it names among its own.
    assert not {"modifierExtension", "implicitRules", "abatementDateTime"} & condition.keys()
    assert [c["code"] for c in condition["clinicalStatus"]["coding"]] == ["active"]
    assert len(condition["category"]) == 1 and condition["encounter"]


def test_what_an_ai_had_a_part_in_says_so() -> None:
    """AI Transparency on FHIR, Labeling: AIAST of v3-ObservationValue in meta.security; not on what a person added."""
    suggested = accepted("I10")[0]
    added = replace(suggested, decision=replace(suggested.decision, action=Action.ADD))
    (label,) = build_condition(ladders.KEY, suggested, SINGLE_WRITES)["meta"]["security"]
    assert (label["system"], label["code"]) == ("http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "AIAST")
    assert "security" not in build_condition(ladders.KEY, added, SINGLE_WRITES)["meta"]
    unlabelled = ladders.ladder("Condition", ai_label=False)
    assert "security" not in build_condition(ladders.KEY, suggested, unlabelled)["meta"]
