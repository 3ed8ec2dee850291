"""Summary and receipt say by which rung each thing goes, what is not in the chart, and why."""

from dataclasses import replace

from bs4 import BeautifulSoup
from fake_pages import Visitor
from ladders import chart, epic, ladder

from smartapp.fhir.ladder import Ladder
from smartapp.fhir.outbox import planned
from smartapp.fhir.plan import plan
from smartapp.reviews import Rung
from smartapp.views.rungs import HOW, INSTEAD, NAMES


def summary(by: Ladder) -> BeautifulSoup:
    visitor = Visitor()
    visitor.decide("accept", "E11.42")
    visitor.coding.ladder = by
    return BeautifulSoup(visitor.get("summary").text, "html.parser")


def receipt(by: Ladder) -> BeautifulSoup:
    """As signed; whatever was to be sent is written."""
    visitor = Visitor()
    visitor.decide("accept", "E11.42")
    lines = planned(plan(chart(), visitor.coding.review_now.accepted(), by))
    visitor.coding.outcomes = tuple(
        replace(line, outcome="written", reference=f"{line.resource}/7") if line.outcome == "pending" else line
        for line in lines
    )
    visitor.post("sign", {"attest": "yes"})
    return BeautifulSoup(visitor.get("receipt").text, "html.parser")


def section(page: BeautifulSoup, title: str) -> str:
    heading = page.find(id=title)
    return " ".join(heading.parent.get_text(" ").split()) if heading else ""


def test_every_rung_has_its_words() -> None:
    assert set(HOW) == set(Rung)
    assert set(NAMES) == set(Rung) - {Rung.EXPORT}  # nothing comes after it
    assert set(INSTEAD) < set(HOW)


def test_the_summary_names_the_card_and_the_document() -> None:
    page = summary(epic())
    elsewhere = section(page, "elsewhere-title")
    assert "Your EHR takes it when you press Accept on its card." in elsewhere
    assert (
        "Written into the chart: Epic makes problems, not encounter diagnoses, of a Condition sent over REST."
        in elsewhere
    )
    assert "Goes as a document among the notes." in section(page, "sent-title")
    assert "This is not a claim" in section(page, "sent-title")
    assert page.find(id="kept-title") is None


def test_where_nobody_writes_the_button_promises_nothing() -> None:
    page = summary(ladder())
    assert page.find(id="sent-title") is None
    assert "Nobody writes it: download it." in section(page, "elsewhere-title")
    assert [b.get_text() for b in page.select("section.attest button")] == ["Sign"]


def test_what_is_written_now_is_said_to_be() -> None:
    page = summary(ladder("Condition", "Claim", "Provenance"))
    assert section(page, "sent-title").count("Chartside writes it into the chart now.") == 3
    assert [b.get_text() for b in page.select("section.attest button")] == ["Sign and write to the chart"]


def test_the_receipt_says_what_is_not_in_the_chart_yet() -> None:
    page = receipt(epic())
    assert page.h1.get_text() == "Written, as far as this EHR takes it"
    assert "press Accept: only then are the diagnoses in the chart" in page.select(".outcome")[0].get_text()
    results = [r.get_text(" ", strip=True) for r in page.select(".result")]
    assert results[0] == "Not in the chart until you accept the card"
    assert "Written DocumentReference/7" in results


def test_the_receipt_does_not_claim_what_is_not_there() -> None:
    page = receipt(ladder())
    assert page.h1.get_text() == "Signed; nothing is in the chart"
    assert {r.get_text(strip=True) for r in page.select(".result")} == {"Not in the chart"}
    assert page.select("a[href*='/export/']")
