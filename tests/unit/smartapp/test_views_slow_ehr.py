"""What somebody sees who waits for an EHR that is slow to answer, or comes back while it is written to."""

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from fake_pages import Visitor

from smartapp.reviews import ReviewStatus, WrittenResource

SLOW = "The EHR is slow to answer. Nothing is lost"


def text(markup: str) -> str:
    return " ".join(BeautifulSoup(markup, "html.parser").get_text(" ").split())


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


@pytest.fixture
def signed(visitor: Visitor) -> Visitor:
    visitor.decide("accept", "E11.42")
    visitor.coding.outcomes = (
        WrittenResource("Condition", "diagnosis E11.42", "written", "Condition/12", ""),
        WrittenResource("Encounter", "order of diagnoses", "sent", None, ""),
    )
    visitor.post("sign", {"attest": "yes"})
    return visitor


def stands(visitor: Visitor, status: ReviewStatus, stage: str) -> str:
    visitor.coding.review_now = replace(visitor.coding.review_now, status=status, stage=stage)
    return visitor.get("receipt").text


def test_whoever_signs_can_be_told_that_the_ehr_is_slow(visitor: Visitor) -> None:
    """The words wait, hidden, in each form that writes, with the way to the receipt."""
    visitor.decide("accept", "E11.42")
    form = BeautifulSoup(visitor.get("summary").text, "html.parser").select(".attest")[0]
    (slow,) = form.select("[role=status] > [data-slow][hidden]")
    assert SLOW in text(str(slow)) and "leave this page" in text(str(slow))
    assert slow.select("a")[0]["href"].endswith("/receipt")


def test_the_receipt_while_it_is_written(signed: Visitor) -> None:
    """It says that writing goes on, what is there so far, and that the page may be left; looking goes on if need be."""
    words = text(stands(signed, ReviewStatus.SIGNED, "Writing to the chart"))
    for expected in ("Signed; writing to the chart", "slow to answer", "if you leave this page", "Condition/12"):
        assert expected in words
    assert "Look how far it is" in words and "interrupted" not in words


def test_the_receipt_of_what_was_broken_off(signed: Visitor) -> None:
    """Nobody writes any more: it says so and offers to finish."""
    words = text(stands(signed, ReviewStatus.SIGNED, ""))
    assert "Writing to the chart was interrupted." in words and "Finish writing" in words
