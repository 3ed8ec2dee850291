"""The token endpoint: one code, one use; the right app, proven; refresh tokens that rotate."""

import base64
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from demo_app import EC_KEY, RSA_KEY, VERIFIER, App, Clock, answer_of, assertion
from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.test import TestResponse


def _basic(secret: str = "s3cret+%26+more") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"secret-app:{secret}".encode()).decode()}


def _error(response: TestResponse) -> str:
    assert response.status_code in (400, 401), response.text
    assert response.headers["Cache-Control"] == "no-store"
    return response.json["error"]


def test_gives_tokens_with_the_launch_context(smart_app: App) -> None:
    """The answer holds the patient, the encounter, the banner hint and the scopes, and is not cached."""
    response = smart_app.exchange(smart_app.code())
    assert response.headers["Cache-Control"] == "no-store"
    token = response.json
    assert (token["patient"], token["encounter"], token["need_patient_banner"]) == ("ana", "ana-visit", False)
    assert token["token_type"] == "Bearer"
    assert token["expires_in"] == 3600
    assert set(token["scope"].split()) == set(smart_app.scopes.split())


def test_passes_on_intent_tenant_and_style(make_sandbox: Callable[..., Flask]) -> None:
    """Optional context is sent where it is set, and left out where it is not."""
    told = App(make_sandbox(intent="review-codes", tenant="north", smart_style_url="http://127.0.0.1:8090/s.json"))
    token = told.tokens()
    assert (token["intent"], token["tenant"]) == ("review-codes", "north")
    assert "smart_style_url" in token
    assert "intent" not in App(make_sandbox()).tokens()


@pytest.mark.parametrize(("fault", "missing"), [("omit_patient", "patient"), ("omit_encounter", "encounter")])
def test_faults_leave_context_out(sandbox: Flask, smart_app: App, fault: str, missing: str) -> None:
    """A test can make the EHR forget the patient or the encounter."""
    setattr(sandbox.extensions["sandbox_faults"], fault, True)
    assert missing not in smart_app.tokens()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:8080/other"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code": "guessed"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"client_id": None}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": '"password'}, "unsupported_grant_type"),
    ],
)
def test_refuses_a_wrong_exchange(smart_app: App, changes: dict[str, str | None], error: str) -> None:
    """Each wrong or missing parameter is refused with the error that RFC 6749 names."""
    assert _error(smart_app.exchange(smart_app.code(), **changes)) == error


def test_a_code_lapses(smart_app: App, clock: Clock) -> None:
    """A code is good for a minute."""
    code = smart_app.code()
    clock.pass_(seconds=61)
    assert _error(smart_app.exchange(code)) == "invalid_grant"


def test_a_code_used_twice_revokes_the_tokens(smart_app: App) -> None:
    """The second use is refused and what the first one gave stops working (RFC 6749 section 4.1.2)."""
    code = smart_app.code()
    token = smart_app.exchange(code).json
    assert smart_app.fhir("GET", "Patient/ana", token["access_token"]).status_code == 200
    assert _error(smart_app.exchange(code)) == "invalid_grant"
    assert smart_app.fhir("GET", "Patient/ana", token["access_token"]).status_code == 401
    assert _error(smart_app.refresh(token["refresh_token"])) == "invalid_grant"


def test_a_code_is_for_one_app(sandbox: Flask, smart_app: App) -> None:
    """Another app cannot exchange the code, and its attempt does no harm."""
    code = smart_app.code()
    other = App(sandbox, "secret-app")
    assert _error(other.exchange(code, _basic(), client_id=None)) == "invalid_grant"
    assert smart_app.exchange(code).status_code == 200


def test_parameters_belong_in_the_form(smart_app: App) -> None:
    """A code in the address, a doubled parameter or a JSON body is refused."""
    code = smart_app.code()
    assert _error(smart_app.post(f"/auth/token?code={code}", grant_type="authorization_code")) == "invalid_request"
    assert _error(smart_app.http.post("/auth/token", json={"code": code})) == "invalid_request"
    doubled = f"grant_type=authorization_code&code={code}&code={code}"
    form = "application/x-www-form-urlencoded"
    assert _error(smart_app.http.post("/auth/token", data=doubled, content_type=form)) == "invalid_request"


