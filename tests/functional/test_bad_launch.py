"""A launch that goes wrong ends in a page that says so; nothing is opened, and a proper launch works afterwards."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import requests
from sample_chart import note
from site_browser import APP, query_of
from werkzeug.test import TestResponse
from whole_site import Site

RELAUNCH = "pen Chartside again from the"


def check_error(response: TestResponse, status: int, *words: str) -> None:
    """A whole page of ours with the status, the words, a reference for the log, and nothing to keep or run."""
    assert response.status_code == status, response.text
    assert response.mimetype == "text/html"
    heading = re.search(r"<h1>(.+)</h1>", response.text)
    assert heading and "Reference <code>" in response.text
    for expected in words:
        assert expected in response.text
    assert "no-store" in response.headers["Cache-Control"]
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert "/r/" not in response.headers.get("Location", "")


@pytest.mark.parametrize(
    ("iss", "launch", "status", "words"),
    [
        ("https://evil.example/fhir", "x", 403, "not registered with Chartside"),
        ("http://127.0.0.1/fhir/../evil", "x", 403, "not registered with Chartside"),
        ("javascript:alert(1)", "x", 403, "not registered with Chartside"),
        ("<script>alert(1)</script>", "x", 403, "not registered with Chartside"),
        ("x" * 10_000, "x", 403, "not registered with Chartside"),
        ("\0", "x", 403, "not registered with Chartside"),
        ("", "x", 400, "opened without a launch"),
        ("", "", 400, "opened without a launch"),
    ],
)
def test_a_launch_from_nowhere(site: Site, iss: str, launch: str, status: int, words: str) -> None:
    """An EHR that is not registered is refused before anything is asked of it; what it said is not played back."""
    browser = site.browser()
    page = browser.get(f"/launch?{urlencode({'iss': iss, 'launch': launch})}")
    check_error(page, status, words)
    assert "<script>alert" not in page.text
    assert browser.cookie == ""


def test_an_iss_without_a_launch(site: Site) -> None:
    """The registered EHR without `launch`, or with an empty one, is told to open the chart."""
    for query in ({"iss": site.iss}, {"iss": site.iss, "launch": ""}):
        check_error(site.browser().get(f"/launch?{urlencode(query)}"), 400, "cannot be opened by itself")


def test_an_ehr_that_does_not_answer(site: Site) -> None:
    """A registered EHR that is down at launch is named as the cause."""
    page = site.browser().get(f"/launch?{urlencode({'iss': site.dead_iss, 'launch': 'x'})}")
    check_error(page, 502, "SMART configuration cannot be used", "Try again in a minute")


def test_an_ehr_that_goes_down_during_the_launch(site: Site) -> None:
    """Down between the sign-in and the callback: said so; the next launch works."""
    visit, browser = site.visit(), site.browser()
    callback = browser.to_callback(browser.start_url(visit))
    site.clock.forward(360)  # what discovery read is no longer fresh
    with site.ehr_down():
        check_error(browser.get(callback), 502, "did not complete the sign-in", "the EHR does not answer")
    assert browser.launch(visit).page.status_code == 200


def test_a_launch_that_the_ehr_does_not_know(site: Site) -> None:
    """A made-up launch comes back refused by the EHR, or stays there; no session either way."""
    browser = site.browser()
    action, form = browser.to_ehr(f"{APP}/launch?{urlencode({'iss': site.iss, 'launch': 'made-up'})}")
    answer = requests.post(action, form, allow_redirects=False, timeout=20)
    assert answer.status_code == 400 or "error=" in answer.headers["Location"]


@pytest.mark.parametrize("state", ["", "made-up", "\0", "x" * 5000, "é\ud7ff"])
def test_a_tampered_state(site: Site, state: str) -> None:
    """An answer with another state than ours opens nothing."""
    browser = site.browser()
    args = query_of(browser.to_callback(browser.start_url(site.visit())))
    check_error(browser.get(f"/callback?{urlencode(args | {'state': state})}"), 400, "not started here", RELAUNCH)


def test_a_replayed_state(site: Site) -> None:
    """The same callback a second time is refused; the session that the first made lives on."""
    visit, browser = site.visit(), site.browser()
    callback = browser.to_callback(browser.start_url(visit))
    first = browser.arrive(browser.get(callback))
    assert first.status_code == 200
    check_error(browser.get(callback), 400, "used before", RELAUNCH)
    assert browser.get(first.request.path).status_code == 200


def test_a_state_that_is_too_old(site: Site) -> None:
    """A sign-in that took longer than ten minutes begins anew."""
    browser = site.browser()
    callback = browser.to_callback(browser.start_url(site.visit()))
    site.clock.forward(660)
    check_error(browser.get(callback), 400, "is too old", RELAUNCH)


def test_a_state_of_another_browser(site: Site) -> None:
    """Somebody lured onto another person's callback does not end up in that person's chart."""
    begun = site.browser()
    callback = begun.to_callback(begun.start_url(site.visit()))
    victim = site.browser()
    victim.launch(site.visit())  # has a cookie of its own
    check_error(victim.get(callback), 400, "not started here", RELAUNCH)


def test_a_blocked_cookie(site: Site) -> None:
    """A browser that does not send the cookie back is told which setting to change."""
    browser = site.browser()
    callback = browser.to_callback(browser.start_url(site.visit()))
    browser.cookie = ""
    check_error(browser.get(callback), 400, "did not send Chartside&#39;s cookie back", "allow cookies")


def test_denied_consent(site: Site) -> None:
    """The user's no is shown as such, and saying yes later works."""
    visit, browser = site.visit(), site.browser()
    site.faults.deny = True
    check_error(browser.follow(browser.start_url(visit)), 403, "The EHR did not give access", "access_denied")
    site.faults.deny = False
    assert browser.launch(visit).page.status_code == 200


