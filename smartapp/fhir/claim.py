"""The draft claim: made from what was signed, and made anew by a correction without losing what a biller entered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from model.document import Setting
from smartapp.fhir.chart import Chart
from smartapp.fhir.elements import codes, instant, items, words
from smartapp.fhir.identifiers import URI_SYSTEM, business_id
from smartapp.fhir.ladder import Ladder
from smartapp.fhir.references import Resource, portable
from smartapp.fhir.resources import concept, diagnosis_code, iso_instant, labelled, person, suggested, validated
from smartapp.reviews import AcceptedCode, PresentOnAdmission, Reviewer, ReviewKey

# http://terminology.hl7.org/CodeSystem/ex-diagnosis-on-admission
_ON_ADMISSION: Final = {
    PresentOnAdmission.YES: ("y", "Yes"),
    PresentOnAdmission.NO: ("n", "No"),
    PresentOnAdmission.UNKNOWN: ("u", "Unknown"),
    PresentOnAdmission.UNDETERMINED: ("w", "Undetermined"),
}


def claim_id(key: ReviewKey) -> str:
    return business_id(key, "Claim")


def build_claim(
    chart: Chart,
    accepted: Sequence[AcceptedCode],
    signer: Reviewer,
    at_time: datetime,
    ladder: Ladder,
) -> Resource:
    """A draft for a biller: diagnoses in their order and one item without a charge. Needs the chart's Coverage."""
    institutional = chart.setting in (Setting.INPATIENT, Setting.ED)
    kind = ("institutional", "Institutional") if institutional else ("professional", "Professional")
    claim: Resource = {
        "resourceType": "Claim",
        "identifier": [{"system": URI_SYSTEM, "value": claim_id(chart.key)}],
        "status": "draft",
        "type": concept("claim-type", *kind),
        "use": "claim",
        "patient": {"reference": f"Patient/{chart.key.patient}"},
        "created": iso_instant(at_time),
        "provider": _provider(chart, institutional) or person(signer),
        "priority": concept("processpriority", "normal", "Normal"),
        "diagnosis": [_claimed(number, code, chart.setting) for number, code in enumerate(accepted, 1)],
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
        claim["diagnosis"][0]["type"] = [concept("ex-diagnosistype", "principal", "Principal Diagnosis")]
    period = {name: words(chart.encounter, "period", name) for name in ("start", "end")}
    if instant(period["start"]):
        claim["billablePeriod"] = {name: moment for name, moment in period.items() if moment}
    return validated(labelled(claim, ladder.ai_label and any(map(suggested, accepted))))


def _claimed(number: int, accepted: AcceptedCode, setting: Setting) -> Resource:
    """With what a person said of its presence on admission, for an inpatient claim. The code that says that none is
    needed is of UB-04 and not in FHIR's list, where leaving it out means the same."""
    claimed: Resource = {"sequence": number, "diagnosisCodeableConcept": diagnosis_code(accepted)}
    said = _ON_ADMISSION.get(accepted.poa) if accepted.poa and setting is Setting.INPATIENT else None
    return claimed | ({"onAdmission": concept("ex-diagnosis-on-admission", *said)} if said else {})


def recast_claim(found: Resource, body: Resource) -> Resource:
    """The draft as it stands in the EHR, with the diagnoses of `body`: what a biller entered since stays, and their
    items go on naming the diagnoses that they named, as far as these are left."""
    numbers = {_claimed_code(d): d.get("sequence") for d in items(body, "diagnosis")}
    renumbered = {d.get("sequence"): numbers.get(_claimed_code(d)) for d in items(found, "diagnosis")}
    every = [d["sequence"] for d in body["diagnosis"]]

    def renewed(item: Resource) -> Resource:
        placeholder = not items(item, "productOrService", "coding")
        named = item.get("diagnosisSequence")
        new = every if placeholder else [n for old in (named or []) if (n := renumbered.get(old))]
        kept = {name: value for name, value in item.items() if name != "diagnosisSequence"}
        return kept | ({"diagnosisSequence": new} if new else {})

    recast = found | {"diagnosis": body["diagnosis"], "item": [renewed(item) for item in items(found, "item")]}
    return validated(recast if recast["item"] else {n: value for n, value in recast.items() if n != "item"})


def _claimed_code(diagnosis: Resource) -> str:
    return ",".join(sorted(codes(diagnosis.get("diagnosisCodeableConcept"))))


def _provider(chart: Chart, institutional: bool) -> Resource | None:
    """Who bills: the organization for an institution, else who performed the encounter."""
    performers = [p.get("individual") for p in items(chart.encounter, "participant")]
    organization = chart.encounter.get("serviceProvider")
    candidates = [organization, *performers] if institutional else [*performers, organization]
    return next((found for c in candidates if isinstance(c, Mapping) and (found := portable(c))), None)
