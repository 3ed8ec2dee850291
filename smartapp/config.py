"""Settings: read from the environment once, all complaints at once."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

HERE = Path(__file__).resolve().parent.parent
POSTGRESQL = "postgresql+psycopg://"
SSL_MODES = ("verify-full", "verify-ca", "require", "disable")  # allow and prefer fall back without a word
REDIS_URLS = ("CHARTSIDE_SESSIONS_URL", "CHARTSIDE_QUEUE_URL")
REDIS_TLS = "CHARTSIDE_REDIS_TLS"
THIS_MACHINE = (None, "localhost", "127.0.0.1", "::1")
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


@dataclass(frozen=True, slots=True)
class Rates:
    """How many requests are answered in a minute, in each process or, where sessions are in Redis, in all."""

    launch: int = 600  # of one launch: ten a second, which no hand reaches
    address: int = 1200  # of one address without a launch: a whole hospital may begin its day behind it
    proxies: int = 0  # that stand before us and add to X-Forwarded-For; none: whoever connects is who asks

    @classmethod
    def from_env(cls, environ: Mapping[str, str], complaints: list[str]) -> "Rates":
        said = {name: environ.get(variable, "").strip() for name, variable in RATE_SETTINGS.items()}
        for name, value in said.items():
            least = 0 if name == "proxies" else 1
            if value and (not value.isascii() or not value.isdecimal() or int(value) < least):
                complaints.append(f"{RATE_SETTINGS[name]} must be a whole number from {least}")
                said[name] = ""
        return cls(**{name: int(value) for name, value in said.items() if value})


RATE_SETTINGS = {
    "launch": "CHARTSIDE_LAUNCH_REQUESTS",
    "address": "CHARTSIDE_ADDRESS_REQUESTS",
    "proxies": "CHARTSIDE_PROXIES",
}
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
    queue_url: str | None = field(default=None, repr=False)  # Redis; none: threads of the web processes do the work
    rates: Rates = Rates()
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
        environ = with_files(environ, complaints)

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
        contacts, rates = Contacts.from_env(environ, complaints), Rates.from_env(environ, complaints)
        sessions_url, queue_url = (_redis(environ, name, complaints) for name in REDIS_URLS)
        state = Path(environ.get("CHARTSIDE_STATE", "var")).resolve()
        database_url = environ.get("CHARTSIDE_DATABASE_URL", "").strip() or f"sqlite:///{state / 'chartside.db'}"
        complaints += _database_complaints(database_url)
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
            queue_url=queue_url,
            rates=rates,
            idle=timedelta(minutes=int(idle)),
            audit_key=Path(environ.get("CHARTSIDE_AUDIT_KEY", str(state / "audit-key.pem"))),
            audit_checkpoints=Path(environ.get("CHARTSIDE_AUDIT_CHECKPOINTS", str(state / "audit-checkpoints.jsonl"))),
        )


def with_files(environ: Mapping[str, str], complaints: list[str]) -> dict[str, str]:
    """The environment, with `CHARTSIDE_X` read from the file that `CHARTSIDE_X_FILE` names, as secrets are mounted."""
    read = dict(environ)
    for name, path in environ.items():
        setting = name.removesuffix("_FILE")
        if not name.startswith("CHARTSIDE_") or setting == name or not path.strip():
            continue
        if environ.get(setting, "").strip():
            complaints.append(f"{setting} and {name} are both set; set one of them")
        try:
            read[setting] = Path(path.strip()).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as wrong:
            complaints.append(f"{name}: {path} cannot be read ({type(wrong).__name__})")
            read[setting] = "-"  # so that it is not said to be missing, too
    return read


def _database_complaints(url: str) -> Iterator[str]:
    """To a PostgreSQL on another machine it is said whether anybody could listen: its client left to itself encrypts
    where the server offers that, and goes on without where it does not."""
    if not url.startswith(("sqlite:///", POSTGRESQL)):
        yield f"CHARTSIDE_DATABASE_URL must begin with sqlite:/// or {POSTGRESQL}"
    if not url.startswith(POSTGRESQL):
        return
    if not find_spec("psycopg"):
        what = "one more package: pip install -c requirements.lock -e '.[postgres]'"
        yield f"CHARTSIDE_DATABASE_URL needs {what}"
    parts = urlsplit(url)
    host, said = parts.hostname, parse_qs(parts.query).get("sslmode", [""])[-1]
    if host not in THIS_MACHINE and said not in SSL_MODES:
        yield (
            "CHARTSIDE_DATABASE_URL must say whether the way to the database is encrypted: add ?sslmode=verify-full "
            f"(or one of {', '.join(SSL_MODES[1:])}; disable only where nobody can listen)"
        )


def _redis(environ: Mapping[str, str], name: str, complaints: list[str]) -> str | None:
    """To a Redis on another machine TLS is spoken; or it is said that nobody can listen on the way."""
    url = environ.get(name, "").strip() or None
    if url and not url.startswith(("redis://", "rediss://", "unix://")):
        complaints.append(f"{name} must begin with redis://, rediss:// or unix://")
        return url
    listened_to = url and url.startswith("redis://") and urlsplit(url).hostname not in THIS_MACHINE
    if listened_to and environ.get(REDIS_TLS, "").strip() != "disable":
        complaints.append(
            f"{name} must begin with rediss://, since somebody may listen on the way to another machine "
            f"({REDIS_TLS}=disable only where nobody can)"
        )
    return url
