"""What was read of an encounter's chart, and who reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

# Encounter.status, https://hl7.org/fhir/R4/valueset-encounter-status.html
VOID = frozenset({"cancelled", "entered-in-error"})  # it did not take place
UNDER_WAY = frozenset({"planned", "arrived", "triaged", "in-progress", "onleave"})
INPATIENT = frozenset({"IMP", "ACUTE", "NONAC", "SS"})  # v3-ActCode encounter classes


@dataclass(frozen=True, slots=True)
class ReviewKey:
    """Whose encounter in which EHR: one review each."""

    iss: str
    patient: str
    encounter: str


@dataclass(frozen=True, slots=True)
class Reviewer:
    """The person, as the EHR vouches for them."""

    fhir_user: str  # Practitioner/123
    name: str
    launch: str = field(default="", compare=False, repr=False)  # SHA-256 of the launch key: the person stays the same
    role: str = field(default="", compare=False)  # in which they work in that launch


@dataclass(frozen=True, slots=True)
class Note:
    """A note as read from the EHR: its text, or the reason why there is none."""

    id: str  # of its DocumentReference; of any other resource with its type: DiagnosticReport/12
    version_id: str | None
    title: str
    date: datetime | None
    author: str | None
    text: str | None
    unreadable: str | None  # one plain sentence when text is None
    sha256: str | None  # of the text in UTF-8
    stamp: str = ""  # is another when the EHR may hold another text
    by_date: bool = False  # it names no encounter, and is of the days of this one
    addendum_to: str | None = None  # id of the note beside which it stands
    replaces: tuple[str, ...] = ()  # ids of the notes in whose place it stands
    changed_at: datetime | None = None  # when it was first read with another text than before

    @property
    def is_report(self) -> bool:
        """Of a DiagnosticReport."""
        return self.id.startswith("DiagnosticReport/")

    @property
    def reference(self) -> str:
        """As FHIR names it."""
        return self.id if "/" in self.id else f"DocumentReference/{self.id}"

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Note":
        """The inverse of `asdict` with its moments in ISO 8601."""
        moments = {name: _moment(value.get(name)) for name in ("date", "changed_at")}
        return cls(**{**value, **moments, "replaces": tuple(value.get("replaces", ()))})


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


@dataclass(frozen=True, slots=True)
class NotesSince:
    """What became of the notes in the EHR since they were read."""

    arrived: int = 0
    changed: int = 0
    gone: int = 0  # withdrawn, or entered in error

    def __bool__(self) -> bool:
        return bool(self.arrived or self.changed or self.gone)


AS_READ = NotesSince()


@dataclass(frozen=True, slots=True)
class ChartHeader:
    """What the page shows above the notes."""

    patient_name: str
    birth_date: str | None
    gender: str | None
    mrn: str | None
    encounter_title: str
    encounter_class: str | None  # AMB, EMER, IMP ...
    date_of_service: date | None
    existing_diagnoses: tuple[str, ...]  # "I10 Essential (primary) hypertension" from the chart
    discharged: bool = False  # the EHR says when the encounter ended
    family_name: str | None = None  # parts of patient_name, where the EHR gives them
    given_names: str | None = None
    status: str | None = None  # of the encounter, as in FHIR
    began: date | None = None  # the encounter, of an inpatient the admission; `date_of_service` may be its end

    @property
    def void(self) -> bool:
        """The encounter did not take place: there is nothing to code."""
        return self.status in VOID

    @property
    def under_way(self) -> bool:
        """It goes on, or is still to come: notes will follow."""
        return self.status in UNDER_WAY

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "ChartHeader":
        """The inverse of `asdict` with its days in ISO 8601."""
        days = {name: _day(value.get(name)) for name in ("date_of_service", "began")}
        return cls(**{**value, **days, "existing_diagnoses": tuple(value["existing_diagnoses"])})
