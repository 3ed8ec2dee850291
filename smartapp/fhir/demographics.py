"""Names and numbers as people know them: patient, practitioner, record number, encounter."""

from typing import Any

from smartapp.fhir.elements import codes, items, title, words
from smartapp.fhir.references import Resource

_PREFERRED = ("official", "usual")


def human_name(resource: Resource) -> str | None:
    """The official name of a Patient or Practitioner, else the usual one, else the first that is not old."""
    return next((written for name in _names(resource) if (written := _written(name))), None)


def family_name(resource: Resource) -> str | None:
    """Of the name that `human_name` shows."""
    return words(next(filter(_written, _names(resource)), None), "family")


def given_names(resource: Resource) -> str | None:
    """Of the name that `human_name` shows."""
    given = _several(next(filter(_written, _names(resource)), {}), "given")
    return " ".join(part.strip() for part in given if isinstance(part, str)) or None


def _names(resource: Resource) -> list[dict[str, Any]]:
    """The one to be used first."""
    names = [n for n in items(resource, "name") if n.get("use") != "old"]
    return sorted(names, key=lambda n: _PREFERRED.index(n["use"]) if n.get("use") in _PREFERRED else len(_PREFERRED))


def _written(name: dict[str, Any]) -> str:
    parts = [*_several(name, "prefix"), *_several(name, "given"), name.get("family"), *_several(name, "suffix")]
    return words(name, "text") or " ".join(p.strip() for p in parts if isinstance(p, str) and p.strip())


def _several(name: dict[str, Any], part: str) -> list[Any]:
    value = name.get(part)
    return value if isinstance(value, list) else []


def medical_record_number(person: Resource) -> str | None:
    """The identifier of type MR (http://terminology.hl7.org/CodeSystem/v2-0203)."""
    return next((words(i, "value") for i in items(person, "identifier") if "MR" in codes(i.get("type"))), None)


def encounter_title(visit: Resource) -> str:
    """What kind of encounter it was, in the EHR's words."""
    concepts = [*items(visit, "type"), visit.get("serviceType"), visit.get("class")]
    return next((said for concept in concepts if (said := title(concept))), "Encounter")
