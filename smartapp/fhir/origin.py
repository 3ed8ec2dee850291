"""Finds the Provenances of one signature: what they speak of so far, and one that speaks of what is not there."""

from collections.abc import Sequence

from smartapp.fhir.client import FHIRClient, typed
from smartapp.fhir.elements import items, words
from smartapp.fhir.errors import EHRAnswered
from smartapp.fhir.references import Resource, literal
from smartapp.fhir.resources import encounter_tag, is_ours, token
from smartapp.reviews import Attestation, ReviewKey


class Origins:
    """Those that tell of this very attestation."""

    def __init__(self, client: FHIRClient, key: ReviewKey, attestation: Attestation) -> None:
        self._client, self._key, self._attestation = client, key, attestation

    def stray(self) -> Resource | None:
        """One of a transaction that was not carried out as one: it speaks of what has another id, or none."""
        for found in self._of_encounter():
            if any((words(target, "reference") or "").startswith("urn:") for target in items(found, "target")):
                return found
        return None

    def so_far(self, targets: Sequence[str]) -> tuple[Resource | None, set[str]]:
        """The last that is there already, and which of the targets they speak of, without versions.

        Some servers find a reference with its version by exactly that only.
        """
        wanted = {self.plain(target) for target in targets}
        last, told = None, set[str]()
        for target in (*dict.fromkeys(map(self.plain, targets)), *targets[:1]):
            if self.plain(target) in told:
                continue
            for found in self._ours(target=target):
                spoken = wanted & {self.plain(t) for t in items(found, "target")}
                if spoken:
                    last = found
                    told |= spoken
        return last, told

    def plain(self, reference: object) -> str:
        return str(literal(self._client.base_url, reference))

    def _of_encounter(self) -> list[Resource]:
        """One that does not speak of the encounter itself is found by its tag, if the server knows such a search."""
        found = self._ours(target=typed("Encounter", self._key.encounter))
        try:
            return found or self._ours(_tag=token(encounter_tag(self._key)))
        except EHRAnswered as error:
            if error.http_status != 400:
                raise
            return []

    def _ours(self, **parameters: str) -> list[Resource]:
        found = self._client.search("Provenance", **parameters)
        return [p for p in found if is_ours(self._client.base_url, p, self._attestation)]
