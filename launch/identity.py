"""Who the user is: the id_token proved and its `fhirUser` read (SMART App Launch 2.2, "Requesting identity data")."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from launch.discovery import SmartConfiguration
from launch.ehrs import EHR
from launch.errors import InvalidIdentity
from launch.transport import SameOriginSession, is_loopback, is_secure, read_json

# Ours, not the server's: some sign ES256 while advertising RS256 only. Each fits one kind of key.
ALGORITHMS: dict[str, type[RSAKey] | type[ECKey]] = {"RS256": RSAKey, "RS384": RSAKey, "ES256": ECKey, "ES384": ECKey}
SKEW_SECONDS = 60
FRESH = timedelta(hours=1)  # a key that the issuer has withdrawn proves nothing after that
# People who may stand for codes: neither a Patient nor a RelatedPerson.
_FHIR_USER = re.compile(r"(?:Practitioner|PractitionerRole|Person)/[A-Za-z0-9.-]{1,64}")
MOST_CODES = 20  # of one person
Key = RSAKey | ECKey


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in, as the EHR's own resource about them says."""

    name: str
    codes: tuple[str, ...] = ()  # system|code


class Identities:
    """Checks id_tokens against their issuers' keys, which are kept and read anew once when none fits."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._http, self._clock = SameOriginSession(), clock
        self._keys: dict[str, tuple[datetime, list[Key]]] = {}

    def verify(self, id_token: Any, ehr: EHR, smart: SmartConfiguration, nonce: str) -> dict[str, Any]:
        """The claims (OpenID Connect Core 3.1.3.7). Raises InvalidIdentity."""
        if not isinstance(id_token, str):
            raise InvalidIdentity("the token response holds no id_token; the EHR must grant Chartside the scope openid")
        try:
            unproved = jws.extract_compact(id_token.encode("utf-8"))
            header, issuer = unproved.headers(), _issuer(unproved.payload)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise InvalidIdentity("the id_token is not a signed JWT with an issuer") from None
        alg = header.get("alg")
        if not isinstance(alg, str) or alg not in ALGORITHMS:
            raise InvalidIdentity("the id_token is signed with an algorithm that is not accepted")
        if issuer not in issuers(ehr, smart):
            raise InvalidIdentity("the id_token is from an issuer that is not registered for this EHR")
        claims = self._prove(id_token, alg, header.get("kid"), self._jwks_uri(issuer, ehr, smart), ehr)
        _check(claims, ehr, nonce, int(self._clock().timestamp()))
        return claims

    def _prove(self, id_token: str, alg: str, kid: object, jwks_uri: str, ehr: EHR) -> dict[str, Any]:
        """The claims whose signature holds, with the kept keys or, once, with those read anew (keys rotate)."""
        now = self._clock()
        read_at, keys = self._keys.get(jwks_uri, (now, []))
        claims = signed_by(keys, id_token, alg, kid) if now - read_at < FRESH else None
        if claims is None:
            keys = self._read_keys(jwks_uri, ehr)
            self._keys[jwks_uri] = (now, keys)
            claims = signed_by(keys, id_token, alg, kid)
        if claims is None:
            raise InvalidIdentity("no key of the issuer fits the id_token's signature")
        return claims

    def _jwks_uri(self, issuer: str, ehr: EHR, smart: SmartConfiguration) -> str:
        """From the SMART configuration where it speaks of this issuer, else from the issuer's own configuration."""
        if smart.jwks_uri and smart.issuer in (issuer, None):
            return smart.jwks_uri
        said = self._read_json(issuer.removesuffix("/") + "/.well-known/openid-configuration", ehr)
        uri = said.get("jwks_uri")
        if said.get("issuer") != issuer or not isinstance(uri, str):
            raise InvalidIdentity("the issuer's OpenID configuration does not name it and its keys")
        return uri

    def _read_keys(self, jwks_uri: str, ehr: EHR) -> list[Key]:
        keys = self._read_json(jwks_uri, ehr).get("keys")
        return [key for said in keys if (key := import_key(said))] if isinstance(keys, list) else []

    def _read_json(self, url: str, ehr: EHR) -> dict[str, Any]:
        if not is_secure(url, loopback=is_loopback(ehr.iss)):
            raise InvalidIdentity("the issuer's keys are not at an https address")
        try:
            answer = self._http.get(url, headers={"Accept": "application/json"})
            value = read_json(answer) if answer.status_code == requests.codes.ok else None
        except requests.RequestException as error:
            raise InvalidIdentity(f"the issuer's keys could not be read ({type(error).__name__})") from error
        if not isinstance(value, dict):
            raise InvalidIdentity(f"the issuer's keys could not be read (it answered {answer.status_code})")
        return value

    def read_person(self, ehr: EHR, fhir_user: str, access_token: str) -> Person:
        """The name for the page and the attestation, and what the person is; the reference alone where the EHR does
        not tell."""
        headers = {"Accept": "application/fhir+json", "Authorization": f"Bearer {access_token}"}
        try:
            answer = self._http.get(f"{ehr.iss}/{fhir_user}", headers=headers, allow_redirects=False)
            person = read_json(answer) if answer.status_code == requests.codes.ok else None
        except requests.RequestException:
            return Person(fhir_user)
        return Person(_name(person) or fhir_user, tuple(dict.fromkeys(_codes(person)))[:MOST_CODES])


