"""Discovery. Guide page: App Launch, "Retrieve .well-known/smart-configuration"."""

import time
from dataclasses import replace

import pytest
from flask import Response, redirect, request

from launch.discovery import SmartConfiguration
from launch.ehrs import EHR
from launch.errors import DiscoveryFailed
from launch.transport import USUAL

WELL_KNOWN = "/fhir/.well-known/smart-configuration"


@pytest.mark.requirement("@29")
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_configuration_is_read_below_the_fhir_base(browser, ehr, slash):
    """One GET at FHIR base + .well-known/smart-configuration that accepts JSON, with or without a slash at the end."""
    assert browser.launch(iss=ehr.iss + slash).status_code == 303
    (asked,) = ehr.asked
    assert (asked.method, asked.path, asked.headers["Accept"]) == ("GET", WELL_KNOWN, "application/json")


@pytest.mark.parametrize(
    "iss",
    ["", "https://evil.example", "{iss}x", "{iss}//", "{iss}?a=b", "http://user@{host}/fhir", "HTTP://{host}/fhir"],
)
def test_an_unknown_iss_is_not_even_asked(browser, ehr, iss):
    """iss is what anybody may type: only an exact match with a trusted EHR leads to a request."""
    iss = iss.format(iss=ehr.iss, host=ehr.host.removeprefix("http://"))
    refused = browser.launch(iss=iss)
    assert refused.status_code in (400, 403)
    assert "Location" not in refused.headers
    assert ehr.asked == []


@pytest.mark.requirement("@379")
def test_relative_endpoints_start_from_the_fhir_base(browser, ehr):
    """A relative endpoint address is resolved against the FHIR base URL."""
    ehr.configuration = {"authorization_endpoint": "../authorize", "token_endpoint": "/token"}
    assert browser.launch().headers["Location"].startswith(ehr.host + "/authorize?")
    assert browser.open().status_code == 303


@pytest.mark.requirement("@425")
@pytest.mark.requirement("@426")
def test_a_repeated_read_sends_the_etag_and_keeps_the_copy(browser, ehr, clock):
    """Answers are kept by ETag; asked again, If-None-Match goes along and a 304 keeps the kept copy."""
    browser.launch()
    clock.move(minutes=6)
    assert browser.launch().status_code == 303
    first, second = ehr.asked_for(WELL_KNOWN)
    assert "If-None-Match" not in first.headers
    assert second.headers["If-None-Match"]


def test_a_changed_configuration_is_taken_up(browser, ehr, clock):
    """An ETag that no longer fits brings the new endpoints."""
    browser.launch()
    ehr.configuration = {"authorization_endpoint": ehr.host + "/elsewhere"}
    clock.move(minutes=6)
    assert browser.launch().headers["Location"].startswith(ehr.host + "/elsewhere?")


@pytest.mark.requirement("@13")
@pytest.mark.parametrize("methods", [None, [], ["plain"], "S256"])
def test_an_ehr_without_s256_is_refused(browser, ehr, methods):
    """PKCE with S256 must be offered."""
    ehr.configuration = {"code_challenge_methods_supported": methods}
    refused = browser.launch()
    assert refused.status_code == 502
    assert "S256" in refused.text


def test_an_ehr_known_to_forget_s256_may_be_listed_so(build_app, new_browser, ehr):
    """The profile of one EHR may say that S256 is supported though not named; PKCE is sent all the same."""
    ehr.configuration = {"code_challenge_methods_supported": None}
    assert new_browser(build_app(assume_s256=True)).open().status_code == 303


@pytest.mark.parametrize("missing", ["authorization_endpoint", "token_endpoint"])
def test_a_missing_endpoint_is_named(browser, ehr, missing):
    """The page says what the EHR's configuration lacks."""
    ehr.configuration = {missing: None}
    assert missing in browser.launch().text


@pytest.mark.requirement("@1")
@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "revocation_endpoint", "jwks_uri"])
@pytest.mark.parametrize("url", ["http://ehr.example/x", "https://user:word@ehr.example/x", "ftp://ehr.example/x"])
def test_an_endpoint_that_can_be_listened_to_is_refused(browser, ehr, name, url):
    """Codes, secrets and tokens go over TLS to authenticated servers only; plain http never leaves this machine."""
    ehr.configuration = {name: url}
    refused = browser.launch()
    assert refused.status_code == 502
    assert "https" in refused.text


