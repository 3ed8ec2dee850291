"""What a CDS client sends, checked (CDS Hooks 2.0, "HTTP Request" and "Feedback").

JSON elements must not be null there; where some send null all the same, it counts as left out.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from smartapp.cds.discovery import ENCOUNTER, HOOKS
from smartapp.errors import MalformedCall
from smartapp.fhir.references import is_id

NEEDS_ENCOUNTER = frozenset({"encounter-discharge"})  # optional in the context of the other hooks
MOST_ENTRIES = 100  # feedback entries of one call, and suggestions of one entry
LONGEST_COMMENT = 4000


@dataclass(frozen=True, slots=True)
class HookCall:
    """One call of the service."""

    hook: str
    user: str  # Practitioner/123
    patient: str
    encounter: str | None
    fhir_server: str | None
    access_token: str | None = field(repr=False)  # for this one answer; never kept
    prefetch: Mapping[str, Any] = field(repr=False)

    @property
    def prefetched_encounter(self) -> Any:
        """As prefetched; None where the EHR has none. Raises KeyError where it was not prefetched."""
        return self.prefetch[ENCOUNTER]


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of one card."""

    card: str
    outcome: str  # accepted | overridden
    suggestions: tuple[str, ...]  # those accepted
    reason: tuple[str, str] | None  # system and code, when overridden with a reason
    comment: str | None = field(repr=False)
    at: datetime


def read_call(body: object) -> HookCall:
    """Raises MalformedCall, which says what is missing or wrong."""
    call = _object(body, "the body")
    hook = _text(call, "hook", "the body")
    if hook not in HOOKS:
        raise MalformedCall(f"hook must be one of {', '.join(HOOKS)}")
    _uuid(_text(call, "hookInstance", "the body"), "hookInstance")
    context = _object(call.get("context"), "context")
    patient, encounter = _text(context, "patientId", "context"), context.get("encounterId")
    if hook in NEEDS_ENCOUNTER or encounter is not None:
        encounter = _text(context, "encounterId", "context")
    for name, value in (("patientId", patient), ("encounterId", encounter)):
        if value is not None and not is_id(value):
            raise MalformedCall(f"context.{name} is not a FHIR id")
    server, authorization = call.get("fhirServer"), call.get("fhirAuthorization")
    if server is not None or authorization is not None:
        server = _text(call, "fhirServer", "the body")  # required as soon as there is a token
    prefetch = _object(_said(call, "prefetch", {}), "prefetch")
    user = _text(context, "userId", "context")
    return HookCall(hook, user, patient, encounter, server, _access_token(authorization), prefetch)


def read_feedback(body: object) -> tuple[Feedback, ...]:
    """Raises MalformedCall, which says what is missing or wrong."""
    entries = _object(body, "the body").get("feedback")
    if not isinstance(entries, list) or not 0 < len(entries) <= MOST_ENTRIES:
        raise MalformedCall(f"feedback must be an array of 1 to {MOST_ENTRIES} objects")
    return tuple(_entry(_object(entry, f"feedback[{n}]"), f"feedback[{n}]") for n, entry in enumerate(entries))


def _entry(entry: Mapping[str, Any], where: str) -> Feedback:
    outcome, accepted = _text(entry, "outcome", where), _said(entry, "acceptedSuggestions", [])
    if outcome not in ("accepted", "overridden"):
        raise MalformedCall(f"{where}.outcome must be accepted or overridden")
    if not isinstance(accepted, list) or len(accepted) > MOST_ENTRIES or (outcome == "accepted") != bool(accepted):
        raise MalformedCall(f"{where}.acceptedSuggestions goes with the outcome accepted, and is an array of objects")
    here = f"{where}.acceptedSuggestions"
    ids = tuple(_uuid(_text(_object(one, here), "id", here), f"{here}.id") for one in accepted)
    reason = _object(_said(entry, "overrideReason", {}), f"{where}.overrideReason")
    coding = reason.get("reason")
    if coding is not None:
        place = f"{where}.overrideReason.reason"
        coding = _text(_object(coding, place), "system", place), _text(coding, "code", place)
    comment = reason.get("userComment")
    if comment is not None:
        comment = _text(reason, "userComment", f"{where}.overrideReason", LONGEST_COMMENT)
    card = _uuid(_text(entry, "card", where), f"{where}.card")
    return Feedback(card, outcome, ids, coding, comment, _moment(_text(entry, "outcomeTimestamp", where), where))


def _access_token(authorization: object) -> str | None:
    if authorization is None:
        return None
    given = _object(authorization, "fhirAuthorization")
    if str(given.get("token_type")).casefold() != "bearer":  # a fixed value; OAuth's servers say it in any case
        raise MalformedCall("fhirAuthorization.token_type must be Bearer")
    return _text(given, "access_token", "fhirAuthorization", 16_000)


def _said(value: Mapping[str, Any], name: str, otherwise: Any) -> Any:
    said = value.get(name)
    return otherwise if said is None else said


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise MalformedCall(f"{where} must be a JSON object")
    return value


def _text(value: Mapping[str, Any], name: str, where: str, longest: int = 500) -> str:
    said = value.get(name)
    if not isinstance(said, str) or not said or len(said) > longest:
        raise MalformedCall(f"{name} of {where} must be text of 1 to {longest} characters")
    return said


def _uuid(said: str, where: str) -> str:
    try:
        return str(uuid.UUID(said))
    except ValueError:
        raise MalformedCall(f"{where} must be a UUID") from None


def _moment(said: str, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise MalformedCall(f"{where}.outcomeTimestamp must be a date and time with a time zone, after RFC 3339")
    return moment
