"""A launch that begins at our own address, through the whole site: the EHR's user chooses the chart there."""

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urlencode

import pytest
import requests
from site_browser import Browser, Opened, path_of
from whole_site import Site, Visit

from launch.ehr_file import change_ehr


@pytest.fixture
def listed(site: Site) -> Iterator[Site]:
    """The admin allows it while the app runs, and later no more."""
    change_ehr(site.config.ehrs_file, site.iss, {"standalone": True})
    yield site
    change_ehr(site.config.ehrs_file, site.iss, {"standalone": None})


def launch(site: Site, browser: Browser, visit: Visit) -> Opened:
    """Begun at our address, by a form to the EHR, a choice there, and back."""
    action, form = browser.to_ehr(f"http://127.0.0.1:8080/launch?{urlencode({'iss': site.iss})}")
    assert "launch" not in form
    page = requests.post(action, form, timeout=20).text
    chosen = {"chart": f"{visit.patient}/{visit.encounter}"}
    choose = unescape(re.search(r'<form method="post" action="(/auth/authorize[^"]+)"', page)[1])
    answer = requests.post(site.ehr + choose, chosen, allow_redirects=False, timeout=20)
    back = requests.get(site.ehr + answer.headers["Location"], allow_redirects=False, timeout=20)
    return browser.opened(browser.arrive(browser.get(path_of(back.headers["Location"]))))


def test_the_chosen_chart_opens(listed: Site) -> None:
    """Read and coded as in an EHR launch."""
    visit = listed.visit()
    opened = launch(listed, listed.browser(), visit)
    assert opened.chart == {"patient": visit.patient, "encounter": visit.encounter}
    opened.settle()
    assert opened.decide("accept", "I10").status_code == 303


def test_the_way_back_keeps_the_draft(listed: Site) -> None:
    """When the session has ended a link signs in again, and the decisions are there."""
    visit, browser = listed.visit(), listed.browser()
    opened = launch(listed, browser, visit)
    opened.settle()
    opened.accept("I10")
    listed.clock.forward(16 * 60)
    ended = opened.show()
    assert ended.status_code == 401
    assert f'href="/launch?{urlencode({"iss": listed.iss}, safe=":/")}"' in ended.text
    assert launch(listed, browser, visit).claim() == ["I10"]


def test_it_ends_with_the_permission(site: Site) -> None:
    """Where the table does not say so, it takes a launch of the EHR."""
    assert site.browser().get(f"/launch?{urlencode({'iss': site.iss})}").status_code == 400
