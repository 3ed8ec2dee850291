"""Who the user is. Guide page: Scopes for requesting identity data; OpenID Connect Core 3.1.3.7."""

import base64
import json

import pytest
from flask import Response, redirect, request
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey


def opened(browser):
    """The context of a launch that succeeds."""
    return browser.get(browser.open().headers["Location"]).json


def refused(browser):
    answer = browser.open()
    return answer.status_code == 502 and "prove who you are" in answer.text and "Location" not in answer.headers


@pytest.mark.requirement("@201")
@pytest.mark.parametrize(
    "bent",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"iss": 7},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": None},
        {"aud": ["chartside at work", "another"], "azp": "another"},
        {"aud": ["chartside at work", "another"]},
        {"azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"exp": None},
        {"iat": None},
        {"exp": "tomorrow"},
        {"exp": float("nan")},
    ],
    ids=str,
)
def test_an_id_token_with_a_wrong_claim_is_refused(browser, ehr, bent):
    """Issuer, audience, nonce and times are all checked."""
    ehr.claims = bent
    assert refused(browser)


@pytest.mark.requirement("@201")
@pytest.mark.parametrize(("claim", "seconds"), [("exp", -61), ("iat", 61), ("nbf", 61)])
def test_an_id_token_out_of_time_is_refused(browser, ehr, clock, claim, seconds):
    """Expired, or from the future, by more than a minute of clock skew."""
    ehr.claims = {claim: int(clock().timestamp()) + seconds}
    assert refused(browser)


@pytest.mark.parametrize(("claim", "seconds"), [("exp", -30), ("iat", 30)])
def test_clocks_may_differ_by_a_minute(browser, ehr, clock, claim, seconds):
    """Half a minute of skew is no reason to send somebody away."""
    ehr.claims = {claim: int(clock().timestamp()) + seconds}
    assert browser.open().status_code == 303


@pytest.mark.requirement("@201")
def test_several_audiences_are_fine_when_it_was_issued_to_us(browser, ehr):
    """aud may be a list; azp then says for whom."""
    ehr.claims = {"aud": ["chartside at work", "another"], "azp": "chartside at work"}
    assert browser.open().status_code == 303


@pytest.mark.parametrize(("key", "alg"), [("ehr", "RS384"), ("ehr_p256", "ES256"), ("ehr_p384", "ES384")])
def test_every_algorithm_of_ours_is_taken(browser, ehr, keys, key, alg):
    """RS256, RS384, ES256 and ES384, whatever the EHR's configuration advertises."""
    ehr.key, ehr.alg = getattr(keys, key), alg
    ehr.configuration = {"id_token_signing_alg_values_supported": ["RS256"]}
    assert browser.open().status_code == 303


def in_place_of_id_token(ehr, build):
    """The EHR answers with an id_token made by the test from the good claims."""
    ehr.id_token = lambda code: build(_claims(ehr, code))


def _claims(ehr, code):
    now = int(ehr.clock().timestamp())
    said = {"iss": ehr.host, "sub": "u1", "aud": code.client_id, "iat": now, "exp": now + 300, "nonce": code.nonce}
    return said | {"fhirUser": "Practitioner/p1"}


def unsigned(claims):
    encoded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "none"}, claims)
    ]
    return ".".join([*encoded, ""])


def signed_with_public_key(ehr):
    """HS256 with the EHR's public key as the secret: the classic confusion of algorithms."""
    secret = OctKey.import_key(ehr.key.as_pem(private=False).replace(b"-----BEGIN", b"----BEGIN"))
    return lambda claims: jwt.encode({"alg": "HS256", "kid": "first"}, claims, secret, algorithms=["HS256"])


@pytest.mark.requirement("@201")
def test_an_unsigned_id_token_is_refused(browser, ehr):
    """alg=none proves nothing."""
    in_place_of_id_token(ehr, unsigned)
    assert refused(browser)


@pytest.mark.requirement("@201")
def test_an_id_token_signed_with_a_shared_secret_is_refused(browser, ehr):
    """HS256 is not on our list, whatever key was used."""
    in_place_of_id_token(ehr, signed_with_public_key(ehr))
    assert refused(browser)


@pytest.mark.requirement("@201")
def test_an_id_token_signed_with_another_key_is_refused(browser, ehr):
    """The right kid with the wrong key behind it."""
    stranger = RSAKey.generate_key(2048)
    in_place_of_id_token(
        ehr, lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, stranger, algorithms=["RS256"])
    )
    assert refused(browser)


@pytest.mark.requirement("@201")
@pytest.mark.parametrize("value", [None, "", "a.b", "a.b.c", "e30.e30.", "....", 7, ["x"]])
def test_what_is_no_id_token_is_refused(browser, ehr, value):
    """Missing or unreadable: nobody is let in without a proved name."""
    ehr.token = {"id_token": value}
    assert refused(browser)


