"""The EHR's answers: FHIR JSON or a refusal in plain words."""

import json
from collections.abc import Iterable
from typing import Protocol

from smartapp.errors import EHRRefused
from smartapp.fhir.elements import items, title, words
from smartapp.fhir.errors import EHRAnswered
from smartapp.fhir.references import Resource

_PERMISSION = {"r": "reading", "rs": "reading", "c": "creating", "u": "changing", "t": "carrying out a"}
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
    return {
        400: f"The EHR finds fault with {doing} {type}.",
        403: f"The EHR does not allow {doing} {type}: the permission {scope_of(what)} is missing.",
        404: f"The EHR does not have it ({doing} {type}).",
        405: f"The EHR does not offer {doing} {type}.",
        409: f"The EHR reports a conflict while {doing} {type}.",
        410: f"The EHR has deleted it ({doing} {type}).",
        412: f"The EHR reports that the {type} was changed meanwhile.",
        422: f"The EHR's own rules forbid {doing} {type}.",
        429: "The EHR is busy.",
    }.get(status, f"The EHR answered {doing} {type} with status {status}.")


def scope_of(what: str) -> str:
    """The scope that `what` (like `Condition.rs`) needs: the patient's data are read, and a user writes."""
    if what == "transaction.t":
        return "for transactions"
    return f"{'patient' if _PERMISSION[what.partition('.')[2]] == 'reading' else 'user'}/{what}"


def outcome_words(value: object) -> str:
    """What an OperationOutcome says, shortened; empty for anything else."""
    if not isinstance(value, dict) or value.get("resourceType") != "OperationOutcome":
        return ""
    return "; ".join(issue_words(items(value, "issue")))[:_WORDS]


def issue_words(issues: Iterable[Resource], patient: str = "") -> tuple[str, ...]:
    """What the issues of an OperationOutcome say, each once and shortened, without the patient's id."""
    said = (words(i, "details", "text") or words(i, "diagnostics") or title(i.get("details")) for i in issues)
    masked = (text.replace(patient, "(this patient)") if patient else text for text in said if text)
    return tuple(dict.fromkeys(text[:_WORDS] for text in masked))
