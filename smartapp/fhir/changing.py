"""What earlier signatures wrote and this one changes: withdrawn, brought back, and the draft claim made anew."""

from smartapp.errors import EHRRefused
from smartapp.fhir.claim import recast_claim
from smartapp.fhir.client import typed
from smartapp.fhir.confirmation import differences
from smartapp.fhir.delivery import VOID, Told, in_error
from smartapp.fhir.diagnoses import as_diagnosis, is_void
from smartapp.fhir.elements import items
from smartapp.fhir.errors import NotChangeable
from smartapp.fhir.identifiers import token
from smartapp.fhir.plan import NO_CLAIM_UPDATES, NO_CODES
from smartapp.fhir.references import Resource
from smartapp.fhir.resources import (
    condition_id,
)
from smartapp.fhir.run import Run
from smartapp.reviews import AcceptedCode

_GONE = "The chart no longer holds it as a diagnosis."
_MARKED = "Marked as entered in error."
_VOID_CLAIM = frozenset({"cancelled", "entered-in-error"})
_TAKEN_ON = "It is {status} in the EHR by now, no draft any more, and was not changed. Tell those who bill."


class Changing(Run):
    """Each is looked for and read first, and changed on the version that was read."""

    def _withdrawal(self, code: str, place: int) -> Told:
        """Ours and still in the chart: marked as an error. Anybody else's is theirs to mend."""
        identifier = condition_id(self._key, code)
        held = next((d.reference for d in self._diagnoses if token(identifier) in d.identifiers), None)
        found = self._delivery.read(held) if held else self._delivery.find(place, "Condition", identifier)
        if found is None:
            return "not-written", None, _GONE
        reference = as_diagnosis(found).reference
        if is_void(found):
            if not self._outbox.lines[place].attempts:
                return "not-written", reference, _GONE
        else:
            found = self._delivery.change(place, found, in_error(found), ())
        if self._bodies.corrections:
            self._keep(found)
        return "written", reference, _MARKED

    def _brought_back(self, place: int, accepted: AcceptedCode, void: Resource) -> Resource:
        """A Condition that an earlier correction withdrew and this one stands for again. Raises EHRRefused for one
        that somebody else marked as an error."""
        if accepted.code not in self._earlier.withdrawn:
            raise EHRRefused(VOID)
        meta = void.get("meta", {}) | self._bodies.condition(accepted).get("meta", {})
        after = self._bodies.condition(accepted) | {"id": void["id"], "meta": meta}
        return self._delivery.change(place, void, after, ())

    def _recast(self, place: int, found: Resource, body: Resource) -> tuple[bool, Resource]:
        """The draft claim of an earlier signature, with the diagnoses of this one; whether it was changed now."""
        after = recast_claim(found, body) | ({"status": "draft"} if self._is_emptied(found) else {})
        if not differences(self._client.base_url, after, found, found):
            return False, found
        self._check_changeable(found)
        if not self._is_emptied(found):
            self._check_draft(found)
        return True, self._delivery.change(place, found, after, ())

    def _unclaimed(self, place: int, found: Resource | None) -> Told:
        """A correction left no code: the draft claim of an earlier signature must not be billed."""
        if found is None:
            return "not-written", None, NO_CODES
        if found.get("status") not in _VOID_CLAIM:
            self._check_changeable(found)
            self._check_draft(found)
            found = self._delivery.change(place, found, found | {"status": "entered-in-error"}, ())
        self._keep(found)
        return "written", typed("Claim", str(found["id"])), _MARKED

    def _check_claim(self, found: Resource | None) -> None:
        """Raises EHRRefused for a claim that somebody else took back; ours, where no code was left, comes back."""
        if found and found.get("status") in _VOID_CLAIM and not self._is_emptied(found):
            raise EHRRefused(VOID)

    def _is_emptied(self, found: Resource) -> bool:
        return found.get("status") == "entered-in-error" and self._earlier.emptied

    def _check_draft(self, found: Resource) -> None:
        if found.get("status") != "draft":
            raise EHRRefused(_TAKEN_ON.format(status=found.get("status") or "without a status"))

    def _check_changeable(self, found: Resource) -> None:
        """Raises NotChangeable with both lists, for a person to tell those who bill."""
        if self._bodies.ladder.claim_updates:
            return
        concepts = (items(d, "diagnosisCodeableConcept", "coding") for d in items(found, "diagnosis"))
        held = ", ".join(str(coding[0].get("code")) for coding in concepts if coding)
        now = ", ".join(code.code for code in self._accepted) or "none"
        told = f"{NO_CLAIM_UPDATES} It still has {held or 'other diagnoses'}; signed now: {now}."
        raise NotChangeable(told, typed("Claim", str(found["id"])))
