"""Builds the resources that Chartside writes: Condition, Encounter.diagnosis, Claim, Provenance. Pure, and valid R4.

They are checked against R4B, in which what is written here has the same shape as in R4.
"""

import copy
import html
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from fhir.resources.R4B.claim import Claim
from fhir.resources.R4B.communication import Communication
from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.documentreference import DocumentReference
from fhir.resources.R4B.encounter import Encounter
from fhir.resources.R4B.provenance import Provenance
from fhir.resources.R4B.task import Task
from pydantic import ValidationError

from model.codes import ICD10CMCode
from model.document import Setting
from smartapp.errors import EHRRefused
from smartapp.fhir.chart import Chart
from smartapp.fhir.elements import at, codes, items
from smartapp.fhir.identifiers import URI_SYSTEM as URI_SYSTEM
from smartapp.fhir.identifiers import business_id as business_id
from smartapp.fhir.identifiers import token as token
from smartapp.fhir.ladder import Ladder
from smartapp.fhir.references import Resource, literal
from smartapp.fhir.vendors import TWO_CODINGS
from smartapp.reviews import AcceptedCode, Action, Attestation, Correction, Reviewer, ReviewKey

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_ENCOUNTER_DIAGNOSIS = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-condition-encounter-diagnosis"
# What an AI had a part in says so (AI Transparency on FHIR, "Labeling":
# http://hl7.org/fhir/uv/aitransparency/ValueSet/ProvenanceVS).
_AI_ASSERTED = {
    "system": f"{_TERMINOLOGY}/v3-ObservationValue",
    "code": "AIAST",
    "display": "Artificial Intelligence asserted",
}
_MODELS: dict[str, Any] = {
    model.__name__: model for model in (Condition, Encounter, Claim, Provenance, DocumentReference, Communication, Task)
}


def condition_id(key: ReviewKey, code: str) -> str:
    return business_id(key, "Condition", code)


def encounter_tag(key: ReviewKey) -> str:
    """Of all Provenances for one encounter: one may speak of nothing else that it could be found by."""
    return business_id(key, "Provenance")


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


def suggested(accepted: AcceptedCode) -> bool:
    """Whether the predictor had a part in it; what a person added by hand is theirs alone."""
    return accepted.decision.action is Action.ACCEPT


def labelled(resource: Resource, label: bool) -> Resource:
    """The same, saying that an AI had a part in it."""
    return resource | {"meta": resource.get("meta", {}) | {"security": [_AI_ASSERTED]}} if label else resource


def build_condition(key: ReviewKey, accepted: AcceptedCode, ladder: Ladder) -> Resource:
    """An encounter diagnosis after US Core; recorder and date are those of the decision that accepted the code."""
    condition = _condition(key, accepted)
    if ladder.vendor.asks(TWO_CODINGS):
        (coding,) = condition["code"]["coding"]
        condition["code"]["coding"] = [coding | {"userSelected": True}, coding | {"userSelected": False}]
    return validated(labelled(condition, ladder.ai_label and suggested(accepted)))


def _condition(key: ReviewKey, accepted: AcceptedCode) -> Resource:
    return {
        "resourceType": "Condition",
        "meta": {"profile": [_ENCOUNTER_DIAGNOSIS]},
        "identifier": [{"system": URI_SYSTEM, "value": condition_id(key, accepted.code)}],
        "clinicalStatus": concept("condition-clinical", "active", "Active"),
        "verificationStatus": concept("condition-ver-status", "confirmed", "Confirmed"),
        "category": [concept("condition-category", "encounter-diagnosis", "Encounter Diagnosis")],
        "code": diagnosis_code(accepted),
        "subject": {"reference": f"Patient/{key.patient}"},
        "encounter": {"reference": f"Encounter/{key.encounter}"},
        "recordedDate": iso_instant(accepted.decision.at),
        "recorder": person(accepted.decision.by),
    }


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
            "use": concept("diagnosis-role", use, display),
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


def build_provenance(
    chart: Chart,
    targets: Sequence[str],
    attestation: Attestation,
    model_revision: str | None,
    corrections: Sequence[Correction] = (),
) -> Resource:
    """Who stands for what was written, with which machine's help, from which versions of which notes."""
    when, statement = iso_instant(attestation.at), html.escape(attestation.statement, quote=False)
    signed = f"{statement} {html.escape(attestation.by.name, quote=False)}, {when}"
    spoken = sorted(target.partition("/_history/")[0] for target in targets)
    again = [f"correction {len(corrections)}"] if corrections else []  # which speaks of the same things once more
    identifier = business_id(chart.key, "Provenance", *again, *spoken)
    sources = [
        {"role": "source", "what": {"reference": _versioned(note.reference, note.version_id)}}
        for note in chart.notes
        if note.text is not None
    ]
    provenance: Resource = {
        "resourceType": "Provenance",
        "meta": {"tag": [{"system": URI_SYSTEM, "code": code} for code in (identifier, encounter_tag(chart.key))]},
        "text": {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{signed}</p></div>'},
        "contained": [_predictor(model_revision)],
        "target": [{"reference": target} for target in targets],
        "occurredDateTime": when,
        "recorded": when,
        "activity": concept("v3-DataOperation", *(("UPDATE", "revise") if corrections else ("CREATE", "create"))),
        "agent": [
            {
                "type": concept("provenance-participant-type", "author", "Author"),
                "who": person(attestation.by),
            },
            {
                "type": concept("provenance-participant-type", "assembler", "Assembler"),
                "who": {"reference": "#predictor", "display": "Chartside"},
            },
        ],
    }
    why = {"reason": [{"text": corrections[-1].reason}]} if corrections else {}
    return validated(provenance | why | ({"entity": sources} if sources else {}))


def is_ours(base: str, provenance: Resource, attestation: Attestation) -> bool:
    """Whether the Provenance tells of this very attestation: same person, same moment, Chartside as assembler."""
    agents = items(provenance, "agent")
    authors = [str(literal(base, a.get("who"))) for a in agents if "author" in codes(a.get("type"))]
    assembled = any("assembler" in codes(a.get("type")) for a in agents)
    signer = str(literal(base, attestation.by.fhir_user))
    return assembled and signer in authors and _same_instant(at(provenance, "recorded"), attestation.at)


def _same_instant(written: object, moment: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(written)) == datetime.fromisoformat(iso_instant(moment))
    except (ValueError, TypeError):
        return False


def _predictor(model_revision: str | None) -> Resource:
    """Chartside as a Device: the program, and the predictor where it took part (AI Transparency on FHIR, "Device")."""
    versions = {"application": version("chartside"), "predictor": model_revision}
    return {
        "resourceType": "Device",
        "id": "predictor",
        "deviceName": [{"name": "Chartside", "type": "user-friendly-name"}],
        "type": {"text": "Artificial intelligence: suggests codes, a person decides"},
        "version": [{"type": {"text": name}, "value": value} for name, value in versions.items() if value],
    }


def diagnosis_code(accepted: AcceptedCode) -> Resource:
    code = ICD10CMCode(accepted.code)
    coding = {"system": ICD10CMCode.system, "code": str(code), "display": accepted.title}
    return {"coding": [coding], "text": accepted.title}


def concept(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": f"{_TERMINOLOGY}/{system}", "code": code, "display": display}]}


def person(who: Reviewer) -> dict[str, Any]:
    return {"reference": who.fhir_user, "display": who.name}


def _versioned(reference: str, version: str | None) -> str:
    return f"{reference}/_history/{version}" if version else reference


def iso_instant(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds")
