"""An event of the audit log as FHIR AuditEvent, after IHE's Basic Audit Log Patterns where one of them fits."""

import base64
from typing import Any, Final

from smartapp.audit.events import Event, Kind, hash_of
from smartapp.fhir.references import Resource

_BALP: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_TERMINOLOGY: Final = "http://terminology.hl7.org/CodeSystem"
_PARTICIPATION: Final = f"{_TERMINOLOGY}/v3-ParticipationType"
_READS: Final = frozenset({Kind.VIEWED, Kind.NOTE})
_SOURCE = {"system": _DICOM, "code": "110153", "display": "Source Role ID"}
_DESTINATION = {"system": _DICOM, "code": "110152", "display": "Destination Role ID"}


def audit_event(event: Event, text: str, origin: str) -> Resource:
    """`text` is the event's canonical spelling, which goes along whole; `origin` names this Chartside."""
    interaction = _interaction(event)
    resource: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": f"chartside-{event.sequence}",
        "type": _type(event, interaction),
        "subtype": [_kind(event)],
        "action": _ACTIONS.get(interaction, "E"),
        "recorded": event.at.isoformat(timespec="milliseconds"),
        "outcome": _outcome(event),
        "agent": [*_machines(event, interaction, origin), *_user(event, interaction)],
        "source": {
            "observer": {"display": origin},
            "type": [{"system": f"{_TERMINOLOGY}/security-source-type", "code": "4", "display": "Application Server"}],
        },
        "entity": [*_patient(event), _data(event), _log(event, text)],
    }
    if interaction:
        resource["meta"] = {"profile": [f"{_BALP}Patient{interaction.capitalize()}"]}
        system = "http://hl7.org/fhir/restful-interaction"
        resource["subtype"].insert(0, {"system": system, "code": interaction, "display": interaction})
    return resource


_ACTIONS: Final = {"read": "R", "create": "C", "update": "U"}


def _interaction(event: Event) -> str:
    """The RESTful interaction with the EHR that succeeded; empty for what happened inside Chartside or failed."""
    if event.patient is None:
        return ""
    if event.kind in _READS:
        return "read"
    if event.kind is Kind.WRITE and event.what["outcome"] == "written" and event.what["reference"]:
        changed = event.what["resource"] == "Encounter" or event.what.get("changed")
        return "update" if changed else "create"
    return ""


def _type(event: Event, interaction: str) -> dict[str, str]:
    if interaction:
        return {"system": f"{_TERMINOLOGY}/audit-event-type", "code": "rest", "display": "Restful Operation"}
    if event.kind is Kind.DENIED:
        return {"system": _DICOM, "code": "110113", "display": "Security Alert"}
    return {"system": _DICOM, "code": "110100", "display": "Application Activity"}


def _kind(event: Event) -> dict[str, str]:
    return {"system": "urn:chartside:audit-event", "code": event.kind.value}


def _outcome(event: Event) -> str:
    """http://terminology.hl7.org/CodeSystem/audit-event-outcome: 0 success, 4 minor failure."""
    failed = event.kind is Kind.WRITE and event.what["outcome"] in ("failed", "refused", "stray", "conflict")
    return "4" if failed or event.kind is Kind.DENIED else "0"


def _machines(event: Event, interaction: str, origin: str) -> list[dict[str, Any]]:
    """Chartside is the client, the EHR the server; data goes the other way when it is read."""
    client, server = (_DESTINATION, _SOURCE) if interaction == "read" else (_SOURCE, _DESTINATION)
    agents = [_machine(client, origin)]
    return [*agents, _machine(server, event.ehr)] if event.ehr else agents


def _machine(role: dict[str, str], address: str) -> dict[str, Any]:
    network = {"address": address, "type": "5"}  # http://hl7.org/fhir/network-type: URI
    return {"type": {"coding": [role]}, "who": {"display": address}, "requestor": False, "network": network}


def _user(event: Event, interaction: str) -> list[dict[str, Any]]:
    if event.user is None:
        return []
    code, display = ("IRCP", "information recipient") if interaction == "read" else ("AUT", "author (originator)")
    role = {"system": _PARTICIPATION, "code": code, "display": display}
    who = {"reference": _absolute(event, event.user)}
    return [{"type": {"coding": [role]}, "who": who, "requestor": True}]


def _patient(event: Event) -> list[dict[str, Any]]:
    if event.patient is None:
        return []
    return [
        {
            "what": {"reference": _absolute(event, event.patient)},
            "type": {"system": f"{_TERMINOLOGY}/audit-entity-type", "code": "1", "display": "Person"},
            "role": {"system": f"{_TERMINOLOGY}/object-role", "code": "1", "display": "Patient"},
        }
    ]


def _data(event: Event) -> dict[str, Any]:
    """What it is about: the resource written or the note read, else the encounter, else a thing of Chartside's own."""
    named = event.what.get("reference") or event.what.get("note") or event.encounter
    what = {"reference": _absolute(event, str(named))} if event.patient and named else {"display": event.kind.value}
    entity = {
        "what": what,
        "type": {"system": f"{_TERMINOLOGY}/audit-entity-type", "code": "2", "display": "System Object"},
        "role": {"system": f"{_TERMINOLOGY}/object-role", "code": "4", "display": "Domain Resource"},
    }
    details = [{"type": n, "valueString": str(v)} for n, v in event.what.items() if v and isinstance(v, str | int)]
    return entity | ({"detail": details} if details else {})


def _log(event: Event, text: str) -> dict[str, Any]:
    """The event letter by letter, so that whoever has the export can verify it."""
    return {
        "what": {"identifier": {"system": "urn:chartside:audit-log", "value": str(event.sequence)}},
        "type": {"system": f"{_TERMINOLOGY}/audit-entity-type", "code": "4", "display": "Other"},
        "detail": [
            {"type": "sha256", "valueString": hash_of(text)},
            {"type": "event", "valueBase64Binary": base64.b64encode(text.encode("utf-8")).decode("ascii")},
        ],
    }


def _absolute(event: Event, reference: str) -> str:
    return reference if "://" in reference or not event.ehr else f"{event.ehr}/{reference}"
