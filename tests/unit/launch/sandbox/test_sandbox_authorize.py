"""The authorization endpoint refuses what SMART App Launch 2.2 lets no server accept."""

from collections.abc import Callable

import pytest
from demo_app import REDIRECT, App, Clock, answer_of
from flask import Flask


def test_gives_a_code_and_the_state_as_sent(smart_app: App) -> None:
    """A proper request comes back to the app with a code, its state and the issuer."""
    answer = answer_of(smart_app.authorize(state="odd + state/=&"))
    assert answer["state"] == "odd + state/=&"
    assert answer["iss"] == "http://127.0.0.1:8090/fhir"
    assert len(answer["code"]) > 30


def test_takes_the_request_as_a_form_too(smart_app: App) -> None:
    """authorize-post is advertised, so POST works like GET."""
    assert "code" in answer_of(smart_app.http.post("/auth/authorize", data=smart_app.request()))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "too-short"}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"aud": "https://elsewhere.example/fhir"}, "invalid_request"),
        ({"aud": "http://127.0.0.1:8090/fhir/"}, "invalid_request"),
        ({"launch": None}, "invalid_request"),
        ({"launch": "guessed"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid fhirUser"}, "invalid_scope"),
        ({"scope": "launch-but-unknown"}, "invalid_scope"),
    ],
)
def test_refuses_towards_the_app(smart_app: App, changes: dict[str, str | None], error: str) -> None:
    """A request that names a trusted address but is wrong otherwise comes back as an error without a code."""
    sent = smart_app.request(**changes)
    answer = answer_of(smart_app.http.get("/auth/authorize", query_string=sent))
    assert answer["error"] == error
    assert "code" not in answer
    assert answer.get("state") == sent.get("state")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": REDIRECT + "/"},
        {"redirect_uri": REDIRECT + "?next=1"},
        {"redirect_uri": 'http://127.0.0.1/"<script>'},
        {"redirect_uri": None},
        {"client_id": "nobody"},
        {"client_id": None},
        {"response_type": "token"},
        {"response_type": '"<script>'},
    ],
)
def test_refuses_to_the_person(smart_app: App, changes: dict[str, str | None]) -> None:
    """Without a trusted address nothing is redirected; the person reads why, and nothing sent is echoed."""
    response = smart_app.authorize(**changes)
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert "cannot be opened" in response.text
    assert "<script>" not in response.text


def test_refuses_a_parameter_sent_twice(smart_app: App) -> None:
    """A doubled parameter is ambiguous, so it is refused."""
    sent = [*smart_app.request().items(), ("aud", "https://elsewhere.example/fhir")]
    assert answer_of(smart_app.http.get("/auth/authorize", query_string=sent))["error"] == "invalid_request"


def test_a_launch_is_good_once(smart_app: App) -> None:
    """The second use of a launch is refused."""
    launch = smart_app.launch()
    assert "code" in answer_of(smart_app.authorize(launch=launch))
    assert answer_of(smart_app.authorize(launch=launch))["error"] == "invalid_request"


def test_a_launch_lapses(smart_app: App, clock: Clock) -> None:
    """A launch that was not taken up within five minutes is refused."""
    launch = smart_app.launch()
    clock.pass_(minutes=5, seconds=1)
    assert answer_of(smart_app.authorize(launch=launch))["error"] == "invalid_request"


def test_a_nonce_is_good_once(smart_app: App) -> None:
    """The same nonce in a second request is refused as a replay."""
    assert "code" in answer_of(smart_app.authorize(nonce="n-1"))
    assert answer_of(smart_app.authorize(nonce="n-1"))["error"] == "invalid_request"


def test_a_user_can_say_no(sandbox: Flask, smart_app: App) -> None:
    """With the deny fault the app hears access_denied, and the launch is spent."""
    sandbox.extensions["sandbox_faults"].deny = True
    launch = smart_app.launch()
    assert answer_of(smart_app.authorize(launch=launch))["error"] == "access_denied"
    sandbox.extensions["sandbox_faults"].deny = False
    assert answer_of(smart_app.authorize(launch=launch))["error"] == "invalid_request"


def _consent_form(smart_app: App, page: str) -> tuple[str, str]:
    action = page.split('action="')[1].split('"')[0].replace("&amp;", "&")
    return action, page.split('name="consent" value="')[1].split('"')[0]


@pytest.mark.parametrize(("decision", "outcome"), [("allow", "code"), ("deny", "error")])
def test_asks_for_consent_when_the_chart_page_says_so(smart_app: App, decision: str, outcome: str) -> None:
    """The consent page names app, person and scopes; Allow gives a code, Deny an error."""
    page = smart_app.authorize(launch=smart_app.launch(consent="ask")).text
    assert "Allow Public" in page
    assert "patient/Condition.rs" in page
    action, consent = _consent_form(smart_app, page)
    answer = answer_of(smart_app.http.post(action, data={"consent": consent, "decision": decision}))
    assert outcome in answer


def test_consent_is_taken_from_the_page_that_asked_only(smart_app: App) -> None:
    """An answer without the page's own token, or with a used one, is refused."""
    action, consent = _consent_form(smart_app, smart_app.authorize(launch=smart_app.launch(consent="ask")).text)
    assert smart_app.http.post(action, data={"consent": "made-up", "decision": "allow"}).status_code == 400
    other, _ = _consent_form(smart_app, smart_app.authorize(launch=smart_app.launch(consent="ask")).text)
    assert smart_app.http.post(other, data={"consent": consent, "decision": "allow"}).status_code == 400


def test_prompt_consent_shows_the_page(smart_app: App) -> None:
    """An app may ask for the consent page itself (OpenID Connect Core 3.1.2.1)."""
    assert "Allow Public" in smart_app.authorize(prompt="consent").text


def test_consent_can_be_the_rule(make_sandbox: Callable[..., Flask]) -> None:
    """With ask_consent every launch shows the page."""
    assert "Allow Public" in App(make_sandbox(ask_consent=True)).authorize().text


def test_discovery_offers_only_what_is_taken(smart_app: App) -> None:
    """The SMART configuration names S256 alone, the endpoints and both id_token places."""
    document = smart_app.http.get("/fhir/.well-known/smart-configuration").json
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["token_endpoint"] == "http://127.0.0.1:8090/auth/token"
    assert {"launch-ehr", "permission-v1", "permission-v2", "authorize-post"} <= set(document["capabilities"])
    assert smart_app.http.get("/fhir/.well-known/openid-configuration").json["jwks_uri"] == document["jwks_uri"]


def test_discovery_is_cached_by_etag(smart_app: App) -> None:
    """A repeated request with If-None-Match is answered 304."""
    first = smart_app.http.get("/fhir/.well-known/smart-configuration")
    again = smart_app.http.get(
        "/fhir/.well-known/smart-configuration", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304