def test_secret_app_uses_basic(sandbox: Flask) -> None:
    """HTTP Basic with the right secret is taken; a wrong one, none, or one in the form is not."""
    smart_app = App(sandbox, "secret-app")
    assert _error(smart_app.exchange(smart_app.code(), _basic("wrong"), client_id=None)) == "invalid_client"
    assert _error(smart_app.exchange(smart_app.code())) == "invalid_client"
    assert _error(smart_app.exchange(smart_app.code(), client_secret="s3cret & more")) == "invalid_request"
    assert smart_app.exchange(smart_app.code(), _basic(), client_id=None).status_code == 200


def test_client_id_must_be_that_of_the_authenticated_app(sandbox: Flask) -> None:
    """A client_id in the form that contradicts the authentication is refused."""
    smart_app = App(sandbox, "secret-app")
    assert _error(smart_app.exchange(smart_app.code(), _basic(), client_id="public-app")) == "invalid_client"


@pytest.mark.parametrize(("key", "alg"), [(RSA_KEY, "RS384"), (EC_KEY, "ES384")])
def test_signing_app_uses_an_assertion(sandbox: Flask, key: Any, alg: str) -> None:
    """RS384 and ES384 are taken."""
    smart_app = App(sandbox, "signing-app")
    assert smart_app.exchange(smart_app.code(), client_id=None, **assertion(key, alg=alg)).status_code == 200


@pytest.mark.parametrize(
    "bent",
    [
        {"alg": "RS256"},
        {"header": {"typ": None}},
        {"header": {"typ": "at+jwt"}},
        {"header": {"kid": None}},
        {"header": {"kid": "unknown"}},
        {"key": RSAKey.generate_key(2048, {"kid": "rsa-1"})},
        {"aud": "http://127.0.0.1:8090/fhir"},
        {"aud": None},
        {"iss": "another-app"},
        {"sub": "secret-app", "iss": "secret-app"},
        {"sub": None},
        {"exp": 1_000_000_000},
        {"exp": 9_999_999_999},
        {"exp": "soon"},
        {"exp": None},
        {"jti": None},
    ],
)
def test_refuses_a_bent_assertion(sandbox: Flask, bent: dict[str, Any]) -> None:
    """Every claim and header field of the assertion counts."""
    smart_app = App(sandbox, "signing-app")
    assert _error(smart_app.exchange(smart_app.code(), client_id=None, **assertion(**bent))) == "invalid_client"


def test_refuses_a_missing_assertion(sandbox: Flask) -> None:
    """An app registered with a key cannot come without a proof, nor with a wrong assertion type."""
    smart_app = App(sandbox, "signing-app")
    assert _error(smart_app.exchange(smart_app.code())) == "invalid_client"
    mistyped = assertion() | {"client_assertion_type": "jwt"}
    assert _error(smart_app.exchange(smart_app.code(), client_id=None, **mistyped)) == "invalid_client"
    unreadable = assertion() | {"client_assertion": "not.a.jwt"}
    assert _error(smart_app.exchange(smart_app.code(), client_id=None, **unreadable)) == "invalid_client"


def test_refuses_a_replayed_jti(sandbox: Flask) -> None:
    """An assertion is good once, whatever it is used for."""
    smart_app = App(sandbox, "signing-app")
    proof = assertion()
    token = smart_app.exchange(smart_app.code(), client_id=None, **proof).json
    assert _error(smart_app.exchange(smart_app.code(), client_id=None, **proof)) == "invalid_client"
    assert _error(smart_app.refresh(token["refresh_token"], client_id=None, **proof)) == "invalid_client"


def test_refuses_two_ways_of_authentication(sandbox: Flask) -> None:
    """RFC 6749 section 2.3: one method a request."""
    smart_app = App(sandbox, "signing-app")
    assert _error(smart_app.exchange(smart_app.code(), _basic(), **assertion())) == "invalid_request"


