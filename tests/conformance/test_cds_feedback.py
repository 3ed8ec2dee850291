"""CDS Hooks 2.0, "Feedback": what an EHR reports of a card, each rule quoted."""

import uuid
from typing import Any

import pytest
from cds_client import ADDRESS, CODES, Client
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


def test_an_accepted_suggestion(client: Client) -> None:
    """ "The request to the feedback endpoint SHALL be an object containing an array"; acceptedSuggestions "Required for
    accepted outcomes", each with the id of the suggestion. The receipt tells of that code, and of no other.
    """
    client.sign()
    (card,) = client.cards()
    taken = card["suggestions"][1]["uuid"]
    report = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": [{"id": taken}]}
    assert client.report(report).status_code == 200
    assert client.report(report).status_code == 200  # "multiple times for a card or suggestion"
    assert client.kept() == [("E11.9", "accepted", None)]
    lines = {line.purpose: line.outcome for line in client.store.review(client.here).receipt}
    assert lines == {"diagnosis I10": "not-written", "diagnosis E11.9": "taken"}
    (left,) = client.cards()
    assert [s["label"] for s in left["suggestions"]] == [f"Add I10 {CODES['I10']}"]


def test_an_overridden_card(client: Client) -> None:
    """outcome overridden, "without providing an overrideReason" or with one from the card's list and a comment."""
    client.sign()
    (card,) = client.cards()
    coding = {k: v for k, v in card["overrideReasons"][0].items() if k != "display"}
    reason = {"reason": coding, "userComment": "seen already"}
    said = {"card": card["uuid"], "outcome": "overridden"}
    later = said | {"overrideReason": reason, "outcomeTimestamp": "2026-03-02T18:00:00+00:00"}
    assert client.report(said, later).status_code == 200
    assert client.kept() == [(None, "overridden", None), (None, "overridden", coding["code"])]
    with client.engine.connect() as db:  # somebody's own words are sealed
        (comment,) = db.execute(text("SELECT comment FROM cds_feedback WHERE comment IS NOT NULL")).scalars()
    assert b"seen already" not in bytes(comment)


FALSE_REPORTS: dict[str, dict[str, Any]] = {
    "no outcome": {"outcome": None},
    "another outcome": {"outcome": "ignored"},
    "accepted without suggestions": {"acceptedSuggestions": None},
    "an id that is no UUID": {"acceptedSuggestions": [{"id": "1"}]},
    "no time": {"outcomeTimestamp": None},
    "a time without zone": {"outcomeTimestamp": "2026-03-02T17:00:00"},
    "overridden with suggestions": {"outcome": "overridden"},
}


@pytest.mark.parametrize("what", FALSE_REPORTS)
def test_false_feedback(client: Client, what: str) -> None:
    """ "Each Feedback SHALL be described by": card, outcome and outcomeTimestamp (RFC 3339). Nothing is kept."""
    client.sign()
    (card,) = client.cards()
    good = {
        "card": card["uuid"],
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}],
    }
    bad = {k: v for k, v in (good | {"outcomeTimestamp": "2026-03-02T17:00:00Z"} | FALSE_REPORTS[what]).items() if v}
    assert (
        client.post("/feedback", {"feedback": [good | {"outcomeTimestamp": "2026-03-02T17:00:00Z"}, bad]}).status_code
        == 400
    )
    assert client.kept() == []


def test_feedback_on_what_was_not_shown(client: Client) -> None:
    """Feedback speaks of "The card.uuid from the CDS Hooks response": an unknown card or suggestion is refused whole,
    and so is a call without a JWT.
    """
    client.sign()
    (card,) = client.cards()
    stranger = str(uuid.uuid4())
    good = {"card": card["uuid"], "outcome": "overridden"}
    assert client.report(good, {"card": stranger, "outcome": "overridden"}).status_code == 404
    accepted = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": [{"id": stranger}]}
    assert client.report(accepted).status_code == 404
    assert client.report(good, headers={}).status_code == 401
    assert client.kept() == []
    assert client.report(good, token=client.token(aud=f"{ADDRESS}/feedback")).status_code == 200


@pytest.mark.parametrize("statement", ["UPDATE cds_feedback SET outcome = 'accepted'", "DELETE FROM cds_offer"])
def test_feedback_is_append_only(client: Client, statement: str) -> None:
    """What the EHR reported cannot be changed afterwards, whoever writes to the database."""
    client.sign()
    (card,) = client.cards()
    client.report({"card": card["uuid"], "outcome": "overridden"})
    with pytest.raises(DBAPIError, match="append-only"), client.engine.begin() as db:
        db.execute(text(statement))
