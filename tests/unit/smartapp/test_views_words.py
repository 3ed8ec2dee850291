"""What pages say about dates and endings."""

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from fake_coding import FakeCoding
from fake_pages import BROWSER, LAUNCH_KEY, TOKEN, Visitor
from sample_review import HEADER, ready_review


@pytest.mark.parametrize(
    ("kind", "ended", "words"),
    [
        ("AMB", True, "Date of service 12 Mar 2026"),
        ("EMER", False, "Date of service 12 Mar 2026"),
        ("IMP", True, "Discharged 12 Mar 2026"),
        ("IMP", False, "Admitted 12 Mar 2026"),
    ],
)
def test_the_date_in_the_header_says_what_it_is(kind: str, ended: bool, words: str) -> None:
    """A stay's date is that of discharge, or of admission while it lasts; a visit's is the date of service."""
    header = replace(HEADER, encounter_class=kind, discharged=ended)
    page = Visitor(FakeCoding(replace(ready_review(), header=header))).get("")
    assert words in BeautifulSoup(page.text, "html.parser").select(".encounter")[0].get_text()


def test_the_end_of_a_session_is_said() -> None:
    """Whoever ends the session comes to a page that says so first, and does not read what Chartside is."""
    visitor = Visitor()
    client = visitor.app.test_client(use_cookies=False)
    form = {"csrf_token": TOKEN, "launch_key": LAUNCH_KEY}
    answer = client.post("/logout", data=form, headers=visitor.headers)
    page = BeautifulSoup(client.get(answer.location).text, "html.parser")
    assert page.select("h1")[0].get_text() == "Your session has ended"
    assert "Your session has ended" not in client.get("/").text
    assert BROWSER not in answer.location
