"""What the EHR tells about a launch: whose chart, which encounter, which user, what is allowed, how it looks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from launch.ehrs import EHR
from launch.errors import MissingContext
from launch.scopes import Abilities
from launch.style import SmartStyle

_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_TYPE = re.compile(r"[A-Z][A-Za-z]{0,63}")
LONGEST = 1000  # characters of what the EHR says about a launch
LONGEST_APP_CONTEXT = 8000  # it is sealed, and names a chart by its address
MOST_ITEMS = 50  # of fhirContext; more is no context but a list


@dataclass(frozen=True, slots=True)
class ContextItem:
    """A further resource in view at the EHR (`fhirContext` of SMART App Launch 2.2), named in one way at least."""

    reference: str | None = None  # relative: DocumentReference/d1
    canonical: str | None = None
    identifier: str | None = None  # system|value
    type: str | None = None


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
    fhir_context: tuple[ContextItem, ...] = ()
    style: SmartStyle | None = None
    user_codes: tuple[str, ...] = ()  # what the EHR says the user is: system|code of role, specialty, qualification
    standalone: bool = False  # begun at our own address, without a chart
    app_context: str | None = field(default=None, repr=False)  # as a card's link had it (CDS Hooks 2.0); not checked

    @property
    def abilities(self) -> Abilities:
        return Abilities(self.scopes)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "LaunchContext":
        rebuilt = {
            "scopes": tuple(value["scopes"]),
            "user_codes": tuple(value.get("user_codes", ())),
            "fhir_context": tuple(ContextItem(**item) for item in value.get("fhir_context", ())),
            "style": SmartStyle(**value["style"]) if value.get("style") else None,
        }
        return cls(**{**value, **rebuilt})


def read_context(answer: Mapping[str, Any], ehr: EHR, user: str, asked: tuple[str, ...]) -> LaunchContext:
    """Launch context of the token response; no id that is not FHIR's, since ids become addresses.

    Raises MissingContext.
    """
    for name in ("patient", "encounter"):
        if not isinstance(answer.get(name), str) or not _FHIR_ID.fullmatch(answer[name]):
            raise MissingContext(f"the EHR named no {name}")
    scope = answer.get("scope")
    return LaunchContext(
        iss=ehr.iss,
        ehr_name=ehr.name,
        patient=answer["patient"],
        encounter=answer["encounter"],
        fhir_user=user,
        user_name=user,
        scopes=tuple(scope.split()) if isinstance(scope, str) else asked,  # RFC 6749 5.1: absent means as asked
        need_patient_banner=answer.get("need_patient_banner") is not False,
        intent=_text(answer.get("intent")),
        tenant=_text(answer.get("tenant")),
        fhir_context=tuple(_items(answer.get("fhirContext"), ehr)),
        app_context=_text(answer.get("appContext"), LONGEST_APP_CONTEXT),
    )


def _items(said: Any, ehr: EHR) -> Iterator[ContextItem]:
    """Those that are launch context: without a role, or with the role `launch`; other roles mean nothing to us."""
    for item in said[:MOST_ITEMS] if isinstance(said, list) else ():
        if isinstance(item, dict) and item.get("role", "launch") == "launch":
            found = ContextItem(
                _reference(item.get("reference"), ehr),
                _text(item.get("canonical")),
                _identifier(item.get("identifier")),
                _text(item.get("type")),
            )
            if found.reference or found.canonical or found.identifier:
                yield found


def _reference(said: Any, ehr: EHR) -> str | None:
    """Relative to this EHR; patient and encounter have places of their own, and nothing else may name them."""
    relative = said.removeprefix(ehr.iss + "/") if isinstance(said, str) else ""
    kind, _, id = relative.partition("/")
    fits = _TYPE.fullmatch(kind) and _FHIR_ID.fullmatch(id) and kind not in ("Patient", "Encounter")
    return relative if fits else None


def _identifier(said: Any) -> str | None:
    if not isinstance(said, dict) or not _text(said.get("value")):
        return None
    return f"{_text(said.get('system')) or ''}|{said['value']}"


def _text(said: Any, longest: int = LONGEST) -> str | None:
    return said if isinstance(said, str) and 0 < len(said) <= longest else None
