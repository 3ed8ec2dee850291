"""Whose chart a resource belongs to: the launch patient's compartment, kept on every read, search and write."""

import re
from typing import Any

from launch.sandbox.fhir_server import FHIRServer, read, search

# The element that names the patient. Only these types, the two below and the shared ones exist for apps.
PATIENT_ELEMENT = {
    "AllergyIntolerance": "patient",
    "Claim": "patient",
    "Communication": "subject",
    "Condition": "subject",
    "Coverage": "beneficiary",
    "DiagnosticReport": "subject",
    "DocumentReference": "subject",
    "Encounter": "subject",
    "Immunization": "patient",
    "MedicationRequest": "subject",
    "Observation": "subject",
    "Procedure": "subject",
    "ServiceRequest": "subject",
    "Task": "for",
}
# Found through what they belong to: a Binary through a DocumentReference, a Provenance through its targets.
BELONGING = frozenset({"Binary", "Provenance"})
SHARED = frozenset({"HealthcareService", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole"})
KNOWN_TYPES = frozenset(PATIENT_ELEMENT) | BELONGING | SHARED | {"Patient"}

_REFERENCE = re.compile(
    r"(?:(?P<base>https?://.+)/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/.+)?"
)


def parse_reference(reference: object, base: str) -> tuple[str, str] | None:
    """Reads `Type/id`, relative or under our own base; None for anything held elsewhere."""
    match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if not match or match["base"] not in (None, base):
        return None
    return match["type"], match["id"]


class Compartment:
    """One patient's compartment, for the length of one request."""

    def __init__(self, fhir: FHIRServer, base: str, patient: str) -> None:
        self._fhir, self._base, self.patient = fhir, base, patient
        self._seen: dict[tuple[str, str], bool] = {}
        self._binaries: set[str] | None = None

    def holds(self, resource: dict[str, Any]) -> bool:
        """Tells whether the resource is this patient's, or nobody's (a practitioner, a ward)."""
        resource_type = resource.get("resourceType", "")
        if resource_type in SHARED:
            return True
        if resource_type == "Patient":
            return bool(resource.get("id") == self.patient)
        if resource_type == "Binary":
            return resource.get("id") in self._list_binaries()
        if resource_type == "Provenance":
            targets = resource.get("target") or []
            return bool(targets) and all(self.holds_reference(_reference(target)) for target in targets)
        element = PATIENT_ELEMENT.get(resource_type)
        return bool(element) and self.is_patient(_reference(resource.get(str(element))))

    def is_patient(self, reference: object) -> bool:
        return parse_reference(reference, self._base) == ("Patient", self.patient)

    def holds_reference(self, reference: object) -> bool:
        """Follows a reference to see whose it is."""
        target = parse_reference(reference, self._base)
        if target is None or target[0] not in KNOWN_TYPES or target[0] == "Provenance":
            return False
        if target not in self._seen:
            resource = read(self._fhir, *target)
            self._seen[target] = resource is not None and self.holds(resource)
        return self._seen[target]

    def _is_own_note(self, note: dict[str, Any]) -> bool:
        # checked although searched for: servers have been seen to ignore search parameters
        return note["resourceType"] == "DocumentReference" and self.holds(note)

    def _list_binaries(self) -> set[str]:
        if self._binaries is None:
            notes = search(self._fhir, "DocumentReference", [("patient", f"Patient/{self.patient}")])
            contents = [content for note in notes if self._is_own_note(note) for content in note.get("content", [])]
            found = [parse_reference(content.get("attachment", {}).get("url"), self._base) for content in contents]
            self._binaries = {target[1] for target in found if target and target[0] == "Binary"}
        return self._binaries


def _reference(value: object) -> object:
    return value.get("reference") if isinstance(value, dict) else None
