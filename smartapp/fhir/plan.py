"""What signing will send, before anything is sent: the same resources, in the same order, as the write-back."""

import json
from collections.abc import Sequence

from smartapp.errors import EHRRefused
from smartapp.fhir.chart import Chart
from smartapp.fhir.diagnoses import Diagnosis
from smartapp.fhir.elements import items
from smartapp.fhir.resources import (
    build_claim,
    build_condition,
    build_provenance,
    claim_id,
    condition_id,
    diagnosis_use,
    merge_diagnoses,
    token,
)
from smartapp.reviews import AcceptedCode, Attestation, Decision, PlannedWrite, Reviewer, ReviewKey

ORDER = "order of diagnoses"
CLAIM = "draft claim"
ORIGIN = "who signed, and from which notes"
NO_COVERAGE = "The chart has no active coverage that Chartside can read, and a claim needs one. A biller can add it."


def purpose_of(code: str) -> str:
    return f"diagnosis {code}"


def held_already(key: ReviewKey, code: str, diagnoses: Sequence[Diagnosis]) -> Diagnosis | None:
    """The encounter diagnosis of the chart that is ours from an earlier run, or says the same."""
    ours = token(condition_id(key, code))
    return next(
        (d for d in diagnoses if ours in d.identifiers),
        next((d for d in diagnoses if d.for_encounter and d.code == code), None),
    )


def plan(chart: Chart, accepted: Sequence[AcceptedCode]) -> tuple[PlannedWrite, ...]:
    """One line for each resource; ids that the EHR will assign stand as `urn:uuid:` as in a transaction Bundle.

    Signer and time are those of the latest decision here; the attestation's replace them on signing.
    """
    if not accepted:
        return ()
    latest = max((code.decision for code in accepted), key=lambda decision: decision.at)
    references, lines = [], []
    for code in accepted:
        held = held_already(chart.key, code.code, chart.diagnoses)
        references.append(held.reference if held else condition_id(chart.key, code.code))
        lines.append(_condition_line(chart, code, held))
    lines.append(_encounter_line(chart, accepted, references))
    lines.append(_claim_line(chart, accepted, latest.by))
    encounter, claim = f"Encounter/{chart.key.encounter}", claim_id(chart.key)
    written = {"Encounter": [encounter], "Claim": [claim], "Condition": []}
    targets = [r for r in references if r.startswith("urn:")]
    targets += [target for line in lines if line.will_write for target in written[line.resource]]
    return (*lines, _provenance_line(chart, targets, latest))


def _condition_line(chart: Chart, code: AcceptedCode, held: Diagnosis | None) -> PlannedWrite:
    name, purpose = f"{code.code} {code.title}", purpose_of(code.code)
    if held:
        return PlannedWrite("Condition", purpose, False, f"{name}: already a diagnosis of this encounter.", None)
    body = _pretty(build_condition(chart.key, code))
    return PlannedWrite("Condition", purpose, True, f"{name}, as an active, confirmed encounter diagnosis.", body)


def _encounter_line(chart: Chart, accepted: Sequence[AcceptedCode], references: Sequence[str]) -> PlannedWrite:
    try:
        merged = merge_diagnoses(chart.key.iss, chart.encounter, references, chart.setting)
    except EHRRefused as error:
        return PlannedWrite("Encounter", ORDER, False, error.detail, None)
    if merged == chart.encounter:
        return PlannedWrite("Encounter", ORDER, False, "The encounter lists these diagnoses already.", None)
    before = len(items(chart.encounter, "diagnosis"))
    kept = f" The {before} listed before stay as they are." if before else ""
    listed = ", ".join(code.code for code in accepted)
    told = f"{listed}, in this order, with the use {diagnosis_use(chart.setting)[1].lower()}.{kept}"
    return PlannedWrite("Encounter", ORDER, True, told, _pretty({"diagnosis": merged["diagnosis"]}))


def _claim_line(chart: Chart, accepted: Sequence[AcceptedCode], signer: Reviewer) -> PlannedWrite:
    if chart.coverage is None:
        return PlannedWrite("Claim", CLAIM, False, NO_COVERAGE, None)
    try:
        claim = build_claim(chart, accepted, signer, max(code.decision.at for code in accepted))
    except EHRRefused as error:
        return PlannedWrite("Claim", CLAIM, False, error.detail, None)
    kind = claim["type"]["coding"][0]["display"].lower()
    count = f"{len(accepted)} {'diagnosis' if len(accepted) == 1 else 'diagnoses'}"
    provider = claim["provider"].get("display") or signer.name
    told = f"A draft {kind} claim with {count} and no charges, for a biller to complete. Provider: {provider}."
    return PlannedWrite("Claim", CLAIM, True, told, _pretty(claim))


def _provenance_line(chart: Chart, targets: Sequence[str], latest: Decision) -> PlannedWrite:
    if not targets:
        return PlannedWrite("Provenance", ORIGIN, False, "Nothing will be written that it could speak of.", None)
    provenance = build_provenance(chart, targets, Attestation(latest.by, latest.at, "To be signed."), None)
    sources = sum(note.text is not None for note in chart.notes)
    told = f"Signed by {latest.by.name}, prepared by Chartside from {sources} {'note' if sources == 1 else 'notes'}."
    return PlannedWrite("Provenance", ORIGIN, True, told, _pretty(provenance))


def _pretty(resource: object) -> str:
    return json.dumps(resource, indent=2, ensure_ascii=False)
