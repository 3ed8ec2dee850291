"""Which documents belong to an encounter: searched for as this EHR can, and each result checked by ourselves."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from smartapp.errors import EHRRefused
from smartapp.fhir.client import FHIRClient, typed
from smartapp.fhir.diagnoses import of_encounter
from smartapp.fhir.elements import at, instant, words
from smartapp.fhir.errors import is_forbidden
from smartapp.fhir.references import Resource, encounter_of
from smartapp.reviews import UNDER_WAY

CLINICAL_NOTE = "clinical-note"
_CATEGORIES = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"

Query = dict[str, str | list[str]]


class Way(StrEnum):
    """How documents are searched for, best first."""

    ENCOUNTER = "encounter"
    PERIOD = "period"  # by the time of the service that a document is about
    DATE = "date"  # by the time when it was written


@dataclass(frozen=True, slots=True)
class Visit:
    """The encounter that documents are looked for."""

    base: str
    patient: str
    encounter: str
    start: datetime | None
    end: datetime | None

    @classmethod
    def of(cls, base: str, patient: str, encounter: Resource) -> "Visit":
        """One that goes on ends now; one that is over and has no end, at its beginning."""
        start, end = instant(at(encounter, "period", "start")), instant(at(encounter, "period", "end"))
        if start and end is None:
            end = datetime.now(UTC).astimezone(start.tzinfo) if words(encounter, "status") in UNDER_WAY else start
        return cls(base, patient, str(encounter["id"]), start, end)

    def holds(self, document: Resource) -> bool:
        """Whether the document says that it is of this encounter."""
        return of_encounter(self.base, document, self.encounter)

    def may_hold(self, document: Resource) -> bool:
        """Whether it names no encounter and is of these days; one that names another never is.

        Notes are written until the day after.
        """
        day = self._day_of(document)
        if encounter_of(document) or day is None or self.start is None or self.end is None:
            return False
        return self.start.date() <= day <= self.end.date() + timedelta(days=1)

    def _day_of(self, document: Resource) -> date | None:
        """The day of the service, or else of the writing, where the encounter took place."""
        stated = words(document, "context", "period", "start") or words(document, "date")
        moment = instant(stated)
        if moment is None or self.start is None or len(stated or "") <= len("2026-03-02"):
            return moment.date() if moment else None
        return moment.astimezone(self.start.tzinfo).date()

    def query(self, way: Way, type: str, vendor: str) -> Query | None:
        """The parameters of the search; None where this encounter cannot be searched for so."""
        about: Query = {"patient": typed("Patient", self.patient)}
        is_note = type == "DocumentReference"
        category: Query = {"category": _category(vendor)} if is_note else {}
        if way is Way.ENCOUNTER:
            # Epic answers for each kind of document it knows; only clinical notes are asked of it.
            return about | {"encounter": typed("Encounter", self.encounter)} | (category if vendor == "epic" else {})
        if self.start is None or self.end is None or (way is Way.PERIOD and not is_note):
            return None
        # A closed range with ge and lt is what Oracle demands; a day more on each side, for the time zone is the EHR's.
        first, last = self.start.date() - timedelta(days=1), self.end.date() + timedelta(days=3)
        return about | category | {way.value: [f"ge{first}", f"lt{last}"]}


def _category(vendor: str) -> str:
    # Several servers find nothing for `system|code`; Oracle's categories are of several systems and want it named.
    return f"{_CATEGORIES}|{CLINICAL_NOTE}" if vendor == "oracle" else CLINICAL_NOTE


@dataclass(frozen=True, slots=True)
class Found:
    """The documents of the encounter, and what there is to say about the list."""

    documents: tuple[Resource, ...]
    way: Way
    missing: tuple[str, ...]
    warnings: tuple[str, ...]


def find_documents(client: FHIRClient, type: str, visit: Visit, listed: Collection[str] = ()) -> Found:
    """The first way that brings something, those first that the EHR lists among its search parameters.

    Raises what the first search raised when the EHR refuses every way, NotGranted, and EHRUnavailable.
    """
    refused: list[EHRRefused] = []
    empty: list[Found] = []
    for way, query in _ways(type, visit, client.vendor, listed):
        try:
            found = search_by(client, type, visit, way, query)
        except EHRRefused as error:
            if is_forbidden(error):
                raise
            refused.append(error)
            continue
        if found.documents:
            return found
        empty.append(found)
    if not empty:
        raise refused[0]
    # An empty answer by encounter proves little: some servers give it to any. One by time does.
    doubts = [] if any(found.way is not Way.ENCOUNTER for found in empty) else [error.detail for error in refused]
    missing = [*doubts, *(words for found in empty for words in found.missing)]
    warnings = [words for found in empty for words in found.warnings]
    return Found((), empty[0].way, tuple(dict.fromkeys(missing)), tuple(dict.fromkeys(warnings)))


def search_by(client: FHIRClient, type: str, visit: Visit, way: Way, query: Query) -> Found:
    """One search; what it brings of other encounters is left out: servers have been seen to ignore filters."""
    matches = client.find(type, **query)
    mine = tuple(d for d in matches.resources if visit.holds(d) or visit.may_hold(d))
    return Found(mine, way, matches.missing, matches.warnings)


def _ways(type: str, visit: Visit, vendor: str, listed: Collection[str]) -> Iterator[tuple[Way, Query]]:
    for way in sorted(Way, key=lambda way: bool(listed) and way.value not in listed):
        query = visit.query(way, type, vendor)
        if query is not None:
            yield way, query
