"""Numbers and characters that the database does not hold: refused in words, as anything else that makes no sense."""

import html
import re
from collections.abc import Iterator

import pytest
from coding_bench import KEY
from site_browser import Browser
from whole_site import Site

from launch.vault import Vault
from smartapp.store.admin_store import make_link


@pytest.fixture
def browser(site: Site, database_url: str) -> Iterator[Browser]:
    """An admin's, on a database of each kind."""
    app = site.start(database_url=database_url)
    browser = Browser(site, app)
    browser.request("POST", "/admin/enter", data={"link": make_link(Vault([KEY]), site.clock())})
    yield browser
    app.extensions["parts"].engine.dispose()


def test_a_number_that_no_database_holds(browser: Browser) -> None:
    """There is nothing at such an address, as at one of a number that is not taken yet."""
    for number in (2**31, 2**63 - 1, 2**63, 10**40):
        answer = browser.get(f"/admin/audit/{number}")
        assert answer.status_code == 404, number
        assert "There is nothing at this address" in answer.text


def test_a_character_that_a_database_does_not_hold(browser: Browser) -> None:
    """PostgreSQL holds no U+0000: nothing is found, or the request is not understood; no defect of ours."""
    token = re.search(r'name="csrf_token" value="(\w+)"', browser.get("/admin/").text)
    assert token
    answer = browser.request("POST", "/admin/audit/find", data={"csrf_token": token[1], "wanted": "enc\0"})
    assert answer.status_code in (200, 400)
    assert "Something went wrong" not in html.unescape(answer.text)
