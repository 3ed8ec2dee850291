"""What an EHR says it offers: its CapabilityStatement (https://hl7.org/fhir/R4/capabilitystatement.html), read once.

What it says is not yet what it does: scopes and what is known of its vendor narrow it (`smartapp/fhir/ladder.py`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests

from launch.transport import Limits, SameOriginSession, read_json
from smartapp.errors import EHRRefused, EHRUnavailable
from smartapp.fhir.elements import at, items, words

FRESH = timedelta(hours=4)  # vendors change it with a release
LIMITS = Limits(size=8 * 1024 * 1024)  # those of servers that offer everything take some MB
NO_VERSIONS = "no-version"


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered for one type of resource; by default nothing."""

    interactions: frozenset[str] = frozenset()  # read, search-type, create, update, patch ...
    searches: frozenset[str] = frozenset()  # names of search parameters
    versioning: str | None = None  # no-version | versioned | versioned-update; None: not said
    conditional_create: bool = False
    update_create: bool = False


_NOTHING = Offer()


@dataclass(frozen=True, slots=True)
class Capability:
    """What an EHR offers, by type and for all of it."""

    software: str  # its name and version, or what the EHR says it is
    fhir_version: str
    date: str
    types: Mapping[str, Offer]
    system: frozenset[str] = field(default_factory=frozenset)  # transaction, batch ...
    patch_formats: frozenset[str] = field(default_factory=frozenset)  # none: not said

    @classmethod
    def from_resource(cls, statement: Any) -> "Capability":
        """Raises EHRRefused for what is no CapabilityStatement of a FHIR R4 server."""
        if at(statement, "resourceType") != "CapabilityStatement":
            raise EHRRefused("The EHR does not say what it offers: /metadata is no CapabilityStatement.")
        version = words(statement, "fhirVersion") or ""
        if not version.startswith("4."):
            raise EHRRefused(f"The EHR speaks FHIR {version[:10] or 'of an unknown version'}; Chartside needs R4.")
        rest = [r for r in items(statement, "rest") if r.get("mode", "server") == "server"]
        software = (words(statement, "software", "name"), words(statement, "software", "version"))
        return cls(
            software=" ".join(part for part in software if part)
            or words(statement, "implementation", "description")
            or "",
            fhir_version=version,
            date=words(statement, "date") or "",
            types={words(r, "type") or "": _offer(r) for server in rest for r in items(server, "resource")},
            system=frozenset(code for server in rest for code in _texts(items(server, "interaction"), "code")),
            patch_formats=_formats(at(statement, "patchFormat")),
        )

    def of(self, type: str) -> Offer:
        """What is offered for the type; nothing when it is not named."""
        return self.types.get(type, _NOTHING)

    def offers(self, type: str, interaction: str) -> bool:
        return interaction in self.of(type).interactions

    def searches(self, type: str, *parameters: str) -> bool:
        """Whether the type can be searched by all of these."""
        offer = self.of(type)
        return "search-type" in offer.interactions and offer.searches.issuperset(parameters)

    def patches_json(self, type: str) -> bool:
        """Whether one element can be changed; a server that names no patch format may still take JSON Patch."""
        named = not self.patch_formats or any("json-patch" in f for f in self.patch_formats)
        return named and self.offers(type, "patch")


def _offer(resource: Mapping[str, Any]) -> Offer:
    return Offer(
        interactions=frozenset(_texts(items(resource, "interaction"), "code")),
        searches=frozenset(_texts(items(resource, "searchParam"), "name")),
        versioning=words(resource, "versioning"),
        conditional_create=resource.get("conditionalCreate") is True,
        update_create=resource.get("updateCreate") is True,
    )


def _formats(said: object) -> frozenset[str]:
    return frozenset(f for f in said if isinstance(f, str)) if isinstance(said, list) else frozenset()


def _texts(values: Iterable[object], name: str) -> list[str]:
    return [said for value in values if (said := words(value, name))]


@dataclass(frozen=True, slots=True)
class _Read:
    capability: Capability
    etag: str | None
    at: datetime


class Capabilities:
    """The statements of EHRs, kept for hours and then asked for anew by their ETag. No token is needed or sent."""

    def __init__(self, clock: Callable[[], datetime], limits: Limits = LIMITS) -> None:
        self._http, self._clock = SameOriginSession(limits), clock
        self._kept: dict[str, _Read] = {}

    def read(self, base_url: str) -> Capability:
        """Of a trusted EHR's FHIR base. Raises EHRUnavailable or EHRRefused, but not while an older one is known."""
        kept, now = self._kept.get(base_url), self._clock()
        if kept and now - kept.at < FRESH:
            return kept.capability
        try:
            read = self._ask(base_url, kept, now)
        except (EHRUnavailable, EHRRefused):
            if kept is None:
                raise
            return kept.capability
        self._kept[base_url] = read
        return read.capability

    def _ask(self, base_url: str, kept: _Read | None, now: datetime) -> _Read:
        headers = {"Accept": "application/fhir+json"} | ({"If-None-Match": kept.etag} if kept and kept.etag else {})
        try:
            answer = self._http.get(f"{base_url}/metadata", headers=headers)
            if kept and answer.status_code == requests.codes.not_modified:
                return _Read(kept.capability, kept.etag, now)
            if answer.status_code != requests.codes.ok:
                raise EHRUnavailable(f"The EHR answered {answer.status_code} when asked what it offers (/metadata).")
            return _Read(Capability.from_resource(read_json(answer)), answer.headers.get("ETag"), now)
        except requests.JSONDecodeError:
            raise EHRRefused("The EHR does not say what it offers: /metadata is not JSON.") from None
        except requests.RequestException as error:
            told = type(error).__name__
            raise EHRUnavailable(f"The EHR could not be asked what it offers (/metadata): {told}.") from None
