"""The last rung: what was signed as a file that a person carries to another system."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from smartapp.exports import claim_csv, hl7v2, plain
from smartapp.fhir.chart import Chart
from smartapp.fhir.coding_summary import as_pdf, write_summary
from smartapp.fhir.export_bundle import build_bundle
from smartapp.reviews import Review

__all__ = ["KINDS", "Export", "export", "offered", "plain"]


@dataclass(frozen=True, slots=True)
class Export:
    """A file; its name says nothing of the patient."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


def _fhir(review: Review, chart: Chart, now: datetime) -> str:
    assert review.attestation is not None  # `export` is asked for signed reviews only
    bundle = build_bundle(chart, review.accepted(), review.attestation, review.model_revision)
    return json.dumps(bundle, indent=2, ensure_ascii=False) + "\n"


def _pdf(review: Review, chart: Chart, now: datetime) -> bytes:
    assert review.attestation is not None
    summary = write_summary(chart, review.accepted(), review.attestation, review.model_revision, review.corrections)
    return as_pdf(summary)


# kind -> file name, media type, words on the page, what makes it
KINDS: dict[str, tuple[str, str, str, Callable[[Review, Chart, datetime], str | bytes]]] = {
    "pdf": ("chartside-coding-summary.pdf", "application/pdf", "PDF to print or keep", _pdf),
    "fhir": ("chartside-bundle.json", "application/fhir+json", "FHIR R4 Bundle", _fhir),
    "hl7": ("chartside-dft-p03.hl7", "application/hl7-v2; charset=utf-8", "HL7 v2.5.1 DFT^P03", hl7v2.message),
    "csv": (
        "chartside-diagnoses.csv",
        "text/csv; charset=utf-8; header=present",
        "CSV for an 837P claim",
        claim_csv.table,
    ),
    "text": ("chartside-codes.txt", "text/plain; charset=utf-8", "Plain text", plain.text),
}


def offered(review: Review) -> list[tuple[str, str]]:
    """Each kind with its words for this encounter. A hospital bills a stay on the institutional 837I; its rows serve
    there as a list of the diagnoses, but not as an 837P's."""
    words = {kind: said for kind, (_, _, said, _) in KINDS.items()}
    if review.inpatient:
        words["csv"] = "CSV of the diagnoses"
    return list(words.items())


def export(kind: str, review: Review, chart: Chart, now: datetime) -> Export:
    """The file of a signed review. Raises KeyError for a kind that there is not."""
    name, media_type, _, build = KINDS[kind]
    made = build(review, chart, now)
    return Export(name, media_type, made.encode("utf-8") if isinstance(made, str) else made)
