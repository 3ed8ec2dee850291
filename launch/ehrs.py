"""The EHRs we trust, from a TOML file: nothing is fetched from any other."""

import logging
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from launch.client_keys import SigningKey
from launch.errors import UntrustedIssuer
from launch.scopes import MINIMUM, ResourceScope, is_scope
from launch.transport import is_loopback, is_origin, is_secure

log = logging.getLogger(__name__)

PUBLIC, SECRET, PRIVATE_KEY = "public", "client_secret_basic", "private_key_jwt"
GENERIC = "generic"
VENDORS = (
    GENERIC,
    "epic",
    "oracle",
    "athenahealth",
    "meditech",
    "eclinicalworks",
    "nextgen",
    "canvas",
    "medplum",
    "openemr",
)
TEXTS = frozenset(
    {"iss", "name", "client_id", "client_auth", "client_secret", "vendor", "cds_issuer", "cds_jwks_url", "billing_pool"}
    | {"query_pool", "role", "worklist"}
)
LISTS = frozenset({"private_keys", "scopes", "id_token_issuers", "embed_origins", "style_hosts"})
LISTS |= {"clinician_intents", "coder_intents"}
SWITCHES = frozenset({"standalone", "assume_s256", "ai_label", "role_switch"})
ROLES = ("clinician", "coder")
WORKLISTS = ("own", "all")  # encounters that the person opened; that anybody opened from this EHR
_REFERENCE = re.compile(r"(?:Group|Organization|PractitionerRole|Practitioner)/[A-Za-z0-9.-]{1,64}")
_BELOW_THE_BASE = re.compile(r"/(?:metadata|\.well-known(?:/.*)?)/?\Z")  # what people copy when they look at the EHR
_HOST = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")
NO_ORIGIN = (
    "is no origin: write each as https://ehr.example.org or https://ehr.example.org:8443, in small letters, without "
    "path, user or * (plain http is for loopback only)"
)
NEEDED_SCOPES = ("launch", "openid", "fhirUser")  # the encounter and who signs


class InvalidEHRFile(Exception):
    """Lists all that is wrong in the file of trusted EHRs; `usable` are those of its EHRs with nothing wrong."""

    def __init__(self, path: Path, complaints: list[str], usable: Sequence["EHR"] = ()) -> None:
        super().__init__(f"{path}:\n" + "\n".join(f"  {c}" for c in complaints))
        self.complaints = complaints
        self.usable = tuple(usable)


@dataclass(frozen=True, slots=True)
class EHR:
    """One trusted EHR and how we are registered there."""

    iss: str  # FHIR base URL without trailing slash
    name: str
    client_id: str
    client_auth: str = PRIVATE_KEY
    client_secret: str | None = field(default=None, repr=False)
    keys: tuple[SigningKey, ...] = field(default=(), repr=False)  # the first signs; all are published, for rotation
    vendor: str = GENERIC  # whose ways of writing the plan follows beside what the EHR says of itself
    scopes: tuple[str, ...] = MINIMUM
    id_token_issuers: tuple[str, ...] = ()  # none: the issuer its SMART configuration names
    embed_origins: tuple[str, ...] = ()  # who may frame us
    cds_issuer: str | None = None  # `iss` of the JWTs with which it calls our CDS service
    cds_jwks_url: str | None = None  # where the keys for them are; no other address is asked
    style_hosts: tuple[str, ...] = ()  # where its style sheet may lie (`smart_style_url`), beside its own host
    standalone: bool = False  # whether its users may also begin at /launch?iss=..., without a chart
    billing_pool: str | None = None  # who gets messages about bills: Group/12, Organization/3, PractitionerRole/4 ...
    query_pool: str | None = None  # who gets queries to the physician, beside those whom the encounter names
    role: str | None = None  # of ROLES: everybody from this EHR works in it, whatever the launch says
    clinician_intents: tuple[str, ...] = ("review-codes",)  # values of `intent` that mean a clinician
    coder_intents: tuple[str, ...] = ("coder-workspace",)
    role_switch: bool = False  # whether people may change their role on the page
    worklist: str = "own"  # of WORKLISTS: what a coder's worklist holds
    ai_label: bool = True  # what the predictor had a part in says so (meta.security, HL7's AI Transparency on FHIR)
    assume_s256: bool = False  # athenahealth has left S256 out of its configuration while supporting it

    @classmethod
    def from_table(cls, table: Mapping[str, Any], folder: Path) -> "EHR":
        """Raises ValueError, naming all that is wrong."""
        complaints = list(_complaints(table))
        keys: list[SigningKey] = []
        for name in _texts(table.get("private_keys", [])) or ():
            try:
                keys.append(SigningKey.load(folder / name))
            except OSError:
                complaints.append(f"private_keys: {name} cannot be read")
            except ValueError as error:
                complaints.append(f"private_keys: {name} {error}")
        repeated = [kid for kid, n in Counter(key.kid for key in keys).items() if n > 1]
        complaints += [f"private_keys: the key with kid {kid} is listed twice" for kid in repeated]
        if complaints:
            raise ValueError("; ".join(complaints))
        plain = {k: tuple(v) if k in LISTS else v for k, v in table.items() if k != "private_keys"}
        return cls(**{**plain, "iss": table["iss"].removesuffix("/")}, keys=tuple(keys))


