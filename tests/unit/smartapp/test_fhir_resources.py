"""The resources that are written, as R4 sees them, and the plan that shows them first."""

import json
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import fhirkit
import pytest
from sample_chart import DR_REED, SIGNED_AT, accepted, attestation, encounter, key

from model.document import Setting
from smartapp.errors import EHRRefused
from smartapp.fhir.chart import Chart
from smartapp.fhir.claim import build_claim
from smartapp.fhir.diagnoses import Diagnosis
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.fhir.resources import (
    build_condition,
    build_provenance,
    business_id,
    condition_id,
    is_ours,
    merge_diagnoses,
    token,
)
from smartapp.fhir.writeback import plan
from smartapp.reviews import ChartHeader, Note

BASE = "https://ehr.example/fhir"
KEY = key(BASE)


def chart(**changes: Any) -> Chart:
    header = ChartHeader("Noa L. Maier", None, None, None, "Office visit", "AMB", None, ())
    notes = (
        Note("n1", "3", "Progress note", None, None, "Hypertension.", None, "0" * 64),
        Note("n2", None, "Scan", None, None, None, "The PDF holds no text; it may be a scan.", None),
    )
    plain = Chart(KEY, header, notes, Setting.OUTPATIENT, None, (), (), "Coverage/v1", encounter())
    return replace(plain, **changes)


def faults(resource: dict[str, Any]) -> list[str]:
    return [str(issue) for issue in fhirkit.validate(resource)]


def everything(setting: Setting) -> list[dict[str, Any]]:
    visit = chart(setting=setting)
    codes = accepted("I10", "E11.9")
    return [
        build_condition(KEY, codes[0], SINGLE_WRITES),
        merge_diagnoses(BASE, visit.encounter, ["Condition/1", "Condition/2"], setting),
        build_claim(visit, codes, DR_REED, SIGNED_AT, SINGLE_WRITES),
        build_provenance(visit, ["Condition/1/_history/1", "Encounter/e1"], attestation(), "rev-1"),
        build_provenance(replace(visit, notes=()), ["Condition/1"], attestation(), None),
    ]


@pytest.mark.parametrize("setting", list(Setting))
def test_everything_is_valid_r4(setting: Setting) -> None:
    """An independent R4 validator finds no fault with any resource, in any setting."""
    for resource in everything(setting):
        assert faults(resource) == []


def test_the_validator_finds_faults() -> None:
    """The validator is awake: a broken resource is reported."""
    broken = build_condition(KEY, accepted("I10")[0], SINGLE_WRITES) | {"recordedDate": "yesterday"}
    assert faults(broken)


