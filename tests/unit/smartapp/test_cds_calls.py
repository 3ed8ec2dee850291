"""Calls of CDS clients that are a little off: what can only mean one thing is taken, what could mean another is not."""

from typing import Any
from uuid import uuid4

import pytest

from smartapp.cds import read_call, read_feedback
from smartapp.errors import MalformedCall


def call(**changes: Any) -> dict[str, Any]:
    context = {"userId": "Practitioner/ana", "patientId": "p1", "encounterId": "e1"}
    return {"hook": "patient-view", "hookInstance": str(uuid4()), "context": context} | changes


def lent(token_type: Any) -> dict[str, Any]:
    given = {"access_token": "lent", "token_type": token_type}
    return call(fhirServer="https://ehr.example/fhir", fhirAuthorization=given)


@pytest.mark.parametrize("said", ["Bearer", "bearer", "BEARER"])
def test_the_token_type_is_read_in_any_case(said: str) -> None:
    """As in a token response (RFC 6749, 5.1), where CDS clients have it from."""
    assert read_call(lent(said)).access_token == "lent"


@pytest.mark.parametrize("said", [None, "", "mac", ["Bearer"]])
def test_another_kind_of_token_is_refused(said: Any) -> None:
    with pytest.raises(MalformedCall, match="token_type"):
        read_call(lent(said))


def test_null_counts_as_left_out() -> None:
    """ "JSON elements SHALL NOT be null": some clients serialize what they do not have so, and mean nothing by it."""
    empty = dict.fromkeys(("prefetch", "fhirServer", "fhirAuthorization", "extension"))
    read = read_call(call(**empty))
    assert (read.prefetch, read.fhir_server, read.access_token) == ({}, None, None)
    entry = {"card": str(uuid4()), "outcome": "overridden", "outcomeTimestamp": "2026-03-02T17:00:00Z"}
    (kept,) = read_feedback({"feedback": [entry | dict.fromkeys(("acceptedSuggestions", "overrideReason"))]})
    assert (kept.suggestions, kept.reason, kept.comment) == ((), None, None)


@pytest.mark.parametrize("wrong", [[], "", 0, False])
def test_what_is_neither_null_nor_an_object_is_refused(wrong: Any) -> None:
    with pytest.raises(MalformedCall, match="prefetch"):
        read_call(call(prefetch=wrong))