def _texts(value: Any) -> tuple[str, ...] | None:
    """The strings of a list; None for anything else."""
    return tuple(value) if isinstance(value, list) and all(isinstance(v, str) and v for v in value) else None


def _complaints(table: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong in one table, but for the keys themselves."""
    yield from (f"{k} is not a setting" for k in table if k not in TEXTS | LISTS | SWITCHES)
    yield from (f"{k} must be text" for k in sorted(TEXTS & table.keys()) if not isinstance(table[k], str))
    yield from (f"{k} must be a list of texts" for k in sorted(LISTS & table.keys()) if _texts(table[k]) is None)
    yield from (f"{k} must be true or false" for k in sorted(SWITCHES & table.keys()) if not isinstance(table[k], bool))
    yield from (f"{k} is missing" for k in ("iss", "name", "client_id") if not table.get(k))
    hosts = _texts(table.get("style_hosts", [])) or ()
    yield from (f"style_hosts: {host} is no host name" for host in hosts if not _HOST.fullmatch(host))
    origins = _texts(table.get("embed_origins", [])) or ()
    yield from (f"embed_origins: {origin!r} {NO_ORIGIN}" for origin in origins if not is_origin(origin))
    if table.get("vendor", GENERIC) not in VENDORS:
        yield f"vendor must be one of {', '.join(VENDORS)}"
    iss = table.get("iss")
    if isinstance(iss, str) and iss and not _is_base(iss):
        yield "iss must be an https address without user, query or fragment (plain http is for loopback only)"
    if isinstance(iss, str) and (below := _BELOW_THE_BASE.search(iss)):
        yield f"iss is the FHIR base address, without {below[0]}"
    yield from _pool_complaints(table)
    yield from _role_complaints(table)
    yield from _cds_complaints(table)
    yield from _authentication_complaints(table)
    yield from _scope_complaints(_texts(table.get("scopes", list(MINIMUM))) or ())


def _is_base(iss: str) -> bool:
    return is_secure(iss, loopback=True) and "?" not in iss and "#" not in iss


def _named(number: int, table: Mapping[str, Any]) -> str:
    """Which table a complaint is about. An address that is refused may hold a password and is not shown."""
    iss, name = table.get("iss"), table.get("name")
    if isinstance(iss, str) and _is_base(iss):
        return f"[[ehr]] number {number} ({iss})"
    return f"[[ehr]] number {number} ({name!r})" if isinstance(name, str) and name else f"[[ehr]] number {number}"


def _pool_complaints(table: Mapping[str, Any]) -> Iterable[str]:
    for name in ("billing_pool", "query_pool"):
        pool = table.get(name)
        if isinstance(pool, str) and not _REFERENCE.fullmatch(pool):
            yield f"{name} must be a reference like Group/12: a Group, Organization, PractitionerRole or Practitioner"


def _role_complaints(table: Mapping[str, Any]) -> Iterable[str]:
    """A role for everybody leaves nothing to switch, and an intent cannot mean both."""
    for name, allowed in (("role", ROLES), ("worklist", WORKLISTS)):
        if table.get(name, allowed[0]) not in allowed:
            yield f"{name} must be one of {', '.join(allowed)}"
    if table.get("role") and table.get("role_switch") is True:
        yield "role and role_switch exclude each other: one role for everybody, or a choice on the page"
    both = set(_texts(table.get("clinician_intents", [])) or ()) & set(_texts(table.get("coder_intents", [])) or ())
    yield from (f"{intent} is listed under clinician_intents and coder_intents" for intent in sorted(both))


def _cds_complaints(table: Mapping[str, Any]) -> Iterable[str]:
    issuer, keys = table.get("cds_issuer"), table.get("cds_jwks_url")
    if bool(issuer) != bool(keys):
        yield "cds_issuer and cds_jwks_url go together: who signs the calls of the CDS service, and with which keys"
    if isinstance(keys, str) and keys and not is_secure(keys, loopback=is_loopback(str(table.get("iss", "")))):
        yield "cds_jwks_url must be an https address"


def _authentication_complaints(table: Mapping[str, Any]) -> Iterable[str]:
    """The client proves itself with a key unless the file says otherwise, and openly only to this machine."""
    method = table.get("client_auth", PRIVATE_KEY)
    if method not in (PUBLIC, SECRET, PRIVATE_KEY):
        yield f"client_auth must be {PUBLIC}, {SECRET} or {PRIVATE_KEY}"
    if method == PUBLIC and not is_loopback(str(table.get("iss", ""))):
        yield "client_auth = public is for a development EHR on this machine: Chartside can keep a key"
    if (method == SECRET) != bool(table.get("client_secret")):
        yield f"client_secret goes with client_auth = {SECRET}, and only with it"
    if method == PRIVATE_KEY and not table.get("private_keys"):
        yield f"private_keys is needed for client_auth = {PRIVATE_KEY}"


def _scope_complaints(scopes: tuple[str, ...]) -> Iterable[str]:
    yield from (f"scopes: {s} is no SMART scope" for s in scopes if not is_scope(s))
    yield from (f"scopes: {s} is missing" for s in NEEDED_SCOPES if s not in scopes)
    parsed = [scope for scope in map(ResourceScope.parse, scopes) if scope]
    if any(scope.type == "*" or scope.level == "system" for scope in parsed):
        yield "scopes: name the resource types at patient/ or user/ level; no wildcard, no system/"


Heard = Callable[[Sequence[EHR]], None]


class TrustedEHRs:
    """The list; `find` is asked before any request leaves."""

    def __init__(self, ehrs: Iterable[EHR]) -> None:
        self._by_iss = {ehr.iss: ehr for ehr in ehrs}
        self._heard: Heard = lambda _: None
        self._file: tuple[Path, object] | None = None  # to be watched, and what it looked like when it was read

    @classmethod
    def watch(cls, path: Path, heard: "Heard" = lambda _: None) -> "TrustedEHRs":
        """As `load`; and once the file has changed, the new list is in force from the next question on.

        A changed file that cannot be used leaves the old list in force, and a line in the log. `heard` is told of each
        list before it is in force, and keeps it from being so by an error.
        """
        looks = _looks(path)
        ehrs = cls.load(path)
        heard(tuple(ehrs))
        ehrs._file, ehrs._heard = (path, looks), heard
        return ehrs

    @classmethod
    def load(cls, path: Path) -> "TrustedEHRs":
        """Raises InvalidEHRFile, naming everything that is wrong."""
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidEHRFile(path, [f"cannot be read: {error}"]) from None
        return cls.from_text(text, path)

    @classmethod
    def from_text(cls, text: str, path: Path) -> "TrustedEHRs":
        """What the file at the path would say with this text; keys are beside it. Raises as `load`."""
        try:
            tables = tomllib.loads(text).get("ehr")
        except tomllib.TOMLDecodeError as error:
            raise InvalidEHRFile(path, [f"cannot be read: {error}"]) from None
        if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
            raise InvalidEHRFile(path, ["there must be an [[ehr]] table for each trusted EHR; ehr = [] trusts none"])
        ehrs, complaints = [], []
        for number, table in enumerate(tables, 1):
            try:
                ehrs.append(EHR.from_table(table, path.parent))
            except ValueError as error:
                complaints.append(f"{_named(number, table)}: {error}")
        complaints += [f"iss {iss} is listed twice" for iss, n in Counter(e.iss for e in ehrs).items() if n > 1]
        issuers = Counter(ehr.cds_issuer for ehr in ehrs if ehr.cds_issuer)
        complaints += [f"cds_issuer {issuer} is listed twice" for issuer, n in issuers.items() if n > 1]
        if complaints:
            raise InvalidEHRFile(path, complaints, ehrs)
        return cls(ehrs)

    def __iter__(self) -> Iterator[EHR]:
        return iter(self._in_force().values())

    def find(self, iss: str) -> EHR:
        """Exact but for one trailing slash. Raises UntrustedIssuer."""
        ehr = self._in_force().get(iss.removesuffix("/"))
        if ehr is None:
            raise UntrustedIssuer()
        return ehr

    def of_cds_issuer(self, issuer: object) -> EHR | None:
        """The EHR for which this issuer signs calls of the CDS service, letter by letter."""
        return next((ehr for ehr in self if ehr.cds_issuer is not None and ehr.cds_issuer == issuer), None)

    def public_keys(self) -> list[dict[str, Any]]:
        """The JWK Set's keys: each of ours once, told apart by its thumbprint as `kid`."""
        return list({key.kid: key.public_jwk() for ehr in self for key in ehr.keys}.values())

    def _in_force(self) -> dict[str, EHR]:
        """A look at the file costs microseconds; two threads that both find it changed read the same."""
        if self._file and (looks := _looks(self._file[0])) != self._file[1]:
            path = self._file[0]
            try:
                changed = TrustedEHRs.load(path)._by_iss
                self._heard(tuple(changed.values()))
                self._by_iss = changed
                log.info("the changed list of trusted EHRs is in force")
            except InvalidEHRFile as invalid:
                log.error("the changed list of trusted EHRs cannot be used, the old one stays in force: %s", invalid)
            self._file = (path, looks)
        return self._by_iss


def _looks(path: Path) -> object:
    """What changes when the file is written or replaced; None while there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino
