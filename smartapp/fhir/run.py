"""One run of a write-back: what is in the chart so far, what was sent, and what stands in the encounter's list."""

from collections.abc import Collection, Sequence

from smartapp.errors import EHRRefused
from smartapp.fhir.bodies import Bodies
from smartapp.fhir.client import typed
from smartapp.fhir.delivery import Delivery
from smartapp.fhir.diagnoses import Diagnosis, as_diagnosis, is_void
from smartapp.fhir.earlier import WITHDRAWAL, earlier_of
from smartapp.fhir.elements import words
from smartapp.fhir.listing import Listing
from smartapp.fhir.plan import ORDER, held_already, purpose_of
from smartapp.fhir.references import Resource
from smartapp.fhir.resources import condition_id, token
from smartapp.fhir.transaction import full_url
from smartapp.reviews import Choice

_CHANGED = (
    "Somebody else changed the diagnoses of the encounter after they were reviewed here. Choose what shall stand."
)
MAY_PASS = frozenset({409, 412})  # somebody was at it at the same moment; the next attempt may do


class Held(EHRRefused):
    """Nothing further is sent before a person has chosen."""


class Run:
    """What sending at once and sending one by one share."""

    def __init__(self, delivery: Delivery, bodies: Bodies, diagnoses: tuple[Diagnosis, ...]) -> None:
        self._delivery, self._client, self._outbox = delivery, delivery.client, delivery.outbox
        self._bodies, self._chart, self._key = bodies, bodies.chart, bodies.chart.key
        self._accepted, self._attestation = bodies.accepted, bodies.attestation
        self._diagnoses = diagnoses
        self._earlier = earlier_of(bodies.corrections)
        self._leaving = frozenset(
            line.purpose.removeprefix(WITHDRAWAL) for line in self._outbox.lines if line.purpose.startswith(WITHDRAWAL)
        )
        self._conditions: list[str] = []  # references, in the order of the accepted codes
        self._own: list[str] = []  # what Chartside wrote, as versioned references
        self._again = len(bodies.corrections)
        self._stopped: str | None = None
        self._mending = False

    def _held(self) -> list[Diagnosis]:
        found = (held_already(self._key, code.code, self._diagnoses) for code in self._accepted)
        return [diagnosis for diagnosis in found if diagnosis]

    def _known_listing(self, current: Resource) -> Listing:
        """Where others seem to have changed the list, what is ours is looked for by its identifier too: some servers
        find nothing by encounter."""
        listing = self._listing(current, [d.reference for d in self._held()])
        if not listing.changed_by_others():
            return listing
        for code in self._accepted:
            place = self._outbox.find("Condition", purpose_of(code.code))
            if place is not None and held_already(self._key, code.code, self._diagnoses) is None:
                found = self._delivery.find(place, "Condition", condition_id(self._key, code.code))
                if found and not is_void(found):
                    self._diagnoses = (*self._diagnoses, as_diagnosis(found))
        return self._listing(current, [d.reference for d in self._held()])

    def _listing(self, current: Resource, ours: Sequence[str]) -> Listing:
        ids = {full_url(condition_id(self._key, code.code)) for code in self._accepted}
        withdrawn = self._ours_of(self._leaving) | self._earlier.withdrawn_but([code.code for code in self._accepted])
        before = frozenset(self._earlier.written.values()) | withdrawn
        placed = self._ours_of([code.code for code in self._accepted]) if self._bodies.corrections else set[str]()
        in_order = [reference for reference in ours if reference in placed]
        base, reviewed = self._client.base_url, self._chart.encounter
        return Listing(base, reviewed, current, frozenset(ours) | before, ids, withdrawn, in_order)

    def _ours_of(self, codes: Collection[str]) -> set[str]:
        """Conditions that Chartside made of these codes, by the chart as it was read, as it is, and the receipts."""
        wanted = {token(condition_id(self._key, code)) for code in codes}
        held = {d.reference for d in (*self._chart.diagnoses, *self._diagnoses) if wanted & set(d.identifiers)}
        lines = (line for line in self._outbox.lines if line.resource == "Condition" and line.attempts)
        sent = {line.reference for line in lines if line.reference and line.purpose.rpartition(" ")[2] in codes}
        return held | sent | {self._earlier.written[code] for code in codes if code in self._earlier.written}

    def _choice(self, listing: Listing) -> Choice:
        """What shall stand. Raises Held where somebody else changed the list and nobody chose between the two."""
        place = self._outbox.find("Encounter", ORDER)
        held = [d.reference for d in self._held()]
        done = len(held) == len(self._accepted) and listing.holds_all(held, self._chart.setting)
        if place is None or done or not listing.changed_by_others():
            return Choice.BOTH
        chosen = self._outbox.lines[place].conflict
        if chosen and chosen.choice and chosen.seen == listing.seen():
            return chosen.choice
        titles = {d.reference: f"{d.code or ''} {d.title}".strip() for d in self._diagnoses}
        signed = [f"{code.code} {code.title}" for code in self._accepted]
        self._outbox.tell(place, "conflict", None, _CHANGED, listing.conflict(titles, signed))
        raise Held(_CHANGED)

    def _chooser(self) -> str:
        place = self._outbox.find("Encounter", ORDER)
        chosen = self._outbox.lines[place].conflict if place is not None else None
        return chosen.by if chosen and chosen.by else "A person"

    def _tell_unfinished(self, outcome: str, detail: str) -> None:
        for place in self._outbox.unfinished():
            self._outbox.tell(place, outcome, None, detail)

    def _keep_new(self, place: int, resource: Resource) -> None:
        """As `_keep`; but a correction's Provenance speaks of what this signature wrote, and of nothing before it."""
        if not self._bodies.corrections or self._outbox.lines[place].attempts:
            self._keep(resource)

    def _keep(self, resource: Resource) -> None:
        version = words(resource, "meta", "versionId")
        reference = typed(str(resource["resourceType"]), str(resource["id"]))
        self._own.append(f"{reference}/_history/{version}" if version else reference)
