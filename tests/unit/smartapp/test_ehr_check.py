"""What `chartside ehr check` finds: an EHR that has all, bent one thing at a time."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fake_answers import ISS, answers
from metadata_server import MetadataServer, statement

from launch.client_keys import SigningKey, create_pem
from launch.ehrs import EHR, SECRET, VENDORS
from launch.public_hosts import PrivateHost, PublicSession
from launch.scopes import ResourceScope
from smartapp.fhir.ehr_check import Finding, Sign, blocks, check
from smartapp.fhir.hearing import LIMITS, NotHeard, asker
from smartapp.fhir.vendors import vendor
from smartapp.scopes import WRITE, scope_words

URL = "https://codes.example"
OURS = EHR(ISS, "Example", "us", scopes=scope_words("generic", "v2"), embed_origins=("https://ehr.example",))


def found(sign: Sign, findings: tuple[Finding, ...]) -> list[str]:
    return [finding.what for finding in findings if finding.sign is sign]


def test_an_ehr_that_has_all_works() -> None:
    """Nothing blocks, and all that is left to say is that our keys must be reachable from there."""
    findings = check(OURS, answers(), URL)
    assert not blocks(findings)
    assert found(Sign.LIMITED, findings) == [f"the EHR must be able to read our keys at {URL}/jwks.json"]
    written = [finding.what for finding in findings if finding.about == "Writing"]
    assert written == [
        f"{t}: in one transaction with the others" for t in ("Condition", "Encounter", "Claim", "Provenance")
    ]


@pytest.mark.parametrize(
    ("smart", "told"),
    [
        ({"code_challenge_methods_supported": ["plain"]}, "PKCE with S256 is not announced"),
        ({"authorization_endpoint": None}, "authorization_endpoint is missing"),
        ({"token_endpoint": "http://ehr.example/token"}, "token_endpoint is not an https address"),
        ({"capabilities": ["context-ehr-encounter", "permission-v2"]}, "launch-ehr is not among its capabilities"),
        (
            {"token_endpoint_auth_methods_supported": ["client_secret_post"], "capabilities": ["launch-ehr"]},
            "client authentication with private_key_jwt is not offered",
        ),
        ({"issuer": None}, "no issuer of id_tokens is named"),
        ({"jwks_uri": None, "issuer": None}, "the keys of its id_tokens cannot be read: neither"),
    ],
)
def test_what_stops_a_launch_is_named(smart: dict[str, Any], told: str) -> None:
    """One thing is missing, and the check says which and ends as one that something stops."""
    findings = check(OURS, answers(smart), URL)
    assert blocks(findings)
    assert any(what.startswith(told) for what in found(Sign.BLOCKS, findings))


@pytest.mark.parametrize(
    ("smart", "told"),
    [
        ({"revocation_endpoint": None}, "revocation_endpoint is missing"),
        ({"token_endpoint": "https://login.example/token"}, "token_endpoint is on another host"),
        ({"capabilities": None}, "capabilities are not listed"),
        ({"scopes_supported": ["launch", "patient/*.rs"]}, "scopes not listed: openid fhirUser online_access user/"),
        ({"scopes_supported": ["openid"]}, "its list of scopes names none for resources"),
        ({"capabilities": ["launch-ehr", "permission-v1"]}, "scopes in the grammar of SMART v1 only"),
        ({"capabilities": ["launch-ehr"]}, "context-ehr-encounter is not among its capabilities"),
    ],
)
def test_what_works_in_part_is_named(smart: dict[str, Any], told: str) -> None:
    """A loss that leaves the rest working."""
    findings = check(OURS, answers(smart), URL)
    assert not blocks(findings)
    assert any(what.startswith(told) for what in found(Sign.LIMITED, findings))


@pytest.mark.parametrize(
    ("types", "sign", "told"),
    [
        ({"Encounter": None}, Sign.BLOCKS, "Encounter cannot be read"),
        ({"DocumentReference": None}, Sign.BLOCKS, "notes cannot be searched for"),
        (
            {"DocumentReference": {"interaction": ["search-type"], "searchParam": ["patient", "category"]}},
            Sign.LIMITED,
            "notes are not found by encounter, but by patient and category",
        ),
        ({"Binary": None}, Sign.LIMITED, "Binary is not listed"),
        ({"Claim": None}, Sign.LIMITED, "Claim: not as such; a coding summary is filed among the notes"),
    ],
)
def test_what_cannot_be_read_or_written_is_named(types: dict[str, Any], sign: Sign, told: str) -> None:
    """From the CapabilityStatement, with the write plan for each resource."""
    ehr = replace(OURS, scopes=(*OURS.scopes, "user/DocumentReference.c"))
    assert told in found(sign, check(ehr, answers(types=types), URL))


def test_scopes_that_are_not_asked_for_close_a_rung() -> None:
    """The plan is what this entry's scopes allow, and says which one is missing."""
    ehr = replace(OURS, scopes=tuple(scope for scope in OURS.scopes if "Claim" not in scope))
    (claim,) = (f for f in check(ehr, answers(), URL) if f.what.startswith("Claim"))
    assert "user/Claim.c" in claim.why


