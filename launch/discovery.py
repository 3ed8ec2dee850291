"""Reads an EHR's SMART configuration (SMART App Launch 2.2, "Retrieve .well-known/smart-configuration")."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import requests

from launch.ehrs import EHR
from launch.errors import DiscoveryFailed
from launch.transport import HURRIED, USUAL, Limits, SameOriginSession, is_loopback, is_secure, read_json

STALE = timedelta(days=1)  # what was read will do for so long where the EHR does not answer: endpoints seldom move
FRESH = timedelta(minutes=5)  # a launch reads it twice (start, callback); after that the ETag says whether it changed


@dataclass(frozen=True, slots=True)
class SmartConfiguration:
    """What we use of the EHR's answer; every endpoint absolute and checked."""

    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str | None
    issuer: str | None
    jwks_uri: str | None
    names_itself: bool  # RFC 9207: the callback carries `iss`
    capabilities: frozenset[str]

    @classmethod
    def from_json(cls, value: Any, ehr: EHR) -> "SmartConfiguration":
        """Raises DiscoveryFailed when what we need is missing or could be listened to."""
        if not isinstance(value, dict):
            raise DiscoveryFailed("the SMART configuration is not a JSON object")
        methods = value.get("code_challenge_methods_supported")
        if not ehr.assume_s256 and (not isinstance(methods, list) or "S256" not in methods):
            raise DiscoveryFailed("the EHR does not say that it supports PKCE with S256")
        issuer = value.get("issuer")
        return cls(
            _needed(value, "authorization_endpoint", ehr),
            _needed(value, "token_endpoint", ehr),
            _endpoint(value, "revocation_endpoint", ehr),
            issuer if isinstance(issuer, str) else None,
            _endpoint(value, "jwks_uri", ehr),
            value.get("authorization_response_iss_parameter_supported") is True,
            frozenset(c for c in _listed(value.get("capabilities")) if isinstance(c, str)),
        )

    @property
    def takes_post(self) -> bool:
        """An authorization request may be a form: long scopes overflow an address."""
        return "authorize-post" in self.capabilities

    @property
    def scopes_are_v1(self) -> bool:
        """It understands the older grammar of scopes, and says nothing of the newer."""
        return "permission-v1" in self.capabilities and "permission-v2" not in self.capabilities


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _needed(value: dict[str, Any], name: str, ehr: EHR) -> str:
    url = _endpoint(value, name, ehr)
    if url is None:
        raise DiscoveryFailed(f"the SMART configuration has no {name}")
    return url


def _endpoint(value: dict[str, Any], name: str, ehr: EHR) -> str | None:
    """Relative addresses start from the FHIR base; none may leave https, but on this machine's own development EHR."""
    said = value.get(name)
    if not isinstance(said, str) or not said:
        return None
    url = urljoin(ehr.iss + "/", said)
    if not is_secure(url, loopback=is_loopback(ehr.iss)):
        raise DiscoveryFailed(f"the {name} is not an https address")
    return url


class _NoAnswer(DiscoveryFailed):
    """Nothing was said, so what was said before may still hold."""


@dataclass(frozen=True, slots=True)
class _Read:
    configuration: SmartConfiguration
    etag: str | None
    at: datetime


class Discovery:
    """The configurations of trusted EHRs, kept by ETag."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: dict[str, _Read] = {}

    def read(self, ehr: EHR, *, hurried: bool = False) -> SmartConfiguration:
        """Raises DiscoveryFailed. In a hurry what was read once will do, and a silent EHR is not waited for."""
        kept, now = self._kept.get(ehr.iss), self._clock()
        if kept and (hurried or now - kept.at < FRESH):
            return kept.configuration
        try:
            read = self._ask(ehr, kept, now, HURRIED if hurried else USUAL)
        except _NoAnswer:
            if kept is None or now - kept.at >= STALE:
                raise
            return kept.configuration
        self._kept[ehr.iss] = read
        return read.configuration

    def _ask(self, ehr: EHR, kept: _Read | None, now: datetime, limits: Limits) -> _Read:
        headers = {"Accept": "application/json"} | ({"If-None-Match": kept.etag} if kept and kept.etag else {})
        try:
            with SameOriginSession(limits) as http:
                answer = http.get(f"{ehr.iss}/.well-known/smart-configuration", headers=headers)
            if kept and answer.status_code == requests.codes.not_modified:
                return _Read(kept.configuration, kept.etag, now)
            if answer.status_code == requests.codes.ok:
                return _Read(SmartConfiguration.from_json(read_json(answer), ehr), answer.headers.get("ETag"), now)
        except requests.JSONDecodeError:
            raise DiscoveryFailed("the SMART configuration is not JSON") from None
        except requests.RequestException as error:
            raise _NoAnswer(f"the SMART configuration could not be read ({type(error).__name__})") from error
        said = f"the EHR answered {answer.status_code} when asked for its SMART configuration"
        busy = answer.status_code == requests.codes.too_many_requests or answer.status_code >= 500
        raise (_NoAnswer if busy else DiscoveryFailed)(said)
