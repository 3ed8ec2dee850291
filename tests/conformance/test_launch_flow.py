"""Whole launches: one that works, then tabs, browsers and answers that must not mix."""

import base64
import re
import time
from dataclasses import replace

import pytest
from flask import request

from launch.errors import SessionEnded
from launch.transport import HURRIED
from launch.views import COOKIE


def test_a_launch_opens_the_encounter(browser):
    """The EHR opens us, the user says yes, and the session knows chart, encounter and person."""
    opened = browser.open()
    assert opened.status_code == 303
    context = browser.get(opened.headers["Location"]).json
    assert (context["patient"], context["encounter"]) == ("a1", "e1")
    assert (context["fhir_user"], context["user_name"]) == ("Practitioner/p1", "Ines Okafor")


def test_two_tabs_of_one_browser_do_not_mix(browser, ehr):
    """Two launches under way at once, answered in the other order, each open their own patient."""
    ehr.launches |= {"one", "two"}
    first, second = (browser.consent(browser.launch(name)) for name in ("one", "two"))
    two, one = browser.get(second), browser.get(first)
    assert browser.get(one.headers["Location"]).json["patient"] == "patient-of-one"
    assert browser.get(two.headers["Location"]).json["patient"] == "patient-of-two"


def test_each_launch_has_its_own_state_nonce_and_verifier(browser):
    """Two tabs share a browser but nothing that proves a launch."""
    one, two = browser.authorization_request(), browser.authorization_request()
    for name in ("state", "nonce", "code_challenge"):
        assert one[name] != two[name]


def test_each_launch_has_its_own_key_and_each_browser_its_own_cookie(app, browser, new_browser):
    """128 random bits in the address and 256 in the cookie (OWASP ASVS 5.0, 7.2.3 and 7.2.4): none twice, none from
    outside. What a browser brings as a launch key or an odd cookie is not taken over.
    """
    keys = [browser.open().headers["Location"] for _ in range(8)]
    found = [re.fullmatch(r".*/([A-Za-z0-9_-]{22})/?.*", key)[1] for key in keys]
    assert len(set(found)) == 8
    cookies = {new_browser(app).launch().headers["Set-Cookie"].partition(";")[0] for _ in range(8)}
    assert len(cookies) == 8
    assert all(re.fullmatch(re.escape(COOKIE) + r"=[A-Za-z0-9_-]{43}", cookie) for cookie in cookies)
    fixed = app.test_client(use_cookies=False).get(
        "/launch", query_string={"iss": browser.ehr.iss, "launch": "launch-1"}, headers={"Cookie": f"{COOKIE}=mine"}
    )
    assert "=mine" not in fixed.headers["Set-Cookie"]


def test_a_session_is_worth_nothing_in_another_browser(app, browser, new_browser):
    """The launch key stands in addresses; without the cookie of its browser it opens nothing."""
    location = browser.open().headers["Location"]
    stranger = new_browser(app)
    stranger.launch()  # has a cookie, its own
    assert stranger.get(location).status_code == 401
    assert new_browser(app).get(location).status_code == 401
    assert browser.get(location).status_code == 200


def test_an_idle_session_ends(browser, clock):
    """Fifteen minutes without a request end a session; requests in between keep it."""
    location = browser.open().headers["Location"]
    for _ in range(3):
        clock.move(minutes=14)
        assert browser.get(location).status_code == 200
    clock.move(minutes=15, seconds=1)
    assert browser.get(location).status_code == 401


def test_a_busy_session_ends_after_twelve_hours(browser, clock):
    """However busy, a session does not outlive a working day."""
    location = browser.open().headers["Location"]
    for _ in range(12 * 6):
        clock.move(minutes=10)
        assert browser.get(location).status_code == 200
    clock.move(minutes=1)
    assert browser.get(location).status_code == 401


def test_the_cookie_is_the_only_kind_that_comes_back_in_a_frame(browser):
    """__Host-, Secure, HttpOnly, SameSite=None, Partitioned, Path=/ and nothing about a domain."""
    (cookie,) = browser.launch().headers.getlist("Set-Cookie")
    name, *attributes = cookie.split("; ")
    assert name.startswith("__Host-chartside=")
    assert sorted(attributes) == ["HttpOnly", "Partitioned", "Path=/", "SameSite=None", "Secure"]


