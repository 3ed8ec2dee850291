"""Cards of the CDS service: what each state of a review says."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sample_review import ready_review

from smartapp.cds.cards import INVITATION, card_for
from smartapp.reviews import Action, Attestation, Decision, Reviewer, ReviewStatus

ANA = Reviewer("Practitioner/ana", "Ana Ruiz, MD")
NOW = datetime(2026, 3, 12, tzinfo=UTC)


def decided(*acts: tuple[Action, str]) -> tuple[Decision, ...]:
    return tuple(Decision(n, action, code, "title", None, ANA, NOW) for n, (action, code) in enumerate(acts, 1))


def test_counts_what_is_undecided() -> None:
    """Only what is suggested counts, not what is less certain; no code, name or word of a note is said."""
    review = replace(ready_review(), decisions=decided((Action.ACCEPT, "I10"), (Action.REJECT, "J44.1")))
    waiting = sum(s.suggested for s in review.suggestions) - 2
    card = card_for(review)
    assert card.summary == f"{waiting} codes ready to review"
    assert card.detail == "1 code accepted so far; nothing is signed."
    assert not card.offered


def test_all_decided() -> None:
    """What is accepted waits for a signature; where all is rejected there is nothing to say."""
    codes = [s.code for s in ready_review().suggestions if s.suggested]
    rejected = decided(*((Action.REJECT, code) for code in codes))
    assert card_for(replace(ready_review(), decisions=rejected)) is None
    accepted = decided(*((Action.ACCEPT, code) for code in codes))
    assert card_for(replace(ready_review(), decisions=accepted)).summary == f"{len(codes)} codes accepted, to be signed"


@pytest.mark.parametrize("status", [ReviewStatus.READING, ReviewStatus.CODING, ReviewStatus.FAILED])
def test_not_read_yet(status: ReviewStatus) -> None:
    """As long as nothing is known, the card only invites."""
    card = card_for(replace(ready_review(), status=status))
    assert (card.summary, card.uuid) == (INVITATION, None)


def test_signed() -> None:
    """Written: nothing to say. Not written whole: said, so that somebody finishes it."""
    signed = replace(ready_review(), attestation=Attestation(ANA, NOW, "I stand for it."))
    assert card_for(replace(signed, status=ReviewStatus.WRITTEN)) is None
    signed = replace(signed, status=ReviewStatus.PARTLY_WRITTEN, decisions=decided((Action.ACCEPT, "I10")))
    assert "not all in the chart" in card_for(signed).summary


def test_signed_without_codes() -> None:
    """A correction that takes all codes back: what may be left is what was withdrawn, and nothing is offered."""
    withdrawn = replace(ready_review(), attestation=Attestation(ANA, NOW, "None of them stands."), decisions=())
    assert card_for(replace(withdrawn, status=ReviewStatus.WRITTEN)) is None
    card = card_for(replace(withdrawn, status=ReviewStatus.PARTLY_WRITTEN))
    assert "withdrawn" in card.summary and not card.offered