def test_a_refresh_token_rotates(smart_app: App) -> None:
    """Each exchange gives a new pair, with the context again."""
    first = smart_app.tokens()
    second = smart_app.refresh(first["refresh_token"]).json
    assert second["refresh_token"] != first["refresh_token"]
    assert second["patient"] == "ana"
    assert smart_app.fhir("GET", "Patient/ana", second["access_token"]).status_code == 200


def test_a_rotated_refresh_token_used_again_revokes_the_grant(smart_app: App) -> None:
    """Reuse means theft: every token of the grant stops working (RFC 9700 section 4.14.2)."""
    first = smart_app.tokens()
    second = smart_app.refresh(first["refresh_token"]).json
    assert _error(smart_app.refresh(first["refresh_token"])) == "invalid_grant"
    assert _error(smart_app.refresh(second["refresh_token"])) == "invalid_grant"
    assert smart_app.fhir("GET", "Patient/ana", second["access_token"]).status_code == 401


def test_a_refresh_token_is_for_one_app_and_one_shift(sandbox: Flask, smart_app: App, clock: Clock) -> None:
    """Another app cannot use it, and it lapses."""
    token = smart_app.tokens()["refresh_token"]
    other = App(sandbox, "secret-app")
    assert (
        _error(other.post("/auth/token", _basic(), grant_type="refresh_token", refresh_token=token)) == "invalid_grant"
    )
    clock.pass_(hours=12, seconds=1)
    assert _error(smart_app.refresh(token)) == "invalid_grant"


def test_a_refresh_can_narrow_but_not_widen(smart_app: App) -> None:
    """A scope within the grant narrows the access token; one beyond it is refused."""
    token = smart_app.tokens(scope="launch online_access patient/Patient.r patient/Condition.rs")["refresh_token"]
    assert _error(smart_app.refresh(token, scope="user/Claim.write")) == "invalid_scope"
    narrowed = smart_app.refresh(token, scope="patient/Patient.r").json
    assert smart_app.fhir("GET", "Condition/ana-dx", narrowed["access_token"]).status_code == 403
    assert "patient/Condition.rs" in smart_app.refresh(narrowed["refresh_token"]).json["scope"]


def test_no_refresh_token_without_its_scope(smart_app: App) -> None:
    """Only online_access or offline_access brings a refresh token."""
    assert "refresh_token" not in smart_app.tokens(scope="launch patient/Patient.r")


