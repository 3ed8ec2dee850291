"""Code for token. Guide page: App Launch, "Obtain access token"."""

import base64

import pytest
from flask import Response, redirect, request
from smart_ehr import ASSERTION_TYPE, CALLBACK, CLIENT_ID, CLIENT_SECRET

from launch.ehrs import EHR

METHODS = ["public", "client_secret_basic", "private_key_jwt"]


@pytest.fixture
def exchanged(build_app, new_browser, ehr):
    """The token request of a launch, for one way of client authentication."""

    def exchange(client_auth="private_key_jwt", **settings):
        assert new_browser(build_app(client_auth=client_auth, **settings)).open().status_code == 303
        (asked,) = ehr.asked_for("/token")
        return asked

    return exchange


@pytest.mark.requirement("@62")
@pytest.mark.requirement("@67")
@pytest.mark.parametrize("client_auth", METHODS)
def test_the_token_request_is_a_form_by_post(exchanged, client_auth):
    """POST, form-encoded, grant_type=authorization_code."""
    asked = exchanged(client_auth)
    assert asked.method == "POST"
    assert asked.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert asked.form["grant_type"] == "authorization_code"
    assert asked.args == {}


@pytest.mark.requirement("@68")
def test_the_code_goes_back_as_it_came(browser, ehr):
    """The code of the answer, unchanged; this EHR's codes hold characters that must be encoded."""
    url = browser.consent(browser.launch())
    (code,) = ehr.codes
    browser.get(url)
    (asked,) = ehr.asked_for("/token")
    assert asked.form["code"] == code


@pytest.mark.requirement("@69")
def test_the_redirect_uri_is_repeated(exchanged):
    """The same redirect_uri as in the authorization request."""
    assert exchanged().form["redirect_uri"] == CALLBACK


@pytest.mark.requirement("@70")
@pytest.mark.requirement("@13")
@pytest.mark.parametrize("client_auth", METHODS)
def test_the_verifier_fits_the_challenge(exchanged, client_auth):
    """code_verifier is sent by every kind of client; this EHR compares its SHA-256 with the challenge."""
    assert 43 <= len(exchanged(client_auth).form["code_verifier"]) <= 128


@pytest.mark.requirement("@70")
def test_the_ehr_really_checks_the_verifier(browser, ehr):
    """With a challenge of another verifier there is no token (so the test above proves something)."""
    url = browser.consent(browser.launch())
    for code in ehr.codes.values():
        code.challenge = "A" * 43
    answer = browser.get(url)
    assert answer.status_code == 502
    assert "invalid_grant" in answer.text


@pytest.mark.requirement("@63")
@pytest.mark.requirement("@71")
def test_a_public_client_names_itself_and_proves_nothing(exchanged):
    """Public: client_id in the body, no Authorization header, no assertion."""
    asked = exchanged("public")
    assert asked.form["client_id"] == CLIENT_ID
    assert "Authorization" not in asked.headers
    assert "client_assertion" not in asked.form


@pytest.mark.requirement("@64")
@pytest.mark.requirement("@66")
@pytest.mark.requirement("@345")
def test_a_client_with_a_secret_uses_basic(exchanged):
    """Symmetric: HTTP Basic of client_id and secret, both form-encoded first (RFC 6749 2.3.1)."""
    asked = exchanged("client_secret_basic")
    pair = base64.b64decode(asked.headers["Authorization"].removeprefix("Basic ")).decode("ascii")
    assert pair == "chartside+at+work:s3cret%2F%2B%3A%26%C3%A9"
    assert CLIENT_SECRET not in str(asked.form)


@pytest.mark.requirement("@72")
@pytest.mark.parametrize("client_auth", ["client_secret_basic", "private_key_jwt"])
def test_a_confidential_client_leaves_its_id_out_of_the_body(exchanged, client_auth):
    """client_id is in the body for public clients only."""
    assert "client_id" not in exchanged(client_auth).form


@pytest.mark.requirement("@64")
@pytest.mark.requirement("@65")
@pytest.mark.requirement("@333")
@pytest.mark.requirement("@334")
def test_a_client_with_a_key_sends_an_assertion(exchanged):
    """Asymmetric: the fixed assertion type and a JWT, and no Authorization header."""
    asked = exchanged("private_key_jwt")
    assert asked.form["client_assertion_type"] == ASSERTION_TYPE
    assert asked.form["client_assertion"].count(".") == 2
    assert "Authorization" not in asked.headers


@pytest.mark.requirement("@317")
def test_each_ehr_gets_the_id_that_it_gave(build_app, new_browser, ehr):
    """Two EHRs, two registrations: each one's own client_id is used."""
    other = EHR(
        "https://other.example/fhir", "Other", "another-id", client_auth="client_secret_basic", client_secret="x"
    )
    browser = new_browser(build_app(other, client_auth="public"))
    assert browser.open().status_code == 303
    assert ehr.asked_for("/token")[0].form["client_id"] == CLIENT_ID


@pytest.mark.parametrize(
    "bent",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a\r\nX-Injected: 1"},
        {"token_type": None},
        {"token_type": "mac"},
        {"expires_in": "soon"},
        {"expires_in": [1]},
    ],
)
def test_a_token_response_that_cannot_be_used_is_refused(browser, ehr, bent):
    """No bearer token, or one that is no token: the launch ends with a page that says so."""
    ehr.token = bent
    answer = browser.open()
    assert answer.status_code == 502
    assert "token response" in answer.text


@pytest.mark.parametrize(("said", "seconds"), [("240", 240), (299.5, 299), (None, 300), (0, 300), ("", 300)])
def test_expires_in_is_read_as_some_servers_say_it(browser, ehr, launcher, clock, said, seconds):
    """As text or with a fraction; without it (it is RECOMMENDED), five minutes are supposed."""
    ehr.token = {"expires_in": said}
    session = browser.open_session(launcher)
    assert (session.tokens.expires_at - clock()).total_seconds() == seconds


def test_the_token_type_is_read_in_any_case(browser, ehr):
    """bearer, Bearer and BEARER are one (RFC 6749 5.1)."""
    ehr.token = {"token_type": "BEARER"}
    assert browser.open().status_code == 303


@pytest.mark.parametrize(
    "answer",
    [
        Response("not json"),
        Response("[]"),
        Response("gone", 500),
        Response('{"error": "invalid_client", "error_description": "who <b>are</b> you"}', 401),
        Response("x" * 300_000),
    ],
    ids=["text", "list", "broken", "refused", "huge"],
)
def test_a_failed_exchange_is_explained(browser, ehr, answer):
    """Whatever the token endpoint answers, the page explains it and no session is made."""
    ehr.before = lambda: answer if request.path == "/token" else None
    shown = browser.open()
    assert shown.status_code == 502
    assert "Location" not in shown.headers
    assert "<b>" not in shown.text


def test_a_code_is_sent_once_even_when_the_ehr_stumbles(browser, ehr):
    """A POST is not repeated: a code used twice ends the grant."""
    ehr.before = lambda: Response("busy", 503) if request.path == "/token" else None
    assert browser.open().status_code == 502
    assert len(ehr.asked_for("/token")) == 1


def test_code_and_proof_do_not_follow_a_redirect(browser, ehr):
    """The token endpoint cannot hand our code and assertion on to another address."""
    ehr.before = lambda: redirect("/elsewhere", 307) if request.path == "/token" else None
    assert browser.open().status_code == 502
    assert ehr.asked_for("/elsewhere") == []
