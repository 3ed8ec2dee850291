"""Renewing access. Guide page: App Launch, "Refresh access token"."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Response, request

from launch.errors import SessionEnded, TokenRequestFailed
from launch.launcher import REFRESH_LEASE


def refreshes(ehr):
    return [asked for asked in ehr.asked_for("/token") if asked.form["grant_type"] == "refresh_token"]


def failing(ehr, answer):
    """From now on the token endpoint answers so."""
    ehr.before = lambda: answer if request.path == "/token" else None


@pytest.fixture
def session(browser, launcher):
    return browser.open_session(launcher)


def test_a_good_token_is_used_as_it_is(launcher, ehr, session):
    """No request while the token is good for more than a minute."""
    assert launcher.access_token(session.key) == session.tokens.access_token
    assert refreshes(ehr) == []


@pytest.mark.requirement("@105")
@pytest.mark.requirement("@106")
@pytest.mark.requirement("@107")
@pytest.mark.requirement("@108")
def test_a_token_is_renewed_ahead_of_its_end(launcher, ehr, session, clock):
    """A minute before the end: grant_type=refresh_token with the refresh token we were given, and no scope."""
    clock.move(seconds=241)
    assert launcher.access_token(session.key) != session.tokens.access_token
    (asked,) = refreshes(ehr)
    assert asked.form["refresh_token"] == session.tokens.refresh_token
    assert "scope" not in asked.form
    launcher.access_token(session.key)
    assert len(refreshes(ehr)) == 1


def test_a_refused_token_is_renewed_at_once(launcher, ehr, session):
    """The EHR may end a token early: asked to, we renew one that looks good."""
    assert launcher.access_token(session.key, refresh=True) != session.tokens.access_token
    assert len(refreshes(ehr)) == 1


@pytest.mark.requirement("@117")
def test_the_new_refresh_token_replaces_the_old(launcher, ehr, session):
    """This EHR takes each refresh token once; three renewals in a row use three."""
    for _ in range(3):
        launcher.access_token(session.key, refresh=True)
    used = [asked.form["refresh_token"] for asked in refreshes(ehr)]
    assert len(set(used)) == 3


def test_a_refresh_token_that_is_not_replaced_stays(launcher, ehr, session):
    """An answer without a refresh token leaves the old one in place (RFC 6749 6)."""
    kept = dict(ehr.refresh_tokens)
    ehr.token = {"refresh_token": None}
    launcher.access_token(session.key, refresh=True)
    ehr.refresh_tokens.update(kept)
    launcher.access_token(session.key, refresh=True)
    assert [asked.form["refresh_token"] for asked in refreshes(ehr)] == [session.tokens.refresh_token] * 2


@pytest.mark.requirement("@117")
@pytest.mark.parametrize("refresh", [False, True], ids=["near its end", "refused"])
def test_many_requests_at_once_renew_once(launcher, ehr, session, clock, refresh):
    """Eight threads want a token while the EHR is slow: one refresh, and all get what it brought."""
    ready = threading.Barrier(8)
    clock.move(seconds=241)
    ehr.before = lambda: time.sleep(0.3) if request.path == "/token" else None

    def ask(_):
        ready.wait()
        return launcher.access_token(session.key, refresh=refresh)

    with ThreadPoolExecutor(8) as threads:
        tokens = set(threads.map(ask, range(8)))
    assert len(refreshes(ehr)) == 1
    assert len(tokens) == 1
    assert tokens != {session.tokens.access_token}


def test_processes_renew_once_between_them(launcher, store, ehr, session, clock):
    """Another process holds the lease: this one waits and then uses what the other stored."""
    assert store.claim_refresh(session.key, clock(), clock() + timedelta(hours=1))
    renewed = replace(session.tokens, access_token="from-the-other-process")
    threading.Timer(0.2, lambda: store.put_tokens(session.key, renewed)).start()
    assert launcher.access_token(session.key, refresh=True) == "from-the-other-process"
    assert refreshes(ehr) == []


def test_a_refresh_that_finished_just_before_is_not_repeated(launcher, store, ehr, session, monkeypatch):
    """Between our look at the token and our lease another process renewed it: its token is used."""
    claim = store.claim_refresh
    renewed = replace(session.tokens, access_token="from-the-other-process")

    def claim_late(key, now, until):
        store.put_tokens(key, renewed)
        return claim(key, now, until)

    monkeypatch.setattr(store, "claim_refresh", claim_late)
    assert launcher.access_token(session.key, refresh=True) == "from-the-other-process"
    assert refreshes(ehr) == []


def test_a_lease_whose_holder_died_runs_out(launcher, store, session, clock):
    """A process killed while renewing does not block the session for ever."""
    assert store.claim_refresh(session.key, clock(), clock() + REFRESH_LEASE)
    clock.now += REFRESH_LEASE
    assert launcher.access_token(session.key, refresh=True) != session.tokens.access_token


def test_waiting_for_another_refresh_has_an_end(launcher, store, session, clock, monkeypatch):
    """A lease that is not given back in time is an error, not a request that hangs."""
    monkeypatch.setattr("launch.launcher.REFRESH_WAIT", timedelta(seconds=0.2))
    assert store.claim_refresh(session.key, clock(), clock() + timedelta(hours=1))
    with pytest.raises(TokenRequestFailed):
        launcher.access_token(session.key, refresh=True)


def test_a_refresh_token_that_is_refused_ends_the_session(launcher, browser, ehr, session):
    """invalid_grant: the EHR has ended the access; only a relaunch helps, and the session is gone."""
    ehr.refresh_tokens.clear()
    with pytest.raises(SessionEnded):
        launcher.access_token(session.key, refresh=True)
    assert browser.get(f"/r/{session.key}/").status_code == 401


def test_an_ehr_that_is_down_does_not_cost_a_good_token(launcher, browser, ehr, clock):
    """Nothing of it answers: a token that lasts is used, one that does not is an error."""
    ehr.token = {"expires_in": 360}
    session = browser.open_session(launcher)
    ehr.before = lambda: Response("down", 500)
    clock.move(seconds=330)
    assert launcher.access_token(session.key) == session.tokens.access_token
    clock.move(seconds=30)
    with pytest.raises(TokenRequestFailed):
        launcher.access_token(session.key)


def test_a_stumbling_ehr_does_not_cost_a_good_token(launcher, ehr, session, clock):
    """Renewal ahead of time failed: the old token is used while it lasts, and the next request tries again."""
    clock.move(seconds=250)
    failing(ehr, Response("busy", 503))
    assert launcher.access_token(session.key) == session.tokens.access_token
    ehr.before = lambda: None
    assert launcher.access_token(session.key) != session.tokens.access_token


@pytest.mark.parametrize(("seconds", "refresh"), [(301, False), (0, True)], ids=["expired", "refused"])
def test_without_a_usable_token_the_failure_is_told(launcher, ehr, session, clock, seconds, refresh):
    """No good token and no answer from the EHR: an error that does not end the session."""
    clock.move(seconds=seconds)
    failing(ehr, Response("busy", 503))
    with pytest.raises(TokenRequestFailed):
        launcher.access_token(session.key, refresh=refresh)
    ehr.before = lambda: None
    assert launcher.access_token(session.key, refresh=refresh) != session.tokens.access_token


def test_without_a_refresh_token_access_ends_with_the_token(launcher, browser, ehr, clock):
    """Some EHRs give none: the token is used to its last second, then a relaunch is needed."""
    ehr.token = {"refresh_token": None}
    session = browser.open_session(launcher)
    clock.move(seconds=299)
    assert launcher.access_token(session.key) == session.tokens.access_token
    clock.move(seconds=1)
    with pytest.raises(SessionEnded):
        launcher.access_token(session.key)


@pytest.mark.parametrize("said", [None, 0, -5])
def test_a_token_of_unknown_life_is_renewed_early(launcher, browser, ehr, clock, said):
    """expires_in is only recommended: without it a token is trusted for five minutes."""
    ehr.token = {"expires_in": said}
    session = browser.open_session(launcher)
    clock.move(minutes=3)
    assert launcher.access_token(session.key) == session.tokens.access_token
    clock.move(minutes=2)
    assert launcher.access_token(session.key) != session.tokens.access_token


def test_there_is_no_token_without_a_session(launcher):
    """An unknown launch key opens nothing."""
    with pytest.raises(SessionEnded):
        launcher.access_token("unknown")