def test_what_a_correction_cannot_change_is_told() -> None:
    """Registered before corrections were there: the diagnosis is written, and how it may be withdrawn is said."""
    ehr = replace(OURS, scopes=tuple(scope.replace("Condition.crus", "Condition.crs") for scope in OURS.scopes))
    (told,) = (f for f in check(ehr, answers(), URL) if "a correction cannot" in f.what)
    assert told.what.startswith("Condition: ")
    assert "user/Condition.u" in told.why and "user/Condition.crus" in told.mend


def test_what_cannot_be_read_says_how_to_mend_it() -> None:
    """No SMART configuration: no launch; the rest is judged all the same. Another FHIR version ends it too."""
    silent = answers(said={f"{ISS}/.well-known/smart-configuration": NotHeard("it answered 404", "Check the address.")})
    (stop,) = (f for f in check(OURS, silent, URL) if f.sign is Sign.BLOCKS)
    assert (stop.what, stop.mend) == ("the SMART configuration cannot be read: it answered 404", "Check the address.")
    old = statement({}) | {"fhirVersion": "3.0.2"}
    assert any("3.0.2" in what for what in found(Sign.BLOCKS, check(OURS, answers(said={f"{ISS}/metadata": old}), URL)))
    away = answers(said={f"{ISS}/metadata": NotHeard("it answered 401", "")})
    assert not blocks(check(OURS, away, URL))


def test_what_is_known_of_a_vendor_is_told() -> None:
    """What its statements do not say and we cannot mend, with where it stands; of a generic EHR nothing is known."""
    known = [f for f in check(replace(OURS, vendor="epic"), answers(), URL) if f.about == "Known of Epic"]
    assert any("DocumentReference.Create (Clinical Notes) must be among them" in f.what for f in known)
    assert any("not on encounter-discharge" in f.what for f in known)
    assert all(f.why.startswith("from ") and f.sign is Sign.LIMITED for f in known)
    assert not [f for f in check(OURS, answers(), URL) if f.about.startswith("Known of")]


def test_keys_are_found_by_the_issuer() -> None:
    """Without jwks_uri in the SMART configuration, the issuer's OpenID configuration names it."""
    openid = {"https://ehr.example/.well-known/openid-configuration": {"jwks_uri": "https://ehr.example/keys"}}
    assert not blocks(check(OURS, answers({"jwks_uri": None}, said=openid), URL))
    symmetric = {"https://ehr.example/keys": {"keys": [{"kty": "oct"}]}}
    assert blocks(check(OURS, answers(said=symmetric), URL))


