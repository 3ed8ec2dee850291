"""Elements of resources as EHRs really send them: what is missing or of the wrong shape reads as nothing."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from fhirclient.models.fhirdatetime import FHIRDateTime


def at(value: object, *path: str) -> object:
    """What lies under the names, None where one of them is missing."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def items(value: object, *path: str) -> list[dict[str, Any]]:
    """The objects of the list that lies under the names."""
    found = at(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def words(value: object, *path: str) -> str | None:
    """The text under the names in one line, None when there is none."""
    found = at(value, *path)
    return (" ".join(found.split()) or None) if isinstance(found, str) else None


def codes(concept: object) -> set[str]:
    """The codes of a CodeableConcept, whatever their systems."""
    return {code for coding in items(concept, "coding") if (code := words(coding, "code"))}


def title(concept: object) -> str | None:
    """A CodeableConcept (or Coding) in the EHR's words."""
    said = [words(concept, "text"), *(words(c, "display") for c in items(concept, "coding")), words(concept, "display")]
    return next((text for text in said if text), None)


def instant(value: object) -> datetime | None:
    """A FHIR date, dateTime or instant; the earliest moment of a partial one, UTC where no zone is given."""
    try:
        moment: datetime | None = FHIRDateTime(value).datetime
    except (ValueError, TypeError):
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def day(value: object) -> date | None:
    """The day as the EHR writes it, in its own time zone."""
    moment = instant(value)
    return moment.date() if moment else None
