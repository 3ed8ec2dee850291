"""What one signature says, as resources: the same on every attempt."""

from collections.abc import Sequence
from dataclasses import dataclass

from smartapp.fhir.chart import Chart
from smartapp.fhir.claim import build_claim
from smartapp.fhir.coding_summary import build_document, build_message
from smartapp.fhir.ladder import Ladder
from smartapp.fhir.references import Resource
from smartapp.fhir.resources import (
    build_condition,
    build_provenance,
)
from smartapp.reviews import AcceptedCode, Attestation, Correction


@dataclass(frozen=True, slots=True)
class Bodies:
    """Each method raises EHRRefused where the resource would not be valid FHIR."""

    chart: Chart
    accepted: Sequence[AcceptedCode]
    attestation: Attestation
    model_revision: str | None
    ladder: Ladder
    corrections: Sequence[Correction] = ()  # the signatures before this one

    def condition(self, code: AcceptedCode) -> Resource:
        return build_condition(self.chart.key, code, self.ladder)

    def claim(self) -> Resource:
        return build_claim(self.chart, self.accepted, self.attestation.by, self.attestation.at, self.ladder)

    def document(self) -> Resource:
        return build_document(
            self.chart, self.accepted, self.attestation, self.model_revision, self.ladder, self.corrections
        )

    def message(self) -> Resource:
        return build_message(
            self.chart, self.accepted, self.attestation, self.model_revision, self.ladder, self.corrections
        )

    def provenance(self, targets: Sequence[str]) -> Resource:
        return build_provenance(self.chart, targets, self.attestation, self.model_revision, self.corrections)
