"""The EHR fails in every way it can while a chart is read: told in words, and nothing decided is lost."""

import json
from datetime import timedelta

import pytest
from sample_chart import note
from site_faults import answers, bundle, outcome, silence
from whole_site import Site

WRITTEN = {"Condition": 2, "Claim": 1}


def test_an_access_token_that_expires_is_renewed(site: Site) -> None:
    """Nobody notices that the token of the launch lasted two minutes."""
    visit = site.visit()
    site.faults.token_life = timedelta(minutes=2)
    opened = site.open(visit).accept("E11.9", "I10")
    first = site.access_token(opened.launch_key)
    site.clock.forward(300)
    assert "No suggestions" not in opened.read_anew()
    assert "Written to the chart" in opened.sign().text
    assert site.access_token(opened.launch_key) is not first
    assert visit.counts() == WRITTEN


def test_an_access_token_that_the_ehr_withdraws_is_renewed(site: Site) -> None:
    """A 401 ahead of time is answered with a fresh token, in the middle of a sign-off too."""
    visit = site.visit()
    opened = site.open(visit).accept("E11.9", "I10")
    site.grants.revoke_token(site.access_token(opened.launch_key))
    assert "Written to the chart" in opened.sign().text
    assert visit.counts() == WRITTEN


def test_a_grant_that_has_ended_asks_for_a_relaunch(site: Site) -> None:
    """The page says to open Chartside again; after that everything decided is there, and can be signed."""
    visit = site.visit()
    opened = site.open(visit).accept("E11.9", "I10")
    site.grants.revoke(site.access_token(opened.launch_key).grant)
    assert opened.post("retry").status_code == 303
    opened.until("", "Your session has ended", 401)
    assert "Your decisions are saved. Open Chartside again from the patient&#39;s chart to go on." in opened.page.text

    again = site.open(visit, opened.browser)
    assert again.claim() == ["E11.9", "I10"]
    assert "Your session with the EHR has ended" in again.page.text
    assert "then press Try again" in again.page.text
    again.read_anew()
    assert set(again.states().values()) == {"accepted"}
    assert "Written to the chart" in again.sign().text


def test_the_ehr_is_down_while_a_chart_is_read(site: Site) -> None:
    """The page says that the EHR does not answer; Try again reads the chart once it does."""
    visit, browser = site.visit(), site.browser()
    there = browser.get(browser.to_callback(browser.start_url(visit))).location
    with site.ehr_down():
        opened = browser.opened(browser.get(there))
        page = opened.settle().text
        assert "The EHR does not answer" in page
        assert "press Try again" in page
        assert '<button class="button">Try again</button>' in page
    assert "No suggestions" not in opened.read_anew()
    assert set(opened.states()) == {"E11.9", "I10"}


def test_the_ehr_is_down_and_the_token_has_expired(site: Site) -> None:
    """That the token cannot be renewed now does not mean that the session has ended: nobody needs to launch again."""
    site.faults.token_life = timedelta(minutes=2)
    opened = site.open(site.visit()).accept("E11.9", "I10")
    site.clock.forward(400)
    with site.ehr_down():
        page = opened.read_anew()
        assert "The EHR does not answer" in page
        assert "has ended" not in page
    opened.read_anew()
    assert set(opened.states().values()) == {"accepted"}


def test_a_slow_ehr_is_not_waited_for_for_ever(site: Site) -> None:
    """A silent EHR ends in the same words as one that is down, while reading and at sign-off; nothing is lost."""
    visit = site.visit()
    opened = site.open(visit).accept("E11.9", "I10")
    site.patience = 0.1
    with silence(site, "Patient"):
        assert "The EHR did not answer in time" in opened.read_anew()
        assert opened.claim() == ["E11.9", "I10"]
    with silence(site, "Encounter"):
        assert "Signed, not yet written" in opened.sign().text
    site.patience = 10.0
    assert "Written to the chart" in opened.finish().text
    assert visit.counts() == WRITTEN


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, b"", "Your session with the EHR has ended"),
        (403, outcome("Not yours."), "patient/DocumentReference.rs is missing. It says: Not yours."),
        (404, b"", "The EHR refused the request"),
        (429, outcome("Slow down."), "The EHR is busy. It says: Slow down."),
        (500, b"<html>Traceback <script>alert(1)</script></html>", "The EHR does not answer"),
        (503, b"", "The EHR does not answer"),
        (200, b"<html>Please log in</html>", "something that is not FHIR JSON"),
        (200, b'{"resourceType": "Bundle", "entry": [', "something that is not FHIR JSON"),
        (200, b'{"resourceType": "Patient"}', "a Patient where a Bundle was asked for"),
        (302, b"", "points to another host"),
    ],
)
def test_the_ehr_refuses_in_the_middle(site: Site, status: int, body: bytes, words: str) -> None:
    """Each refusal while notes are looked for has its own words; Try again does when the EHR does again."""
    visit = site.visit()
    opened = site.open(visit).accept("E11.9", "I10")
    site.faults.fhir = answers("DocumentReference", status, body, Location="https://evil.example/fhir")
    page = opened.read_anew()
    assert words in page
    assert "alert(1)" not in page
    assert opened.claim() == ["E11.9", "I10"]
    site.faults.fhir = None
    assert "No suggestions" not in opened.read_anew()
    assert opened.claim() == ["E11.9", "I10"]


def test_a_busy_ehr_is_asked_again(site: Site) -> None:
    """One 429 is waited out without a word."""
    visit, left = site.visit(), [429]
    site.faults.fhir = lambda _, path: (left.pop(), {"Retry-After": "1"}, b"") if left else None
    opened = site.open(visit)
    assert left == []
    assert set(opened.states()) == {"E11.9", "I10"}


@pytest.mark.parametrize("type", ["Coverage", "Procedure"])
def test_what_is_not_allowed_is_done_without(site: Site, type: str) -> None:
    """A chart can be coded without the permission to see insurance or procedures."""
    site.faults.fhir = answers(type, 403)
    opened = site.open(site.visit())
    assert set(opened.states()) == {"E11.9", "I10"}
    opened.decide("accept", "I10")
    page = opened.browser.get(opened.path + "summary").text
    assert ("Will not be written" in page) is (type == "Coverage")


def test_another_patients_note_in_the_answer(site: Site) -> None:
    """A server that ignores the patient in a search does not bring a stranger's note onto the page."""
    visit, other = site.visit(), site.visit()
    mine = visit.own(note())
    foreign = other.own(note(text="Former smoker, a stranger."))
    linked = foreign | {"context": mine["context"]}
    site.faults.fhir = answers("DocumentReference", 200, bundle(mine, foreign, linked))
    opened = site.open(visit)
    assert set(opened.states()) == {"E11.9", "I10"}
    assert "stranger" not in opened.page.text


@pytest.mark.parametrize("type", ["Patient", "Encounter"])
def test_another_patients_chart_in_the_answer(site: Site, type: str) -> None:
    """Another patient, or another patient's encounter, in place of ours: nothing of it is used."""
    visit, other = site.visit(), site.visit(name=[{"text": "Stranger"}])
    foreign = site.fhir.get(f"Patient/{other.patient}" if type == "Patient" else f"Encounter/{other.encounter}")
    site.faults.fhir = answers(type, 200, json.dumps(foreign).encode())
    opened = site.open(visit)
    assert "The EHR sent data of another patient or encounter" in opened.page.text
    assert "Stranger" not in opened.page.text
    assert opened.states() == {}
