"""The encounter in front of the user: patient, notes, diagnoses and coverage, read once and kept as one value."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, TypeVar

from model.document import Setting
from smartapp.errors import ChartsideError, ForeignResource, SessionExpired
from smartapp.fhir.client import FHIRClient, typed
from smartapp.fhir.demographics import encounter_title, family_name, given_names, human_name, medical_record_number
from smartapp.fhir.diagnoses import Diagnosis, as_diagnosis, find_conditions
from smartapp.fhir.elements import at, day, items, title, words
from smartapp.fhir.errors import NotGranted
from smartapp.fhir.finding import Visit, Way, find_documents
from smartapp.fhir.notes import Standing, note_id, read_notes, standing, without_summaries
from smartapp.fhir.references import Resource, literal
from smartapp.fhir.reports import as_documents
from smartapp.reviews import VOID, ChartHeader, Note, ReviewKey

T = TypeVar("T")

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
    gaps: tuple[str, ...] = ()  # what was not read, and why
    ehr_said: tuple[str, ...] = ()  # the EHR's warnings while it was read
    way: Way = Way.ENCOUNTER  # how its notes were found

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` is its inverse."""
        plain = asdict(self)
        plain["header"] |= {name: _iso(plain["header"][name]) for name in ("date_of_service", "began")}
        plain["date_of_service"] = _iso(self.date_of_service)
        for note in plain["notes"]:
            note |= {name: _iso(note[name]) for name in ("date", "changed_at")}
        return plain

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Chart":
        return cls(
            key=ReviewKey(**value["key"]),
            header=ChartHeader.from_json(value["header"]),
            notes=tuple(map(Note.from_json, value["notes"])),
            setting=Setting(value["setting"]),
            date_of_service=_day(value["date_of_service"]),
            diagnoses=tuple(Diagnosis(**d | {"identifiers": tuple(d["identifiers"])}) for d in value["diagnoses"]),
            procedures=tuple(value["procedures"]),
            coverage=value["coverage"],
            encounter=value["encounter"],
            gaps=tuple(value.get("gaps", ())),
            ehr_said=tuple(value.get("ehr_said", ())),
            way=Way(value.get("way", Way.ENCOUNTER)),
        )


def read_chart(
    client: FHIRClient,
    patient: str,
    encounter: str,
    progress: Callable[[str], None],
    listed: Mapping[str, Collection[str]] | None = None,
) -> Chart:
    """Reads all that coding needs; ForeignResource when patient and encounter do not belong together.

    `listed` are the search parameters that the EHR lists for each type, where that is known.
    """
    if client.patient != patient:
        raise ForeignResource("The chart asked for is not the one of this launch.")
    with client.telling(progress):
        return _Reading(client, encounter, progress, listed or {}).chart()