@pytest.mark.requirement("@218")
def test_the_issuers_own_configuration_leads_to_its_keys(browser, ehr):
    """Without jwks_uri in the SMART configuration: issuer, its openid-configuration, its JWK Set, the signature."""
    ehr.configuration = {"jwks_uri": None}
    assert browser.open().status_code == 303
    assert ehr.asked_for("/.well-known/openid-configuration")


@pytest.mark.requirement("@218")
@pytest.mark.parametrize(
    "bent", [{"issuer": "https://evil.example"}, {"jwks_uri": None}, {"jwks_uri": "http://x.example/"}]
)
def test_an_openid_configuration_of_another_issuer_is_refused(browser, ehr, bent):
    """It must name the issuer that was asked, and keys that nobody can swap on the way."""
    ehr.configuration, ehr.openid = {"jwks_uri": None}, bent
    assert refused(browser)


@pytest.mark.requirement("@218")
def test_a_key_set_that_cannot_be_read_ends_the_launch(browser, ehr):
    """No keys, no proof."""
    ehr.before = lambda: Response("gone", 404) if request.path == "/keys" else None
    assert refused(browser)


def test_keys_are_not_fetched_from_another_host(browser, ehr):
    """A redirect of the key set to another origin is not followed."""
    elsewhere = f"http://localhost:{ehr.server.server_port}/other-keys"
    ehr.before = lambda: redirect(elsewhere) if request.path == "/keys" else None
    assert refused(browser)
    assert ehr.asked_for("/other-keys") == []


@pytest.mark.requirement("@218")
def test_keys_are_read_once_for_many_launches(browser, ehr):
    """The key set is kept."""
    browser.open()
    browser.open()
    assert len(ehr.asked_for("/keys")) == 1


@pytest.mark.requirement("@218")
def test_new_keys_are_read_once(browser, ehr, keys):
    """The EHR rotates its keys: an unknown kid leads to one reload, and the launch goes on."""
    browser.open()
    ehr.key, ehr.kid = RSAKey.generate_key(2048), "second"
    ehr.jwks = [{**ehr.key.as_dict(private=False), "kid": "second"}]
    assert browser.open().status_code == 303
    assert len(ehr.asked_for("/keys")) == 2


@pytest.mark.requirement("@218")
def test_an_unknown_kid_costs_one_reload_only(browser, ehr):
    """A kid that is nowhere ends the launch after one more look."""
    browser.open()
    ehr.kid = "nowhere"
    assert refused(browser)
    assert len(ehr.asked_for("/keys")) == 2


@pytest.mark.requirement("@218")
def test_keys_without_a_kid_are_tried(browser, ehr):
    """An id_token may name its key to an issuer that publishes keys without names."""
    ehr.jwks = [ehr.key.as_dict(private=False, kid=None)]
    ehr.jwks = [{k: v for k, v in ehr.jwks[0].items() if k != "kid"}]
    assert browser.open().status_code == 303


@pytest.mark.requirement("@218")
def test_a_withdrawn_key_proves_nothing_after_an_hour(browser, ehr, clock, keys):
    """An issuer takes a stolen key out of its set: it is not believed for as long as the process lives."""
    browser.open()
    ehr.jwks = [{**RSAKey.generate_key(2048).as_dict(private=False), "kid": "second"}]
    assert browser.open().status_code == 303
    clock.move(minutes=61)
    assert refused(browser)


@pytest.mark.requirement("@218")
def test_a_missing_kid_means_trying_the_keys_that_fit(browser, ehr, keys):
    """Some EHRs name no key: each of the right kind is tried, and what is no key is passed over."""
    ehr.kid = None
    good = {**ehr.key.as_dict(private=False), "kid": "first", "use": "sig"}
    others = [keys.ehr_p256.as_dict(private=False), RSAKey.generate_key(2048).as_dict(private=False)]
    junk = [None, {}, {"kty": "RSA"}, {"kty": "oct", "k": "AAAA"}, {**good, "use": "enc"}, {"kty": "EC", "crv": "P-1"}]
    ehr.jwks = [*junk, *others, good]
    assert browser.open().status_code == 303


def test_a_key_for_encryption_proves_nothing(browser, ehr):
    """use=enc is no signing key."""
    ehr.jwks = [{**ehr.key.as_dict(private=False), "kid": "first", "use": "enc"}]
    assert refused(browser)


def test_the_issuer_is_the_one_registered_for_this_ehr(build_app, new_browser, ehr):
    """A registered issuer that differs from the FHIR base is taken, and asked for its own keys."""
    ehr.configuration = {"issuer": "https://fhir.example", "jwks_uri": ehr.host + "/wrong-keys"}
    browser = new_browser(build_app(id_token_issuers=(ehr.host,)))
    assert browser.open().status_code == 303
    assert ehr.asked_for("/wrong-keys") == []


