"""The EHRs we trust, from a TOML file: nothing is fetched from any other."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from launch.errors import UntrustedIssuer
from launch.scopes import MINIMUM, ResourceScope, is_scope
from launch.transport import is_loopback, is_secure

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
NEEDED_SCOPES = ("launch", "openid", "fhirUser")  # the encounter and who signs


class InvalidEHRFile(Exception):
    """Lists all that is wrong in the file of trusted EHRs."""

    def __init__(self, path: Path, complaints: list[str]) -> None:
        super().__init__(f"{path}:\n" + "\n".join(f"  {c}" for c in complaints))
        self.complaints = complaints


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of ours, with the algorithm SMART wants for its type ("Client authentication: asymmetric")."""

    key: RSAKey | ECKey
    alg: str

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Raises ValueError in words that quote nothing of the key."""
        pem = path.read_bytes()
        for kind, alg in ((ECKey, "ES384"), (RSAKey, "RS384")):
            try:
                key = kind.import_key(pem)
            except (JoseError, ValueError, TypeError):
                continue
            fits = key.curve_name == "P-384" if isinstance(key, ECKey) else key.raw_value.key_size >= 2048
            if not key.is_private or not fits:
                break
            key.ensure_kid()
            return cls(key, alg)
        raise ValueError("is not a private key for ES384 (P-384) or RS384 (RSA of 2048 bits or more), in PEM")

    @property
    def kid(self) -> str:
        return str(self.key.kid)

    def public_jwk(self) -> dict[str, Any]:
        return {**self.key.as_dict(private=False), "use": "sig", "alg": self.alg}


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
        if complaints:
            raise ValueError("; ".join(complaints))
        lists = ("scopes", "id_token_issuers", "embed_origins")
        plain = {k: tuple(v) if k in lists else v for k, v in table.items() if k != "private_keys"}
        return cls(**{**plain, "iss": table["iss"].removesuffix("/")}, keys=tuple(keys))


def _texts(value: Any) -> tuple[str, ...] | None:
    """The strings of a list; None for anything else."""
    return tuple(value) if isinstance(value, list) and all(isinstance(v, str) and v for v in value) else None


def _complaints(table: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong in one table, but for the keys themselves."""
    texts = {"iss", "name", "client_id", "client_auth", "client_secret", "vendor"}
    lists = {"private_keys", "scopes", "id_token_issuers", "embed_origins"}
    yield from (f"{k} is not a setting" for k in table if k not in texts | lists | {"assume_s256"})
    yield from (f"{k} must be text" for k in sorted(texts & table.keys()) if not isinstance(table[k], str))
    yield from (f"{k} must be a list of texts" for k in sorted(lists & table.keys()) if _texts(table[k]) is None)
    yield from (f"{k} is missing" for k in ("iss", "name", "client_id") if not table.get(k))
    if not isinstance(table.get("assume_s256", False), bool):
        yield "assume_s256 must be true or false"
    if table.get("vendor", GENERIC) not in VENDORS:
        yield f"vendor must be one of {', '.join(VENDORS)}"
    iss = table.get("iss")
    if isinstance(iss, str) and iss and not (is_secure(iss, loopback=True) and "?" not in iss and "#" not in iss):
        yield "iss must be an https address without user, query or fragment (plain http is for loopback only)"
    yield from _authentication_complaints(table)
    yield from _scope_complaints(_texts(table.get("scopes", list(MINIMUM))) or ())


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


class TrustedEHRs:
    """The list; `find` is asked before any request leaves."""

    def __init__(self, ehrs: Iterable[EHR]) -> None:
        self._by_iss = {ehr.iss: ehr for ehr in ehrs}

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
        if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables) or not tables:
            raise InvalidEHRFile(path, ["there must be an [[ehr]] table for each trusted EHR"])
        ehrs, complaints = [], []
        for number, table in enumerate(tables, 1):
            try:
                ehrs.append(EHR.from_table(table, path.parent))
            except ValueError as error:
                complaints.append(f"[[ehr]] number {number}: {error}")
        complaints += [f"iss {iss} is listed twice" for iss, n in Counter(e.iss for e in ehrs).items() if n > 1]
        if complaints:
            raise InvalidEHRFile(path, complaints)
        return cls(ehrs)

    def __iter__(self) -> Iterator[EHR]:
        return iter(self._by_iss.values())

    def find(self, iss: str) -> EHR:
        """Exact but for one trailing slash. Raises UntrustedIssuer."""
        ehr = self._by_iss.get(iss.removesuffix("/"))
        if ehr is None:
            raise UntrustedIssuer()
        return ehr

    def public_keys(self) -> list[dict[str, Any]]:
        """The JWK Set's keys: each of ours once, told apart by its thumbprint as `kid`."""
        return list({key.kid: key.public_jwk() for ehr in self for key in ehr.keys}.values())