@pytest.mark.parametrize("kind", ["code", "refresh"])
def test_of_two_at_once_one_wins(sandbox: Flask, smart_app: App, kind: str) -> None:
    """Two simultaneous uses of one code or refresh token never both succeed."""
    value = smart_app.code() if kind == "code" else smart_app.tokens()["refresh_token"]
    statuses, barrier = [], Barrier(4)

    def race() -> None:
        rival = App(sandbox)
        barrier.wait()
        answer = rival.exchange(value) if kind == "code" else rival.refresh(value)
        statuses.append(answer.status_code)

    racers = [Thread(target=race) for _ in range(4)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert statuses.count(200) <= 1
    assert set(statuses) <= {200, 400}


def test_revoking_a_refresh_token_ends_the_grant(smart_app: App) -> None:
    """RFC 7009: the access tokens go with it."""
    token = smart_app.tokens()
    assert smart_app.post("/auth/revoke", token=token["refresh_token"], client_id="public-app").status_code == 200
    assert smart_app.fhir("GET", "Patient/ana", token["access_token"]).status_code == 401
    assert _error(smart_app.refresh(token["refresh_token"])) == "invalid_grant"


def test_revoking_an_access_token_ends_that_one(smart_app: App) -> None:
    """The refresh token still works; an unknown token is no error; another app's token is left alone."""
    token = smart_app.tokens()
    assert _error(smart_app.post("/auth/revoke", _basic(), token=token["access_token"])) == "invalid_grant"
    assert smart_app.post("/auth/revoke", token=token["access_token"], client_id="public-app").status_code == 200
    assert smart_app.fhir("GET", "Patient/ana", token["access_token"]).status_code == 401
    assert smart_app.post("/auth/revoke", token="unknown", client_id="public-app").status_code == 200
    assert smart_app.refresh(token["refresh_token"]).status_code == 200


def test_a_token_can_be_made_short(sandbox: Flask, smart_app: App, clock: Clock) -> None:
    """The token_life fault shortens what is issued from then on."""
    sandbox.extensions["sandbox_faults"].token_life = timedelta(seconds=5)
    token = smart_app.tokens()
    assert token["expires_in"] == 5
    clock.pass_(seconds=6)
    response = smart_app.fhir("GET", "Patient/ana", token["access_token"])
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("alg", ["RS256", "RS384", "ES256", "ES384"])
@pytest.mark.parametrize("kid", [True, False])
def test_signs_the_id_token(make_sandbox: Callable[..., Flask], alg: str, kid: bool) -> None:
    """Whatever the algorithm, with or without kid, the published key verifies who is at the keyboard."""
    smart_app = App(make_sandbox(id_token_alg=alg, id_token_kid=kid))
    token = smart_app.tokens(nonce="n-42")["id_token"]
    jwks = smart_app.http.get("/auth/jwks.json").json
    assert all("d" not in key for key in jwks["keys"])
    read = jwt.decode(token, KeySet.import_key_set(jwks).keys[0], algorithms=[alg])
    assert ("kid" in read.header) is kid
    assert read.claims["nonce"] == "n-42"
    assert (read.claims["iss"], read.claims["aud"]) == ("http://127.0.0.1:8090/fhir", "public-app")
    assert read.claims["fhirUser"] == "http://127.0.0.1:8090/fhir/Practitioner/demo-clinician"
    assert read.claims["exp"] - read.claims["iat"] == 300


def test_the_id_token_says_who_was_chosen(smart_app: App) -> None:
    """After choosing the coder, the launch is the coder's; without fhirUser the claim is missing."""
    smart_app.http.post("/user", data={"user": "coder", "back": "/"})
    jwks = smart_app.http.get("/auth/jwks.json").json
    key = KeySet.import_key_set(jwks).keys[0]
    assert (
        jwt.decode(smart_app.tokens()["id_token"], key, ["ES256"])
        .claims["fhirUser"]
        .endswith("Practitioner/demo-coder")
    )
    plain = smart_app.tokens(scope="launch openid")["id_token"]
    assert "fhirUser" not in jwt.decode(plain, key, ["ES256"]).claims


def test_no_id_token_without_openid(smart_app: App) -> None:
    """openid asks for it; nothing else does."""
    assert "id_token" not in smart_app.tokens(scope="launch patient/Patient.r")


def test_a_refused_request_keeps_the_code(smart_app: App) -> None:
    """A wrong verifier gives nothing, and the right one still works: a thief cannot burn the code."""
    code = smart_app.code()
    assert _error(smart_app.exchange(code, code_verifier="y" * 64)) == "invalid_grant"
    assert smart_app.exchange(code, code_verifier=VERIFIER).status_code == 200


def test_grants_no_more_than_registered(smart_app: App) -> None:
    """What was not registered is left out of the grant, silently, as the standard allows."""
    granted = smart_app.tokens(scope="launch patient/Patient.rs patient/Procedure.rs user/Condition.cud system/*.rs")[
        "scope"
    ]
    assert granted == "launch patient/Patient.r user/Condition.c"


def test_state_is_not_needed_to_see_an_error(smart_app: App) -> None:
    """An error without state still reaches the app."""
    assert "state" not in answer_of(smart_app.authorize(state=None))


def test_a_public_app_refreshes_without_naming_itself(sandbox: Flask) -> None:
    """ "Refresh access token" asks for no client_id; an app that has to authenticate is refused without it."""
    public = App(sandbox)
    assert public.refresh(public.tokens()["refresh_token"], client_id=None).status_code == 200
    secret = App(sandbox, "secret-app")
    token = secret.exchange(secret.code(), _basic(), client_id=None).json["refresh_token"]
    assert _error(secret.refresh(token, client_id=None)) == "invalid_client"
    assert _error(public.refresh("unknown", client_id=None)) == "invalid_client"