def test_condition_after_us_core() -> None:
    """An encounter diagnosis: one category, an ICD-10-CM code, the encounter, who recorded it and when."""
    condition = build_condition(KEY, accepted("I10")[0], SINGLE_WRITES)
    assert condition["meta"]["profile"] == [
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-condition-encounter-diagnosis"
    ]
    (category,) = condition["category"]
    assert category["coding"][0]["code"] == "encounter-diagnosis"
    assert condition["code"]["coding"] == [
        {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10", "display": "Essential (primary) hypertension"}
    ]
    assert condition["subject"] == {"reference": "Patient/p1"}
    assert condition["encounter"] == {"reference": "Encounter/e1"}
    assert condition["recordedDate"] == "2026-03-02T17:30:00+00:00"
    assert condition["recorder"] == {"reference": "Practitioner/dr-reed", "display": "Dr. Avery Reed"}


def test_business_ids_are_stable_and_silent() -> None:
    """The same thing has the same identifier in every run; different ones differ; none tells patient or code."""
    ids = {condition_id(KEY, "I10"), condition_id(KEY, "E11.9"), condition_id(key("https://b.example"), "I10")}
    assert len(ids) == 3
    assert condition_id(KEY, "I10") == business_id(key(BASE), "Condition", "I10")
    assert not any("I10" in identifier or "p1" in identifier for identifier in ids)


def test_encounter_keeps_all_it_had() -> None:
    """Only `diagnosis` grows: entries, extensions and elements of others stay, and ranks are unique for their use."""
    theirs = [
        {"condition": {"reference": "Condition/admit"}, "use": {"coding": [{"code": "AD"}]}, "rank": 1},
        {"condition": {"reference": "Condition/bill"}, "use": {"coding": [{"code": "billing"}]}, "rank": 2},
        {"condition": {"display": "free text"}},
    ]
    before = encounter(diagnosis=theirs, extension=[{"url": "https://ehr.example/x", "valueString": "kept"}])
    after = merge_diagnoses(BASE, before, ["Condition/1", "Condition/bill", "Condition/2"], Setting.OUTPATIENT)
    assert {n: v for n, v in after.items() if n != "diagnosis"} == {n: v for n, v in before.items() if n != "diagnosis"}
    assert after["diagnosis"][:3] == theirs
    added = [(d["condition"]["reference"], d["use"]["coding"][0]["code"], d["rank"]) for d in after["diagnosis"][3:]]
    assert added == [("Condition/1", "billing", 3), ("Condition/2", "billing", 4)]
    assert before["diagnosis"] == theirs


def test_merging_twice_is_merging_once() -> None:
    """An Encounter that lists the diagnoses already is not changed, also when it names them absolutely."""
    once = merge_diagnoses(BASE, encounter(), ["Condition/1"], Setting.INPATIENT)
    once["diagnosis"][0]["condition"]["reference"] = f"{BASE}/Condition/1"
    assert merge_diagnoses(BASE, once, ["Condition/1"], Setting.INPATIENT) == once
    assert once["diagnosis"][0]["use"]["coding"][0]["code"] == "DD"


def test_invalid_encounter_is_not_sent() -> None:
    """An Encounter that is not valid FHIR as the EHR holds it is refused, with the place and without the value."""
    broken = encounter(period={"start": "Mrs Secret's birthday"})
    with pytest.raises(EHRRefused, match="period") as error:
        merge_diagnoses(BASE, broken, ["Condition/1"], Setting.OUTPATIENT)
    assert "Secret" not in error.value.detail


def test_professional_claim() -> None:
    """A draft without charges; the performer is the provider, a conditional reference becomes a logical one."""
    claim = build_claim(chart(), accepted("I10", "E11.9"), DR_REED, SIGNED_AT, SINGLE_WRITES)
    assert (claim["status"], claim["use"]) == ("draft", "claim")
    (item,) = claim["item"]
    assert (item["encounter"], item["diagnosisSequence"]) == ([{"reference": "Encounter/e1"}], [1, 2])
    assert not {"unitPrice", "net", "quantity"} & item.keys()
    assert claim["type"]["coding"][0]["code"] == "professional"
    npi = {"system": "http://hl7.org/fhir/sid/us-npi", "value": "999"}
    assert claim["provider"] == {"type": "Practitioner", "identifier": npi, "display": "Dr. Ito"}
    codes = [(d["sequence"], d["diagnosisCodeableConcept"]["coding"][0]["code"]) for d in claim["diagnosis"]]
    assert codes == [(1, "I10"), (2, "E11.9")]
    assert claim["insurance"] == [{"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/v1"}}]
    assert claim["billablePeriod"]["start"] == "2026-03-02T09:00:00-05:00"


def test_institutional_claim() -> None:
    """For inpatients the organization bills and the first diagnosis is the principal one."""
    claim = build_claim(chart(setting=Setting.INPATIENT), accepted("I10", "E11.9"), DR_REED, SIGNED_AT, SINGLE_WRITES)
    assert claim["type"]["coding"][0]["code"] == "institutional"
    assert claim["provider"]["reference"] == "Organization/clinic"
    assert claim["diagnosis"][0]["type"][0]["coding"][0]["code"] == "principal"
    assert "type" not in claim["diagnosis"][1]


def test_claim_without_provider_in_the_encounter() -> None:
    """Where the encounter names nobody, the signer is the provider."""
    bare = {n: v for n, v in encounter().items() if n not in ("participant", "serviceProvider", "period")}
    claim = build_claim(chart(encounter=bare), accepted("I10"), DR_REED, SIGNED_AT, SINGLE_WRITES)
    assert claim["provider"]["reference"] == "Practitioner/dr-reed"
    assert faults(claim) == []


