"""What the EHR holds after a write decides: other people's changes, and servers that store something else."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fhir_server import FakeFHIRServer, answers, outcome
from sample_chart import SIGNED_AT, encounter
from werkzeug.wrappers import Response

from smartapp.fhir.chart import Chart
from smartapp.fhir.outbox import Outbox
from smartapp.reviews import Choice, Rung, WrittenResource

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
    assert lines[2].outcome == "conflict" and "Somebody else changed the diagnoses" in lines[2].detail
    assert [line.outcome for line in lines[3:]] == ["pending", "pending"]
    assert fhir_server.get("Encounter/e1")["diagnosis"] == theirs
    assert sign()[2].outcome == "conflict"
    assert fhir_server.get("Encounter/e1")["diagnosis"] == theirs


THEIRS = [{"condition": {"reference": "Condition/x", "display": "Asthma"}, "use": {"coding": [{"code": "billing"}]}}]


def references(server: FakeFHIRServer) -> list[str]:
    return [d["condition"]["reference"] for d in server.get("Encounter/e1").get("diagnosis", [])]


@pytest.mark.parametrize("rung", [Rung.SINGLE_WRITES, Rung.JSON_PATCH, Rung.TRANSACTION])
@pytest.mark.parametrize("choice", Choice)
def test_a_person_chooses(
    fhir_server: FakeFHIRServer, fhir_chart: Chart, sign: Sign, choice: Choice, rung: Rung
) -> None:
    """Changed since it was reviewed: nothing is sent before a person chose, and then exactly what was chosen."""
    fhir_server.put(encounter(diagnosis=THEIRS))
    lines = sign(rung=rung)
    assert [line.outcome for line in lines] == ["pending", "pending", "conflict", "pending", "pending"]
    assert fhir_server.sent("POST") == []
    conflict = lines[2].conflict
    assert conflict is not None
    assert (conflict.reviewed, conflict.theirs) == ((), ("Asthma (billing)",))
    assert conflict.signed[0] == "I10 Essential (primary) hypertension"
    chosen = [replace(line, outcome="pending") for line in lines]
    chosen[2] = replace(chosen[2], conflict=replace(conflict, choice=choice, by="Ana Ruiz"))
    lines = sign(out=Outbox(chosen, lambda *_: None, lambda: SIGNED_AT))
    ours = [str(line.reference) for line in lines[:2]]
    expected = {Choice.BOTH: ["Condition/x", *ours], Choice.MINE: ours, Choice.THEIRS: ["Condition/x"]}
    assert references(fhir_server) == expected[choice]
    assert lines[2].outcome == ("not-written" if choice is Choice.THEIRS else "written"), lines[2]
    assert "Ana Ruiz chose" in lines[2].detail or choice is not Choice.THEIRS
    assert {line.outcome for line in (*lines[:2], *lines[3:])} == {"written"}


def test_a_choice_holds_only_for_what_was_seen(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """When the list changes once more after the choice, the choice is asked for anew."""
    fhir_server.put(encounter(diagnosis=THEIRS))
    lines = sign()
    assert lines[2].conflict is not None
    chosen = [*lines[:2], replace(lines[2], conflict=replace(lines[2].conflict, choice=Choice.MINE)), *lines[3:]]
    fhir_server.put(encounter(diagnosis=[THEIRS[0] | {"rank": 3}]))
    again = sign(out=Outbox(chosen, lambda *_: None, lambda: SIGNED_AT))[2]
    assert again.outcome == "conflict" and again.conflict is not None and again.conflict.choice is None
    assert references(fhir_server) == ["Condition/x"]


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
    assert line.outcome == ("undone" if "code" in change else "failed")
    assert next(iter(change)) in line.detail
    assert str(line.reference).startswith(f"{type}/")


def test_another_code_is_withdrawn(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """Nobody stands for the code that the EHR made of a diagnosis: it is marked as an error, and not listed."""

    def alters(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        response = carry_on()
        coding = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I11.9"}
        server.put(json.loads(response.get_data()) | {"code": {"coding": [coding]}})
        return response

    fhir_server.fail("POST", "Condition", alters)
    lines = sign()
    assert [line.outcome for line in lines] == ["undone", "written", "written", "not-written", "written"]
    assert "I11.9" in lines[0].detail
    void = fhir_server.get(str(lines[0].reference))
    assert void["verificationStatus"]["coding"][0]["code"] == "entered-in-error" and "clinicalStatus" not in void
    assert references(fhir_server) == [lines[1].reference]


def test_what_cannot_be_withdrawn_is_named(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """Where the EHR does not let us mark it as an error, the receipt says which resource to mark by hand."""
    coding = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I11.9"}

    def alters(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        response = carry_on()
        server.put(json.loads(response.get_data()) | {"code": {"coding": [coding]}})
        return response

    fhir_server.fail("POST", "Condition", alters)
    fhir_server.fail("PUT", "Condition", answers(403))
    line = sign()[0]
    assert (line.outcome, f"mark {line.reference} as entered in error" in line.detail) == ("stray", True)


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


@pytest.mark.parametrize("transactions", ["atomic", "batch", "half-done"])
@pytest.mark.parametrize("refused", ["Condition", "Claim"])
def test_a_refusal_within_a_transaction(
    fhir_server: FakeFHIRServer, sign: Sign, transactions: str, refused: str
) -> None:
    """Refused as one where it is carried out as one; else completed one by one, and nothing of it misleads."""
    fhir_server.transactions = transactions
    fhir_server.fail("POST", f"entry:{refused}", answers(422, "Against a rule."), times=9)
    fhir_server.fail("POST", refused, answers(422, "Against a rule."), times=9)
    lines = {line.purpose: line.outcome for line in sign(rung=Rung.TRANSACTION)}
    if transactions == "atomic" or (transactions, refused) == ("half-done", "Condition"):
        assert set(lines.values()) == {"refused"}
        assert [len(fhir_server.all(type)) for type in ("Condition", "Claim", "Provenance")] == [0, 0, 0]
        assert references(fhir_server) == []
        return
    there = {r["status"] for r in fhir_server.all("Claim")}
    if refused == "Condition":
        assert references(fhir_server) == []
        assert (lines["diagnosis I10"], lines["draft claim"], there) == ("refused", "undone", {"entered-in-error"})
    else:
        assert (lines["draft claim"], there) == ("refused", set())
        assert {lines["diagnosis I10"], lines["order of diagnoses"]} == {"written"}
        assert len(references(fhir_server)) == 2 and not any(r.startswith("urn:") for r in references(fhir_server))


def test_a_patch_on_a_server_that_ignores_if_match(fhir_server: FakeFHIRServer, sign: Sign) -> None:
    """The test operation finds what If-Match should have: somebody's diagnosis is not written over."""
    fhir_server.patches_blindly = True

    def somebody_codes(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        server.put(encounter(diagnosis=THEIRS))
        return carry_on()

    fhir_server.fail("PATCH", "Encounter", somebody_codes)
    assert sign(rung=Rung.JSON_PATCH)[2].outcome == "conflict"
    assert references(fhir_server) == ["Condition/x"]
