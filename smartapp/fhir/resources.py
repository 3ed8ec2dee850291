"""Builds the resources that Chartside writes: Condition, Encounter.diagnosis, Claim, Provenance. Pure, and valid R4.

They are checked against R4B, whose Condition, Encounter, Claim and Provenance have the same shape as R4's.
"""

import copy
import html
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from fhir.resources.R4B.claim import Claim
from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.provenance import Provenance
from pydantic import ValidationError

from model.codes import ICD10CMCode
from model.document import Setting
from smartapp.errors import EHRRefused
from smartapp.fhir.chart import Chart
from smartapp.fhir.elements import at, codes, instant, items, words
from smartapp.fhir.references import Resource, literal, portable
from smartapp.reviews import AcceptedCode, Attestation, Reviewer, ReviewKey

URI_SYSTEM = (
    "urn:ietf:rfc:3986"  # the system of identifiers that are URIs, https://hl7.org/fhir/R4/datatypes.html#Identifier
)
_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_ENCOUNTER_DIAGNOSIS = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-condition-encounter-diagnosis"
_OURS = uuid.UUID("6f0b5d1e-6a55-4f0c-9a57-3d3a3c0f5b11")  # only Chartside's identifiers are made under it
_MODELS: dict[str, Any] = {"Condition": Condition, "Encounter": Encounter, "Claim": Claim, "Provenance": Provenance}


def business_id(key: ReviewKey, *what: str) -> str:
    """The identifier of one thing written for one encounter: the same in every run, silent about the patient."""
    name = json.dumps([key.iss, key.patient, key.encounter, *what])
    return f"urn:uuid:{uuid.uuid5(_OURS, name)}"


def condition_id(key: ReviewKey, code: str) -> str:
    return business_id(key, "Condition", code)


def claim_id(key: ReviewKey) -> str:
    return business_id(key, "Claim")


def token(identifier: str) -> str:
    """The identifier as a search token."""
    return f"{URI_SYSTEM}|{identifier}"


def validated(resource: Resource) -> Resource:
    """The same resource, or EHRRefused: nothing that is not valid FHIR leaves Chartside."""
    try:
        _MODELS[resource["resourceType"]].model_validate(resource)
    except ValidationError as error:
        # Only the places: pydantic's own words repeat the values.
        places = {".".join(str(part) for part in problem["loc"] if isinstance(part, str)) for problem in error.errors()}
        type = resource["resourceType"]
        raise EHRRefused(
            f"The {type} would not be valid FHIR R4 ({', '.join(sorted(places))[:200]}), so it was not sent."
        ) from None
    return resource


def build_condition(key: ReviewKey, accepted: AcceptedCode) -> Resource:
    """An encounter diagnosis after US Core; recorder and date are those of the decision that accepted the code."""
    return validated(
        {
            "resourceType": "Condition",
            "meta": {"profile": [_ENCOUNTER_DIAGNOSIS]},
            "identifier": [{"system": URI_SYSTEM, "value": condition_id(key, accepted.code)}],
            "clinicalStatus": _concept("condition-clinical", "active", "Active"),
            "verificationStatus": _concept("condition-ver-status", "confirmed", "Confirmed"),
            "category": [_concept("condition-category", "encounter-diagnosis", "Encounter Diagnosis")],
            "code": _diagnosis_code(accepted),
            "subject": {"reference": f"Patient/{key.patient}"},
            "encounter": {"reference": f"Encounter/{key.encounter}"},
            "recordedDate": _instant(accepted.decision.at),
            "recorder": _person(accepted.decision.by),
        }
    )


def diagnosis_use(setting: Setting) -> tuple[str, str]:
    """Role of the diagnoses in the encounter (http://terminology.hl7.org/CodeSystem/diagnosis-role)."""
    return ("DD", "Discharge diagnosis") if setting is Setting.INPATIENT else ("billing", "Billing")


def merge_diagnoses(base: str, encounter: Resource, conditions: Sequence[str], setting: Setting) -> Resource:
    """The Encounter as read with the Conditions added; everything else, other diagnoses too, stays as it is.

    Ranks are unique per use, so the new ones follow those that are there.
    """
    use, display = diagnosis_use(setting)
    same_use = [entry for entry in items(encounter, "diagnosis") if use in codes(entry.get("use"))]
    present = {str(literal(base, entry.get("condition"))) for entry in same_use}
    rank = max((entry["rank"] for entry in same_use if isinstance(entry.get("rank"), int)), default=0)
    added = [
        {
            "condition": {"reference": reference},
            "use": _concept("diagnosis-role", use, display),
            "rank": rank + number,
        }
        for number, reference in enumerate((c for c in conditions if c not in present), 1)
    ]
    merged = copy.deepcopy(encounter)
    if added:
        listed = encounter.get("diagnosis") or []
        if not isinstance(listed, list):
            raise EHRRefused("The diagnoses of the Encounter are not a list in the EHR, so they were not changed.")
        merged["diagnosis"] = [*listed, *added]
        validated(merged)
    return merged