def test_our_own_key_must_fit(tmp_path: Any) -> None:
    """An algorithm that the EHR does not take stops the sign-in; the other kind of key is named."""
    pem = tmp_path / "key.pem"
    pem.write_text(create_pem("ES384"))
    ehr = replace(OURS, keys=(SigningKey.load(pem),))
    assert not blocks(check(ehr, answers(), URL))
    rsa_only = answers({"token_endpoint_auth_signing_alg_values_supported": ["RS384"]})
    (stop,) = (f for f in check(ehr, rsa_only, URL) if f.sign is Sign.BLOCKS)
    assert "RS384" in stop.mend


def test_nobody_reaches_a_loopback_address() -> None:
    """A site whose public address is this machine cannot be opened by an EHR elsewhere."""
    assert "Chartside is at http://127.0.0.1:8080" in found(
        Sign.BLOCKS, check(OURS, answers(), "http://127.0.0.1:8080")
    )
    secret = replace(OURS, client_auth=SECRET, client_secret="s", embed_origins=())
    assert found(Sign.LIMITED, check(secret, answers(), URL)) == ["no page may frame Chartside"]


@pytest.mark.parametrize("name", VENDORS)
def test_no_scope_is_asked_for_what_a_vendor_is_known_not_to_take(name: str) -> None:
    """The scopes and the known facts of a vendor agree."""
    for wanted in WRITE[name]:
        scope = ResourceScope.parse(wanted.scope)
        assert scope
        letters = {"c": "create", "u": "update"}
        closed = [
            vendor(name).closed(f"{scope.type}.{letters[letter]}") for letter in scope.letters if letter in letters
        ]
        assert None in closed, (name, wanted.scope, closed)


@pytest.fixture
def server() -> Iterator[MetadataServer]:
    with MetadataServer() as running:
        yield running


def test_a_redirect_to_another_host_is_not_followed(server: MetadataServer) -> None:
    """Whoever answers cannot send this server elsewhere."""
    server.redirect = "http://169.254.169.254/latest/meta-data"
    with pytest.raises(NotHeard, match="another host"):
        asker(public_only=False, loopback=True)(f"{server.base_url}/metadata")


def test_what_is_not_json_is_said(server: MetadataServer) -> None:
    """Errors of the network and of what came back, each in words."""
    ask = asker(public_only=False, loopback=True)
    server.body = b"<html>"
    with pytest.raises(NotHeard, match="not JSON"):
        ask(server.base_url)
    server.status = 404
    with pytest.raises(NotHeard, match="it answered 404"):
        ask(server.base_url)
    server.status, server.body = 200, json.dumps("x" * (LIMITS.size + 1)).encode()
    with pytest.raises(NotHeard, match="too large"):
        ask(server.base_url)
    with pytest.raises(NotHeard, match="no connection"):
        ask("http://127.0.0.1:9/metadata")
    with pytest.raises(NotHeard, match="not an https address"):
        asker(public_only=False, loopback=False)(server.base_url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "10.1.2.3", "[::1]", "[::ffff:10.1.2.3]", "169.254.169.254"]
)
def test_typed_addresses_lead_to_public_hosts_only(host: str) -> None:
    """Neither this machine nor a private network is asked, by number or by name."""
    with pytest.raises(NotHeard, match="private network"):
        asker(public_only=True, loopback=True)(f"https://{host}/fhir/metadata")


def test_a_name_that_changes_its_address_gains_nothing(server: MetadataServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when it is looked up and private when it is connected to: nothing is sent."""
    port = int(server.base_url.split(":")[2].split("/")[0])
    real, answered = socket.getaddrinfo, []

    def rebinding(*asked: Any, **more: Any) -> Any:
        answered.append("93.184.216.34" if not answered else "127.0.0.1")
        return real(answered[-1], port, type=socket.SOCK_STREAM)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with pytest.raises(PrivateHost):
        PublicSession(LIMITS).get(f"https://ehr.example:{port}/metadata")
    assert answered == ["93.184.216.34", "127.0.0.1"]
    assert server.seen == []
