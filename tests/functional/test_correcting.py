"""A signed review taken up again in a browser, against the EHR: corrected, cancelled, and what the log tells of it."""

from typing import Any

import requests
from site_browser import Opened
from whole_site import Site

from smartapp.audit.events import Event, Kind
from smartapp.audit.reading import rows_of_chart
from smartapp.audit.story import stories_of
from smartapp.audit.verify import reading
from smartapp.fhir.audit_event import audit_event
from smartapp.reviews import ReviewKey
from smartapp.store import connect


def taken_up(opened: Opened, why: str) -> None:
    """From the receipt; the chart is read anew."""
    posted = opened.post("correct", why=why, version=opened.unfinished())
    assert posted.status_code == 303, posted.text
    opened.settle()


def test_from_the_receipt_to_the_receipt(site: Site) -> None:
    """The page says what is corrected; one code leaves the claim, another comes, and both signatures are told."""
    visit = site.visit()
    opened = site.open(visit)
    opened.accept("I10", "E11.9").sign()
    opened.until("receipt", "Written to the chart")
    taken_up(opened, "wrong-code")
    assert "You are correcting what" in opened.page.text and "A code was wrong" in opened.page.text
    assert opened.decide("undo", "I10").status_code == 303
    assert opened.post("correct/cancel").status_code == 409
    assert opened.decide("add", "J06.9").status_code == 303
    opened.sign()
    opened.until("receipt", "Signed before, and corrected")
    engine = connect(site.config.database_url)
    with reading(engine) as connection:
        rows = rows_of_chart(connection, ReviewKey(site.iss, visit.patient, visit.encounter))
    engine.dispose()
    events = [Event.from_text(row.event) for row in rows]
    stories = {story.code: [e.kind for e in story.signed] for story in stories_of(events)}
    assert stories["I10"] == [Kind.ATTESTATION, Kind.CORRECTION]
    assert stories["E11.9"] == [Kind.ATTESTATION, Kind.CORRECTION, Kind.ATTESTATION]
    assert stories["J06.9"] == [Kind.ATTESTATION]
    (told,) = (e.what for e in events if e.kind is Kind.CORRECTION)
    assert told == {"corrects": 1, "reason": "A code was wrong"}
    withdrawal = [e for e in events if e.what.get("purpose") == "withdrawal of I10"]
    assert [e.what["outcome"] for e in withdrawal] == ["pending", "sent", "written"]
    assert audit_event(withdrawal[-1], "", "here")["action"] == "U"


def test_in_the_chart(site: Site) -> None:
    """With the scopes that the demo asks for: ours is marked as entered in error, off the list and off the claim."""
    visit = site.visit()
    opened = site.open(visit)
    opened.accept("I10", "E11.9").sign()
    opened.until("receipt", "Written to the chart")
    taken_up(opened, "wrong-code")
    assert opened.decide("undo", "I10").status_code == 303
    assert opened.decide("add", "J06.9").status_code == 303
    opened.sign()
    assert "Written to the chart" in opened.until("receipt", "Signed before, and corrected").text
    conditions = [r for r in site.fhir.all("Condition") if r["subject"]["reference"] == f"Patient/{visit.patient}"]
    status = {code_of(r["code"]): r["verificationStatus"]["coding"][0]["code"] for r in conditions}
    assert status == {"I10": "entered-in-error", "E11.9": "confirmed", "J06.9": "confirmed"}
    ids = {f"Condition/{r['id']}": code_of(r["code"]) for r in conditions}
    listed = site.fhir.get(f"Encounter/{visit.encounter}")["diagnosis"]
    assert [ids[e["condition"]["reference"]] for e in listed] == ["E11.9", "J06.9"]
    (claim,) = (r for r in site.fhir.all("Claim") if r["patient"]["reference"] == f"Patient/{visit.patient}")
    assert [code_of(d["diagnosisCodeableConcept"]) for d in claim["diagnosis"]] == ["E11.9", "J06.9"]
    page = requests.get(f"{site.ehr}/chart/{visit.patient}/{visit.encounter}", timeout=20).text
    assert page.count("entered-in-error") == 1  # and so the EHR's own users see it


def code_of(concept: dict[str, Any]) -> str:
    return str(concept["coding"][0]["code"])


def test_cancelled_where_it_was_opened_by_mistake(site: Site) -> None:
    opened = site.open(site.visit())
    opened.accept("I10").sign()
    opened.until("receipt", "Written to the chart")
    taken_up(opened, "order")
    assert opened.post("correct/cancel").status_code == 303
    page = opened.until("receipt", "Written to the chart").text
    assert "Signed before, and corrected" not in page


def test_no_code_is_left(site: Site) -> None:
    """Signed in the wrong chart: the summary says what is withdrawn, and so does the receipt."""
    opened = site.open(site.visit())
    opened.accept("I10").sign()
    opened.until("receipt", "Written to the chart")
    taken_up(opened, "wrong-code")
    assert opened.decide("undo", "I10").status_code == 303
    assert "withdraw all codes" in opened.browser.get(opened.path + "summary").text
    opened.sign()
    opened.until("receipt", "withdrawal of I10")
