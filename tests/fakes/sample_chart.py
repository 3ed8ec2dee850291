"""One patient's office visit as FHIR resources, and what a person accepted for it; invented throughout."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from smartapp.fhir.chart import Chart
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.fhir.outbox import Outbox, planned
from smartapp.fhir.plan import plan
from smartapp.reviews import (
    AcceptedCode,
    Action,
    Attestation,
    Correction,
    Decision,
    Reviewer,
    ReviewKey,
    Rung,
    WrittenResource,
)

NOTE = "Assessment:\nEssential hypertension, not at goal.\nType 2 diabetes without complications.\n"
DR_REED = Reviewer("Practitioner/dr-reed", "Dr. Avery Reed")
SIGNED_AT = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def patient(id: str = "p1") -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "MRN-0042"}],
        "name": [{"use": "old", "family": "Before"}, {"use": "official", "family": "Maier", "given": ["Noa", "L."]}],
        "birthDate": "1961-04-05",
        "gender": "female",
    }


def encounter(id: str = "e1", class_code: str = "AMB", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": class_code},
        "type": [{"text": "Office visit"}],
        "subject": {"reference": "Patient/p1"},
        "participant": [
            {
                "individual": {
                    "reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|999",
                    "display": "Dr. Ito",
                }
            }
        ],
        "period": {"start": "2026-03-02T09:00:00-05:00", "end": "2026-03-02T09:40:00-05:00"},
        "serviceProvider": {"reference": "Organization/clinic", "display": "Hill Clinic"},
        **more,
    }


def note(
    id: str = "n1", text: str | bytes = NOTE, content_type: str = "text/plain; charset=utf-8", **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "DocumentReference",
        "id": id,
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "11506-3", "display": "Progress note"}]},
        "category": [{"coding": [{"code": "clinical-note"}]}],
        "subject": {"reference": "Patient/p1"},
        "date": "2026-03-02T14:30:00Z",
        "author": [{"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|999", "display": "Dr. Ito"}],
        "content": [{"attachment": {"contentType": content_type, "data": encoded(text)}}],
        "context": {"encounter": [{"reference": "Encounter/e1"}]},
        **more,
    }


def condition(id: str = "c1", code: str = "E11.9", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": id,
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "verificationStatus": {"coding": [{"code": "confirmed"}]},
        "category": [{"coding": [{"code": "encounter-diagnosis"}]}],
        "code": {
            "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code, "display": "Type 2 diabetes"}]
        },
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        **more,
    }


def coverage(id: str = "v1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Coverage",
        "id": id,
        "status": "active",
        "beneficiary": {"reference": "Patient/p1"},
        "payor": [{"display": "Lake Health Plan"}],
        **more,
    }


def visit() -> list[dict[str, Any]]:
    """A patient with an office visit, one note and insurance."""
    return [patient(), encounter(), note(), coverage()]


def accepted(*codes: str) -> tuple[AcceptedCode, ...]:
    titles = {"I10": "Essential (primary) hypertension", "E11.9": "Type 2 diabetes mellitus without complications"}
    return tuple(
        AcceptedCode(
            code, titles.get(code, f"Title of {code}"), n, (),
            Decision(n, Action.ACCEPT, code, titles.get(code, ""), None, DR_REED, SIGNED_AT),
        )
        for n, code in enumerate(codes, 1)
    )  # fmt: skip


def attestation() -> Attestation:
    return Attestation(DR_REED, SIGNED_AT, "I reviewed these codes & stand for them.")


def key(base_url: str) -> ReviewKey:
    return ReviewKey(base_url, "p1", "e1")


def corrected(receipt: Sequence[WrittenResource]) -> tuple[Attestation, Correction]:
    """An hour after the signature with that receipt somebody signs anew, since a code was wrong."""
    later = replace(attestation(), at=SIGNED_AT + timedelta(hours=1))
    return later, Correction(DR_REED, SIGNED_AT, "A code was wrong", True, attestation(), tuple(receipt))


def outbox(chart: Chart, *codes: str, rung: Rung | None = None, corrections: tuple[Correction, ...] = ()) -> Outbox:
    """What signing these codes plans, kept nowhere; all on one rung where one is named."""
    lines = planned(plan(chart, accepted(*codes), SINGLE_WRITES, (), corrections))
    return Outbox([replace(line, rung=rung) if rung else line for line in lines], lambda *_: None, lambda: SIGNED_AT)