def test_a_registration_binds_the_issuer(build_app, new_browser, ehr):
    """With issuers registered, the one that the configuration names does not count."""
    assert refused(new_browser(build_app(id_token_issuers=("https://idp.example",))))


@pytest.mark.requirement("@93")
@pytest.mark.requirement("@202")
@pytest.mark.parametrize("said", ["Practitioner/p1", "{iss}/Practitioner/p1"])
def test_the_user_is_read_by_the_fhir_user_address(browser, ehr, said):
    """fhirUser, relative or absolute, is read below the FHIR base with the token; kept as a relative reference."""
    ehr.claims = {"fhirUser": said.format(iss=ehr.iss)}
    context = opened(browser)
    (asked,) = ehr.asked_for("/fhir/Practitioner/p1")
    assert asked.headers["Authorization"].startswith("Bearer ")
    assert (context["fhir_user"], context["user_name"]) == ("Practitioner/p1", "Ines Okafor")


@pytest.mark.requirement("@202")
@pytest.mark.requirement("@97")
@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        7,
        "https://evil.example/fhir/Practitioner/p1",
        "{iss}.evil.example/Practitioner/p1",
        "//evil.example/Practitioner/p1",
        "Practitioner/../../token",
        "Practitioner/p1?x=y",
        "Practitioner/p1\n",
        "Patient/a1",
        "RelatedPerson/r1",
        "p1",
    ],
)
def test_a_fhir_user_of_elsewhere_is_refused(browser, ehr, said):
    """Nobody signs as a person of another server, as a patient, or as something that is no reference."""
    ehr.claims = {"fhirUser": said and (said.format(iss=ehr.iss) if isinstance(said, str) else said)}
    assert refused(browser)
    assert [a.path for a in ehr.asked if a.path.startswith("/fhir/P")] == []


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ({"name": [{"text": "Dr. Ines  Okafor\n"}]}, "Dr. Ines Okafor"),
        ({"name": [{"family": "Old"}, {"use": "official", "family": "Okafor"}]}, "Okafor"),
        ({"practitioner": {"display": "Ines Okafor, MD"}}, "Ines Okafor, MD"),
        ({"name": []}, "Practitioner/p1"),
        ({"name": "Okafor"}, "Practitioner/p1"),
        ({"name": 7}, "Practitioner/p1"),
        ({"name": {"family": "Okafor"}}, "Practitioner/p1"),
        ({"name": [{"given": "Ines"}]}, "Practitioner/p1"),
        ({"practitioner": {"reference": "Practitioner/p9"}}, "Practitioner/p1"),
    ],
)
def test_the_name_is_read_as_the_ehr_writes_it(browser, ehr, resource, name):
    """Text before parts, the official name before others; without a name the reference stands in."""
    ehr.practitioner = resource
    assert opened(browser)["user_name"] == name


NUCC = "http://nucc.org/provider-taxonomy"


@pytest.mark.parametrize(
    ("resource", "codes"),
    [
        (
            {"code": [{"coding": [{"system": NUCC, "code": "246YC3301X"}]}]},
            ["http://nucc.org/provider-taxonomy|246YC3301X"],
        ),
        ({"specialty": [{"coding": [{"code": "207R00000X"}]}, {"text": "Coding"}]}, ["|207R00000X", "|Coding"]),
        ({"qualification": [{"code": {"coding": [{"system": "urn:x", "code": "CPC"}]}}]}, ["urn:x|CPC"]),
        ({"code": "coder", "specialty": [7, {"coding": "x"}], "qualification": [{"code": []}, None]}, []),
    ],
)
def test_what_the_person_is(browser, ehr, resource, codes):
    """Codes of role, specialty and qualification, as far as the EHR's resource holds any; anything odd is no code."""
    ehr.practitioner = resource
    assert opened(browser)["user_codes"] == codes


@pytest.mark.parametrize("answer", [Response("no", 403), Response("not json"), Response("[]"), Response("x" * 300_000)])
def test_a_name_that_cannot_be_read_does_not_stop_the_launch(browser, ehr, answer):
    """The identity is proved by then; the reference stands in for the name."""
    ehr.before = lambda: answer if request.path.startswith("/fhir/Practitioner") else None
    assert opened(browser)["user_name"] == "Practitioner/p1"


@pytest.mark.requirement("@97")
@pytest.mark.parametrize("host", ["http://localhost:{port}", "http://127.0.0.1:{port}"], ids=["other", "same"])
def test_the_token_does_not_follow_a_redirect(browser, ehr, host):
    """Reading the user never carries the token to another address, be it on the same host."""
    elsewhere = host.format(port=ehr.server.server_port) + "/another-tenant"
    ehr.before = lambda: redirect(elsewhere) if request.path.startswith("/fhir/Practitioner") else None
    assert opened(browser)["user_name"] == "Practitioner/p1"
    assert ehr.asked_for("/another-tenant") == []
