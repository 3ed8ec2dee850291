"""The rungs of single writes and of JSON Patch: how each resource is looked for, written and confirmed by itself."""

from collections.abc import Callable

from smartapp.errors import EHRRefused
from smartapp.fhir.changing import Changing
from smartapp.fhir.claim import claim_id
from smartapp.fhir.client import typed
from smartapp.fhir.delivery import VOID, Told
from smartapp.fhir.diagnoses import as_diagnosis, is_void, of_encounter
from smartapp.fhir.elements import words
from smartapp.fhir.errors import EHRAnswered, NotConfirmed
from smartapp.fhir.identifiers import document_id, message_id, token
from smartapp.fhir.listing import operations
from smartapp.fhir.origin import Origins
from smartapp.fhir.plan import NO_COVERAGE, held_already
from smartapp.fhir.references import Resource
from smartapp.fhir.resources import condition_id
from smartapp.fhir.run import MAY_PASS
from smartapp.reviews import AcceptedCode, Choice, Rung

_LEFT = "{by} chose to leave the encounter's diagnoses as somebody else had listed them."
_STRAY = "The EHR keeps it although it refused what it speaks of. Remove it in the EHR."


class OneByOne(Changing):
    """Each method writes one line of the outbox, at its place, and says how that ended; raises where it could not."""

    def _condition(self, accepted: AcceptedCode, place: int) -> Told:
        identifier = condition_id(self._key, accepted.code)
        held = held_already(self._key, accepted.code, self._diagnoses)
        if held is None and (found := self._delivery.find(place, "Condition", identifier)):
            if not of_encounter(self._client.base_url, found, self._key.encounter):
                raise EHRRefused(VOID)
            if is_void(found):
                found = self._brought_back(place, accepted, found)
            held = as_diagnosis(found)
        if held and token(identifier) not in held.identifiers:
            self._conditions.append(held.reference)
            return "already-there", held.reference, ""
        body = self._bodies.condition(accepted)
        try:
            if held:
                resource = self._delivery.settle(place, held.reference, body)
            else:
                resource = self._delivery.create(place, body, identifier)
        except NotConfirmed as error:
            return self._withdrawn(error, accepted)
        now = as_diagnosis(resource)
        if now.code != accepted.code:
            raise NotConfirmed("The EHR took it earlier but holds another code than was sent.", now.reference)
        self._conditions.append(now.reference)
        self._keep_new(place, resource)
        return "already-there" if held else "written", now.reference, ""

    def _withdrawn(self, error: NotConfirmed, accepted: AcceptedCode) -> Told:
        """Where the EHR made another code of it, that one must not stand; all else is told."""
        held = self._delivery.there(error.reference)
        if held is None or as_diagnosis(held).code in (None, accepted.code):
            raise error
        return self._delivery.withdraw_condition(held)

    def _encounter(self, place: int) -> Told:
        """412 = somebody was faster: what they changed decides whether ours can be added or a person must choose."""
        reference = typed("Encounter", self._key.encounter)
        if not self._conditions and self._accepted:
            return self._unlisted(place, self._delivery.read(reference))
        missing = len(self._accepted) - len(self._conditions)
        detail = f"{missing} of the diagnoses could not be listed: see above." if missing else ""
        for last in (False, True):
            current = self._delivery.read(reference)
            listing = self._listing(current, self._conditions)
            if listing.holds_all(self._conditions, self._chart.setting):
                if self._own or self._outbox.lines[place].attempts:
                    self._keep_new(place, current)
                return "already-there", reference, detail
            choice = self._choice(listing)
            left = "not-written", None, _LEFT.format(by=self._chooser())
            if choice is Choice.THEIRS and not listing.leads_nowhere():
                return left
            target = listing.target(self._conditions, self._chart.setting, choice)
            try:
                self._keep(self._delivery.change(place, current, target, operations(current, target)))
            except EHRAnswered as error:
                again = self._delivery.read(reference)
                versions = [words(encounter, "meta", "versionId") for encounter in (current, again)]
                passing = error.http_status in MAY_PASS or versions[0] != versions[1]
                if last or not passing:
                    raise
            else:
                return left if choice is Choice.THEIRS else ("written", reference, detail)
        raise AssertionError("the second attempt returns or raises")

    def _unlisted(self, place: int, current: Resource) -> Told:
        listing = self._listing(current, ())
        if listing.target((), self._chart.setting, Choice.BOTH) == current:
            return "not-written", None, "None of the diagnoses is in the chart."
        nowhere = listing.leads_nowhere()
        self._delivery.change(place, current, listing.target((), self._chart.setting, Choice.BOTH), ())
        if not nowhere:
            return "not-written", None, "None of the diagnoses is in the chart; what was withdrawn is off the list."
        return "undone", None, "The EHR listed diagnoses that it then refused; Chartside took them off the list."

    def _claim(self, place: int) -> Told:
        if self._chart.coverage is None:
            return "not-written", None, NO_COVERAGE
        found = self._delivery.find(place, "Claim", identifier := claim_id(self._key))
        if not self._accepted:
            return self._unclaimed(place, found)
        self._check_claim(found)
        if len(self._conditions) < len(self._accepted):
            if found and self._gave_up_a_diagnosis() and not self._bodies.corrections:
                return self._delivery.withdraw_claim(found)
            return "not-written", None, "A claim needs all the diagnoses in the chart first: see above."
        body, changed = self._bodies.claim(), False
        if found and self._bodies.corrections:
            changed, resource = self._recast(place, found, body)
        elif found:
            resource = self._delivery.settle(place, typed("Claim", str(found["id"])), body)
        else:
            resource = self._delivery.create(place, body, identifier)
        self._keep_new(place, resource)
        return "already-there" if found and not changed else "written", typed("Claim", str(resource["id"])), ""

    def _document(self, place: int) -> Told:
        return self._carry(place, "DocumentReference", document_id(self._key, self._again), self._bodies.document)

    def _message(self, resource: str, place: int) -> Told:
        return self._carry(place, resource, message_id(self._key, self._again), self._bodies.message)

    def _carry(self, place: int, type: str, identifier: str, build: Callable[[], Resource]) -> Told:
        found = self._delivery.find(place, type, identifier)
        if found and found.get("status") == "entered-in-error":
            raise EHRRefused(VOID)
        if found:
            resource = self._delivery.settle(place, typed(type, str(found["id"])), build())
        else:
            resource = self._delivery.create(place, build(), identifier)
        self._keep(resource)
        return "already-there" if found else "written", typed(type, str(resource["id"])), ""

    def _gave_up_a_diagnosis(self) -> bool:
        return any(w.resource == "Condition" and w.outcome in ("refused", "undone") for w in self._outbox.lines)

    def _provenance(self, place: int) -> Told:
        origins = Origins(self._client, self._key, self._attestation)
        stray = origins.stray() if self._outbox.lines[place].rung is Rung.TRANSACTION else None
        if stray and not self._own:
            return "stray", typed("Provenance", str(stray["id"])), _STRAY
        if not self._own:
            return "not-written", None, "Nothing was written that it could speak of."
        if stray:
            body = self._bodies.provenance(self._own)
            after = body | {"id": stray["id"], "meta": stray["meta"] | body["meta"]}
            self._delivery.change(place, stray, after, ())
            return "written", typed("Provenance", str(stray["id"])), ""
        earlier, told = origins.so_far(self._own)
        untold = [target for target in self._own if origins.plain(target) not in told]
        if not untold:
            return "already-there", typed("Provenance", str(earlier["id"])) if earlier else None, ""
        body = self._bodies.provenance(untold)
        tag = body["meta"]["tag"][0]

        def look() -> Resource | None:
            found, told = origins.so_far(untold)
            return found if len(told) == len(untold) else None

        resource = self._delivery.create(place, body, only=f"_tag={tag['system']}|{tag['code']}", look=look)
        return "written", typed("Provenance", str(resource["id"])), ""
