"""Who calls our CDS service: the JWT of the EHR proved (CDS Hooks 2.0, "Trusting CDS Clients")."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import requests
import sqlalchemy as sa
from joserfc import jws, jwt
from joserfc.errors import JoseError
from sqlalchemy.exc import IntegrityError

from launch.ehrs import EHR, TrustedEHRs
from launch.errors import UntrustedCaller
from launch.identity import ALGORITHMS, SKEW_SECONDS, Key, import_key, signed_by
from launch.transport import SameOriginSession, read_json

LONGEST_LIFE = timedelta(hours=1)  # Epic's live for 15 minutes; how long a jti must be remembered follows from it
LONGEST_JTI = 255
REREAD = timedelta(minutes=1)  # at most this often, whatever kids strangers think of
FRESH = timedelta(hours=1)  # a key taken out of the EHR's set is refused after that


class Replays(Protocol):
    """The JWTs that were used; shared by every process of the application."""

    def spend(self, issuer: str, jti: str, until: datetime, now: datetime) -> bool: ...  # False: used before


metadata = sa.MetaData()
_used = sa.Table(
    "cds_call",
    metadata,
    sa.Column("issuer", sa.String(500), primary_key=True),
    sa.Column("jti", sa.String(LONGEST_JTI), primary_key=True),
    sa.Column("until", sa.BigInteger, nullable=False, index=True),
)


class SQLReplays:
    """Replays in SQL; whoever inserts the row first has spent the jti."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def spend(self, issuer: str, jti: str, until: datetime, now: datetime) -> bool:
        try:
            with self._engine.begin() as db:
                db.execute(sa.delete(_used).where(_used.c.until < int(now.timestamp())))
                db.execute(sa.insert(_used).values(issuer=issuer, jti=jti, until=int(until.timestamp())))
        except IntegrityError:
            return False
        return True


class CDSClients:
    """Tells which trusted EHR calls, from the JWT that every call carries."""

    def __init__(self, ehrs: TrustedEHRs, replays: Replays, clock: Callable[[], datetime]) -> None:
        self._ehrs, self._replays, self._clock = ehrs, replays, clock
        self._keys = _KeySets(clock)

    def verify(self, authorization: str, *endpoints: str) -> EHR:
        """The EHR whose JWT for one of these endpoints is in the Authorization header. Raises UntrustedCaller."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise UntrustedCaller("the call carries no JWT as a Bearer token")
        ehr, claims = self._prove(token.strip())
        now = self._clock()
        expires = _check(claims, ehr, endpoints, now)
        if not self._replays.spend(claims["iss"], claims["jti"], expires, now):
            raise UntrustedCaller("the jti of the JWT was used before")
        return ehr

    def _prove(self, token: str) -> tuple[EHR, dict[str, Any]]:
        """Nothing of the JWT is believed before its signature but which registered EHR's keys to try; `jku` never."""
        try:
            unproved = jws.extract_compact(token.encode("utf-8"))
            header, issuer = unproved.headers(), json.loads(unproved.payload or b"")["iss"]
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            raise UntrustedCaller("the Bearer token is not a signed JWT with an issuer") from None
        alg, kid = header.get("alg"), header.get("kid")
        if not isinstance(alg, str) or alg not in ALGORITHMS:
            raise UntrustedCaller("the JWT is signed with an algorithm that is not accepted")
        if not isinstance(kid, str) or header.get("typ") != "JWT":
            raise UntrustedCaller("the header of the JWT must hold typ JWT and the kid of its key")
        ehr = self._ehrs.of_cds_issuer(issuer)
        if ehr is None or ehr.cds_jwks_url is None:
            raise UntrustedCaller("the issuer of the JWT is not registered")
        if header.get("jku", ehr.cds_jwks_url) != ehr.cds_jwks_url:
            raise UntrustedCaller("the jku of the JWT is not the key set that is registered for its issuer")
        claims = self._keys.prove(token, alg, kid, ehr.cds_jwks_url)
        if claims is None:
            raise UntrustedCaller("no key of the issuer fits the signature of the JWT")
        return ehr, claims


class _KeySets:
    """The EHRs' public keys by their registered address, kept, and read anew where none fits: keys rotate."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._http, self._clock = SameOriginSession(), clock
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)  # as many as EHRs are registered
        self._kept: dict[str, tuple[datetime, list[Key]]] = {}

    def prove(self, token: str, alg: str, kid: str, url: str) -> dict[str, Any] | None:
        """The claims whose signature holds; None where no key fits."""
        claims = signed_by(self._read(url, FRESH), token, alg, kid)
        return claims if claims is not None else signed_by(self._read(url, REREAD), token, alg, kid)

    def _read(self, url: str, age: timedelta) -> list[Key]:
        """The keys, not older than that; one thread reads, the others wait for what it gets."""
        with self._locks[url]:
            kept, now = self._kept.get(url), self._clock()
            if kept and now - kept[0] < age:
                return kept[1]
            keys = self._fetch(url)
            if keys is None:  # keep what was good, and ask again no sooner than for an unknown key
                keys = kept[1] if kept else []
            self._kept[url] = (now, keys)
            return keys

    def _fetch(self, url: str) -> list[Key] | None:
        try:
            answer = self._http.get(url, headers={"Accept": "application/json"})
            said = read_json(answer) if answer.status_code == requests.codes.ok else None
        except requests.RequestException:
            return None
        found = said.get("keys") if isinstance(said, dict) else None
        return [key for one in found if (key := import_key(one))] if isinstance(found, list) else None


def _check(claims: dict[str, Any], ehr: EHR, endpoints: Sequence[str], now: datetime) -> datetime:
    """For whom and when; the moment after which the JWT is refused for its age anyway."""
    seconds = int(now.timestamp())
    registry = jwt.JWTClaimsRegistry(
        now=seconds,
        leeway=SKEW_SECONDS,
        iss={"essential": True, "value": str(ehr.cds_issuer)},
        aud={"essential": True, "values": list(endpoints)},
        exp={"essential": True},
        iat={"essential": True},
        jti={"essential": True},
    )
    try:
        registry.validate(claims)
    except JoseError as error:
        raise UntrustedCaller(f"the JWT does not hold: {type(error).__name__} {error}") from None
    jti, expires, issued = claims["jti"], claims["exp"], claims["iat"]
    if not isinstance(jti, str) or len(jti) > LONGEST_JTI:
        raise UntrustedCaller(f"the jti of the JWT must be text of at most {LONGEST_JTI} characters")
    if not max(expires - issued, expires - seconds) <= LONGEST_LIFE.total_seconds():  # whatever NaN may be
        raise UntrustedCaller(f"the JWT lives for longer than {LONGEST_LIFE.total_seconds() / 60:.0f} minutes")
    return datetime.fromtimestamp(int(expires) + SKEW_SECONDS + 1, UTC)