@pytest.mark.requirement("@7")
@pytest.mark.requirement("@8")
@pytest.mark.requirement("@90")
def test_tokens_never_reach_the_browser(browser, launcher):
    """Access and refresh tokens stay in our store: in no cookie, header or page (App considerations)."""
    launched = browser.launch()
    opened = browser.get(browser.consent(launched))
    page = browser.get(opened.headers["Location"])
    tokens = launcher.session(opened.headers["Location"].split("/")[2], browser.cookie).tokens
    for answer in (launched, opened, page):
        sent = str(answer.headers) + answer.text + str(base64.urlsafe_b64decode(browser.cookie + "="))
        assert tokens.access_token not in sent
        assert tokens.refresh_token not in sent


@pytest.mark.requirement("@9")
def test_tokens_are_sealed_in_the_database(browser, launcher, tmp_path):
    """Whoever reads the database file finds no token, user or browser (App considerations)."""
    session = browser.open_session(launcher)
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert session.key.encode() in content  # it is the right file
    tokens = session.tokens
    for secret in (tokens.access_token, tokens.refresh_token, browser.cookie, "Practitioner/p1", "Okafor"):
        assert secret.encode() not in content


def test_what_is_secret_is_not_in_any_repr(browser, launcher):
    """A traceback or a log line that shows a session shows no token, browser or person."""
    session = browser.open_session(launcher)
    for secret in (session.tokens.access_token, session.tokens.refresh_token, browser.cookie, "Okafor"):
        assert secret not in repr(session)


def test_leaving_ends_the_session_and_revokes_both_tokens(browser, ehr, launcher):
    """POST /logout: nothing opens any more here, and the EHR is told (RFC 7009)."""
    session = browser.open_session(launcher)
    left = browser.leave(session.key)
    assert (left.status_code, left.headers["Location"]) == (303, "/")
    assert ehr.revoked == [session.tokens.refresh_token, session.tokens.access_token]
    assert browser.get(f"/r/{session.key}/").status_code == 401
    with pytest.raises(SessionEnded):
        launcher.access_token(session.key)


def test_leaving_works_without_a_revocation_endpoint(browser, ehr, launcher):
    """Revocation is offered by some EHRs only."""
    ehr.configuration = {"revocation_endpoint": None}
    session = browser.open_session(launcher)
    assert browser.leave(session.key).status_code == 303
    assert browser.get(f"/r/{session.key}/").status_code == 401


@pytest.mark.parametrize("minutes", [0, 10], ids=["configuration kept", "configuration to be read anew"])
def test_leaving_works_when_the_ehr_is_down(browser, ehr, launcher, clock, minutes):
    """The session is over for us whatever the EHR says."""
    session = browser.open_session(launcher)
    clock.move(minutes=minutes)
    ehr.before = lambda: ("down", 500)
    assert browser.leave(session.key).status_code == 303
    assert browser.get(f"/r/{session.key}/").status_code == 401


def test_a_silent_ehr_does_not_hold_up_who_leaves(browser, ehr, launcher, monkeypatch):
    """Giving tokens back is best effort: one short try, and none for the second token when nobody answers the first."""
    monkeypatch.setattr("launch.launcher.HURRIED", replace(HURRIED, silence=0.2))
    session = browser.open_session(launcher)
    ehr.before = lambda: time.sleep(1) if request.path == "/revoke" else None
    began = time.monotonic()
    assert browser.leave(session.key).status_code == 303
    assert time.monotonic() - began < 0.9
    assert len(ehr.asked_for("/revoke")) == 1


def test_an_old_configuration_will_do_to_leave(browser, ehr, launcher, clock):
    """However long ago it was read, it says where tokens are given back; it is not read anew for that."""
    session = browser.open_session(launcher)
    clock.move(minutes=10)
    before = len(ehr.asked_for("/fhir/.well-known/smart-configuration"))
    browser.leave(session.key)
    assert len(ehr.asked_for("/fhir/.well-known/smart-configuration")) == before
    assert len(ehr.revoked) == 2


def test_nobody_else_can_end_a_session(app, browser, new_browser, launcher):
    """Leaving takes the browser's cookie as well as the key."""
    session = browser.open_session(launcher)
    assert new_browser(app).leave(session.key).status_code == 401
    assert browser.get(f"/r/{session.key}/").status_code == 200


def test_answers_of_the_launch_are_not_stored(browser):
    """Redirects carry code and state: no cache may keep them."""
    launched = browser.launch()
    assert launched.headers["Cache-Control"] == "no-store"
    assert browser.get(browser.consent(launched)).headers["Cache-Control"] == "no-store"
