"""SMART scopes: grammar, what is asked, what the granted allow (SMART App Launch 2.2, "Scopes and launch context")."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

# What Chartside reads, each by itself; a site that lets Chartside write adds the user/ scopes its EHR takes.
MINIMUM = (
    "launch",
    "openid",
    "fhirUser",
    "online_access",
    "patient/Patient.r",
    "patient/Encounter.rs",
    "patient/DocumentReference.rs",
    "patient/DiagnosticReport.rs",
    "patient/Binary.r",
    "patient/Condition.rs",
    "patient/Procedure.rs",
    "patient/Coverage.rs",
    "user/Practitioner.r",
)
STANDALONE = ("launch/patient", "launch/encounter")
WITHOUT_RESOURCE = frozenset({"launch", "openid", "fhirUser", "profile", "online_access", "offline_access"})
# Letters in this order and each once: create, read, update, delete, search. v1 words stand for letters.
_RESOURCE = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]+)\."
    r"(?P<can>read|write|\*|(?=[cruds])c?r?u?d?s?)(?:\?(?P<only>[^\s?=&]+=[^\s&]*(?:&[^\s?=&]+=[^\s&]*)*))?"
)
_LAUNCH_HINT = re.compile(r"launch/[a-z]+")
_LETTERS = {"read": "rs", "write": "cud", "*": "cruds"}


@dataclass(frozen=True, slots=True)
class ResourceScope:
    """`level/type.letters`, with `only` where the grant is narrowed to a search (`?param=value`)."""

    level: str
    type: str
    letters: str
    only: str | None

    @classmethod
    def parse(cls, scope: str) -> "ResourceScope | None":
        """None for a scope that is not about resources, or is none at all."""
        match = _RESOURCE.fullmatch(scope)
        if match is None:
            return None
        can = match["can"]
        return cls(match["level"], match["type"], _LETTERS.get(can, can), match["only"])


def is_scope(scope: str) -> bool:
    """Whether the words follow the grammar of SMART scopes."""
    return scope in WITHOUT_RESOURCE or bool(_LAUNCH_HINT.fullmatch(scope)) or ResourceScope.parse(scope) is not None


def to_v1(scope: str) -> tuple[str, ...]:
    """The same in the grammar of v1, where `.read` and `.write` are all there is: never less than was meant."""
    parsed = ResourceScope.parse(scope)
    if parsed is None:
        return (scope,)
    words = [word for word in ("read", "write") if set(_LETTERS[word]) & set(parsed.letters)]
    return tuple(f"{parsed.level}/{parsed.type}.{word}" for word in words)


def to_ask(scopes: Iterable[str], *, v1: bool, standalone: bool) -> tuple[str, ...]:
    """The scopes of a request. Without a launch by the EHR, its user is asked which chart to open."""
    asked: dict[str, None] = {}
    for scope in scopes:
        if scope == "launch" and standalone:
            asked |= dict.fromkeys(STANDALONE)
        else:
            asked |= dict.fromkeys(to_v1(scope) if v1 else (scope,))
    return tuple(asked)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What a launch may do at its EHR: by the scopes that were granted, in either grammar, not by those asked for."""

    granted: tuple[str, ...]

    def allow(self, wanted: str) -> bool:
        """Whether all of `Type.letters` may be done, as in `Condition.cr`; on this launch's patient or for its user."""
        resource_type, _, letters = wanted.partition(".")
        return bool(letters) and all(allows(self.granted, letter, resource_type) for letter in letters)


def allows(granted: Iterable[str], letter: str, resource_type: str) -> bool:
    """Whether the granted scopes allow c (create), r (read), u (update, patch), d (delete) or s (search) on every
    resource of the type; a grant narrowed to a search does not, since it may leave out the very one we mean."""
    return any(
        scope is not None and scope.only is None and letter in scope.letters and scope.type in ("*", resource_type)
        for scope in map(ResourceScope.parse, granted)
    )
