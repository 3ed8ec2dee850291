"""Asks an EHR what it says of itself, without a token: its SMART configuration, CapabilityStatement and keys."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urljoin

import requests

from launch.ehrs import EHR
from launch.public_hosts import PrivateHost, PublicSession
from launch.transport import AnswerTooLarge, Limits, SameOriginSession, is_secure, read_json
from smartapp.errors import EHRRefused
from smartapp.fhir.capability import Capability

# Somebody waits for four answers; statements of servers that offer everything take some MB.
LIMITS = Limits(connect=3.0, silence=8.0, whole=10.0, size=8 * 1024 * 1024, again=0)
CHECK_ADDRESS = "Check the address: it is the FHIR base, without /metadata or a slash at its end."
ASK_FOR_OPEN = "SMART has EHRs say this to anybody: ask the vendor to let it be read without a sign-in."
CHECK_WAY = "Check the name, and that a firewall lets this server out to it."
T = TypeVar("T")


class NotHeard(Exception):
    """No usable answer: what happened, how to mend it, and whether it is final: it was heard, and will not do."""

    def __init__(self, what: str, mend: str, final: bool = False) -> None:
        super().__init__(what)
        self.mend, self.final = mend, final


@dataclass(frozen=True, slots=True)
class Heard:
    """What the EHR said of itself; a NotHeard in the place of what could not be read."""

    smart: dict[str, Any] | NotHeard
    capability: Capability | NotHeard
    keys: list[dict[str, Any]] | NotHeard  # with which id_tokens are signed


Ask = Callable[[str], Any]  # the JSON at an address; raises NotHeard


def asker(*, public_only: bool, loopback: bool) -> Ask:
    """`public_only` for addresses typed into a page; `loopback` allows this machine's development EHR."""
    session = PublicSession(LIMITS) if public_only else SameOriginSession(LIMITS)

    def ask(url: str) -> Any:
        if not is_secure(url, loopback=loopback and not public_only):
            raise NotHeard("it is not an https address", "Chartside speaks to EHRs over https only.")
        return _ask(session, url)

    return ask


def _ask(session: requests.Session, url: str) -> Any:
    """Raises NotHeard in words that an admin can act on."""
    try:
        answer = session.get(url, headers={"Accept": "application/json, application/fhir+json;q=0.9"})
        if 300 <= answer.status_code < 400:
            mend = "Use the address that it sends on to, if you trust that host."
            raise NotHeard("it sends on to another host, and Chartside does not follow", mend)
        if answer.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
            raise NotHeard(f"it answered {answer.status_code}", ASK_FOR_OPEN)
        if answer.status_code != requests.codes.ok:
            raise NotHeard(f"it answered {answer.status_code}", CHECK_ADDRESS)
        return read_json(answer)
    except PrivateHost:
        mend = "This page asks public addresses only. On the server say: chartside ehr check ISS"
        raise NotHeard("its address lies in a private network", mend) from None
    except requests.exceptions.SSLError:
        mend = (
            "The certificate is not trusted here, has run out or is for another name: have it renewed, or add its CA."
        )
        raise NotHeard("TLS failed", mend) from None
    except AnswerTooLarge:
        raise NotHeard("the answer is too large or too slow", CHECK_ADDRESS) from None
    except requests.Timeout:
        raise NotHeard("it did not answer in time", CHECK_WAY) from None
    except requests.JSONDecodeError:
        raise NotHeard("the answer is not JSON", CHECK_ADDRESS) from None
    except requests.RequestException:
        raise NotHeard("there is no connection", CHECK_WAY) from None


def listen(ehr: EHR, ask: Ask) -> Heard:
    """Three or four requests, all GET, none with a token."""
    smart = _or_trouble(lambda: _as_object(ask(f"{ehr.iss}/.well-known/smart-configuration")))
    capability = _or_trouble(lambda: _capability(ask(f"{ehr.iss}/metadata")))
    if isinstance(smart, NotHeard):
        return Heard(smart, capability, NotHeard("it is not known where they are", ""))
    return Heard(smart, capability, _or_trouble(lambda: _keys(ehr, smart, ask)))


def _or_trouble(read: Callable[[], T]) -> T | NotHeard:
    try:
        return read()
    except NotHeard as trouble:
        return trouble


def _as_object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotHeard("the answer is not a JSON object", CHECK_ADDRESS)
    return value


def _capability(value: Any) -> Capability:
    try:
        return Capability.from_resource(value)
    except EHRRefused as refused:
        raise NotHeard(refused.detail, "Chartside speaks FHIR R4: use the EHR's R4 base address.", final=True) from None


def _keys(ehr: EHR, smart: dict[str, Any], ask: Ask) -> list[dict[str, Any]]:
    """Where the SMART configuration names none, the issuer's OpenID configuration does (OpenID Connect Discovery)."""
    where, issuer = smart.get("jwks_uri"), smart.get("issuer")
    if not isinstance(where, str) and isinstance(issuer, str):
        where = _as_object(ask(issuer.removesuffix("/") + "/.well-known/openid-configuration")).get("jwks_uri")
    if not isinstance(where, str):
        raise NotHeard("neither jwks_uri nor an issuer that names one", "Ask the vendor for its jwks_uri.")
    keys = _as_object(ask(urljoin(ehr.iss + "/", where))).get("keys")
    if not isinstance(keys, list):
        raise NotHeard("it is no JWK Set", "Ask the vendor for its jwks_uri.")
    return [key for key in keys if isinstance(key, dict)]
