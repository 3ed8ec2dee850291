"""References between resources: what they name, and whether they lie in the patient's own FHIR base."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from smartapp.fhir.elements import items, words

Resource = dict[str, Any]  # one FHIR resource as JSON gives it

# https://hl7.org/fhir/R4/datatypes.html#id; "." and ".." fit the pattern and would climb out of the base.
_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9.-]{1,64}\Z")
_LITERAL = re.compile(
    r"(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})(/_history/(?P<version>[A-Za-z0-9.-]{1,64}))?\Z"
)
_CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?identifier=(?P<system>[^|&]*)\|(?P<value>[^&]+)\Z")


@dataclass(frozen=True, slots=True)
class Literal:
    """A reference that names one resource of this FHIR base."""

    type: str
    id: str
    version: str | None = None

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"


def is_id(value: object) -> bool:
    """Whether the value may stand as a resource id in a path."""
    return isinstance(value, str) and bool(_ID.match(value))


def resolve(base: str, url: str, here: str = "") -> str | None:
    """The absolute URL when it is the FHIR base or lies under it; None for every other host, port, scheme or path.

    A relative one starts from the base, or from `here`. The base itself with a query is where HAPI keeps the further
    pages of a search.
    """
    try:
        absolute = urljoin(here or base + "/", url.strip())
        parts, root = urlsplit(absolute), urlsplit(base)
        same = (parts.scheme, parts.hostname, _port(parts)) == (root.scheme, root.hostname, _port(root))
    except ValueError:
        return None
    path = unquote(parts.path)
    climbs = any(segment in (".", "..") for segment in path.split("/")) or "\\" in path
    plain = parts.username is None and parts.password is None and not climbs
    return absolute if same and plain and f"{path}/".startswith(root.path + "/") else None


def _port(parts: SplitResult) -> int | None:
    return parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def literal(base: str, reference: object) -> Literal | None:
    """What a Reference (or its text) names in this base; None for logical, conditional, contained and foreign ones."""
    text = reference.get("reference") if isinstance(reference, Mapping) else reference
    if not isinstance(text, str):
        return None
    match = _LITERAL.match(text.removeprefix(base + "/"))
    return Literal(match["type"], match["id"], match["version"]) if match and is_id(match["id"]) else None


def names(base: str, reference: object, type: str, id: str) -> bool:
    """Whether the reference names exactly this resource."""
    found = literal(base, reference)
    return found is not None and (found.type, found.id) == (type, id)


def portable(reference: Mapping[str, Any]) -> Resource | None:
    """The reference as it may stand in a resource of ours; a conditional one becomes a logical one.

    Conditional references are for transactions only (https://hl7.org/fhir/R4/http.html#trules), yet charts hold them.
    """
    text = reference.get("reference")
    said = words(reference, "display")
    display = {"display": said} if said else {}
    match = _CONDITIONAL.match(text) if isinstance(text, str) else None
    if match:
        system = {"system": match["system"]} if match["system"] else {}
        return {"type": match["type"], "identifier": system | {"value": match["value"]}} | display
    if isinstance(text, str) and _LITERAL.search(text):
        return {"reference": text} | display
    identifier = reference.get("identifier")
    return {"identifier": identifier} | display if isinstance(identifier, dict) else None


def patient_of(resource: Mapping[str, Any]) -> object:
    """The reference to whom the resource is about."""
    return next((resource[name] for name in ("subject", "patient", "beneficiary", "for") if name in resource), None)


def encounter_of(resource: Mapping[str, Any]) -> list[Any]:
    """The references to the encounters of the resource."""
    if resource.get("resourceType") == "DocumentReference":
        return list(items(resource, "context", "encounter"))
    return [resource["encounter"]] if "encounter" in resource else []
