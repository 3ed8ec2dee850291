"""What the demonstration EHR needs to know: where it runs, which apps are registered, who uses it."""

import json
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

ClientAuth = Literal["public", "client_secret_basic", "private_key_jwt"]
CLIENT_AUTHS: tuple[ClientAuth, ...] = ("public", "client_secret_basic", "private_key_jwt")
SIGNING_ALGORITHMS = ("RS256", "RS384", "ES256", "ES384")


class InvalidClientFile(Exception):
    """The file of registered apps cannot be used; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """An app as registered here: what SMART App Launch 2.2, "Register App with EHR", wants to be agreed beforehand."""

    client_id: str
    name: str
    auth: ClientAuth
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]  # the most it can be granted
    secret: str | None = field(default=None, repr=False)
    jwks: dict[str, Any] | None = None
    jwks_url: str | None = None

    def complaint(self) -> str | None:
        """Says why this registration cannot work; None when it can."""
        if not self.redirect_uris or not self.scopes:
            return "needs redirect_uris and scopes"
        if self.auth not in CLIENT_AUTHS:
            return f"auth must be one of {', '.join(CLIENT_AUTHS)}"
        if self.auth == "client_secret_basic" and not self.secret:
            return "client_secret_basic needs secret"
        if self.auth == "private_key_jwt" and (self.jwks is None) == (self.jwks_url is None):
            return "private_key_jwt needs jwks or jwks_url, and not both"
        return None


def read_clients(path: Path) -> tuple[RegisteredClient, ...]:
    """Reads [[client]] tables from a TOML file; `jwks_file` names a JWK Set beside it."""
    try:
        tables = tomllib.loads(path.read_text("utf-8")).get("client", [])
        clients = []
        for table in tables:
            if jwks_file := table.pop("jwks_file", None):
                table["jwks"] = json.loads((path.parent / jwks_file).read_text("utf-8"))
            table.setdefault("name", table.get("client_id"))
            for name in ("redirect_uris", "scopes"):
                table[name] = tuple(table.get(name, ()))
            clients.append(RegisteredClient(**table))
    except (OSError, TypeError, ValueError) as error:
        raise InvalidClientFile(f"{path}: {error}") from error
    for client in clients:
        if complaint := client.complaint():
            raise InvalidClientFile(f"{path}: client {client.client_id}: {complaint}")
    if not clients:
        raise InvalidClientFile(f"{path}: there is no [[client]] table")
    return tuple(clients)


@dataclass(frozen=True, slots=True)
class DemoUser:
    """Somebody who works in the demonstration EHR; the charts hold the Practitioner."""

    key: str
    role: str
    given: str
    family: str
    prefix: str | None = None

    @property
    def fhir_user(self) -> str:
        return f"Practitioner/demo-{self.key}"

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.prefix, self.given, self.family) if part)


DEMO_USERS = (
    DemoUser("clinician", "Clinician", "Helena", "Marsh", "Dr"),
    DemoUser("coder", "Coder", "Tomas", "Okafor"),
)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """Everything that can be chosen about a demonstration EHR."""

    public_url: str  # where browsers and apps reach it, no trailing slash
    fhir_url: str  # the FHIR server behind the proxy
    app_launch_url: str  # the app's launch URL, shown in the chart page's frame
    clients: tuple[RegisteredClient, ...]
    cds_url: str | None = None  # the app's CDS Hooks discovery endpoint; None: no decision support here
    users: tuple[DemoUser, ...] = DEMO_USERS
    facility: str = "Northfield Medical Group"
    id_token_alg: str = "RS256"  # noqa: S105  # the name of an algorithm
    id_token_kid: bool = True  # some EHRs name no key in the id_token's header
    id_token_issuer: str | None = None  # None: the FHIR base; some EHRs sign as another host
    need_patient_banner: bool = (
        False  # the chart page shows one around the app; a launch in a tab of its own always says true
    )
    intent: str | None = None
    tenant: str | None = None
    smart_style_url: str | None = None
    fhir_context: tuple[dict[str, Any], ...] = ()  # further resources in view
    ask_consent: bool = False  # ask at every launch; a chart page can ask for one launch
    token_life: timedelta = timedelta(minutes=60)
    refresh_life: timedelta = timedelta(hours=12)
    code_life: timedelta = timedelta(seconds=60)
    launch_life: timedelta = timedelta(minutes=5)
    fhir_timeout: float = 20.0
    clock: Callable[[], datetime] = _now

    def __post_init__(self) -> None:
        if self.id_token_alg not in SIGNING_ALGORITHMS:
            raise ValueError(f"id_token_alg must be one of {', '.join(SIGNING_ALGORITHMS)}")

    @property
    def fhir_base(self) -> str:
        """The `iss` of a launch and the `aud` of an authorization request."""
        return f"{self.public_url}/fhir"

    @property
    def cds_jwks_url(self) -> str:
        """Where the keys are with which this EHR signs its calls of the CDS service, as registered with the app."""
        return f"{self.public_url}/cds/jwks.json"

    @property
    def issuer(self) -> str:
        return self.id_token_issuer or self.fhir_base

    @property
    def app_origin(self) -> str:
        parts = urlsplit(self.app_launch_url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(slots=True)
class Faults:
    """What a test asks the demonstration EHR to get wrong. Set in the process only; no request can change it."""

    omit_patient: bool = False
    omit_encounter: bool = False
    token_life: timedelta | None = None  # of tokens issued from now on
    deny: bool = False  # the user says no
    # (method, path) -> (status, headers, body) answered instead of asking the FHIR server
    fhir: Callable[[str, str], tuple[int, dict[str, str], bytes] | None] | None = None
    # (method, path) -> whether the FHIR server does its work but the answer is lost on the way (504)
    lost: Callable[[str, str], bool] | None = None