def test_provenance() -> None:
    """Who signed what, with which model, from which version of which note; the sentence is escaped."""
    provenance = build_provenance(chart(), ["Condition/1/_history/1"], attestation(), "rev-1")
    agents = {a["type"]["coding"][0]["code"]: a["who"] for a in provenance["agent"]}
    assert agents["author"]["reference"] == "Practitioner/dr-reed"
    assert agents["assembler"]["reference"] == "#" + provenance["contained"][0]["id"]
    versions = {v["type"]["text"]: v["value"] for v in provenance["contained"][0]["version"]}
    assert versions == {"application": version("chartside"), "predictor": "rev-1"}
    assert provenance["recorded"] == "2026-03-02T17:30:00+00:00"
    assert provenance["entity"] == [{"role": "source", "what": {"reference": "DocumentReference/n1/_history/3"}}]
    assert "I reviewed these codes &amp; stand for them. Dr. Avery Reed" in provenance["text"]["div"]


def test_provenance_is_recognized() -> None:
    """The Provenance of one attestation is known again by person and moment, whatever the server made of the time."""
    ours = build_provenance(chart(), ["Condition/1"], attestation(), None)
    assert is_ours(BASE, ours | {"recorded": "2026-03-02T12:30:00-05:00"}, attestation())
    assert not is_ours(BASE, ours | {"recorded": "2026-03-02T12:30:01-05:00"}, attestation())
    assert not is_ours(BASE, ours | {"recorded": None}, attestation())
    assert not is_ours(BASE, ours, replace(attestation(), by=replace(DR_REED, fhir_user="Practitioner/else")))
    assert not is_ours(BASE, ours | {"agent": ours["agent"][:1]}, attestation())


def test_plan_shows_what_will_be_sent() -> None:
    """One line for each resource, with the JSON that will be sent."""
    lines = plan(chart(), accepted("I10", "E11.9"), SINGLE_WRITES).items
    assert [(line.resource, line.will_write) for line in lines] == [
        ("Condition", True), ("Condition", True), ("Encounter", True), ("Claim", True), ("Provenance", True),
    ]  # fmt: skip
    assert json.loads(str(lines[0].body)) == build_condition(KEY, accepted("I10")[0], SINGLE_WRITES)
    ranked = [d["condition"]["reference"] for d in json.loads(str(lines[2].body))["diagnosis"]]
    assert ranked == [condition_id(KEY, "I10"), condition_id(KEY, "E11.9")]
    targets = {t["reference"] for t in json.loads(str(lines[4].body))["target"]}
    assert {"Encounter/e1", condition_id(KEY, "I10")} < targets and len(targets) == 4
    assert "from 1 note." in lines[4].detail
    assert not plan(chart(), (), SINGLE_WRITES)


def test_plan_says_what_will_not_be_sent() -> None:
    """A diagnosis that is there, an encounter that lists it, a claim without coverage: each says why."""
    there = Diagnosis("Condition/9", "I10", "Hypertension", (), for_encounter=True)
    listed = merge_diagnoses(BASE, encounter(), ["Condition/9"], Setting.OUTPATIENT)
    lines = plan(chart(diagnoses=(there,), coverage=None, encounter=listed), accepted("I10"), SINGLE_WRITES).items
    assert [(line.resource, line.will_write, line.body) for line in lines] == [
        (name, False, None) for name in ("Condition", "Encounter", "Claim", "Provenance")
    ]
    assert "already a diagnosis" in lines[0].detail
    assert "no active coverage" in lines[2].detail


def test_problem_list_is_no_encounter_diagnosis() -> None:
    """The same code on the problem list does not replace the encounter diagnosis; our own identifier does."""
    problem = Diagnosis("Condition/9", "I10", "Hypertension", (), for_encounter=False)
    assert plan(chart(diagnoses=(problem,)), accepted("I10"), SINGLE_WRITES).items[0].will_write
    ours = replace(problem, identifiers=(token(condition_id(KEY, "I10")),))
    assert not plan(chart(diagnoses=(ours,)), accepted("I10"), SINGLE_WRITES).items[0].will_write
