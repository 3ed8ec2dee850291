"""The rung of the transaction: one Bundle, and a look at whether it was carried out as one."""

from collections.abc import Sequence

from smartapp.errors import ChartsideError, EHRRefused, SessionExpired
from smartapp.fhir.claim import claim_id
from smartapp.fhir.client import typed
from smartapp.fhir.diagnoses import Diagnosis, read_diagnoses
from smartapp.fhir.errors import AnswerLost, EHRAnswered
from smartapp.fhir.identifiers import token
from smartapp.fhir.plan import (
    CLAIM,
    ORDER,
    ORIGIN,
    held_already,
    purpose_of,
)
from smartapp.fhir.references import Resource
from smartapp.fhir.resources import (
    condition_id,
)
from smartapp.fhir.run import MAY_PASS, Run
from smartapp.fhir.transaction import bundle, change, creation, full_url, locations, refusals
from smartapp.reviews import Choice, Rung

_NO_TRANSACTIONS = frozenset({404, 405, 501})


class AllAtOnce(Run):
    """Sends everything in one transaction; what that left undone is for the other rungs."""

    def _all_at_once(self, encounter: Resource) -> bool:
        """Sends what the outbox wants in one transaction, unless some of it may be there; whether each is to be looked
        at now. What a half-done one left undone is then completed one by one."""
        places = self._outbox.places(Rung.TRANSACTION)
        tried = any(self._outbox.lines[place].attempts for place in places)
        if not places or self._ours(self._diagnoses) or (tried and self._left_behind()):
            return True
        if any(map(self._outbox.may_be_under_way, places)):
            return True
        planned = self._entries(encounter)
        places, entries = tuple(place for place, _ in planned), [entry for _, entry in planned]
        self._delivery.sending(*places)
        try:
            answer = self._client.transaction(bundle(entries))
        except AnswerLost:
            self._look_again()
            return True
        except ChartsideError as error:
            return self._refused_at_once(places, error)
        self._mending = bool(refusals(answer))
        self._delivery.placed = locations(self._client.base_url, entries, answer)
        if self._mending or len(self._delivery.placed) == len(entries):
            self._outbox.answered(*places)
        self._look_again()
        return True

    def _refused_at_once(self, places: Sequence[int], error: ChartsideError) -> bool:
        """Refused as one, so nothing should be there; some servers leave a part of it behind."""
        self._mending = self._look_again() or self._left_behind()
        self._outbox.answered(*places)
        status = error.http_status if isinstance(error, EHRAnswered) else None
        if self._mending or status in _NO_TRANSACTIONS:
            return True
        if isinstance(error, SessionExpired):
            raise error
        if status == 412:
            self._choice(self._known_listing(self._delivery.read(typed("Encounter", self._key.encounter))))
        passing = status in MAY_PASS or not isinstance(error, EHRRefused)
        self._tell_unfinished("failed" if passing else "refused", f"The EHR took none of it. {error.detail}")
        return False

    def _look_again(self) -> bool:
        """Reads the encounter's diagnoses anew; whether one of them is ours."""

        def look() -> tuple[Diagnosis, ...] | None:
            self._diagnoses = read_diagnoses(self._client, self._key.patient, self._key.encounter)
            return self._diagnoses if self._ours(self._diagnoses) else None

        return self._delivery.patiently(look) is not None

    def _ours(self, diagnoses: Sequence[Diagnosis]) -> bool:
        ours = {token(condition_id(self._key, code.code)) for code in self._accepted}
        return any(ours & set(d.identifiers) for d in diagnoses)

    def _left_behind(self) -> bool:
        """Whether a transaction that was not carried out as one left a claim, or a list that leads nowhere."""
        encounter = self._delivery.read(typed("Encounter", self._key.encounter))
        place = self._outbox.find("Claim", CLAIM)
        found = place is not None and self._delivery.find(place, "Claim", claim_id(self._key)) is not None
        return found or self._listing(encounter, ()).leads_nowhere()

    def _entries(self, encounter: Resource) -> list[tuple[int, Resource]]:
        """The entries of the transaction with their places in the outbox; what the chart holds is not sent again."""
        places = {(line.resource, line.purpose): n for n, line in enumerate(self._outbox.lines)}
        entries, references = [], []
        for code in self._accepted:
            identifier = condition_id(self._key, code.code)
            held = held_already(self._key, code.code, self._diagnoses)
            references.append(held.reference if held else full_url(identifier))
            if not held:
                body = self._bodies.condition(code)
                entry = creation(identifier, body, f"identifier={token(identifier)}")
                entries.append((places["Condition", purpose_of(code.code)], entry))
        listing = self._listing(encounter, references)
        choice = self._choice(listing)
        target = listing.target(references, self._chart.setting, choice)
        if ("Encounter", ORDER) in places and choice is not Choice.THEIRS and target != encounter:
            entries.append((places["Encounter", ORDER], change(self._client.base_url, target)))
        if ("Claim", CLAIM) in places and self._chart.coverage is not None:
            claim = self._bodies.claim()
            identifier = claim_id(self._key)
            entries.append((places["Claim", CLAIM], creation(identifier, claim, f"identifier={token(identifier)}")))
        if ("Provenance", ORIGIN) in places and entries:
            targets = [self._in_bundle(entry["fullUrl"]) for _, entry in entries]
            provenance = self._bodies.provenance(targets)
            tag = provenance["meta"]["tag"][0]
            only = f"_tag={tag['system']}|{tag['code']}"
            entries.append((places["Provenance", ORIGIN], creation(tag["code"], provenance, only)))
        return [(p, entry) for p, entry in entries if self._outbox.lines[p].rung is Rung.TRANSACTION]

    def _in_bundle(self, full_url: str) -> str:
        return full_url.removeprefix(self._client.base_url + "/")
