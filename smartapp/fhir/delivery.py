"""Brings one resource to the EHR at most once, reads it back, and withdraws what must not stand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from smartapp.errors import ChartsideError, EHRUnavailable
from smartapp.fhir.client import FHIRClient, typed
from smartapp.fhir.confirmation import differences
from smartapp.fhir.elements import items
from smartapp.fhir.errors import AnswerLost, EHRAnswered, NotConfirmed
from smartapp.fhir.outbox import IN_THE_CHART, Outbox
from smartapp.fhir.references import Resource
from smartapp.fhir.resources import token
from smartapp.fhir.transaction import full_url
from smartapp.reviews import Rung

Told = tuple[str, str | None, str]  # outcome, reference, detail of one line
T = TypeVar("T")

VOID: Final = (
    "The chart holds what Chartside wrote earlier, but it was since marked as an error there; it was not changed."
)
_PAUSES: Final = (0.3, 1.0)  # seconds; an EHR that answers from a copy shows what it took a little later
_GONE: Final = frozenset({404, 410})
_UNDER_WAY: Final = (
    "It was sent without an answer and is not in the chart so far, but may still arrive. "
    "Press Finish writing in a minute: then it is looked for, and sent again only if it is not there."
)
_OTHER_CODE: Final = (
    "The EHR took it but held another code than was signed, {held}, so Chartside marked it as entered in error."
)
_WITHDRAWN: Final = (
    "The EHR took a draft claim with a diagnosis that it then refused, so Chartside marked it as entered in error."
)
_STILL_VALID: Final = "The EHR took the change and still shows it as valid."
_BY_HAND: Final = " It could not be withdrawn: mark {reference} as entered in error in the EHR. {why}"


class Delivery:
    """The client and the outbox of one run; `sent` says whether anything left, `placed` where a transaction put it."""

    def __init__(self, client: FHIRClient, outbox: Outbox, encounter: str) -> None:
        self.client, self.outbox, self.encounter = client, outbox, encounter
        self.sent = False
        self.placed: dict[str, str] = {}

    def sending(self, *places: int) -> None:
        self.outbox.sending(*places)
        self.sent = True

    def read(self, reference: str) -> Resource:
        type, _, id = reference.partition("/")
        return self.client.read(type, id)

    def find(self, place: int, type: str, identifier: str) -> Resource | None:
        """Ours by its identifier, which is checked, since some servers ignore the parameter; where the EHR named its id
        by that, since a search may lag behind; and among what belongs to the encounter, since some servers find nothing
        for a token with its system."""
        for known in (self.placed.get(full_url(identifier)), self.outbox.lines[place].reference):
            resource = self.there(known) if known else None
            if resource and _has(resource, identifier):
                return resource
        patient = typed("Patient", self.client.patient)
        for way in ({"identifier": token(identifier)}, {"encounter": typed("Encounter", self.encounter)}):
            found = self.client.search(type, patient=patient, **way)
            ours = next((r for r in found if _has(r, identifier)), None)
            if ours:
                return ours
        return None

    def there(self, reference: str) -> Resource | None:
        try:
            return self.read(reference)
        except EHRAnswered as error:
            if error.http_status in _GONE:
                return None
            raise

    def create(
        self,
        place: int,
        resource: Resource,
        identifier: str = "",
        *,
        only: str | None = None,
        look: Callable[[], Resource | None] | None = None,
    ) -> Resource:
        """POST once, unless it may be under way; where the answer is lost, look whether it arrived.

        Returns what the EHR then holds; raises unless it is what was sent.
        """
        look = look or (lambda: self.find(place, str(resource["resourceType"]), identifier))
        if self.outbox.may_be_under_way(place):
            raise AnswerLost(_UNDER_WAY)
        self.sending(place)
        try:
            reference = self.client.create(resource, if_none_exist=only or f"identifier={token(identifier)}")
        except AnswerLost as error:
            found = self.patiently(look)
            if found is None:
                raise AnswerLost(f"{error.detail} {_UNDER_WAY}") from None
            reference = typed(str(found["resourceType"]), str(found["id"]))
        except ChartsideError as error:
            # 500 may have taken effect, 409 and 412 may mean that it is there; the others are plain.
            unclear = isinstance(error, EHRUnavailable) or getattr(error, "http_status", 0) in (409, 412)
            found = self.patiently(look) if unclear else None
            self.outbox.answered(place)
            if found is None:
                raise
            reference = typed(str(found["resourceType"]), str(found["id"]))
        return self.confirm(place, reference, resource)

    def settle(self, place: int, reference: str, resource: Resource) -> Resource:
        """What was found of ours: compared like a fresh write unless it was confirmed before, for people may change
        what is theirs by now."""
        line = self.outbox.lines[place]
        if not line.attempts or line.outcome in IN_THE_CHART:
            return self.read(reference)
        return self.confirm(place, reference, resource)

    def change(
        self, place: int, before: Resource, after: Resource, operations: Sequence[Mapping[str, Any]]
    ) -> Resource:
        """PUT, or PATCH where that is the rung, on the version that was read; what the EHR then holds."""
        self.sending(place)
        try:
            if self.outbox.lines[place].rung is Rung.JSON_PATCH:
                self.client.patch(before, operations)
            else:
                self.client.update(after)
        except EHRUnavailable as error:
            # Committed or not? What the EHR now holds tells.
            held = self.read(typed(str(before["resourceType"]), str(before["id"])))
            if differences(self.client.base_url, after, held, before):
                if not isinstance(error, AnswerLost):
                    self.outbox.answered(place)
                raise
        except ChartsideError:
            self.outbox.answered(place)
            raise
        return self.confirm(place, typed(str(before["resourceType"]), str(before["id"])), after, before)

    def confirm(self, place: int, reference: str, sent: Resource, before: Resource | None = None) -> Resource:
        """What the EHR holds under the reference. Raises NotConfirmed unless it is what was sent, without what it was
        to lose of what stood there `before`."""
        seen: list[Resource] = []

        def look() -> Resource | None:
            seen[:] = [held] if (held := self.there(reference)) else []
            return held if held and not differences(self.client.base_url, sent, held, before) else None

        held = self.patiently(look)
        if held is None and not seen:
            raise NotConfirmed(f"The EHR said that it keeps it as {reference}, but does not show it yet.", reference)
        self.outbox.answered(place)
        if held is None:
            changed = differences(self.client.base_url, sent, seen[0], before)
            told = f"The EHR took it but holds something else than was sent: {', '.join(changed)}."
            raise NotConfirmed(told, reference)
        return held

    def patiently(self, look: Callable[[], T | None]) -> T | None:
        """Looks again after a moment where there is nothing yet."""
        for pause in _PAUSES:
            if (found := look()) is not None:
                return found
            self.client.pause(pause)
        return look()

    def withdraw_condition(self, condition: Resource) -> Told:
        """A diagnosis that the EHR holds with another code than was signed: nobody stands for it."""
        held = ", ".join(str(c.get("code")) for c in items(condition, "code", "coding")) or "none"
        told = _OTHER_CODE.format(held=held)
        return self._withdraw(in_error(condition), told, "The EHR holds another code than was signed.")

    def withdraw_claim(self, claim: Resource) -> Told:
        """A draft that names a diagnosis which is not in the chart could be billed."""
        return self._withdraw(
            claim | {"status": "entered-in-error"}, _WITHDRAWN, "A draft claim names a diagnosis that was refused."
        )

    def _withdraw(self, void: Resource, done: str, undone: str) -> Told:
        """Told as done only where the EHR then shows it as void, or not at all."""
        reference, why = typed(str(void["resourceType"]), str(void["id"])), _STILL_VALID

        def look() -> bool | None:
            held = self.there(reference)
            return True if held is None or not differences(self.client.base_url, void, held) else None

        try:
            try:
                self.client.update(void)
            except EHRUnavailable as error:  # committed or not? What the EHR now holds tells.
                why = error.detail
            if self.patiently(look):
                return "undone", reference, done
        except ChartsideError as error:
            why = error.detail
        return "stray", reference, undone + _BY_HAND.format(reference=reference, why=why)


def in_error(condition: Resource) -> Resource:
    void = {key: value for key, value in condition.items() if key != "clinicalStatus"}  # R4, invariant con-5
    system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    return void | {"verificationStatus": {"coding": [{"system": system, "code": "entered-in-error"}]}}


def _has(resource: Resource, identifier: str) -> bool:
    return any(i.get("value") == identifier for i in items(resource, "identifier"))
