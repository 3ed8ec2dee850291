"""The demonstration EHR as a CDS client (CDS Hooks 2.0): asks the app when a chart is opened, and reports back.

Strict: a card that breaks a rule of the specification is left out, and the page says which rule.
"""

import json
import secrets
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import Key

from launch.sandbox.grants import Launch
from launch.sandbox.keys import create_signing_key, publish_keys
from launch.sandbox.settings import SandboxSettings

HOOK = "patient-view"
JWT_SECONDS = 300
_TIMEOUT = (1.0, 4.0)  # the chart waits for it
_MOST_CARDS = 200  # remembered for their buttons
Card = dict[str, Any]


class CDSFailed(Exception):
    """The service did not answer as it must; the message says why."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The cards for a chart, and what was wrong with what is not shown."""

    cards: tuple[Card, ...] = ()
    complaint: str = ""


class CDSClient:
    """Calls the services that the app's discovery endpoint lists for the hook, each call with a JWT of its own."""

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings
        self._key: Key = create_signing_key("ES384")
        self._lock = threading.Lock()
        self._shown: dict[str, tuple[str, Card]] = {}  # by the card's uuid: its service, and the card

    def keys(self) -> dict[str, Any]:
        """The JWK Set, at the address that is registered with the app."""
        return publish_keys(self._key, with_kid=True)

    def ask(self, launch: Launch, encounter: Mapping[str, Any]) -> Shown:
        """What there is to say when this chart is opened; nothing where no service is known."""
        if self._settings.cds_url is None:
            return Shown()
        try:
            found = list(self._cards(launch, encounter))
        except CDSFailed as failed:
            return Shown(complaint=str(failed))
        complaints = [said for _, card in found if (said := complaint(card, self._settings.app_launch_url))]
        kept = [(service, card) for service, card in found if not complaint(card, self._settings.app_launch_url)]
        with self._lock:
            self._shown.update({card["uuid"]: (service, card) for service, card in kept if "uuid" in card})
            while len(self._shown) > _MOST_CARDS:
                del self._shown[next(iter(self._shown))]
        return Shown(tuple(card for _, card in kept), "; ".join(complaints))

    def suggestion(self, card: str, suggestion: str) -> dict[str, Any] | None:
        """A suggestion of a card that was shown, for the EHR to act on."""
        shown = self._shown.get(card, ("", {}))[1]
        return next((s for s in shown.get("suggestions", []) if s.get("uuid") == suggestion), None)

    def report(self, card: str, outcome: str, **more: Any) -> None:
        """Feedback on a card that was shown. Raises CDSFailed."""
        service = self._shown.get(card, ("", {}))[0]
        if not service:
            raise CDSFailed("That card is no longer shown.")
        at = self._settings.clock().isoformat(timespec="seconds")
        entry = {"card": card, "outcome": outcome, "outcomeTimestamp": at, **more}
        self._post(f"{service}/feedback", {"feedback": [entry]})

    def _cards(self, launch: Launch, encounter: Mapping[str, Any]) -> Iterator[tuple[str, Card]]:
        services = self._send("GET", str(self._settings.cds_url), None).get("services")
        for service in services if isinstance(services, list) else []:
            if service.get("hook") == HOOK:
                address = f"{self._settings.cds_url}/{service['id']}"
                answer = self._post(address, self._call(launch, encounter, service.get("prefetch", {})))
                cards = answer.get("cards")
                if not isinstance(cards, list):
                    raise CDSFailed("The CDS service sent no array of cards.")
                yield from ((address, card) for card in cards)

    def _call(self, launch: Launch, encounter: Mapping[str, Any], templates: Mapping[str, str]) -> dict[str, Any]:
        """The hook's context, and the prefetch this EHR is willing to give: the encounter ("Prefetch Template")."""
        wanted = "Encounter/{{context.encounterId}}"
        return {
            "hook": HOOK,
            "hookInstance": str(uuid.uuid4()),
            "fhirServer": self._settings.fhir_base,
            "context": {
                "userId": launch.user.fhir_user,
                "patientId": launch.patient,
                "encounterId": launch.encounter,
            },
            "prefetch": {name: encounter for name, template in templates.items() if template == wanted},
        }

    def _post(self, address: str, body: dict[str, Any]) -> dict[str, Any]:
        now = int(self._settings.clock().timestamp())
        header = {"alg": "ES384", "typ": "JWT", "kid": str(self._key.kid), "jku": self._settings.cds_jwks_url}
        claims: dict[str, Any] = {
            "iss": self._settings.fhir_base,
            "aud": address,
            "exp": now + JWT_SECONDS,
            "iat": now,
            "jti": secrets.token_urlsafe(24),
        }
        return self._send("POST", address, body, jwt.encode(header, claims, self._key, algorithms=["ES384"]))

    def _send(self, method: str, address: str, body: Any, token: str = "") -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"} if token else {}
        data = json.dumps(body) if body is not None else None
        try:
            answer = requests.request(
                method, address, data=data, headers=headers, timeout=_TIMEOUT, allow_redirects=False
            )
            said = answer.json()
        except (requests.RequestException, ValueError):
            raise CDSFailed("The CDS service does not answer.") from None
        if answer.status_code != 200 or not isinstance(said, dict):
            raise CDSFailed(f"The CDS service refused the call ({answer.status_code}).")
        return said


def complaint(card: object, launch_url: str) -> str:
    """Which rule of "Card Attributes" the card breaks; empty for none."""
    if not isinstance(card, dict) or not _is_full(card):
        return "A card is no object, or holds null or empty values."
    source, suggestions = card.get("source"), card.get("suggestions", [])
    summary = card.get("summary")
    if not isinstance(summary, str) or len(summary) >= 140:
        return "A card's summary must be text of less than 140 characters."
    if card.get("indicator") not in ("info", "warning", "critical"):
        return "A card's indicator must be info, warning or critical."
    if not isinstance(source, dict) or "label" not in source:
        return "A card must name its source."
    if suggestions and card.get("selectionBehavior") not in ("any", "at-most-one"):
        return "A card with suggestions must say how many may be chosen."
    for action in (action for suggestion in suggestions for action in suggestion.get("actions", [])):
        if action.get("type") != "create" or "description" not in action or "resource" not in action:
            return "This EHR takes suggestions that create something, with description and resource."
    for link in card.get("links", []):
        if link.get("type") == "smart" and link.get("url") != launch_url:
            return "A card links to an app that is not registered here."
    return ""


def _is_full(value: object) -> bool:
    """ "JSON elements SHALL NOT be null ... SHALL NOT be empty" ("Null and empty JSON elements")."""
    if isinstance(value, dict | list):
        parts = value.values() if isinstance(value, dict) else value
        return bool(value) and all(map(_is_full, parts))
    return value is not None and value != ""
