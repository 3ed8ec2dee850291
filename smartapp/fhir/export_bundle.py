"""What was signed as one FHIR Bundle, to be carried over by hand: what an EHR would have been sent."""

from collections.abc import Sequence
from typing import Any

from smartapp.errors import EHRRefused
from smartapp.fhir.chart import Chart
from smartapp.fhir.claim import build_claim, claim_id
from smartapp.fhir.identifiers import URI_SYSTEM, business_id
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.fhir.plan import held_already
from smartapp.fhir.references import Resource, portable
from smartapp.fhir.resources import (
    build_condition,
    build_provenance,
    condition_id,
    iso_instant,
    merge_diagnoses,
)
from smartapp.reviews import AcceptedCode, Attestation


def build_bundle(
    chart: Chart, accepted: Sequence[AcceptedCode], attestation: Attestation, model_revision: str | None
) -> Resource:
    """A collection; what the EHR would have named stands as `urn:uuid:`, what it has under its whole address."""
    base, key = chart.key.iss, chart.key
    held = {code.code: held_already(key, code.code, chart.diagnoses) for code in accepted}
    new = {
        condition_id(key, code.code): build_condition(key, code, SINGLE_WRITES)
        for code in accepted
        if not held[code.code]
    }
    references = [found.reference if (found := held[c.code]) else condition_id(key, c.code) for c in accepted]
    entries: dict[str, Resource] = dict(new)
    try:
        visit = merge_diagnoses(base, chart.encounter, references, chart.setting)
        entries[f"{base}/Encounter/{key.encounter}"] = visit
    except EHRRefused:  # its diagnoses are not such that others could be added; the Conditions name the encounter
        visit = chart.encounter
    if chart.coverage is not None and accepted:  # R4 wants one in a Claim, and there is nothing to claim without codes
        entries[claim_id(key)] = build_claim(chart, accepted, attestation.by, attestation.at, SINGLE_WRITES)
    targets = [name for name in entries if visit != chart.encounter or "/Encounter/" not in name]
    if targets:
        origin = business_id(key, "Provenance", *sorted(targets))
        entries[origin] = build_provenance(chart, targets, attestation, model_revision)
    return {
        "resourceType": "Bundle",
        "identifier": {"system": URI_SYSTEM, "value": business_id(key, "Bundle", iso_instant(attestation.at))},
        "type": "collection",
        "timestamp": iso_instant(attestation.at),
        "entry": [{"fullUrl": name, "resource": _whole(base, resource)} for name, resource in entries.items()],
    }


def _whole(base: str, value: Any) -> Any:
    """Relative references made absolute: beside a `urn:uuid:` they would lead nowhere (R4, 2.36.4).

    Conditional ones, which charts hold although they are for transactions only, become logical.
    """
    if isinstance(value, list):
        return [_whole(base, item) for item in value]
    if not isinstance(value, dict):
        return value
    whole = {name: _whole(base, item) for name, item in value.items()}
    reference = whole.get("reference")
    if isinstance(reference, str) and "?" in reference:
        return portable(whole) or whole
    if isinstance(reference, str) and not reference.startswith("#") and ":" not in reference.partition("/")[0]:
        whole["reference"] = f"{base}/{reference}"
    return whole
