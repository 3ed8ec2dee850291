"""The app's process goes away and another takes its place: reviews, decisions and work under way are kept."""

from site_browser import eventually
from site_faults import silence
from whole_site import Site


def test_a_restart_keeps_everything(site: Site) -> None:
    """The app as a new process on the same database: the same cookie shows the same review, and signing goes on."""
    visit = site.visit()
    opened = site.open(visit).accept("E11.9", "I10")
    opened.decide("undo", "I10")
    opened.decide("reject", "I10", reason="unsupported")
    opened.decide("add", "J06.9")
    before = opened.states(), opened.claim()
    opened.browser = opened.browser.restarted(site.start())
    assert (opened.states(), opened.claim()) == before
    assert "Written to the chart" in opened.sign().text
    opened.browser = opened.browser.restarted(site.start())
    assert "Written to the chart" in opened.browser.get(opened.path + "receipt").text


def test_a_restart_in_the_middle_of_reading(site: Site) -> None:
    """A chart that one process was reading when it went away is read by the next one; the first cannot interfere."""
    visit, browser = site.visit(), site.browser()
    there = browser.get(browser.to_callback(browser.start_url(visit))).location
    with silence(site, "DocumentReference"):
        assert "Reading the chart" in browser.get(there).text
        site.clock.forward(30)  # no sign of life since
        after = browser.restarted(site.start())
        assert "Reading the chart" in after.get(there).text
    opened = after.opened(after.get(there))
    opened.settle()
    assert set(opened.states()) == {"E11.9", "I10"}
    assert opened.decide("accept", "I10").status_code == 303


def test_a_clock_that_was_set_back(site: Site) -> None:
    """What a dead process began when the clock was an hour ahead is not taken for work under way until then."""
    visit, browser = site.visit(), site.browser()
    there = browser.get(browser.to_callback(browser.start_url(visit))).location
    with silence(site, "DocumentReference"):
        assert "Reading the chart" in browser.get(there).text
        eventually(lambda: len(site.fhir.sent("GET", f"Patient/{visit.patient}")) == 1)
        site.clock.forward(-3600)
        after = browser.restarted(site.start())
        assert "Reading the chart" in after.get(there).text
        eventually(lambda: len(site.fhir.sent("GET", f"Patient/{visit.patient}")) == 2)  # read anew
    opened = after.opened(after.get(there))
    opened.settle()
    assert set(opened.states()) == {"E11.9", "I10"}
