"""What a FHIR request is: the interaction, and the SMART letter it needs."""

import re
from dataclasses import dataclass

from launch.sandbox.compartment import KNOWN_TYPES

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


class FHIRRefusal(Exception):
    """A FHIR request that is not carried out; becomes an OperationOutcome."""

    def __init__(self, status: int, code: str, words: str, challenge: str | None = None) -> None:
        super().__init__(words)
        self.status, self.code, self.words, self.challenge = status, code, words, challenge


@dataclass(frozen=True, slots=True)
class Interaction:
    """One FHIR interaction (http.html) on a type this EHR offers to apps."""

    name: str  # read, search, create, update, patch, delete
    type: str
    path: str
    id: str | None = None

    @property
    def letter(self) -> str:
        """The letter of a v2 scope ("Scopes for requesting FHIR resources")."""
        return {"read": "r", "search": "s", "create": "c", "update": "u", "patch": "u", "delete": "d"}[self.name]


def read_interaction(method: str, path: str) -> Interaction:
    """Reads method and path; raises FHIRRefusal for what is not offered."""
    segments = path.strip("/").split("/")
    resource_type = segments[0]
    if resource_type not in KNOWN_TYPES:
        raise FHIRRefusal(404, "not-supported", "This server does not offer that to apps.")
    names = {"GET": "read", "HEAD": "read", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    match segments[1:], method:
        case [], "GET" | "HEAD":
            return Interaction("search", resource_type, resource_type)
        case ["_search"], "POST":
            return Interaction("search", resource_type, resource_type)
        case [], "POST":
            return Interaction("create", resource_type, resource_type)
        case [resource_id], _ if method in names and _are_ids(resource_id):
            return Interaction(names[method], resource_type, f"{resource_type}/{resource_id}", resource_id)
        case [resource_id, "_history", version], "GET" | "HEAD" if _are_ids(resource_id, version):
            return Interaction("read", resource_type, f"{resource_type}/{resource_id}/_history/{version}", resource_id)
    raise FHIRRefusal(405, "not-supported", "This server does not offer that interaction.")


def _are_ids(*texts: str) -> bool:
    return all(_ID.fullmatch(text) for text in texts)
