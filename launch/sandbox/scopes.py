"""SMART scopes, both grammars: what may be granted of what was asked, and what a granted scope permits."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# SMART App Launch 2.2, "Scopes for requesting FHIR resources". The v2 letters keep their order. A scope with
# search parameters (?category=...) is not granted: enforcing it would need the FHIR server's search.
_RESOURCE_SCOPE = re.compile(r"(patient|user)/([A-Z][A-Za-z]*|\*)\.(read|write|\*|c?r?u?d?s?)")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
STANDALONE_SCOPES = ("launch/patient", "launch/encounter")
CONTEXT_SCOPES = frozenset(
    ("launch", "openid", "fhirUser", "profile", "online_access", "offline_access", *STANDALONE_SCOPES)
)


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """level/type.letters; `written` is how it was spelt."""

    level: str
    type: str
    letters: str
    written: str


def parse_scope(text: str) -> ResourceScope | None:
    """Reads a resource scope in either grammar; None for any other scope."""
    match = _RESOURCE_SCOPE.fullmatch(text)
    if not match or not match[3]:
        return None
    return ResourceScope(match[1], match[2], _V1.get(match[3], match[3]), text)


def grant_scopes(requested: str, allowed: Iterable[str]) -> str:
    """Intersects what was asked with what the app may have, keeping the spelling where all of it is granted."""
    allowed = tuple(allowed)
    limits = [scope for scope in map(parse_scope, allowed) if scope]
    granted: dict[str, None] = {}
    for text in requested.split():
        scope = parse_scope(text)
        if scope:
            granted.update(dict.fromkeys(_narrow(scope, limits)))
        elif text in CONTEXT_SCOPES and text in allowed:
            granted[text] = None
    return " ".join(granted)


def permits(granted: str, resource_type: str, letter: str) -> bool:
    """Tells whether the granted scopes hold this interaction: c, r, u, d or s on a type."""
    scopes = (scope for scope in map(parse_scope, granted.split()) if scope)
    return any(scope.type in (resource_type, "*") and letter in scope.letters for scope in scopes)


def _narrow(scope: ResourceScope, limits: list[ResourceScope]) -> list[str]:
    covering = [limit for limit in limits if limit.level == scope.level and limit.type in (scope.type, "*")]
    letters = _shared(scope.letters, "".join(limit.letters for limit in covering))
    if letters == scope.letters:
        return [scope.written]
    narrowed = [f"{scope.level}/{scope.type}.{letters}"] if letters else []
    if scope.type == "*":
        types = [limit for limit in limits if limit.level == scope.level and limit.type != "*"]
        shared = [(limit.type, _shared(scope.letters, limit.letters)) for limit in types]
        narrowed += [f"{scope.level}/{type_}.{both}" for type_, both in shared if both]
    return narrowed


def _shared(wanted: str, held: str) -> str:
    return "".join(letter for letter in wanted if letter in held)
