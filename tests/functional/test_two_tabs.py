"""Two launches in one browser: what one tab does never reaches the other's chart."""

from itertools import product

import pytest
from site_browser import Opened
from whole_site import Site

PATHS = ("decisions", "search", "retry", "sign", "finish", "choice", "correct", "correct/cancel")


@pytest.fixture
def tabs(site: Site) -> tuple[Opened, Opened]:
    """Two patients side by side; both launches were under way at once and came back in the other order."""
    one, two = site.visit(), site.visit()
    browser = site.browser()
    first, second = (browser.to_callback(browser.start_url(visit)) for visit in (one, two))
    later = browser.opened(browser.arrive(browser.get(second)))
    earlier = browser.opened(browser.arrive(browser.get(first)))
    for tab, visit in ((earlier, one), (later, two)):
        assert tab.chart == {"patient": visit.patient, "encounter": visit.encounter}
        tab.settle()
    return earlier, later


def test_each_tab_keeps_its_chart(tabs: tuple[Opened, Opened]) -> None:
    """One cookie, two launch keys: a decision in one tab is not seen in the other."""
    one, two = tabs
    assert one.launch_key != two.launch_key
    one.accept("I10")
    assert (one.claim(), two.claim()) == (["I10"], [])


def test_a_form_of_the_other_tab_is_refused(tabs: tuple[Opened, Opened]) -> None:
    """Launch and token of one tab with patient or encounter of the other: 409, in plain words, and nothing changes."""
    one, two = tabs
    version = one.version
    form = {"action": "accept", "code": "I10", "attest": "yes", "words": "flu", "version": version}
    mixed = ({name: two.chart[name]} for name in two.chart)
    for path, foreign in product(PATHS, (two.chart, *mixed)):
        refused = one.post(path, **form | foreign)
        assert refused.status_code == 409
        assert "another patient or encounter" in refused.text
    assert (one.version, one.claim(), two.claim()) == (version, [], [])


def test_leaving_one_tab_leaves_the_other_open(tabs: tuple[Opened, Opened]) -> None:
    """Ending a session ends one launch."""
    one, two = tabs
    form = {"csrf_token": one.token, "launch_key": one.launch_key}
    assert one.browser.request("POST", "/logout", data=form).status_code == 303
    assert one.browser.get(one.path).status_code == 401
    assert two.show().status_code == 200
