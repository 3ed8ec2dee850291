"""What to type where Chartside is registered: per marketplace, each value computed from this site's settings."""

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from launch.ehrs import PRIVATE_KEY
from smartapp.config import Config
from smartapp.registration.fields import NAME, Field, Section, Site
from smartapp.registration.marketplaces import MARKETPLACES, Marketplace
from smartapp.registration.security import security_answers
from smartapp.scopes import scope_words, wanted_scopes

__all__ = ["MARKETPLACES", "Field", "Marketplace", "Section", "as_json", "build_sections", "to_be_filled_in"]


def scopes_to_paste(vendor: str) -> Section:
    """Whole lists; the reason of each scope is `wanted_scopes`."""
    lists = (Field(f"SMART {v}", (" ".join(scope_words(vendor, v)),)) for v in ("v2", "v1"))
    return Section("Scopes to paste", tuple(lists))


def build_sections(place: Marketplace, config: Config) -> tuple[Section, ...]:
    """The whole sheet, in the order in which it is typed."""
    site = Site(config)
    return (*place.form(site), scopes_to_paste(place.vendor), security_answers(site))


def as_json(place: Marketplace, config: Config) -> dict[str, Any]:
    """The sheet for machines: the form's fields, and the client's metadata as RFC 7591 names it."""
    site, contacts = Site(config), config.contacts
    client = {
        "client_name": NAME,
        "client_uri": config.public_url,
        "launch_url": site.url("launch"),  # of SMART; the others are RFC 7591
        "redirect_uris": [site.url("callback")],
        "jwks_uri": site.url("jwks.json"),
        "token_endpoint_auth_method": PRIVATE_KEY,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": " ".join(scope_words(place.vendor, "v2")),
        "logo_uri": site.url("logo.png"),
        "policy_uri": site.page("privacy"),
        "tos_uri": site.page("terms"),
        "contacts": [address for address in (contacts.email,) if address],
        "software_id": "chartside",
        "software_version": version("chartside"),
    }
    return {
        "marketplace": place.name,
        "client": client,
        "scopes": [_scope_json(w.scope, w.v1, w.why) for w in wanted_scopes(place.vendor)],
        "form": {s.title: _fields_json(s.fields) for s in (*place.form(site), security_answers(site))},
        "to_be_filled_in": to_be_filled_in(place, config),
    }


def to_be_filled_in(place: Marketplace, config: Config) -> list[str]:
    """The settings that would fill the placeholders of the sheet."""
    return sorted({f.missing for s in build_sections(place, config) for f in s.fields if f.missing})


def _scope_json(scope: str, v1: Iterable[str], why: str) -> Mapping[str, object]:
    return {"v2": scope, "v1": list(v1), "why": why}


def _fields_json(fields: Iterable[Field]) -> Mapping[str, object]:
    return {f.label: None if f.missing else f.values[0] if len(f.values) == 1 else list(f.values) for f in fields}
