"""The diagnoses that the chart holds for an encounter."""

from dataclasses import dataclass

from smartapp.errors import EHRRefused
from smartapp.fhir.client import FHIRClient, typed
from smartapp.fhir.elements import codes, items, title, words
from smartapp.fhir.errors import is_forbidden
from smartapp.fhir.pages import Matches
from smartapp.fhir.references import Resource, encounter_of, names

# Its URI, and its OID as some EHRs name it (http://terminology.hl7.org/CodeSystem/icd10CM).
ICD10CM_OID = "urn:oid:2.16.840.1.113883.6.90"
ICD10CM = frozenset({"http://hl7.org/fhir/sid/icd-10-cm", ICD10CM_OID})


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A Condition of the encounter."""

    reference: str  # Condition/12
    code: str | None  # ICD-10-CM, when the chart has it so
    title: str
    identifiers: tuple[str, ...]  # system|value
    for_encounter: bool  # category encounter-diagnosis, as opposed to the problem list


def read_diagnoses(client: FHIRClient, patient: str, encounter: str) -> tuple[Diagnosis, ...]:
    """The Conditions of the encounter, none refuted or entered in error; raises where some may be missing."""
    found = find_conditions(client, patient, encounter)
    if found.missing:
        raise EHRRefused(found.missing[0])
    return tuple(map(as_diagnosis, found.resources))


def find_conditions(client: FHIRClient, patient: str, encounter: str) -> Matches:
    """The same as they came, with what may be missing of them."""
    about = typed("Patient", patient)
    try:
        found = client.find("Condition", patient=about, encounter=typed("Encounter", encounter))
    except EHRRefused as error:
        if is_forbidden(error):
            raise
        # MEDITECH and NextGen list no search by encounter; which encounter each is of is looked at below.
        found = client.find("Condition", patient=about, category="encounter-diagnosis")
    return found.kept(lambda c: of_encounter(client.base_url, c, encounter) and not is_void(c))


def of_encounter(base: str, resource: Resource, encounter: str) -> bool:
    """Whether the resource says that it belongs to the encounter."""
    return any(names(base, reference, "Encounter", encounter) for reference in encounter_of(resource))


def is_void(condition: Resource) -> bool:
    """Entered in error, or found not to be so."""
    return bool({"entered-in-error", "refuted"} & codes(condition.get("verificationStatus")))


def as_diagnosis(condition: Resource) -> Diagnosis:
    ours = next((c for c in items(condition, "code", "coding") if str(c.get("system")) in ICD10CM), None)
    return Diagnosis(
        reference=typed("Condition", str(condition["id"])),
        code=words(ours, "code"),
        title=words(ours, "display") or title(condition.get("code")) or "diagnosis without a name",
        identifiers=tuple(f"{i.get('system', '')}|{i.get('value', '')}" for i in items(condition, "identifier")),
        for_encounter=any("encounter-diagnosis" in codes(c) for c in items(condition, "category")),
    )