def test_words_of_an_authorization_error_are_text(site: Site) -> None:
    """What the EHR gives as the reason is shown, and never run."""
    browser = site.browser()
    state = browser.to_ehr(browser.start_url(site.visit()))[1]["state"]
    said = {"state": state, "error": "server_error", "error_description": "<script>alert(1)</script>\r\nSet-Cookie: x"}
    page = browser.get(f"/callback?{urlencode(said)}")
    check_error(page, 403, "server_error: &lt;script&gt;alert(1)")
    assert "<script>alert" not in page.text


def test_an_answer_without_a_code(site: Site) -> None:
    """Neither code nor error: the sign-in is not complete."""
    browser = site.browser()
    args = query_of(browser.to_callback(browser.start_url(site.visit())))
    page = browser.get(f"/callback?{urlencode({'state': args['state'], 'iss': args['iss']})}")
    check_error(page, 502, "did not complete the sign-in", RELAUNCH)


def test_a_code_that_is_not_taken(site: Site) -> None:
    """The EHR's no to the code is told with the EHR's reason."""
    browser = site.browser()
    args = query_of(browser.to_callback(browser.start_url(site.visit())))
    page = browser.get(f"/callback?{urlencode(args | {'code': 'made-up'})}")
    check_error(page, 502, "did not complete the sign-in", "invalid_grant")


def test_an_answer_of_another_ehr(site: Site) -> None:
    """An answer that names another authorization server is a mix-up (RFC 9207)."""
    browser = site.browser()
    args = query_of(browser.to_callback(browser.start_url(site.visit())))
    page = browser.get(f"/callback?{urlencode(args | {'iss': 'https://other.example'})}")
    check_error(page, 400, "from another authorization server")


@pytest.mark.parametrize("missing", ["patient", "encounter"])
def test_a_token_without_its_chart(site: Site, missing: str) -> None:
    """Without patient or encounter there is nothing to code, and the user hears what to open first."""
    setattr(site.faults, f"omit_{missing}", True)
    browser = site.browser()
    page = browser.follow(browser.start_url(site.visit()))
    check_error(page, 422, "which patient and encounter", "Open an encounter in the EHR first", f"named no {missing}")


def test_an_encounter_of_another_patient(site: Site) -> None:
    """A launch whose patient and encounter do not belong together shows neither."""
    mine, other = site.visit(), site.visit(note(text="Essential hypertension of somebody else."))
    site.fhir.put(site.fhir.get(f"Encounter/{mine.encounter}") | {"subject": {"reference": f"Patient/{other.patient}"}})
    browser = site.browser()
    opened = browser.opened(browser.follow(browser.start_misfiled(mine.patient, mine.encounter)))
    page = opened.settle()
    assert "somebody else" not in page.text
    assert "Try again" in page.text
    assert opened.states() == {}


def test_an_ended_session(site: Site) -> None:
    """After a quarter of an hour without a request the page asks for a new launch; the decisions are there after it."""
    visit = site.visit()
    opened = site.open(visit)
    opened.decide("accept", "I10")
    site.clock.forward(timedelta(minutes=16).total_seconds())
    check_error(opened.show(), 401, "Your session has ended", RELAUNCH, "Your decisions are saved")
    assert site.open(visit, opened.browser).claim() == ["I10"]


def test_logging_out(site: Site) -> None:
    """After the end of the session its pages are closed and its token is dead; another launch of the browser lives."""
    visit, other, browser = site.visit(), site.visit(), site.browser()
    opened, kept = site.open(visit, browser), site.open(other, browser)
    form = {"csrf_token": opened.token, "launch_key": opened.launch_key}
    assert browser.request("POST", "/logout", data=form).status_code == 303
    check_error(opened.show(), 401, "Your session has ended")
    assert kept.show().status_code == 200


def test_an_ehr_that_is_no_longer_trusted(site: Site) -> None:
    """Sessions of an EHR that the administrator took off the list end in a page that says so."""
    opened = site.open(site.visit())
    ehrs = site.config.ehrs_file.with_name("fewer.toml")
    ehrs.write_text(site.config.ehrs_file.read_text().replace(site.iss, "http://localhost:9/fhir"))
    browser = opened.browser.restarted(site.start(ehrs_file=ehrs))
    check_error(browser.get(opened.path), 403, "not registered with Chartside")


@pytest.mark.parametrize("path", ["/r/made-up/", "/r/%00/", "/r/../", "/r/" + "x" * 3000 + "/", "/r/made-up/summary"])
def test_a_launch_key_that_does_not_exist(site: Site, path: str) -> None:
    """Guessing addresses leads to a page that says to launch."""
    response = site.browser().arrive(site.browser().get(path))
    check_error(response, response.status_code, "from the patient&#39;s chart")
    assert response.status_code in (401, 404)


def test_a_broken_list_of_ehrs(site: Site) -> None:
    """The web server does not start, and says in one message which entry is wrong and why."""
    ehrs = site.config.ehrs_file.with_name("broken.toml")
    ehrs.write_text('[[ehr]]\niss = "http://ehr.example/fhir"\nname = "Other"\n')
    said = {"CHARTSIDE_PUBLIC_URL": "https://a.example", "CHARTSIDE_SECRET_KEYS": "k" * 43 + "="}
    environ = os.environ | said | {"CHARTSIDE_EHRS": str(ehrs), "CHARTSIDE_STATE": str(ehrs.parent)}
    command = [sys.executable, "-c", "import smartapp.wsgi"]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 3  # gunicorn then stops for good
    assert "[[ehr]] number 1 ('Other'): client_id is missing" in ended.stderr
    assert "Traceback" not in ended.stderr