class _Reading:
    """One reading: what was read so far, and what could not be."""

    def __init__(
        self,
        client: FHIRClient,
        encounter: str,
        progress: Callable[[str], None],
        listed: Mapping[str, Collection[str]],
    ) -> None:
        self._client, self._progress, self._listed = client, progress, listed
        self._key = ReviewKey(client.base_url, client.patient, encounter)
        self._gaps: list[str] = []
        self._said: list[str] = []
        self._way = Way.ENCOUNTER

    def chart(self) -> Chart:
        client, key = self._client, self._key
        self._progress("Reading the encounter")
        person = client.read("Patient", key.patient)
        visit = client.read("Encounter", key.encounter)
        during = Visit.of(key.iss, key.patient, visit)
        self._gaps.extend(_remarks(person, visit))
        code = _class_of(visit)
        setting = _SETTINGS.get(code or "", Setting.OTHER)
        served_on = _date_of_service(visit, setting)
        # An encounter that did not take place is shown with what the chart says of it, and its notes are not read.
        notes = () if words(visit, "status") in VOID else self._notes(during)
        self._progress("Reading diagnoses and coverage")
        conditions = find_conditions(client, key.patient, key.encounter)
        self._keep_words("Diagnoses of the encounter", conditions.missing, conditions.warnings)
        diagnoses = tuple(map(as_diagnosis, conditions.resources))
        return Chart(
            key=key,
            header=_header(person, visit, code, served_on, diagnoses),
            notes=notes,
            setting=setting,
            date_of_service=served_on,
            diagnoses=diagnoses,
            procedures=self._procedures(during),
            coverage=self._coverage(served_on),
            encounter=visit,
            gaps=tuple(dict.fromkeys(self._gaps)),
            ehr_said=tuple(dict.fromkeys(self._said)),
            way=self._way,
        )

    def _notes(self, visit: Visit) -> tuple[Note, ...]:
        self._progress("Looking for notes")
        client = self._client
        documents = self._documents(visit)
        reports = as_documents(
            client.base_url, self._linked("Diagnostic reports", "DiagnosticReport", visit), documents
        )
        listed = [*standing(client.base_url, documents), *map(Standing, reports)]
        by_date = frozenset(note_id(d) for d in documents if not visit.holds(d))
        notes = read_notes(client, listed, _NameReader(client), self._progress)
        return tuple(replace(note, by_date=note.id in by_date) for note in notes)

    def _documents(self, visit: Visit) -> list[Resource]:
        try:
            found = find_documents(self._client, "DocumentReference", visit, self._listed.get("DocumentReference", ()))
        except NotGranted as error:
            self._gaps.append(f"Notes were not read: {error.detail}")
            return []
        self._keep_words("Notes", found.missing, found.warnings)
        self._way = found.way
        return without_summaries(self._key, found.documents)

    def _linked(self, name: str, type: str, visit: Visit) -> list[Resource]:
        """Only those that name this encounter: results and procedures of other visits fall on its days too."""
        listed = self._listed.get(type, ())
        found = self._optional(name, lambda: find_documents(self._client, type, visit, listed))
        if found is None:
            return []
        self._keep_words(name, found.missing, found.warnings)
        return [resource for resource in found.documents if visit.holds(resource)]

    def _procedures(self, visit: Visit) -> tuple[str, ...]:
        found = self._linked("Procedures", "Procedure", visit)
        titles = [title(p.get("code")) for p in found if p.get("status") != "entered-in-error"]
        return tuple(dict.fromkeys(t for t in titles if t))

    def _coverage(self, served_on: date | None) -> str | None:
        """The active Coverage in force on the date of service; the primary one where the EHR tells their order."""
        # By `patient`: of nine vendors whose CapabilityStatements were read, only one lists `beneficiary` or `status`.
        about = typed("Patient", self._client.patient)
        found = self._optional("Coverages", lambda: self._client.find("Coverage", patient=about))
        if found is None:
            return None
        self._keep_words("Coverages", found.missing, found.warnings)
        in_force = [c for c in found.resources if c.get("status") == "active" and _covers(c, served_on)]
        ordered = sorted(in_force, key=_order)
        return typed("Coverage", str(ordered[0]["id"])) if ordered else None

    def _optional(self, name: str, search: Callable[[], T]) -> T | None:
        """None where the EHR does not give this kind of resource: the chart is coded without it, and says so."""
        try:
            return search()
        except SessionExpired:
            raise
        except ChartsideError as error:
            self._gaps.append(f"{name} were not read: {error.detail}")
            return None

    def _keep_words(self, name: str, missing: Iterable[str], warnings: Iterable[str]) -> None:
        self._gaps.extend(f"{name} may be missing: {words}" for words in missing)
        self._said.extend(warnings)


def _remarks(person: Resource, visit: Resource) -> Iterator[str]:
    """What to know of this record before it is coded."""
    if any(link.get("type") == "replaced-by" for link in items(person, "link")):
        yield "The EHR has merged this patient's record into another. Open the chart of that record instead."
    if day(at(visit, "period", "start")) is None:
        yield (
            "The EHR gives no date for this encounter: codes are those of the newest edition, and notes that do not "
            "name the encounter cannot be matched to it."
        )
    if _class_of(visit) is None:
        yield "The EHR gives no class for this encounter: it is coded neither as inpatient nor as outpatient."


def _class_of(visit: Resource) -> str | None:
    """The encounter's class; where it has none, the latest one of its history."""
    history = sorted(items(visit, "classHistory"), key=lambda past: words(past, "period", "start") or "")
    codes = [words(visit, "class", "code"), *(words(past, "class", "code") for past in reversed(history))]
    return next((code for code in codes if code), None)


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


def _order(coverage: Resource) -> int:
    order = coverage.get("order")
    return order if isinstance(order, int) else 99


def _covers(coverage: Resource, served_on: date | None) -> bool:
    start, end = day(at(coverage, "period", "start")), day(at(coverage, "period", "end"))
    return served_on is None or ((start is None or start <= served_on) and (end is None or served_on <= end))


def _header(
    person: Resource, visit: Resource, code: str | None, served_on: date | None, diagnoses: tuple[Diagnosis, ...]
) -> ChartHeader:
    return ChartHeader(
        patient_name=human_name(person) or "Name not given",
        birth_date=words(person, "birthDate"),
        gender=words(person, "gender"),
        mrn=medical_record_number(person),
        encounter_title=encounter_title(visit),
        encounter_class=code,
        date_of_service=served_on,
        existing_diagnoses=tuple(dict.fromkeys(f"{d.code or ''} {d.title}".strip() for d in diagnoses)),
        discharged=day(at(visit, "period", "end")) is not None,
        family_name=family_name(person),
        given_names=given_names(person),
        status=words(visit, "status"),
        began=day(at(visit, "period", "start")),
    )


def _date_of_service(visit: Resource, setting: Setting) -> date | None:
    """The day that decides the edition of the code set: discharge for inpatients, else the beginning."""
    start, end = day(at(visit, "period", "start")), day(at(visit, "period", "end"))
    return (end or start) if setting is Setting.INPATIENT else (start or end)


def _iso(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _day(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None