def build_claim(chart: Chart, accepted: Sequence[AcceptedCode], signer: Reviewer, at_time: datetime) -> Resource:
    """A draft for a biller: diagnoses in their order and one item without a charge. Needs the chart's Coverage."""
    institutional = chart.setting in (Setting.INPATIENT, Setting.ED)
    kind = ("institutional", "Institutional") if institutional else ("professional", "Professional")
    claim: Resource = {
        "resourceType": "Claim",
        "identifier": [{"system": URI_SYSTEM, "value": claim_id(chart.key)}],
        "status": "draft",
        "type": _concept("claim-type", *kind),
        "use": "claim",
        "patient": {"reference": f"Patient/{chart.key.patient}"},
        "created": _instant(at_time),
        "provider": _provider(chart, institutional) or _person(signer),
        "priority": _concept("processpriority", "normal", "Normal"),
        "diagnosis": [
            {"sequence": number, "diagnosisCodeableConcept": _diagnosis_code(code)}
            for number, code in enumerate(accepted, 1)
        ],
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": chart.coverage}}],
        # R4 ties a Claim to its encounter by an item and by nothing else; `Claim?encounter=` finds it by this one.
        "item": [
            {
                "sequence": 1,
                "diagnosisSequence": list(range(1, len(accepted) + 1)),
                "productOrService": {"text": "Services of this encounter, for the biller to enter"},
                "encounter": [{"reference": f"Encounter/{chart.key.encounter}"}],
            }
        ],
    }
    if chart.setting is Setting.INPATIENT:
        claim["diagnosis"][0]["type"] = [_concept("ex-diagnosistype", "principal", "Principal Diagnosis")]
    period = {name: words(chart.encounter, "period", name) for name in ("start", "end")}
    if instant(period["start"]):
        claim["billablePeriod"] = {name: moment for name, moment in period.items() if moment}
    return validated(claim)


def _provider(chart: Chart, institutional: bool) -> Resource | None:
    """Who bills: the organization for an institution, else who performed the encounter."""
    performers = [p.get("individual") for p in items(chart.encounter, "participant")]
    organization = chart.encounter.get("serviceProvider")
    candidates = [organization, *performers] if institutional else [*performers, organization]
    return next((found for c in candidates if isinstance(c, Mapping) and (found := portable(c))), None)


def build_provenance(
    chart: Chart, targets: Sequence[str], attestation: Attestation, model_revision: str | None
) -> Resource:
    """Who stands for what was written, with which machine's help, from which versions of which notes."""
    when, statement = _instant(attestation.at), html.escape(attestation.statement, quote=False)
    signed = f"{statement} {html.escape(attestation.by.name, quote=False)}, {when}"
    identifier = business_id(chart.key, "Provenance", *sorted(target.partition("/_history/")[0] for target in targets))
    sources = [
        {"role": "source", "what": {"reference": _versioned("DocumentReference", note.id, note.version_id)}}
        for note in chart.notes
        if note.text is not None
    ]
    provenance: Resource = {
        "resourceType": "Provenance",
        "meta": {"tag": [{"system": URI_SYSTEM, "code": identifier}]},
        "text": {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{signed}</p></div>'},
        "contained": [_predictor(model_revision)],
        "target": [{"reference": target} for target in targets],
        "occurredDateTime": when,
        "recorded": when,
        "activity": _concept("v3-DataOperation", "CREATE", "create"),
        "agent": [
            {
                "type": _concept("provenance-participant-type", "author", "Author"),
                "who": _person(attestation.by),
            },
            {
                "type": _concept("provenance-participant-type", "assembler", "Assembler"),
                "who": {"reference": "#predictor", "display": "Chartside"},
            },
        ],
    }
    return validated(provenance | ({"entity": sources} if sources else {}))


def is_ours(base: str, provenance: Resource, attestation: Attestation) -> bool:
    """Whether the Provenance tells of this very attestation: same person, same moment, Chartside as assembler."""
    agents = items(provenance, "agent")
    authors = [str(literal(base, a.get("who"))) for a in agents if "author" in codes(a.get("type"))]
    assembled = any("assembler" in codes(a.get("type")) for a in agents)
    signer = str(literal(base, attestation.by.fhir_user))
    return assembled and signer in authors and _same_instant(at(provenance, "recorded"), attestation.at)


def _same_instant(written: object, moment: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(written)) == datetime.fromisoformat(_instant(moment))
    except (ValueError, TypeError):
        return False


def _predictor(model_revision: str | None) -> Resource:
    device: Resource = {
        "resourceType": "Device",
        "id": "predictor",
        "deviceName": [{"name": "Chartside", "type": "user-friendly-name"}],
    }
    # No revision: every code was added by hand.
    return device | ({"version": [{"value": model_revision}]} if model_revision else {})


def _diagnosis_code(accepted: AcceptedCode) -> Resource:
    code = ICD10CMCode(accepted.code)
    coding = {"system": ICD10CMCode.system, "code": str(code), "display": accepted.title}
    return {"coding": [coding], "text": accepted.title}


def _concept(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": f"{_TERMINOLOGY}/{system}", "code": code, "display": display}]}


def _person(person: Reviewer) -> dict[str, Any]:
    return {"reference": person.fhir_user, "display": person.name}


def _versioned(type: str, id: str, version: str | None) -> str:
    return f"{type}/{id}/_history/{version}" if version else f"{type}/{id}"


def _instant(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds")
