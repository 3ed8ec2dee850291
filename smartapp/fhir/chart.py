"""The encounter in front of the user: patient, notes, diagnoses and coverage, read once and kept as one value."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from model.document import Setting
from smartapp.errors import ChartsideError, ForeignResource, SessionExpired
from smartapp.fhir.client import FHIRClient, typed
from smartapp.fhir.demographics import encounter_title, human_name, medical_record_number
from smartapp.fhir.diagnoses import Diagnosis, of_encounter, read_diagnoses
from smartapp.fhir.elements import at, day, instant, title, words
from smartapp.fhir.notes import read_notes, standing
from smartapp.fhir.references import Resource, encounter_of, literal
from smartapp.reviews import ChartHeader, Note, ReviewKey

_NAMES_READ = 12  # practitioners looked up for one chart; EHRs are busy

# v3-ActCode encounter classes. Observation is outpatient (Official Guidelines, Section IV.A.2); home health follows
# Sections II and III, so it is not outpatient.
_SETTINGS = {
    "AMB": Setting.OUTPATIENT,
    "VR": Setting.OUTPATIENT,
    "OBSENC": Setting.OUTPATIENT,
    "EMER": Setting.ED,
    "IMP": Setting.INPATIENT,
    "ACUTE": Setting.INPATIENT,
    "NONAC": Setting.INPATIENT,
    "SS": Setting.INPATIENT,
}


@dataclass(frozen=True, slots=True)
class Chart:
    """What was read; the same after a trip through JSON."""

    key: ReviewKey
    header: ChartHeader
    notes: tuple[Note, ...]
    setting: Setting
    date_of_service: date | None
    diagnoses: tuple[Diagnosis, ...]
    procedures: tuple[str, ...]
    coverage: str | None  # Coverage/7: the active one
    encounter: Resource  # as read

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` is its inverse."""
        plain = asdict(self)
        plain["header"]["date_of_service"] = _iso(self.header.date_of_service)
        plain["date_of_service"] = _iso(self.date_of_service)
        for note in plain["notes"]:
            note["date"] = _iso(note["date"])
        return plain

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Chart":
        header = value["header"]
        return cls(
            key=ReviewKey(**value["key"]),
            header=ChartHeader(
                **header
                | {
                    "date_of_service": _day(header["date_of_service"]),
                    "existing_diagnoses": tuple(header["existing_diagnoses"]),
                }
            ),
            notes=tuple(Note(**n | {"date": _moment(n["date"])}) for n in value["notes"]),
            setting=Setting(value["setting"]),
            date_of_service=_day(value["date_of_service"]),
            diagnoses=tuple(Diagnosis(**d | {"identifiers": tuple(d["identifiers"])}) for d in value["diagnoses"]),
            procedures=tuple(value["procedures"]),
            coverage=value["coverage"],
            encounter=value["encounter"],
        )


def read_chart(client: FHIRClient, patient: str, encounter: str, progress: Callable[[str], None]) -> Chart:
    """Reads all that coding needs; ForeignResource when patient and encounter do not belong together."""
    if client.patient != patient:
        raise ForeignResource("The chart asked for is not the one of this launch.")
    progress("Reading the encounter")
    person = client.read("Patient", patient)
    visit = client.read("Encounter", encounter)
    progress("Looking for notes")
    documents = standing(client.base_url, _documents(client, patient, encounter, visit))
    notes = read_notes(client, documents, _NameReader(client), progress)
    progress("Reading diagnoses and coverage")
    diagnoses = read_diagnoses(client, patient, encounter)
    setting = _SETTINGS.get(words(visit, "class", "code") or "", Setting.OTHER)
    served_on = _date_of_service(visit, setting)
    return Chart(
        key=ReviewKey(client.base_url, patient, encounter),
        header=_header(person, visit, served_on, diagnoses),
        notes=notes,
        setting=setting,
        date_of_service=served_on,
        diagnoses=diagnoses,
        procedures=_procedures(client, patient, encounter),
        coverage=_coverage(client, patient, served_on),
        encounter=visit,
    )


