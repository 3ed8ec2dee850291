"""Proof by key. Guide page: Client authentication, asymmetric (public key)."""

import base64
import json

import pytest
from joserfc import jws
from joserfc.jwk import JWKRegistry
from smart_ehr import CLIENT_ID

from launch.oauth import sign_assertion

ENDPOINT = "https://ehr.example/token"
KINDS = [("ec", "ES384"), ("rsa", "RS384")]


def parts(assertion):
    header, claims, _ = assertion.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims))


@pytest.mark.requirement("@308")
@pytest.mark.requirement("@309")
@pytest.mark.requirement("@307")
@pytest.mark.parametrize(("key", "alg"), KINDS)
def test_a_launch_works_with_either_kind_of_key(build_app, new_browser, ehr, key, alg):
    """RS384 and ES384 are both supported; this EHR checks the signature against our published keys."""
    assert new_browser(build_app(key=key)).open().status_code == 303
    header, _ = parts(ehr.asked_for("/token")[0].form["client_assertion"])
    assert header["alg"] == alg


@pytest.mark.requirement("@320")
@pytest.mark.requirement("@321")
@pytest.mark.requirement("@293")
@pytest.mark.parametrize(("key", "alg"), KINDS)
def test_the_signature_holds_for_the_published_key(keys, build_app, clock, key, alg):
    """The assertion is a JWS by our private key: the key of that kid in /jwks.json proves it, with the alg it names."""
    published = build_app(key=key).test_client().get("/jwks.json").json["keys"]
    assertion = sign_assertion(getattr(keys, key), CLIENT_ID, ENDPOINT, clock())
    (jwk,) = [k for k in published if k["kid"] == parts(assertion)[0]["kid"]]
    jws.deserialize_compact(assertion, JWKRegistry.import_key(jwk), algorithms=[alg])


@pytest.mark.requirement("@321")
@pytest.mark.requirement("@322")
@pytest.mark.requirement("@323")
@pytest.mark.requirement("@324")
@pytest.mark.requirement("@325")
def test_the_header_is_complete(keys, clock):
    """alg, kid and typ=JWT; no jku, which would have to equal the registered address."""
    header, _ = parts(sign_assertion(keys.ec, CLIENT_ID, ENDPOINT, clock()))
    assert header == {"alg": "ES384", "kid": keys.ec.kid, "typ": "JWT"}


@pytest.mark.requirement("@327")
@pytest.mark.requirement("@328")
@pytest.mark.requirement("@329")
def test_the_claims_name_us_and_the_endpoint(keys, clock):
    """iss and sub are our client_id, aud the token endpoint it is posted to."""
    _, claims = parts(sign_assertion(keys.ec, CLIENT_ID, ENDPOINT, clock()))
    assert (claims["iss"], claims["sub"], claims["aud"]) == (CLIENT_ID, CLIENT_ID, ENDPOINT)


@pytest.mark.requirement("@330")
@pytest.mark.requirement("@331")
def test_the_assertion_lives_for_less_than_five_minutes(keys, clock):
    """exp is a whole number of seconds, at most five minutes ahead even where the server's clock is a minute slow."""
    _, claims = parts(sign_assertion(keys.ec, CLIENT_ID, ENDPOINT, clock()))
    assert isinstance(claims["exp"], int)
    assert 60 <= claims["exp"] - clock().timestamp() <= 240


@pytest.mark.requirement("@319")
@pytest.mark.requirement("@332")
def test_every_assertion_is_new(keys, clock):
    """jti is never used twice, not even within one second."""
    jtis = {parts(sign_assertion(keys.ec, CLIENT_ID, ENDPOINT, clock()))[1]["jti"] for _ in range(500)}
    assert len(jtis) == 500


@pytest.mark.requirement("@319")
def test_every_token_request_has_its_own_assertion(browser, ehr, launcher):
    """A one-time JWT for each request: launch, refresh, revocation. This EHR refuses a jti it has seen."""
    session = browser.open_session(launcher)
    launcher.access_token(session.key, refresh=True)
    browser.leave(session.key)
    asked = ehr.asked_for("/token") + ehr.asked_for("/revoke")
    assertions = {a.form["client_assertion"] for a in asked}
    assert len(asked) == len(assertions) == 4
    assert len(ehr.revoked) == 2


@pytest.mark.requirement("@22")
@pytest.mark.requirement("@294")
@pytest.mark.requirement("@302")
@pytest.mark.requirement("@313")
@pytest.mark.requirement("@314")
@pytest.mark.requirement("@315")
@pytest.mark.parametrize(("key", "members"), [("ec", {"crv", "x", "y"}), ("rsa", {"n", "e"})])
def test_our_public_keys_are_published(build_app, key, members):
    """/jwks.json is a JWK Set that anybody can read: kty, kid, the bare key, and nothing private."""
    answer = build_app(key=key).test_client().get("/jwks.json")
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    (jwk,) = answer.json["keys"]
    assert set(jwk) == {"kty", "kid", "use", "alg"} | members


@pytest.mark.requirement("@303")
def test_the_key_set_may_be_kept_for_an_hour(app):
    """The JWK Set says how long it may be cached."""
    assert app.test_client().get("/jwks.json").headers["Cache-Control"] == "public, max-age=3600"


@pytest.mark.requirement("@322")
def test_two_keys_are_published_while_they_rotate(build_app, new_browser, keys, ehr):
    """The first key signs, the next is already published, and their kids differ."""
    app = build_app(keys=(keys.rsa, keys.ec))
    published = app.test_client().get("/jwks.json").json["keys"]
    assert len({k["kid"] for k in published}) == 2
    assert new_browser(app).open().status_code == 303
    assert parts(ehr.asked_for("/token")[0].form["client_assertion"])[0]["kid"] == keys.rsa.kid


def test_without_keys_the_key_set_is_empty(build_app):
    """An app that is registered without keys publishes an empty set, not an error."""
    assert build_app(client_auth="public").test_client().get("/jwks.json").json == {"keys": []}
