"""What the EHR tells about a launch: whose chart, which encounter, which user, what is allowed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class LaunchContext:
    """Launch context of SMART App Launch 2.2 ("Scopes and launch context"); ids are FHIR ids, without the type."""

    iss: str  # FHIR base URL, no trailing slash
    ehr_name: str
    patient: str
    encounter: str
    fhir_user: str  # relative reference: Practitioner/123
    user_name: str  # for the attestation and the page
    scopes: tuple[str, ...]  # as granted
    need_patient_banner: bool = True  # absent means show it
    intent: str | None = None
    tenant: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"scopes": list(self.scopes)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "LaunchContext":
        return cls(**{**value, "scopes": tuple(value["scopes"])})
