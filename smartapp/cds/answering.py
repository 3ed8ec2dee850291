"""The CDS service itself: a call in, cards out; feedback in, kept and shown on the receipt."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from launch.context import LaunchContext
from launch.ehrs import EHR
from launch.vault import Vault
from smartapp.audit import Entry, Kind
from smartapp.cds.calls import Feedback, HookCall
from smartapp.cds.cards import REVIEW, as_json, card_for, page_of
from smartapp.cds.linking import is_link_to, seal_link
from smartapp.errors import ChartsideError, ForeignServer, MissingData
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.elements import words
from smartapp.fhir.plan import purpose_of
from smartapp.fhir.references import names, patient_of
from smartapp.reviews import Reviewer, ReviewKey
from smartapp.store import CardStore, ReviewStore

CODERS = ("Practitioner/", "PractitionerRole/")  # no card for patients and their relatives
TAKES_PLACE = frozenset({"arrived", "triaged", "in-progress", "onleave", "finished"})  # of EncounterStatus
TAKEN = "Taken in the EHR, from the card that offered it."
WAIT = (1.0, 2.0)  # seconds to connect and between packets: somebody waits for their chart to open


@dataclass(frozen=True, slots=True)
class CodesToReview:
    """Answers for encounters of one EHR, whoever has proved to be that EHR."""

    reviews: ReviewStore
    cards: CardStore
    vault: Vault
    public_url: str
    clock: Callable[[], datetime]

    def answer(self, ehr: EHR, call: HookCall) -> list[dict[str, Any]]:
        """The cards. Raises ForeignServer, and MissingData when the encounter is needed and cannot be had."""
        iss = ehr.iss
        if call.fhir_server is not None and call.fhir_server.rstrip("/") != iss:
            raise ForeignServer
        if call.encounter is None or not call.user.startswith(CODERS):
            return []
        key = ReviewKey(iss, call.patient, call.encounter)
        review = self.reviews.find(key)
        if review is None and not self._can_be_coded(iss, call):
            return []
        card = card_for(review)
        if card is None:
            return []
        if review is not None:  # of one that was never opened the card tells nothing
            self.reviews.tell(Entry(Kind.VIEWED, {"page": "card"}, key, Reviewer(call.user, "")))
        if card.uuid:
            offered = tuple((name, code.code) for name, code in card.offered)
            self.cards.issue(key, card.uuid, call.hook, offered, self.clock())
        return [as_json(card, review, self.public_url, seal_link(self.vault, key, self.clock()), ehr)]

    def page_for(self, context: LaunchContext) -> str:
        """Where a launch goes on: from a card, with what the card is about as it stands now; else with the review."""
        key = ReviewKey(context.iss, context.patient, context.encounter)
        if context.app_context is None or not is_link_to(self.vault, context.app_context, key, self.clock()):
            return REVIEW
        return page_of(self.reviews.find(key))

    def keep_feedback(self, iss: str, entries: Sequence[Feedback]) -> None:
        """All or nothing. A suggestion that was taken is told by the receipt. Raises UnknownCard."""
        now = self.clock()
        for key, codes in self.cards.keep(iss, entries, now).items():
            with self.reviews.change(key, now) as draft:
                draft.set_taken({purpose_of(code) for code in codes}, TAKEN)

    def _can_be_coded(self, iss: str, call: HookCall) -> bool:
        """Of an encounter that was never opened here: whether it is the patient's and takes place at all."""
        encounter = self._encounter(iss, call)
        return (
            encounter is not None
            and encounter.get("id") == call.encounter
            and names(iss, patient_of(encounter), "Patient", call.patient)
            and words(encounter, "status") in TAKES_PLACE
        )

    def _encounter(self, iss: str, call: HookCall) -> dict[str, Any] | None:
        """As prefetched, else read with the token that came along; None where the EHR says that it has none."""
        try:
            found = call.prefetched_encounter
        except KeyError:
            found = {}
        if found is None:
            return None
        if isinstance(found, dict) and found.get("resourceType") == "Encounter":
            return found
        if call.access_token is None or call.encounter is None:
            raise MissingData
        token = call.access_token
        try:
            with FHIRClient(iss, lambda _: token, patient=call.patient, timeout=WAIT, attempts=1) as client:
                return client.read("Encounter", call.encounter)
        except ChartsideError:
            raise MissingData from None
