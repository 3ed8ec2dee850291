"""The demonstration charts: complete, valid, readable, and as varied as their README says."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import fhirkit
import pytest
from bs4 import BeautifulSoup
from fhir.resources.R4B import get_fhir_model_class
from pypdf import PdfReader
from striprtf.striprtf import rtf_to_text

from launch.sandbox.charts import CHARTS, load_charts
from launch.sandbox.settings import DEMO_USERS

Resource = dict[str, Any]
NEW_EDITION = date(2026, 10, 1)


@pytest.fixture(scope="module")
def resources() -> list[Resource]:
    return load_charts(CHARTS)


@pytest.fixture(scope="module")
def texts(resources: list[Resource]) -> dict[str, str]:
    """The words of every note, by DocumentReference id."""
    binaries = {f"Binary/{r['id']}": r for r in of_type(resources, "Binary")}
    return {note["id"]: text_of(note, binaries) for note in of_type(resources, "DocumentReference")}


def of_type(resources: list[Resource], name: str) -> list[Resource]:
    return [resource for resource in resources if resource["resourceType"] == name]


def text_of(note: Resource, binaries: dict[str, Resource]) -> str:
    attachment = note["content"][0]["attachment"]
    data = base64.b64decode(attachment["data"] if "data" in attachment else binaries[attachment["url"]]["data"])
    return READERS[attachment["contentType"].split(";")[0]](data)


READERS: dict[str, Callable[[bytes], str]] = {
    "text/plain": lambda data: data.decode("utf-8"),
    "text/html": lambda data: BeautifulSoup(data, "lxml").get_text(" "),
    "text/rtf": lambda data: str(rtf_to_text(data.decode("ascii"))),
    "application/pdf": lambda data: "\n".join(page.extract_text() for page in PdfReader(BytesIO(data)).pages),
}


def walk(node: Any, key: str) -> Iterator[Any]:
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from walk(child, key)
    if isinstance(node, dict) and key in node:
        yield node[key]


def last_day(encounter: Resource) -> date:
    return date.fromisoformat(encounter["period"]["end"][:10])


def is_luhn(number: str) -> bool:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def test_there_are_enough_patients_and_encounters(resources: list[Resource]) -> None:
    """At least eight patients and twelve encounters; every encounter has a note."""
    assert len(of_type(resources, "Patient")) >= 8
    encounters = {f"Encounter/{encounter['id']}" for encounter in of_type(resources, "Encounter")}
    assert len(encounters) >= 12
    assert {
        note["context"]["encounter"][0]["reference"] for note in of_type(resources, "DocumentReference")
    } == encounters


def test_both_editions_and_all_settings_are_met(resources: list[Resource]) -> None:
    """Encounters fall on both sides of 2026-10-01, one runs across it, and there are office, emergency and hospital."""
    encounters = of_type(resources, "Encounter")
    starts = [date.fromisoformat(encounter["period"]["start"][:10]) for encounter in encounters]
    assert {start < NEW_EDITION for start in starts} == {True, False}
    assert any(start < NEW_EDITION <= last_day(e) for start, e in zip(starts, encounters, strict=True))
    assert {encounter["class"]["code"] for encounter in encounters} == {"AMB", "EMER", "IMP"}


def test_every_resource_is_valid(resources: list[Resource]) -> None:
    """Two independent validators find nothing wrong, not even a warning."""
    for resource in resources:
        assert not fhirkit.validate(resource), f"{resource['resourceType']}/{resource['id']}"
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)


def test_no_resource_is_there_twice(resources: list[Resource]) -> None:
    """Ids are unique, so that no file silently replaces what another file brought."""
    keys = [(resource["resourceType"], resource["id"]) for resource in resources]
    assert len(keys) == len(set(keys))


def test_every_reference_resolves(resources: list[Resource]) -> None:
    """Whatever a chart points to is in the charts, attachments included."""
    held = {f"{resource['resourceType']}/{resource['id']}" for resource in resources}
    urls = [attachment["url"] for attachment in walk(resources, "attachment") if "url" in attachment]
    assert urls
    assert {*walk(resources, "reference"), *urls} <= held


def test_nothing_of_one_patient_points_to_another(resources: list[Resource]) -> None:
    """An encounter's notes, conditions and procedures are of the encounter's own patient."""
    owner = {f"Encounter/{e['id']}": e["subject"]["reference"] for e in of_type(resources, "Encounter")}
    for kind in ("DocumentReference", "Condition", "Procedure"):
        for resource in of_type(resources, kind):
            encounters = [e["reference"] for e in walk(resource, "encounter") if isinstance(e, dict)]
            encounters += [
                e["reference"] for many in walk(resource, "encounter") if isinstance(many, list) for e in many
            ]
            assert {owner[encounter] for encounter in encounters} <= {resource["subject"]["reference"]}, resource["id"]


def test_every_note_file_is_used_and_reads_as_its_type(texts: dict[str, str]) -> None:
    """Plain text, HTML, RTF and PDF all decode as their content type says, and no note file lies about unused."""
    assert all(len(text.split()) > 50 for text in texts.values())
    named = [
        path.parent / name
        for path in CHARTS.rglob("*.json")
        for name in walk(json.loads(path.read_text()), "_data_file")
    ]
    on_disk = {path for path in CHARTS.rglob("*") if path.suffix in {".txt", ".html", ".rtf", ".pdf"}}
    assert set(named) == on_disk
    assert {path.suffix for path in on_disk} == {".txt", ".html", ".rtf", ".pdf"}


def test_one_note_is_long(texts: dict[str, str]) -> None:
    """One hospital course has some five thousand words, and no paragraph of it is said twice."""
    longest = max(texts.values(), key=len)
    assert len(longest.split()) >= 4_500
    paragraphs = [line for line in longest.splitlines() if len(line) > 80]
    assert len(paragraphs) == len(set(paragraphs))


def test_no_note_gives_a_code_away(texts: dict[str, str]) -> None:
    """What the notes say is for the predictor to code: no ICD-10-CM code with a point stands in them."""
    code = re.compile(r"\b[A-TV-Z]\d[0-9A-Z]\.[0-9A-Z]{1,4}\b|\bICD\b|\bCPT\b")
    assert {id: code.findall(text) for id, text in texts.items() if code.search(text)} == {}


def test_withdrawn_and_replaced_notes_are_there(resources: list[Resource]) -> None:
    """One note was entered in error, and one was superseded by an amended note that says so."""
    notes = {f"DocumentReference/{note['id']}": note for note in of_type(resources, "DocumentReference")}
    assert [n for n in notes.values() if n["status"] == "entered-in-error"]
    amended = [note for note in notes.values() if note.get("docStatus") == "amended"]
    replaced = [relation for note in amended for relation in note["relatesTo"] if relation["code"] == "replaces"]
    assert {notes[relation["target"]["reference"]]["status"] for relation in replaced} == {"superseded"}


def test_one_patient_has_no_coverage_and_one_encounter_has_a_diagnosis(resources: list[Resource]) -> None:
    """Self-pay is met, and so is an encounter that was coded in part before the app opened."""
    patients = {f"Patient/{patient['id']}" for patient in of_type(resources, "Patient")}
    covered = {coverage["beneficiary"]["reference"] for coverage in of_type(resources, "Coverage")}
    assert len(patients - covered) == 1
    coded = [encounter for encounter in of_type(resources, "Encounter") if encounter.get("diagnosis")]
    assert len(coded) == 1
    conditions = {f"Condition/{condition['id']}": condition for condition in of_type(resources, "Condition")}
    diagnosis = conditions[coded[0]["diagnosis"][0]["condition"]["reference"]]
    assert diagnosis["category"][0]["coding"][0]["code"] == "encounter-diagnosis"
    assert diagnosis["code"]["coding"][0]["system"] == "http://hl7.org/fhir/sid/icd-10-cm"


def test_the_demo_users_are_the_people_of_the_charts(resources: list[Resource]) -> None:
    """Who logs in to the demonstration EHR bears the same name in the charts."""
    names = {person["id"]: person["name"][0]["text"] for person in of_type(resources, "Practitioner")}
    assert {user.fhir_user.removeprefix("Practitioner/"): user.name for user in DEMO_USERS}.items() <= names.items()


def test_identifiers_are_well_formed_and_nobodys(resources: list[Resource]) -> None:
    """Every patient has a record number; NPIs have a right check digit and begin with 2, which is issued to nobody."""
    for patient in of_type(resources, "Patient"):
        assert patient["identifier"][0]["type"]["coding"][0]["code"] == "MR"
    npis = [
        identifier["value"]
        for resource in resources
        for identifier in resource.get("identifier", [])
        if isinstance(identifier, dict) and identifier.get("system") == "http://hl7.org/fhir/sid/us-npi"
    ]
    assert len(npis) == len(set(npis)) > 12
    assert all(re.fullmatch(r"2\d{9}", npi) and is_luhn(f"80840{npi}") for npi in npis)


def test_the_readme_names_every_encounter(resources: list[Resource]) -> None:
    """The charts' README has a line for each encounter and none for an encounter that is gone."""
    listed = re.findall(r"^\| `([a-z0-9-]+)` \|", Path(CHARTS, "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(encounter["id"] for encounter in of_type(resources, "Encounter"))
