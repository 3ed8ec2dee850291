"""Cards for a review, worked out from where it stands (CDS Hooks 2.0, "CDS Service Response"). Pure."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from launch.ehrs import EHR
from smartapp.fhir.diagnoses import ICD10CM_OID
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.fhir.plan import purpose_of
from smartapp.fhir.resources import build_condition
from smartapp.fhir.vendors import OID_SYSTEM, vendor
from smartapp.reviews import REJECT_REASONS, AcceptedCode, Review, ReviewStatus, Rung

_OURS = uuid.UUID("0d5a6a0e-0c4e-4a3c-9f6a-7c0f3a5e8b21")  # only Chartside's cards are named under it
IN_THE_EHR = frozenset({"written", "already-there", "taken"})  # outcomes of the receipt
UNREAD = frozenset({ReviewStatus.READING, ReviewStatus.CODING, ReviewStatus.FAILED})
REVIEW, SUMMARY, RECEIPT = "review.show", "review.summary", "review.receipt"  # pages that a card leads to
INVITATION = "Review the codes of this encounter"


@dataclass(frozen=True, slots=True)
class Card:
    """What is shown, and the names by which feedback speaks of it."""

    summary: str
    detail: str | None = None
    uuid: str | None = None  # none: no feedback, for there is no review it could be kept with
    offered: tuple[tuple[str, AcceptedCode], ...] = ()  # suggestion uuid and code


def card_for(review: Review | None) -> Card | None:
    """What there is to say; None when there is nothing."""
    if review is None or review.status in UNREAD:
        return Card(INVITATION)
    if review.attestation is None:
        return _to_decide(review)
    if offered := codes_to_offer(review):
        named = tuple((_name(review, "suggestion", code.code), code) for code in offered)
        said = f"{_count(len(offered))} signed for this encounter, to add to its diagnoses"
        signed = f"Reviewed and signed by {review.attestation.by.name} in Chartside."
        return Card(said, signed, _name(review, "offer", str(review.version)), named)
    if review.status is ReviewStatus.WRITTEN:
        return None
    if not review.accepted():
        return Card(
            "The chart may still hold codes of this encounter that were withdrawn", None, _name(review, "withdrawn")
        )
    return Card("The signed codes of this encounter are not all in the chart yet", None, _name(review, "unfinished"))


def page_of(review: Review | None) -> str:
    """Where to go on with what a card says: deciding, signing, or what became of what was signed."""
    if review is None or review.status in UNREAD:
        return REVIEW
    if review.attestation is not None:
        return RECEIPT
    return SUMMARY if review.accepted() and not _undecided(review) else REVIEW


def codes_to_offer(review: Review) -> tuple[AcceptedCode, ...]:
    """The signed codes that reach this EHR by a suggestion alone and are not in it yet; never the machine's own."""
    if review.attestation is None:
        return ()
    waiting = {
        line.purpose
        for line in review.receipt
        if line.resource == "Condition" and line.rung is Rung.CDS_SUGGESTION and line.outcome not in IN_THE_EHR
    }
    return tuple(code for code in review.accepted() if purpose_of(code.code) in waiting)


def _to_decide(review: Review) -> Card | None:
    undecided, accepted = _undecided(review), len(review.accepted())
    if review.being_corrected:
        said = f"Until then the chart holds what {review.being_corrected.attestation.by.name} signed."
        name = _name(review, "correct", str(review.version))
        return Card("The codes of this encounter are being corrected and wait for a signature", said, name)
    if undecided:
        so_far = f"{_count(accepted)} accepted so far; nothing is signed." if accepted else None
        return Card(f"{_count(undecided)} ready to review", so_far, _name(review, "review", str(review.version)))
    if accepted:
        return Card(f"{_count(accepted)} accepted, to be signed", None, _name(review, "sign", str(review.version)))
    return None


def _undecided(review: Review) -> int:
    return sum(s.suggested and review.decision_on(s.code) is None for s in review.suggestions)


def as_json(card: Card, review: Review | None, public_url: str, app_context: str, ehr: EHR) -> dict[str, Any]:
    """The card as sent; what has no value is left out ("Null and empty JSON elements")."""
    said: dict[str, Any] = {
        "uuid": card.uuid,
        "summary": card.summary,
        "detail": card.detail,
        "indicator": "info",
        "source": {"label": "Chartside", "url": public_url, "topic": _topic(card, public_url)},
        "links": [
            {
                "label": "Open Chartside",
                "url": f"{public_url}/launch",
                "type": "smart",
                "appContext": app_context,
            }
        ],
    }
    if card.uuid:
        said["overrideReasons"] = override_reasons(public_url)
    if card.offered and review:
        said["suggestions"] = [_suggestion(review, name, code, ehr) for name, code in card.offered]
        said["selectionBehavior"] = "any"
    return {name: value for name, value in said.items() if value is not None}


def override_reasons(public_url: str) -> list[dict[str, str]]:
    """The reasons for rejecting a code on our own pages, as Codings."""
    system = f"{public_url}/cds-services/override-reasons"
    return [{"system": system, "code": code, "display": words} for code, words in REJECT_REASONS.items()]


def _topic(card: Card, public_url: str) -> dict[str, str]:
    """By it an EHR hides what its user put off: cards that offer signed codes are another matter than the others."""
    code, words = ("signed", "Signed codes to take") if card.offered else ("review", "Codes to review")
    return {"system": f"{public_url}/cds-services/topics", "code": code, "display": words}


def _suggestion(review: Review, name: str, code: AcceptedCode, ehr: EHR) -> Mapping[str, Any]:
    """The diagnosis as this EHR wants it; whether it offers to take one over REST is not asked."""
    what = f"{code.code} {code.title}"
    ways = replace(SINGLE_WRITES, vendor=vendor(ehr.vendor), ai_label=ehr.ai_label)
    condition = build_condition(review.key, code, ways)
    if ways.vendor.asks(OID_SYSTEM):
        condition["code"]["coding"] = [coding | {"system": ICD10CM_OID} for coding in condition["code"]["coding"]]
    return {
        "label": f"Add {what}",
        "uuid": name,
        "actions": [
            {
                "type": "create",
                "description": f"Add {what} to the diagnoses of this encounter",
                "resource": condition,
            }
        ],
    }


def _count(n: int) -> str:
    return "1 code" if n == 1 else f"{n} codes"


def _name(review: Review, *what: str) -> str:
    """The same as long as the same is said, so that an EHR which asks again shows no second card."""
    key: Sequence[str] = (review.key.iss, review.key.patient, review.key.encounter, *what)
    return str(uuid.uuid5(_OURS, json.dumps(key)))
