"""Writes accepted codes into the chart, once, and says of each resource whether it is there.

Running it again after a kill, a time-out or a new launch completes what is missing: everything is searched for first,
and what may still be under way is left alone.
"""

from collections.abc import Callable, Sequence
from functools import partial

from smartapp.errors import ChartsideError, EHRRefused, EHRUnavailable, ForeignResource, SessionExpired
from smartapp.fhir.at_once import MAY_PASS, AllAtOnce
from smartapp.fhir.bodies import Bodies
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient, typed
from smartapp.fhir.delivery import VOID, Delivery, Told
from smartapp.fhir.diagnoses import as_diagnosis, is_void, of_encounter, read_diagnoses
from smartapp.fhir.elements import items, words
from smartapp.fhir.errors import EHRAnswered, NotConfirmed
from smartapp.fhir.identifiers import document_id, message_id, token
from smartapp.fhir.ladder import SINGLE_WRITES, Ladder
from smartapp.fhir.listing import operations
from smartapp.fhir.outbox import Outbox
from smartapp.fhir.plan import (
    CLAIM,
    MESSAGE,
    NO_COVERAGE,
    ORDER,
    ORIGIN,
    SUMMARY,
    WITHDRAWAL,
    held_already,
    plan,
    purpose_of,
)
from smartapp.fhir.references import Resource
from smartapp.fhir.resources import claim_id, condition_id, is_ours
from smartapp.fhir.run import Held
from smartapp.reviews import AcceptedCode, Attestation, Choice, ReviewKey, Rung, WrittenResource

__all__ = ["plan", "write_back"]

_SESSION = "The session with the EHR ended. Open Chartside again from the chart and finish the write-back."
_WAITS = "Not sent. It waits for the choice on the encounter's diagnoses."
_LEFT = "{by} chose to leave the encounter's diagnoses as somebody else had listed them."
_MENDED = "The EHR did not carry out the transaction as one: this was completed by itself afterwards."
_STRAY = "The EHR keeps it although it refused what it speaks of. Remove it in the EHR."


def write_back(
    client: FHIRClient,
    key: ReviewKey,
    accepted: Sequence[AcceptedCode],
    attestation: Attestation,
    model_revision: str | None,
    *,
    chart: Chart,
    outbox: Outbox,
    ladder: Ladder = SINGLE_WRITES,
) -> tuple[WrittenResource, ...]:
    """Each line of the outbox, sent by its rung, re-read and compared; idempotent.

    A failure becomes a line of the receipt. Raises only SessionExpired, and only before anything was sent,
    ForeignResource when client, key and chart do not belong together, and what keeping a line raises.
    """
    if chart.key != key or (client.base_url, client.patient) != (key.iss, key.patient):
        raise ForeignResource("The chart to write to is not the one that was reviewed.")
    if not accepted:
        return ()
    try:
        encounter = client.read("Encounter", key.encounter)
        diagnoses = read_diagnoses(client, key.patient, key.encounter)
    except SessionExpired:
        raise
    except ChartsideError as error:
        for place in outbox.unfinished():
            outbox.tell(place, "failed", None, f"Nothing was sent. {error.detail}")
        return outbox.lines
    bodies = Bodies(chart, accepted, attestation, model_revision, ladder)
    _WriteBack(Delivery(client, outbox, key.encounter), bodies, diagnoses).run(encounter)
    return outbox.lines


