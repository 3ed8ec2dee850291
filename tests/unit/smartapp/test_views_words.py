"""What pages say about dates and endings."""

from dataclasses import replace
from datetime import date

import pytest
from bs4 import BeautifulSoup
from fake_coding import FakeCoding
from fake_pages import BROWSER, LAUNCH_KEY, TOKEN, FakeLauncher, Visitor, build_session
from sample_review import HEADER, ready_review

HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize(
    ("kind", "began", "ended", "words"),
    [
        ("AMB", 12, True, "Date of service 12 Mar 2026"),
        ("EMER", 12, False, "Date of service 12 Mar 2026"),
        ("IMP", 9, True, "Admitted 9 Mar 2026, discharged 12 Mar 2026"),
        ("IMP", 12, True, "Admitted and discharged 12 Mar 2026"),
        ("IMP", None, True, "Discharged 12 Mar 2026"),
        ("IMP", 12, False, "Admitted 12 Mar 2026"),
    ],
)
def test_the_dates_in_the_header_say_what_they_are(kind: str, began: int | None, ended: bool, words: str) -> None:
    """Of a stay admission and discharge, as far as they are known; of a visit the date of service."""
    day = date(2026, 3, began) if began else None
    header = replace(HEADER, encounter_class=kind, discharged=ended, began=day)
    page = Visitor(FakeCoding(replace(ready_review(), header=header))).get("")
    shown = BeautifulSoup(page.text, "html.parser").select(".encounter")[0].get_text()
    assert " ".join(shown.split()).endswith(words)


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


def test_what_stands_above_the_work_is_sent_with_it() -> None:
    """A query drafted in another window, and a correction that may be cancelled once the chart has been read again."""
    visitor = Visitor(launcher=FakeLauncher(build_session(intent="coder-workspace")))
    visitor.post("queries", {"code": "E11.42"})
    refused = visitor.post("decisions", {"action": "accept", "code": "I10", "version": 0}, **HTMX)
    line = BeautifulSoup(refused.text, "html.parser").select_one("[hx-swap-oob='innerHTML:#work-state']")
    assert refused.status_code == 409 and "1 query is a draft" in line.get_text()
    assert "Nothing is pending" not in line.get_text()
    visitor.decide("accept", "I10")
    visitor.post("sign", {"attest": "yes"})
    visitor.post("correct", {"why": "order"})
    work = BeautifulSoup(visitor.get("progress", **HTMX).text, "html.parser")
    assert "Cancel the correction" in work.select_one("#since").get_text()