def issuers(ehr: EHR, smart: SmartConfiguration) -> tuple[str, ...]:
    """Who may vouch for this EHR's users: those registered, else the one its own configuration names, else itself."""
    return ehr.id_token_issuers or (smart.issuer or ehr.iss,)


def fhir_user(claims: dict[str, Any], ehr: EHR) -> str:
    """The user's reference, relative to the FHIR base. Raises InvalidIdentity for another server or kind of person."""
    said = claims.get("fhirUser")
    if not isinstance(said, str):
        raise InvalidIdentity(
            "the id_token names no fhirUser; the EHR must grant Chartside the scopes openid and fhirUser"
        )
    relative = said.removeprefix(ehr.iss + "/")
    if urlsplit(relative).scheme:
        raise InvalidIdentity("the fhirUser is of another FHIR server than the launch")
    if not _FHIR_USER.fullmatch(relative):
        raise InvalidIdentity("the fhirUser is not a Practitioner, PractitionerRole or Person")
    return relative


def signed_by(keys: list[Key], id_token: str, alg: str, kid: object) -> dict[str, Any] | None:
    """The claims, proved by the key named or, where none is named, by any that fits."""
    for key in keys:
        if isinstance(key, ALGORITHMS[alg]) and (kid is None or key.kid in (None, kid)):
            try:
                return jwt.decode(id_token, key, algorithms=[alg]).claims
            except JoseError:
                continue
    return None


def _check(claims: dict[str, Any], ehr: EHR, nonce: str, now: int) -> None:
    """Who it is for, when, and for which request of ours."""
    registry = jwt.JWTClaimsRegistry(
        now=now,
        leeway=SKEW_SECONDS,
        sub={"essential": True},
        aud={"essential": True, "value": ehr.client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        raise InvalidIdentity(f"the id_token does not hold: {type(error).__name__} {error}") from None
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else ehr.client_id) != ehr.client_id:
        raise InvalidIdentity("the id_token was issued to another client")


def _issuer(payload: bytes | None) -> str:
    """Whose keys to try; nothing else is believed before the signature."""
    issuer = json.loads(payload or b"")["iss"]
    if not isinstance(issuer, str):
        raise ValueError
    return issuer


def import_key(said: Any) -> Key | None:
    """A public key, or None for what is something else; joserfc itself lets none with use=enc prove a signature."""
    if not isinstance(said, dict) or said.get("kty") not in ("RSA", "EC"):
        return None
    try:
        key = JWKRegistry.import_key(said)
    except (JoseError, ValueError, TypeError, KeyError):  # KeyError: a curve that joserfc does not know
        return None
    return key if isinstance(key, RSAKey | ECKey) else None


def _name(person: Any) -> str | None:
    """A HumanName as text; PractitionerRole has only the display of its practitioner."""
    if not isinstance(person, dict):
        return None
    if isinstance(practitioner := person.get("practitioner"), dict):
        return _text(practitioner.get("display"))
    names = [name for name in _listed(person.get("name")) if isinstance(name, dict)]
    if not names:
        return None
    name = next((n for n in names if n.get("use") == "official"), names[0])
    parts = [*_listed(name.get("given")), name.get("family")]
    return _text(name.get("text")) or _text(" ".join(p for p in parts if isinstance(p, str)))


def _codes(person: Any) -> Iterator[str]:
    """Of PractitionerRole.code and .specialty, or of Practitioner.qualification.code; a text counts as a code."""
    if not isinstance(person, dict):
        return
    held = [item.get("code") for item in _listed(person.get("qualification")) if isinstance(item, dict)]
    for concept in (*_listed(person.get("code")), *_listed(person.get("specialty")), *held):
        if isinstance(concept, dict):
            codings = [coding for coding in _listed(concept.get("coding")) if isinstance(coding, dict)]
            said = [f"{_text(c.get('system')) or ''}|{code}" for c in codings if (code := _text(c.get("code")))]
            yield from said or ([f"|{words}"] if (words := _text(concept.get("text"))) else [])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    """One line of at most 200 characters."""
    return " ".join(value.split())[:200] or None if isinstance(value, str) else None