def _documents(client: FHIRClient, patient: str, encounter: str, visit: Resource) -> list[Resource]:
    """By encounter; where that finds nothing, the patient's clinical notes of the encounter's time."""
    about = typed("Patient", patient)
    found = client.search("DocumentReference", patient=about, encounter=typed("Encounter", encounter))
    linked = [d for d in found if of_encounter(client.base_url, d, encounter)]
    if linked:
        return linked
    start, end = instant(at(visit, "period", "start")), instant(at(visit, "period", "end"))
    if start is None:
        return []
    days = [f"ge{start.date()}"] + ([f"le{end.date() + timedelta(days=1)}"] if end else [])
    found = client.search("DocumentReference", patient=about, category="clinical-note", date=days)
    return [d for d in found if of_encounter(client.base_url, d, encounter) or _falls_into(d, start, end)]


def _falls_into(document: Resource, start: datetime, end: datetime | None) -> bool:
    """A note that names no encounter and was written during this one; one that names another never counts."""
    written = instant(document.get("date"))
    if encounter_of(document) or written is None or end is None:
        return False
    return start <= written <= end + timedelta(days=1)


class _NameReader:
    """Names of practitioners by reference: the display, else the Practitioner where it can be read."""

    def __init__(self, client: FHIRClient) -> None:
        self._client = client
        self._known: dict[str, str | None] = {}

    def __call__(self, reference: Mapping[str, Any]) -> str | None:
        display = words(reference, "display")
        if display:
            return display
        found = literal(self._client.base_url, reference)
        if found is None or found.type != "Practitioner":
            return None
        if found.id not in self._known and len(self._known) < _NAMES_READ:
            self._known[found.id] = self._read(found.id)
        return self._known.get(found.id)

    def _read(self, id: str) -> str | None:
        try:
            return human_name(self._client.read("Practitioner", id))
        except SessionExpired:
            raise
        except ChartsideError:
            return None  # a name is a courtesy: the note is read without it


def _optional(search: Callable[[], list[Resource]]) -> list[Resource]:
    """Nothing where the EHR does not give this kind of resource: the chart can be coded without it."""
    try:
        return search()
    except SessionExpired:
        raise
    except ChartsideError:
        return []


def _procedures(client: FHIRClient, patient: str, encounter: str) -> tuple[str, ...]:
    about, during = typed("Patient", patient), typed("Encounter", encounter)
    found = _optional(lambda: client.search("Procedure", patient=about, encounter=during))
    titles = [title(p.get("code")) for p in found if of_encounter(client.base_url, p, encounter)]
    return tuple(dict.fromkeys(t for t in titles if t))


def _coverage(client: FHIRClient, patient: str, served_on: date | None) -> str | None:
    """The active Coverage in force on the date of service; the primary one where the EHR tells their order."""
    about = typed("Patient", patient)
    found = _optional(lambda: client.search("Coverage", beneficiary=about, status="active"))
    in_force = [c for c in found if c.get("status") == "active" and _covers(c, served_on)]
    ordered = sorted(in_force, key=_order)
    return typed("Coverage", str(ordered[0]["id"])) if ordered else None


def _order(coverage: Resource) -> int:
    order = coverage.get("order")
    return order if isinstance(order, int) else 99


def _covers(coverage: Resource, served_on: date | None) -> bool:
    start, end = day(at(coverage, "period", "start")), day(at(coverage, "period", "end"))
    return served_on is None or ((start is None or start <= served_on) and (end is None or served_on <= end))


def _header(person: Resource, visit: Resource, served_on: date | None, diagnoses: tuple[Diagnosis, ...]) -> ChartHeader:
    return ChartHeader(
        patient_name=human_name(person) or "Name not given",
        birth_date=words(person, "birthDate"),
        gender=words(person, "gender"),
        mrn=medical_record_number(person),
        encounter_title=encounter_title(visit),
        encounter_class=words(visit, "class", "code"),
        date_of_service=served_on,
        existing_diagnoses=tuple(dict.fromkeys(f"{d.code or ''} {d.title}".strip() for d in diagnoses)),
        discharged=day(at(visit, "period", "end")) is not None,
    )


def _date_of_service(visit: Resource, setting: Setting) -> date | None:
    """The day that decides the edition of the code set: discharge for inpatients, else the beginning."""
    start, end = day(at(visit, "period", "start")), day(at(visit, "period", "end"))
    return (end or start) if setting is Setting.INPATIENT else (start or end)


def _iso(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
