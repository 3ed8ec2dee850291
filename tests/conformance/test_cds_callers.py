"""CDS Hooks 2.0, "Trusting CDS Clients" and CORS: who may call the service, each rule quoted."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from cds_client import ADDRESS, PAGE, Client
from joserfc import jws
from joserfc.jwk import OctKey, RSAKey
from smart_ehr import PUBLIC_URL

from smartapp.cds import SERVICE


def test_the_jwt_is_needed_each_time(client: Client) -> None:
    """ "the request MUST include an Authorization header presenting the JWT as a Bearer token ... every single CDS
    Service call"; jti is "used to protect against replay attacks".
    """
    bare = client.post(headers={})
    assert bare.status_code == 401
    assert bare.headers["WWW-Authenticate"].startswith("Bearer")
    token = client.token()
    assert client.post(token=token).status_code == 200
    assert client.post(token=token).status_code == 401
    client.clock.move(minutes=4)
    assert client.post(token=token).status_code == 401


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another service": {"aud": f"{PUBLIC_URL}/cds-services/another"},
    "the discovery endpoint": {"aud": f"{PUBLIC_URL}/cds-services"},
    "no audience": {"aud": None},
    "no expiry": {"exp": None},
    "no time of issue": {"iat": None},
    "no jti": {"jti": None},
    "an empty jti": {"jti": ""},
    "a jti that is too long": {"jti": "j" * 256},
    "no kid": {"header": {"kid": None}},
    "an unknown kid": {"header": {"kid": "another"}},
    "typ": {"header": {"typ": "at+jwt"}},
    "a strange jku": {"header": {"jku": "https://evil.example/keys"}},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_jwt_that_does_not_hold(client: Client, what: str) -> None:
    """alg, kid and typ, iss, aud, exp, iat and jti are REQUIRED; aud "MUST be the URL of the CDS Service endpoint
    being invoked"; "CDS Services SHOULD limit the CDS Clients they trust by maintaining an allowlist of iss and jku
    urls".
    """
    answer = client.post(token=client.token(**WRONG[what]))
    assert answer.status_code == 401, what
    assert "evil.example" not in answer.text


@pytest.mark.parametrize(("exp", "iat", "status"), [(300, 0, 200), (-120, -420, 401), (7200, 0, 401), (300, 600, 401)])
def test_the_jwt_is_young(client: Client, exp: int, iat: int, status: int) -> None:
    """exp and iat in seconds since the epoch: what has expired, is not yet issued or lives for hours is refused."""
    now = int(client.clock().timestamp())
    assert client.post(token=client.token(exp=now + exp, iat=now + iat)).status_code == status


def test_an_infinite_life(client: Client) -> None:
    """JSON as Python reads it knows Infinity and NaN; a JWT must not."""
    for value in (float("inf"), float("nan")):
        assert client.post(token=client.token(exp=value)).status_code == 401


def test_aud_may_be_a_list(client: Client) -> None:
    """ "the aud value is either a string or an array of strings"."""
    assert client.post(token=client.token(aud=["https://elsewhere.example", ADDRESS])).status_code == 200


def test_unsigned_and_symmetric_jwts_are_refused(client: Client) -> None:
    """No JWT without a signature ("SHALL NOT be signed using the none algorithm"), none with a shared key ("SHALL NOT
    be signed using any symmetric algorithm").
    """
    unsigned = client.token().rsplit(".", 1)[0] + "."
    assert client.post(token=unsigned).status_code == 401
    assert client.post(token=client.token(key=OctKey.generate_key(256), alg="HS256")).status_code == 401
    stranger = RSAKey.generate_key(2048)
    assert client.post(token=client.token(key=stranger)).status_code == 401


def test_es384(client: Client, keys: SimpleNamespace) -> None:
    """ "both ES384 and RS384 are RECOMMENDED"; a key that is new in the set is found: "keys" are read anew."""
    assert client.post().status_code == 200
    client.ehr.jwks = [keys.ehr_p384.as_dict(private=False) | {"kid": "new", "use": "sig"}]
    client.clock.move(minutes=2)
    new = client.token(key=keys.ehr_p384, alg="ES384", header={"kid": "new"})
    assert client.post(token=new).status_code == 200


def test_strangers_do_not_make_us_ask(client: Client) -> None:
    """Whatever kids are made up, the EHR's key set is read at most once a minute, and no other address ever."""
    for number in range(5):
        client.post(token=client.token(header={"kid": f"made up {number}"}))
    assert len(client.ehr.asked_for("/keys")) == 1


def test_only_the_callers_own_server(client: Client) -> None:
    """fhirServer is "The base URL of the CDS Client's FHIR server": that of another EHR is refused, its token not
    sent.
    """
    given = {"access_token": "x", "token_type": "Bearer"}
    foreign = client.body(fhirServer="https://other.example/fhir", prefetch=None, fhirAuthorization=given)
    assert client.post(body=foreign).status_code == 403
    assert client.cards(fhirServer=client.ehr.iss + "/")


def test_cors(client: Client) -> None:
    """ "CDS Services and browser-based CDS Clients will require CORS support": for pages of registered EHRs only."""
    asks = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    preflight = client.app.test_client().options(f"/cds-services/{SERVICE}", headers=asks)
    assert preflight.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    for origin in ("https://evil.example", "https://other.example"):  # the latter is not registered for the service
        answer = client.app.test_client().get("/cds-services", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in preflight.headers


def test_clock_skew(client: Client) -> None:
    """A minute of difference between the clocks is borne, and a spent jti is remembered for it."""
    token = client.token()
    client.clock.now += timedelta(seconds=330)
    assert client.post(token=token).status_code == 200
    assert client.post(token=token).status_code == 401


@pytest.mark.parametrize("payload", ["[" * 5000 + "]" * 5000, f'{{"iss": {"9" * 5000}}}', "[]", '"iss"', "null", "{"])
def test_a_jwt_of_odd_json(client: Client, payload: str) -> None:
    """A stranger's JWT is looked into before it is proved: whatever it holds, it is refused and no defect."""
    token = jws.serialize_compact({"alg": "RS384", "typ": "JWT", "kid": "first"}, payload, client.key, ["RS384"])
    assert client.post(token=token).status_code == 401