class _WriteBack(AllAtOnce):
    """At once where that is the rung, then line by line: whatever is there already is only looked at."""

    def run(self, encounter: Resource) -> None:
        try:
            self._choice(self._known_listing(encounter))
            one_by_one = self._all_at_once(encounter)
        except SessionExpired:
            raise
        except Held:
            self._tell_unfinished("pending", _WAITS)
        except ChartsideError as error:
            self._tell_unfinished("refused" if isinstance(error, EHRRefused) else "failed", error.detail)
        else:
            if one_by_one:
                self._one_by_one()

    def _one_by_one(self) -> None:
        for code in self._accepted:
            self._line("Condition", purpose_of(code.code), partial(self._condition, code))
        for line in self._outbox.lines:
            if line.purpose.startswith(WITHDRAWAL) and line.outcome != "not-written":
                self._line("Condition", line.purpose, partial(self._withdrawal, line.purpose.removeprefix(WITHDRAWAL)))
        self._line("Encounter", ORDER, self._encounter)
        self._line("Claim", CLAIM, self._claim)
        self._line("DocumentReference", SUMMARY, self._document)
        for resource in ("Communication", "Task"):
            self._line(resource, MESSAGE, partial(self._message, resource))
        self._line("Provenance", ORIGIN, self._provenance)

    def _line(self, resource: str, purpose: str, write: Callable[[int], Told]) -> None:
        """Whatever goes wrong is told here and stops nothing else, except when no later request could do better."""
        place = self._outbox.find(resource, purpose)
        if place is None:
            return
        if self._stopped:
            self._outbox.tell(place, "pending", None, self._stopped)
            return
        attempts = self._outbox.lines[place].attempts
        try:
            outcome, reference, detail = write(place)
            mended = self._mending and self._outbox.lines[place].attempts > attempts
            self._outbox.tell(place, outcome, reference, f"{detail} {_MENDED}".strip() if mended else detail)
        except SessionExpired:
            if not self._delivery.sent:
                raise
            self._outbox.tell(place, "failed", None, _SESSION)
            self._stopped = f"Not sent. {_SESSION}"
        except Held:
            self._stopped = _WAITS
        except (EHRUnavailable, ForeignResource) as error:
            self._outbox.tell(place, "failed", None, error.detail)
            self._stopped = "Not sent, because of the failure above. Finish the write-back later."
        except NotConfirmed as error:
            self._outbox.tell(place, "failed", error.reference, error.detail)
        except EHRAnswered as error:
            passing = error.http_status in MAY_PASS
            self._outbox.tell(place, "failed" if passing else "refused", None, error.detail)
        except ChartsideError as error:
            self._outbox.tell(place, "refused", None, error.detail)

    def _condition(self, accepted: AcceptedCode, place: int) -> Told:
        identifier = condition_id(self._key, accepted.code)
        held = held_already(self._key, accepted.code, self._diagnoses)
        if held is None and (found := self._delivery.find(place, "Condition", identifier)):
            if is_void(found) or not of_encounter(self._client.base_url, found, self._key.encounter):
                raise EHRRefused(VOID)
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
        self._keep(resource)
        return "already-there" if held else "written", now.reference, ""

    def _withdrawn(self, error: NotConfirmed, accepted: AcceptedCode) -> Told:
        """Where the EHR made another code of it, that one must not stand; all else is told."""
        held = self._delivery.there(error.reference)
        if held is None or as_diagnosis(held).code in (None, accepted.code):
            raise error
        return self._delivery.withdraw_condition(held)

    def _withdrawal(self, code: str, place: int) -> Told:
        """Ours and still in the chart: marked as an error. Anybody else's is theirs to mend."""
        ours = token(condition_id(self._key, code))
        held = next((d for d in self._diagnoses if ours in d.identifiers), None)
        if held is None:
            return "not-written", None, "The chart no longer holds it as a diagnosis."
        return self._delivery.withdraw_rejected(place, self._delivery.read(held.reference))

    def _encounter(self, place: int) -> Told:
        """412 = somebody was faster: what they changed decides whether ours can be added or a person must choose."""
        reference = typed("Encounter", self._key.encounter)
        if not self._conditions:
            return self._unlisted(place, self._delivery.read(reference))
        missing = len(self._accepted) - len(self._conditions)
        detail = f"{missing} of the diagnoses could not be listed: see above." if missing else ""
        for last in (False, True):
            current = self._delivery.read(reference)
            listing = self._listing(current, self._conditions)
            if listing.holds_all(self._conditions, self._chart.setting):
                if self._own:
                    self._keep(current)
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
        if not listing.leads_nowhere():
            return "not-written", None, "None of the diagnoses is in the chart."
        self._delivery.change(place, current, listing.target((), self._chart.setting, Choice.BOTH), ())
        return "undone", None, "The EHR listed diagnoses that it then refused; Chartside took them off the list."

    def _claim(self, place: int) -> Told:
        if self._chart.coverage is None:
            return "not-written", None, NO_COVERAGE
        identifier = claim_id(self._key)
        found = self._delivery.find(place, "Claim", identifier)
        if found and found.get("status") in ("cancelled", "entered-in-error"):
            raise EHRRefused(VOID)
        if len(self._conditions) < len(self._accepted):
            if found and self._gave_up_a_diagnosis():
                return self._delivery.withdraw_claim(found)
            return "not-written", None, "A claim needs all the diagnoses in the chart first: see above."
        body = self._bodies.claim()
        if found:
            resource = self._delivery.settle(place, typed("Claim", str(found["id"])), body)
        else:
            resource = self._delivery.create(place, body, identifier)
        self._keep(resource)
        return "already-there" if found else "written", typed("Claim", str(resource["id"])), ""

    def _document(self, place: int) -> Told:
        return self._carry(place, "DocumentReference", document_id(self._key), self._bodies.document)

    def _message(self, resource: str, place: int) -> Told:
        return self._carry(place, resource, message_id(self._key), self._bodies.message)

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
        stray = self._stray() if self._outbox.lines[place].rung is Rung.TRANSACTION else None
        if stray and not self._own:
            return "stray", typed("Provenance", str(stray["id"])), _STRAY
        if not self._own:
            return "not-written", None, "Nothing was written that it could speak of."
        if stray:
            body = self._bodies.provenance(self._own)
            after = body | {"id": stray["id"], "meta": stray["meta"] | body["meta"]}
            self._delivery.change(place, stray, after, ())
            return "written", typed("Provenance", str(stray["id"])), ""
        earlier, told = self._provenance_so_far(self._own)
        untold = [target for target in self._own if self._plain(target) not in told]
        if not untold:
            return "already-there", typed("Provenance", str(earlier["id"])) if earlier else None, ""
        body = self._bodies.provenance(untold)
        tag = body["meta"]["tag"][0]

        def look() -> Resource | None:
            found, told = self._provenance_so_far(untold)
            return found if len(told) == len(untold) else None

        resource = self._delivery.create(place, body, only=f"_tag={tag['system']}|{tag['code']}", look=look)
        return "written", typed("Provenance", str(resource["id"])), ""

    def _stray(self) -> Resource | None:
        """A Provenance of a transaction that was not carried out as one: it speaks of what has another id, or none."""
        for found in self._client.search("Provenance", target=typed("Encounter", self._key.encounter)):
            spoken = [words(target, "reference") or "" for target in items(found, "target")]
            if any(t.startswith("urn:") for t in spoken) and is_ours(self._client.base_url, found, self._attestation):
                return found
        return None

    def _provenance_so_far(self, targets: Sequence[str]) -> tuple[Resource | None, set[str]]:
        """The Provenance of this attestation that is there already, and what it speaks of.

        Some servers find a reference with its version by exactly that only.
        """
        wanted = {self._plain(target) for target in targets}
        last, told = None, set[str]()
        for target in (*dict.fromkeys(map(self._plain, targets)), *targets[:1]):
            if self._plain(target) in told:
                continue
            for found in self._client.search("Provenance", target=target):
                spoken = wanted & {self._plain(t) for t in items(found, "target")}
                if spoken and is_ours(self._client.base_url, found, self._attestation):
                    last = found
                    told |= spoken
        return last, told
