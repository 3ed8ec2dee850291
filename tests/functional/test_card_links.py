"""A launch from a card of the CDS service: what its link carries chooses the page, and never the chart."""

import json
from datetime import timedelta

import pytest
import requests
from coding_bench import KEY
from site_browser import Browser, Opened
from werkzeug.test import TestResponse
from whole_site import Site, Visit

from launch.vault import Vault
from smartapp.cds.linking import LINK_LIFE, is_link_to, seal_link
from smartapp.reviews import ReviewKey

VAULT = Vault([KEY])
CODES = ("I10", "E11.9", "J44.1")  # what the fake predictor suggests


def context(site: Site, visit: Visit, ago: timedelta = timedelta()) -> str:
    """As a card of ours had it in its link."""
    return seal_link(VAULT, ReviewKey(site.iss, visit.patient, visit.encounter), site.clock() - ago)


def follow(browser: Browser, visit: Visit, said: str) -> TestResponse:
    """The page that the card's link ends with."""
    opens = f"{browser.site.ehr}/chart/{visit.patient}/{visit.encounter}/open"
    answer = requests.get(opens, {"context": said}, allow_redirects=False, timeout=20)
    return browser.follow(answer.headers["Location"])


def page_of(answer: TestResponse) -> str:
    assert answer.status_code == 200
    return answer.request.path.split("/")[3]


def all_decided(opened: Opened) -> Opened:
    for code, state in opened.states().items():
        if state == "undecided":
            opened.decide("accept", code)
    return opened


def test_the_link_leads_to_what_is_left_to_do(site: Site) -> None:
    """To the review while codes are undecided, to the page that is signed when none is, then to the receipt."""
    visit = site.visit()
    said, opened = context(site, visit), site.open(visit)
    assert page_of(follow(site.browser(), visit, said)) == ""
    all_decided(opened)
    assert page_of(follow(site.browser(), visit, said)) == "summary"
    opened.sign()
    assert page_of(follow(site.browser(), visit, said)) == "receipt"


def test_a_chart_that_was_never_opened(site: Site) -> None:
    """The invitation leads to the review, which begins."""
    visit = site.visit()
    assert page_of(follow(site.browser(), visit, context(site, visit))) == ""


UNUSED = {
    "changed": lambda site, visit: context(site, visit)[:-3] + "AAA",
    "not sealed": lambda site, visit: json.dumps(["card link", site.iss, visit.patient, visit.encounter, 0]),
    "sealed for something else": lambda site, visit: VAULT.seal(b'["admin link", "x", 1]').decode(),
    "sealed, and no list": lambda site, visit: VAULT.seal(b"7").decode(),
    "of another key": lambda site, visit: "gAAAAAB" + "x" * 120,
    "of another chart": lambda site, visit: context(site, site.visit()),
    "too old": lambda site, visit: context(site, visit, LINK_LIFE + timedelta(seconds=1)),
    "not ASCII": lambda site, visit: "Größe",
}


@pytest.mark.parametrize("how", UNUSED)
def test_what_is_not_ours_is_not_used(site: Site, how: str, caplog: pytest.LogCaptureFixture) -> None:
    """The chart of the launch opens as without a card, and the log says why, naming nobody."""
    visit = site.visit()
    all_decided(site.open(visit)).sign()
    browser = site.browser()
    with caplog.at_level("WARNING"):
        answer = follow(browser, visit, UNUSED[how](site, visit))
    assert page_of(answer) == ""  # ours would lead to the receipt
    assert Opened(browser, answer).chart == {"patient": visit.patient, "encounter": visit.encounter}
    (line,) = [r.getMessage() for r in caplog.records if "appContext" in r.getMessage()]
    assert visit.patient not in line and visit.encounter not in line and site.iss not in line


def test_one_launch_of_another_ehr(site: Site) -> None:
    """The same ids at another EHR are another chart."""
    key = ReviewKey(site.iss, "p", "e")
    said = seal_link(VAULT, key, site.clock())
    assert is_link_to(VAULT, said, key, site.clock())
    assert not is_link_to(VAULT, said, ReviewKey("https://other.example/fhir", "p", "e"), site.clock())
