"""Settings: read from the environment once, all complaints at once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
POSTGRESQL = "postgresql+psycopg://"
IDLE_MINUTES = range(5, 61)  # shorter ends sessions while somebody reads, longer leaves charts open unattended


class MissingSettings(Exception):
    """Lists every setting that is missing or wrong."""

    def __init__(self, complaints: list[str]) -> None:
        super().__init__("cannot start:\n" + "\n".join(f"  {c}" for c in complaints))
        self.complaints = complaints


@dataclass(frozen=True, slots=True)
class Contacts:
    """Whom to turn to, as /register and /support say it, and the site's own pages; what is unset stays empty."""

    organization: str = ""
    name: str = ""
    email: str = ""
    phone: str = ""
    security: str = ""  # where weaknesses are reported
    privacy_url: str = ""  # pages of the site's own in the place of ours
    terms_url: str = ""
    support_url: str = ""

    @classmethod
    def from_env(cls, environ: Mapping[str, str], complaints: list[str]) -> "Contacts":
        said = {name: environ.get(variable, "").strip() for name, variable in CONTACT_SETTINGS.items()}
        for name, value in said.items():
            if name.endswith("_url") and value and not value.startswith("https://"):
                complaints.append(f"{CONTACT_SETTINGS[name]} must begin with https://")
            if name in ("email", "security") and value and "@" not in value:
                complaints.append(f"{CONTACT_SETTINGS[name]} must be an e-mail address")
        return cls(**said)


CONTACT_SETTINGS = {
    "organization": "CHARTSIDE_CONTACT_ORGANIZATION",
    "name": "CHARTSIDE_CONTACT_NAME",
    "email": "CHARTSIDE_CONTACT_EMAIL",
    "phone": "CHARTSIDE_CONTACT_PHONE",
    "security": "CHARTSIDE_CONTACT_SECURITY",
    "privacy_url": "CHARTSIDE_PRIVACY_URL",
    "terms_url": "CHARTSIDE_TERMS_URL",
    "support_url": "CHARTSIDE_SUPPORT_URL",
}


@dataclass(frozen=True, slots=True)
class Config:
    """What the application needs to know about where it runs."""

    public_url: str  # where browsers reach us; https, or http on a loopback address
    secret_keys: tuple[str, ...]  # Fernet keys; the first seals, all open
    ehrs_file: Path  # the trusted EHRs (TOML)
    database_url: str = field(repr=False)  # password and all
    artifact: Path  # the predictor's directory
    predictor_socket: Path  # where the predictor's process listens
    contacts: Contacts = Contacts()
    sessions_url: str | None = field(default=None, repr=False)  # Redis, password and all; none: the database
    idle: timedelta = timedelta(minutes=15)  # a session without a request ends then
    audit_key: Path = HERE / "var" / "audit-key.pem"  # signs checkpoints of the audit log; made where there is none
    audit_checkpoints: Path = (
        HERE / "var" / "audit-checkpoints.jsonl"
    )  # better where only an administrator may change it
    templates: Path = HERE / "templates"
    static: Path = HERE / "static"

    @classmethod
    def to_register(cls, public_url: str, environ: Mapping[str, str] = os.environ) -> "Config":
        """Enough for what is typed at a registration, before there is an EHR. Raises MissingSettings."""
        complaints: list[str] = []
        contacts = Contacts.from_env(environ, complaints)
        if complaints:
            raise MissingSettings(complaints)
        unused = Path()
        return cls(public_url.rstrip("/"), (), unused, "", unused, unused, contacts=contacts)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> "Config":
        """Raises MissingSettings, naming all that is missing or wrong."""
        complaints: list[str] = []

        def need(name: str, what: str) -> str:
            value = environ.get(name, "").strip()
            if not value:
                complaints.append(f"{name} is not set: {what}")
            return value

        public_url = need("CHARTSIDE_PUBLIC_URL", "the https address where browsers reach Chartside").rstrip("/")
        keys = need("CHARTSIDE_SECRET_KEYS", "Fernet keys, separated by commas; make one with `chartside keys new`")
        ehrs = need("CHARTSIDE_EHRS", "path of the TOML file of trusted EHRs")
        if public_url and not public_url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            complaints.append("CHARTSIDE_PUBLIC_URL must begin with https:// (plain http is for loopback only)")
        if ehrs and not Path(ehrs).is_file():
            complaints.append(f"CHARTSIDE_EHRS: there is no file {ehrs}")
        contacts = Contacts.from_env(environ, complaints)
        sessions_url = environ.get("CHARTSIDE_SESSIONS_URL", "").strip() or None
        if sessions_url and not sessions_url.startswith(("redis://", "rediss://", "unix://")):
            complaints.append("CHARTSIDE_SESSIONS_URL must begin with redis://, rediss:// or unix://")
        state = Path(environ.get("CHARTSIDE_STATE", "var")).resolve()
        database_url = environ.get("CHARTSIDE_DATABASE_URL", "").strip() or f"sqlite:///{state / 'chartside.db'}"
        if not database_url.startswith(("sqlite:///", POSTGRESQL)):
            complaints.append(f"CHARTSIDE_DATABASE_URL must begin with sqlite:/// or {POSTGRESQL}")
        elif database_url.startswith(POSTGRESQL) and not find_spec("psycopg"):
            what = "one more package: pip install -c requirements.lock -e '.[postgres]'"
            complaints.append(f"CHARTSIDE_DATABASE_URL needs {what}")
        idle = environ.get("CHARTSIDE_IDLE_MINUTES", "15").strip()
        if idle not in map(str, IDLE_MINUTES):
            complaints.append("CHARTSIDE_IDLE_MINUTES must be a whole number from 5 to 60")
        if complaints:
            raise MissingSettings(complaints)
        return cls(
            public_url=public_url,
            secret_keys=tuple(k.strip() for k in keys.split(",") if k.strip()),
            ehrs_file=Path(ehrs),
            database_url=database_url,
            artifact=Path(environ.get("CHARTSIDE_ARTIFACT", str(HERE / "model" / "artifact"))),
            predictor_socket=Path(environ.get("CHARTSIDE_PREDICTOR_SOCKET", str(state / "predictor.sock"))),
            contacts=contacts,
            sessions_url=sessions_url,
            idle=timedelta(minutes=int(idle)),
            audit_key=Path(environ.get("CHARTSIDE_AUDIT_KEY", str(state / "audit-key.pem"))),
            audit_checkpoints=Path(environ.get("CHARTSIDE_AUDIT_CHECKPOINTS", str(state / "audit-checkpoints.jsonl"))),
        )
