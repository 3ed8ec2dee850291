"""The authorization request. Guide page: App Launch, "Obtain authorization code"."""

import base64
import hashlib
import itertools
from urllib.parse import parse_qsl, urlsplit

import pytest
from smart_ehr import CALLBACK, CLIENT_ID

from launch.ehrs import TrustedEHRs
from launch.launcher import Launcher
from launch.sessions import SQLSessionStore


@pytest.mark.requirement("@32")
def test_a_code_is_asked_for(browser):
    """response_type is `code`."""
    assert browser.authorization_request()["response_type"] == "code"


@pytest.mark.requirement("@33")
def test_the_registered_client_asks(browser):
    """client_id is the one this EHR gave us."""
    assert browser.authorization_request()["client_id"] == CLIENT_ID


@pytest.mark.requirement("@21")
@pytest.mark.requirement("@34")
def test_the_registered_redirect_uri_is_sent(browser):
    """redirect_uri is one fixed complete address, letter by letter."""
    assert browser.authorization_request()["redirect_uri"] == CALLBACK


@pytest.mark.requirement("@35")
@pytest.mark.parametrize("launch", ["launch-1", "a+b/c=&?#% ü", "eyJhbGciOiJub25lIn0.eyJwIjoxfQ.", "x" * 2000])
def test_the_launch_value_goes_back_as_it_came(browser, launch):
    """launch is opaque: sent back unchanged, whatever it holds."""
    assert browser.authorization_request(launch=launch)["launch"] == launch


@pytest.mark.requirement("@161")
@pytest.mark.requirement("@36")
@pytest.mark.parametrize("missing", ["iss", "launch"])
def test_without_a_launch_nothing_is_asked(browser, ehr, missing):
    """An EHR launch has iss and launch; without one of them there is no request at all."""
    refused = browser.launch(**{missing: ""})
    assert refused.status_code == 400
    assert f"{missing} is missing" in refused.text
    assert ehr.asked == []


@pytest.mark.requirement("@37")
def test_the_scopes_of_the_profile_are_asked_for(build_app, new_browser):
    """scope describes the access that this EHR's profile needs."""
    scopes = ("launch", "openid", "fhirUser", "patient/Patient.r", "user/Condition.c")
    browser = new_browser(build_app(scopes=scopes))
    assert browser.authorization_request()["scope"].split() == list(scopes)


@pytest.mark.requirement("@46")
@pytest.mark.requirement("@47")
@pytest.mark.requirement("@148")
@pytest.mark.requirement("@150")
@pytest.mark.requirement("@195")
@pytest.mark.requirement("@196")
@pytest.mark.requirement("@215")
@pytest.mark.requirement("@216")
def test_the_default_scopes_are_the_least(browser):
    """Chart context, the user's identity, access while the user is there, reading; no wildcard, writing or offline."""
    asked = browser.authorization_request()["scope"].split()
    assert asked == [
        "launch",
        "openid",
        "fhirUser",
        "online_access",
        "patient/Patient.r",
        "patient/Encounter.rs",
        "patient/DocumentReference.rs",
        "patient/DiagnosticReport.rs",
        "patient/Binary.r",
        "patient/Condition.rs",
        "patient/Procedure.rs",
        "patient/Coverage.rs",
        "user/Practitioner.r",
    ]


@pytest.mark.requirement("@41")
@pytest.mark.requirement("@42")
@pytest.mark.parametrize("slash", ["", "/"])
def test_aud_is_the_iss_of_the_launch(browser, ehr, slash):
    """aud names the FHIR server the token is for: the iss we were launched with, so that no counterfeit gets one."""
    assert browser.authorization_request(iss=ehr.iss + slash)["aud"] == ehr.iss + slash


@pytest.mark.requirement("@44")
@pytest.mark.requirement("@45")
@pytest.mark.requirement("@13")
def test_pkce_is_sent_with_s256(browser, engine, launcher, monkeypatch):
    """code_challenge is the SHA-256 of a verifier of 43 characters or more that stays with us; never `plain`."""
    kept = []
    put = SQLSessionStore.put_pending
    monkeypatch.setattr(
        SQLSessionStore, "put_pending", lambda self, pending: (kept.append(pending), put(self, pending))
    )
    asked = browser.authorization_request()
    digest = hashlib.sha256(kept[0].verifier.encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert asked["code_challenge_method"] == "S256"
    assert len(kept[0].verifier) >= 43
    assert kept[0].verifier not in str(asked)


@pytest.mark.requirement("@2")
@pytest.mark.requirement("@3")
@pytest.mark.requirement("@40")
def test_state_cannot_be_guessed(browser):
    """Every request has a new state of at least 122 random bits (ours: 32 bytes in base64url)."""
    states = {browser.authorization_request()["state"] for _ in range(50)}
    assert len(states) == 50
    assert all(len(base64.urlsafe_b64decode(state + "=")) == 32 for state in states)
    # Half of the bits differ between two random values; a counter or a clock would show here.
    numbers = [int.from_bytes(base64.urlsafe_b64decode(state + "=")) for state in states]
    differing = [(a ^ b).bit_count() for a, b in itertools.pairwise(numbers)]
    assert min(differing) > 64
    assert max(differing) < 192


@pytest.mark.requirement("@50")
@pytest.mark.requirement("@51")
def test_the_request_is_a_get_with_a_query(browser, ehr):
    """Sent by GET: every parameter once, in the query, and the endpoint's own query kept."""
    ehr.configuration = {"authorization_endpoint": ehr.host + "/authorize?tenant=7"}
    launched = browser.launch()
    location = urlsplit(launched.headers["Location"])
    names = [name for name, _ in parse_qsl(location.query)]
    assert launched.status_code == 303
    assert f"{location.scheme}://{location.netloc}{location.path}" == ehr.host + "/authorize"
    assert len(names) == len(set(names))
    assert "tenant" in names


@pytest.mark.requirement("@211")
def test_nothing_optional_is_asked_that_servers_may_not_know(browser):
    """No max_age, prompt or acr_values: exactly the parameters of the guide and the nonce."""
    assert set(browser.authorization_request()) == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "aud", "launch"),
        *("code_challenge", "code_challenge_method", "nonce"),
    }


@pytest.mark.requirement("@4")
def test_nobody_can_choose_the_state(browser):
    """A state that comes with the launch is not the one we use."""
    assert browser.authorization_request(state="chosen")["state"] != "chosen"


@pytest.mark.requirement("@20")
@pytest.mark.requirement("@21")
@pytest.mark.requirement("@301")
@pytest.mark.parametrize(
    "public_url", ["http://chartside.example", "chartside.example", "", "https://u:p@chartside.example"]
)
def test_our_own_addresses_are_complete_and_https(store, public_url):
    """Launch, redirect and key addresses come from one setting: https, or plain http on this machine only."""
    with pytest.raises(ValueError, match="https"):
        Launcher(TrustedEHRs([]), store, public_url)


def test_the_redirect_uri_is_made_from_the_public_address(store):
    """One slash, whether or not the setting ends with one."""
    for public_url in ("https://chartside.example", "https://chartside.example/"):
        assert Launcher(TrustedEHRs([]), store, public_url).redirect_uri == "https://chartside.example/callback"
