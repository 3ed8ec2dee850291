"""Notes that come in or change while a review is open: said on the pages, before the signature and after it."""

import re

from fhir_server import answers
from sample_chart import NOTE, encounter, note
from whole_site import Site

BUTTON = "Read the notes again"


def banner(page: str) -> str:
    """What the part of the page says, in one line; empty when there is nothing to say."""
    text = re.sub(r"<svg.*?</svg>|<form.*?</form>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(text.split())


def test_notes_that_arrive(site: Site) -> None:
    """The page asks when it is opened and says what arrived; the button reads it, and decisions are kept."""
    visit = site.visit()
    opened = site.open(visit).accept("I10")
    assert 'hx-get="' in opened.page.text and "/since" in opened.page.text
    assert banner(opened.browser.get(opened.path + "since").text) == ""
    visit.put(note("n2", "Former smoker."), note("n3", "No complaints."))
    site.clock.forward(61)
    part = opened.browser.get(opened.path + "since").text
    assert banner(part).startswith("2 notes arrived since the notes were read.")
    assert BUTTON in part
    for path in ("", "summary"):
        assert "2 notes arrived since the notes were read." in opened.browser.get(opened.path + path).text
    page = opened.read_anew()
    assert "notes arrived" not in page
    assert set(opened.states()) == {"E11.9", "I10", "Z87.891"}
    assert opened.claim() == ["I10"]


def test_the_summary_looks_by_itself(site: Site) -> None:
    """Whoever goes straight to the summary, without scripts, is told there before signing."""
    visit = site.visit()
    opened = site.open(visit).accept("I10")
    visit.put(note(text=NOTE + "Cough."))
    site.clock.forward(61)
    page = opened.browser.get(opened.path + "summary").text
    assert "A note was changed since the notes were read." in page
    assert BUTTON in page


def test_after_signing(site: Site) -> None:
    """The receipt says what came in after the signature; what was signed stands, and nothing is read again."""
    visit = site.visit()
    opened = site.open(visit).accept("I10")
    assert "Written to the chart" in opened.sign().text
    visit.put(note("n2", "Former smoker."))
    site.clock.forward(61)
    page = opened.browser.get(opened.path + "receipt").text
    assert "A note arrived since this was signed." in page
    assert BUTTON not in page
    assert "Former smoker" not in opened.show().text


def test_an_ehr_that_does_not_answer_the_look(site: Site) -> None:
    """A look that fails says nothing and breaks nothing."""
    visit = site.visit()
    opened = site.open(visit).accept("I10")
    visit.put(note("n2", "Former smoker."))
    site.clock.forward(61)
    site.fhir.fail("GET", "DocumentReference", answers(500))
    assert banner(opened.browser.get(opened.path + "since").text) == ""
    assert opened.browser.get(opened.path + "summary").status_code == 200
    site.clock.forward(61)
    assert banner(opened.browser.get(opened.path + "since").text).startswith("A note arrived")


def test_evidence_that_changed_is_marked(site: Site) -> None:
    """A code accepted on words of a note that was then amended is marked on its card and in the summary."""
    visit = site.visit()
    opened = site.open(visit).accept("I10", "E11.9")
    site.clock.forward(61)
    visit.put(note(text=NOTE.replace("Type 2 diabetes without complications.", "No diabetes.")))
    page = opened.read_anew()
    assert "Progress note: changed after this was decided. Read the evidence again." in page
    assert "The notes no longer hold the words that this was decided on." in page
    summary = opened.browser.get(opened.path + "summary").text
    assert summary.count('class="doubt"') == 2
    assert set(opened.claim()) == {"E11.9", "I10"}


def test_how_a_note_was_matched_is_said(site: Site) -> None:
    """A note that names no encounter says that its date matched it; an addendum stands beside its original."""
    visit = site.visit(note(), note("n2", "Former smoker.", context={}))
    original = {"code": "appends", "target": {"reference": f"DocumentReference/{visit.id('n1')}"}}
    visit.put(note("n3", "Cough too.", relatesTo=[original], date="2026-03-02T20:00:00Z"))
    site.fhir.knows_encounter_search = False
    try:
        page = site.open(visit).page.text
    finally:
        site.fhir.knows_encounter_search = True
    assert page.count("Matched by date") == 1
    assert page.count("Addendum to Progress note") == 1


def test_what_the_ehr_said_beside(site: Site) -> None:
    """Warnings of the EHR are shown, and what it left out is said to be missing."""
    site.fhir.says = (
        {"severity": "warning", "code": "processing", "diagnostics": "Only what this user may see."},
        {"severity": "error", "code": "timeout", "diagnostics": "The archive did not answer."},
    )
    try:
        page = site.open(site.visit()).page.text
    finally:
        site.fhir.says = ()
    assert "Only what this user may see." in page
    assert "Not everything could be read." in page
    assert "Notes may be missing: " in page


def test_a_cancelled_encounter(site: Site) -> None:
    """It is said, and neither coded nor signed; an encounter under way is coded, with a word of warning."""
    visit = site.visit()
    opened = site.open(visit).accept("I10")
    visit.put(encounter(status="cancelled"))
    page = opened.read_anew()
    assert "This encounter was cancelled." in page
    assert "Nothing to code" in page and "Read the chart again" in page
    assert opened.claim() == ["I10"] and "E11.9" not in opened.states()
    assert "This encounter did not take place" in opened.post("sign", attest="yes").text
    assert visit.counts()["Condition"] == 0
    visit.put(encounter(status="in-progress"))
    page = opened.read_anew()
    assert "This encounter is still under way." in page
    assert opened.states()["I10"] == "accepted"


def test_a_merged_patient(site: Site) -> None:
    """A record that the EHR has merged into another says so."""
    link = [{"type": "replaced-by", "other": {"reference": "Patient/other"}}]
    assert "merged this patient&#39;s record" in site.open(site.visit(link=link)).page.text
