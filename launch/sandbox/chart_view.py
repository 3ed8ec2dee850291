"""What the demonstration EHR's pages show: patients, encounters, notes, and what apps have written."""

import base64
import binascii
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import Any

from launch.sandbox.fhir_server import FHIRServer, read, search

Resource = dict[str, Any]
_CLASSES = {"AMB": "Office visit", "EMER": "Emergency", "IMP": "Inpatient", "ACUTE": "Inpatient", "VR": "Telehealth"}
_LISTED_ENCOUNTERS = 3


@dataclass(frozen=True, slots=True)
class PatientLine:
    """A patient on the list, with the latest encounters."""

    id: str
    name: str
    detail: str
    encounters: tuple["EncounterLine", ...]
    total: int


@dataclass(frozen=True, slots=True)
class EncounterLine:
    """An encounter as a link says it."""

    id: str
    title: str
    day: str
    setting: str
    status: str


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A note in the chart; `text` only where it is plain text."""

    id: str
    title: str
    day: str
    author: str
    status: str
    format: str
    text: str | None


@dataclass(frozen=True, slots=True)
class DiagnosisLine:
    """A Condition of the encounter."""

    id: str
    code: str
    title: str
    rank: int | None
    status: str
    recorded: str
    recorded_by: str


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """A claim for the encounter, with its lines in a few words."""

    id: str
    status: str
    created: str
    diagnoses: tuple[str, ...]
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """One encounter's page."""

    patient: PatientLine
    encounter: EncounterLine
    notes: tuple[NoteLine, ...]
    diagnoses: tuple[DiagnosisLine, ...]
    claims: tuple[ClaimLine, ...]


def list_patients(fhir: FHIRServer, today: date) -> list[PatientLine]:
    """Everybody, those seen last first; one search, whose answer holds the encounters too."""
    found = search(fhir, "Patient", [("_revinclude", "Encounter:patient")])
    visits: defaultdict[str, list[Resource]] = defaultdict(list)
    for encounter in (r for r in found if r["resourceType"] == "Encounter"):
        visits[encounter.get("subject", {}).get("reference", "")].append(encounter)
    lines = [
        _list_patient(patient, visits[f"Patient/{patient['id']}"], today, _LISTED_ENCOUNTERS)
        for patient in (r for r in found if r["resourceType"] == "Patient")
    ]
    return sorted(lines, key=lambda line: line.encounters[0].day if line.encounters else "", reverse=True)


def read_patient(fhir: FHIRServer, patient_id: str, today: date) -> PatientLine | None:
    patient = read(fhir, "Patient", patient_id)
    visits = search(fhir, "Encounter", [("patient", f"Patient/{patient_id}")]) if patient else []
    return _list_patient(patient, visits, today, len(visits)) if patient else None


def read_chart(fhir: FHIRServer, patient_id: str, encounter_id: str, today: date) -> Chart | None:
    """Reads what the chart page shows; None when there is no such encounter of that patient."""
    patient, encounter = read(fhir, "Patient", patient_id), read(fhir, "Encounter", encounter_id)
    if not patient or not encounter or encounter.get("subject", {}).get("reference") != f"Patient/{patient_id}":
        return None
    of_encounter = [("encounter", f"Encounter/{encounter_id}")]
    notes = search(fhir, "DocumentReference", [*of_encounter, ("_sort", "date")])
    conditions = search(fhir, "Condition", of_encounter)
    claims = search(fhir, "Claim", [("patient", f"Patient/{patient_id}")])
    return Chart(
        patient=PatientLine(patient_id, name_person(patient), _describe_patient(patient, today), (), 0),
        encounter=_list_encounter(encounter),
        notes=tuple(_list_note(fhir, note) for note in notes if note.get("status") != "entered-in-error"),
        diagnoses=tuple(_list_diagnoses(encounter, conditions)),
        claims=tuple(_list_claim(claim, conditions) for claim in claims if _is_for(claim, encounter_id)),
    )


def read_attachment(fhir: FHIRServer, note: Resource) -> tuple[str, bytes]:
    """Reads a note's content type and bytes, from the note or from its Binary."""
    contents = note.get("content") or [{}]
    attachment = contents[0].get("attachment", {})
    data, content_type = attachment.get("data"), attachment.get("contentType", "application/octet-stream")
    if data is None and "Binary/" in attachment.get("url", ""):
        binary = read(fhir, "Binary", attachment["url"].rpartition("Binary/")[2]) or {}
        data, content_type = binary.get("data"), binary.get("contentType", content_type)
    try:
        return content_type, base64.b64decode(data or "")
    except binascii.Error:
        return content_type, b""


def name_person(resource: Resource) -> str:
    names = resource.get("name") or [{}]
    chosen = next((name for name in names if name.get("use") == "official"), names[0])
    parts = [*chosen.get("prefix", []), *chosen.get("given", []), chosen.get("family", "")]
    return chosen.get("text") or " ".join(part for part in parts if part) or "Unnamed"