@pytest.mark.parametrize(
    ("answer", "status"),
    [("not json", 200), ('"a string"', 200), ("{}", 404), ("{}", 500), ("x" * 300_000, 200)],
    ids=["text", "string", "missing", "broken", "huge"],
)
def test_an_unusable_configuration_is_explained(browser, ehr, answer, status):
    """What cannot be read ends the launch with a page that says so."""
    ehr.before = lambda: Response(answer, status)
    refused = browser.launch()
    assert refused.status_code == 502
    assert "SMART configuration" in refused.text


def test_a_huge_configuration_is_not_read(browser, ehr):
    """However well formed: we hold no more than a quarter of a megabyte of an answer."""
    ehr.configuration = {"padding": "x" * 300_000}
    refused = browser.launch()
    assert refused.status_code == 502
    assert "AnswerTooLarge" in refused.text


@pytest.mark.requirement("@1")
@pytest.mark.parametrize("iss", ["https://ehr.example/fhir", "http://127.0.0.1:8090/fhir"])
def test_only_an_ehr_of_this_machine_may_name_addresses_of_this_machine(iss):
    """A real EHR cannot send codes and tokens over plain http, nor make us speak to what runs beside us."""
    said = {
        "authorization_endpoint": "http://127.0.0.1:9/authorize",
        "token_endpoint": "http://127.0.0.1:9/token",
        "code_challenge_methods_supported": ["S256"],
    }
    ehr = EHR(iss, "Some EHR", "us")
    if iss.startswith("https"):
        with pytest.raises(DiscoveryFailed):
            SmartConfiguration.from_json(said, ehr)
    else:
        assert SmartConfiguration.from_json(said, ehr).token_endpoint == said["token_endpoint"]


def test_a_redirect_to_another_host_is_not_followed(browser, ehr):
    """A trusted EHR cannot send us to a host we do not trust."""
    elsewhere = f"http://localhost:{ehr.server.server_port}/stolen"
    ehr.before = lambda: redirect(elsewhere) if request.path == WELL_KNOWN else None
    assert browser.launch().status_code == 502
    assert ehr.asked_for("/stolen") == []


def test_a_redirect_within_the_host_is_followed(browser, ehr):
    """Some EHRs move their well-known addresses within their own origin."""
    moved = WELL_KNOWN + "?moved=1"
    ehr.before = lambda: redirect(moved) if request.path == WELL_KNOWN and not request.args else None
    assert browser.launch().status_code == 303


def test_a_busy_ehr_is_asked_again(browser, ehr):
    """A GET that meets 503 is repeated, twice at most."""
    answers = iter([Response("busy", 503), Response("busy", 503)])
    ehr.before = lambda: next(answers, None)
    assert browser.launch().status_code == 303
    assert len(ehr.asked) == 3


def test_repeating_has_an_end(browser, ehr):
    """An EHR that stays busy is asked three times, not for ever."""
    ehr.before = lambda: Response("busy", 503)
    assert browser.launch().status_code == 502
    assert len(ehr.asked) == 3


@pytest.mark.parametrize("answer", [("busy", 503), ("slow down", 429), None])
def test_a_configuration_that_is_known_outlasts_an_outage(browser, ehr, clock, monkeypatch, answer):
    """What was read once will do for a day where the EHR does not say it anew; what it then says counts at once."""
    monkeypatch.setattr("launch.discovery.USUAL", replace(USUAL, again=0, silence=0.2))

    def stumble():
        if request.path != WELL_KNOWN:
            return None
        return Response(*answer) if answer else time.sleep(1)

    assert browser.open().status_code == 303
    ehr.before = stumble
    clock.move(minutes=6)
    assert browser.open().status_code == 303
    clock.move(hours=24)
    assert browser.launch().status_code == 502
    ehr.before = lambda: Response("gone", 404) if request.path == WELL_KNOWN else None
    clock.move(hours=-23)
    assert browser.launch().status_code == 502


def test_a_silent_ehr_is_given_up(browser, ehr, monkeypatch):
    """An EHR that does not answer is asked twice, and costs a bounded time."""
    monkeypatch.setattr("launch.discovery.USUAL", replace(USUAL, silence=0.1))
    ehr.before = lambda: time.sleep(1)
    began = time.monotonic()
    assert browser.launch().status_code == 502
    assert time.monotonic() - began < 3
    assert len(ehr.asked) == 2


def test_a_trickling_ehr_is_given_up(browser, ehr, monkeypatch):
    """An answer that drips faster than the read time-out still has a time limit as a whole."""
    monkeypatch.setattr("launch.discovery.USUAL", replace(USUAL, whole=0.3))

    def drip():
        for _ in range(40):
            time.sleep(0.05)
            yield b" "

    ehr.before = lambda: Response(drip())
    began = time.monotonic()
    assert browser.launch().status_code == 502
    assert time.monotonic() - began < 1.5
