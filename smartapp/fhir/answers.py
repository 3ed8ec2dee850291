"""The EHR's answers: FHIR JSON or a refusal in plain words."""

import json
from typing import Protocol

from smartapp.errors import EHRRefused
from smartapp.fhir.elements import items, words
from smartapp.fhir.errors import EHRAnswered
from smartapp.fhir.references import Resource

_PERMISSION = {"r": "reading", "rs": "reading", "c": "creating", "u": "changing"}
_WORDS = 300


class Answer(Protocol):
    """What is needed of an HTTP answer."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...


def as_resource(answer: Answer, type: str | None) -> Resource:
    """The body as a resource of the type; raises EHRRefused for a login page, cut JSON or another type."""
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise EHRRefused("The EHR answered with something that is not FHIR JSON.") from None
    if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
        raise EHRRefused("The EHR answered with JSON that is not a FHIR resource.")
    if type and value["resourceType"] != type:
        raise EHRRefused(
            outcome_words(value)
            or f"The EHR answered with a {value['resourceType'][:40]} where a {type} was asked for."
        )
    if b"\\ud" in answer.body.lower():
        # Half an emoji, cut by some system upstream, cannot be stored or shown: it becomes a question mark.
        value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    return dict(value)


def refusal(answer: Answer, what: str, patient: str) -> EHRAnswered:
    """The error for an error status, with the OperationOutcome's words; `what` is like `Condition.c`."""
    try:
        said = outcome_words(json.loads(answer.body)).replace(patient, "(this patient)")
    except (ValueError, RecursionError):
        said = ""
    detail = _in_plain_words(answer.status, what) + (f" It says: {said}" if said else "")
    return EHRAnswered(detail, answer.status)


def _in_plain_words(status: int, what: str) -> str:
    type, _, permission = what.partition(".")
    doing = _PERMISSION[permission]
    scope = f"{'patient' if doing == 'reading' else 'user'}/{what}"
    return {
        400: f"The EHR finds fault with {doing} {type}.",
        403: f"The EHR does not allow {doing} {type}: the permission {scope} is missing.",
        404: f"The EHR does not have it ({doing} {type}).",
        405: f"The EHR does not offer {doing} {type}.",
        409: f"The EHR reports a conflict while {doing} {type}.",
        410: f"The EHR has deleted it ({doing} {type}).",
        412: f"The EHR reports that the {type} was changed meanwhile.",
        422: f"The EHR's own rules forbid {doing} this {type}.",
        429: "The EHR is busy.",
    }.get(status, f"The EHR answered {doing} {type} with status {status}.")


def outcome_words(value: object) -> str:
    """What an OperationOutcome says, shortened; empty for anything else."""
    if not isinstance(value, dict) or value.get("resourceType") != "OperationOutcome":
        return ""
    said = [words(issue, "details", "text") or words(issue, "diagnostics") for issue in items(value, "issue")]
    return "; ".join(dict.fromkeys(text for text in said if text))[:_WORDS]