def _list_patient(patient: Resource, encounters: list[Resource], today: date, limit: int) -> PatientLine:
    """With the latest of the encounters first, and of them as many as the limit says."""
    latest = sorted(encounters, key=lambda e: str(e.get("period", {}).get("start", "")), reverse=True)
    lines = tuple(_list_encounter(encounter) for encounter in latest[:limit])
    return PatientLine(patient["id"], name_person(patient), _describe_patient(patient, today), lines, len(encounters))


def _describe_patient(patient: Resource, today: date) -> str:
    parts = [str(patient.get("gender", "")).capitalize()]
    if born := patient.get("birthDate"):
        parts.append(f"born {born}{_count_years(born, today)}")
    identifiers = patient.get("identifier", [])
    is_mrn = [i for i in identifiers if any(c.get("code") == "MR" for c in i.get("type", {}).get("coding", []))]
    if found := (is_mrn or identifiers)[:1]:
        parts.append(f"MRN {found[0].get('value', '')}")
    return ", ".join(part for part in parts if part)


def _count_years(born: str, today: date) -> str:
    try:
        day = date.fromisoformat(born)
    except ValueError:
        return ""
    return f" ({today.year - day.year - ((today.month, today.day) < (day.month, day.day))} years)"


def _list_encounter(encounter: Resource) -> EncounterLine:
    setting = encounter.get("class", {})
    return EncounterLine(
        id=encounter["id"],
        title=_say((encounter.get("type") or [{}])[0]) or "Encounter",
        day=str(encounter.get("period", {}).get("start", ""))[:10],
        setting=_CLASSES.get(setting.get("code", ""), setting.get("display") or setting.get("code", "")),
        status=encounter.get("status", ""),
    )


def _list_note(fhir: FHIRServer, note: Resource) -> NoteLine:
    content_type, content = read_attachment(fhir, note)
    plain = content_type.split(";")[0].strip() == "text/plain"
    authors = [author.get("display", "") for author in note.get("author", [])]
    return NoteLine(
        id=note["id"],
        title=note.get("description") or _say(note.get("type", {})) or "Note",
        day=str(note.get("date", ""))[:10],
        author=", ".join(filter(None, authors)),
        status=note.get("status", ""),
        format=content_type.split(";")[0],
        text=content.decode("utf-8", "replace").strip() if plain else None,
    )


def _list_diagnoses(encounter: Resource, conditions: list[Resource]) -> list[DiagnosisLine]:
    ranks = {
        item.get("condition", {}).get("reference", ""): item.get("rank") for item in encounter.get("diagnosis", [])
    }
    lines = [_list_diagnosis(condition, ranks.get(f"Condition/{condition['id']}")) for condition in conditions]
    return sorted(lines, key=lambda line: (line.rank or 999, line.code))


def _list_diagnosis(condition: Resource, rank: int | None) -> DiagnosisLine:
    codings = condition.get("code", {}).get("coding") or [{}]
    status = (condition.get("verificationStatus", {}).get("coding") or [{}])[0].get("code", "")
    return DiagnosisLine(
        id=condition["id"],
        code=codings[0].get("code", ""),
        title=codings[0].get("display") or condition.get("code", {}).get("text", ""),
        rank=rank,
        status=status,
        recorded=str(condition.get("recordedDate", ""))[:16].replace("T", " "),
        recorded_by=condition.get("recorder", {}).get("display", ""),
    )


def _is_for(claim: Resource, encounter_id: str) -> bool:
    encounters = [encounter for item in claim.get("item", []) for encounter in item.get("encounter", [])]
    return any(encounter.get("reference") == f"Encounter/{encounter_id}" for encounter in encounters)


def _list_claim(claim: Resource, conditions: list[Resource]) -> ClaimLine:
    titles = {f"Condition/{condition['id']}": _say(condition.get("code", {})) for condition in conditions}
    diagnoses = [
        _say(line.get("diagnosisCodeableConcept", {}))
        or titles.get(line.get("diagnosisReference", {}).get("reference"), "")
        for line in claim.get("diagnosis", [])
    ]
    items = [_say(item.get("productOrService", {})) for item in claim.get("item", [])]
    return ClaimLine(
        id=claim["id"],
        status=claim.get("status", ""),
        created=str(claim.get("created", ""))[:10],
        diagnoses=tuple(filter(None, diagnoses)),
        items=tuple(filter(None, items)),
    )


def _say(concept: Resource) -> str:
    coding = (concept.get("coding") or [{}])[0]
    words = concept.get("text") or coding.get("display") or ""
    code = coding.get("code", "")
    coded = coding.get("system", "").endswith(("icd-10-cm", "cpt", "HCPCS", "HCPCSReleaseCodeSets"))
    return " ".join(filter(None, [code if coded else "", words])) or code
