"""What the authorization server remembers: launches, codes, grants and tokens. In memory; one process, many threads."""

import secrets
import threading
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from launch.sandbox.settings import DemoUser


class _Expiring(Protocol):
    @property
    def expires_at(self) -> datetime: ...


_Item = TypeVar("_Item", bound=_Expiring)


@dataclass(frozen=True, slots=True)
class Launch:
    """What the opaque `launch` parameter stands for: the chart in front of the user."""

    patient: str
    encounter: str
    user: DemoUser
    ask_consent: bool
    expires_at: datetime
    alone: bool = False  # in a tab of its own, where no page of this EHR shows whose chart it is
    standalone: bool = False  # begun by the app: the user chose the chart on the way
    app_context: str | None = None  # of the card whose link was followed


@dataclass(slots=True)
class Grant:
    """What one user allowed one app; every token of it falls when it is revoked."""

    client_id: str
    launch: Launch
    scope: str
    revoked: bool = False


@dataclass(slots=True)
class Code:
    """An authorization code. The getters are those Authlib asks for."""

    grant: Grant
    redirect_uri: str
    code_challenge: str
    nonce: str | None
    auth_time: int
    expires_at: datetime
    code_challenge_method: str = "S256"
    spent: bool = False

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.grant.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


@dataclass(slots=True)
class Token:
    """An access or refresh token."""

    value: str = field(repr=False)
    grant: Grant
    scope: str
    expires_at: datetime
    spent: bool = False  # a refresh token that was exchanged

    def check_client(self, client: object) -> bool:
        return getattr(client, "client_id", None) == self.grant.client_id

    def get_scope(self) -> str:
        return self.scope


class GrantStore:
    """Keeps them, and makes each launch, code, refresh token and jti usable once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._launches: dict[str, Launch] = {}
        self._consents: dict[str, Launch] = {}
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}
        self._jtis: dict[tuple[str, str], datetime] = {}

    def add_launch(self, launch: Launch, now: datetime) -> str:
        with self._lock:
            self._drop_expired(now)
            return _add(self._launches, launch)

    def find_launch(self, value: str, now: datetime) -> Launch | None:
        launch = self._launches.get(value)
        return launch if launch and launch.expires_at > now else None

    def spend_launch(self, value: str) -> bool:
        with self._lock:
            return self._launches.pop(value, None) is not None

    def add_consent(self, launch: Launch) -> str:
        """Remembers that this server itself showed the consent page."""
        with self._lock:
            return _add(self._consents, launch)

    def spend_consent(self, value: str, launch: Launch) -> bool:
        with self._lock:
            return self._consents.pop(value, None) is launch

    def add_code(self, value: str, code: Code) -> None:
        with self._lock:
            self._codes[value] = code

    def nonce_seen(self, client_id: str, nonce: str) -> bool:
        with self._lock:
            return any(code.nonce == nonce and code.grant.client_id == client_id for code in self._codes.values())

    def find_code(self, value: str, client_id: str, now: datetime) -> Code | None:
        """A code presented again revokes what it gave (RFC 6749 section 4.1.2)."""
        code = self._codes.get(value)
        if code is None or code.grant.client_id != client_id:
            return None
        if code.spent:
            self.revoke(code.grant)
            return None
        return code if code.expires_at > now else None

    def spend_code(self, code: Code) -> bool:
        return self._spend(code)

    def add_access(self, token: Token) -> None:
        with self._lock:
            self._access[token.value] = token

    def add_refresh(self, token: Token) -> None:
        with self._lock:
            self._refresh[token.value] = token

    def find_access(self, value: str) -> Token | None:
        token = self._access.get(value)
        return token if token and not token.grant.revoked else None

    def find_refresh(self, value: str, client_id: str, now: datetime) -> Token | None:
        """An exchanged refresh token presented again revokes the grant (RFC 9700 section 4.14.2)."""
        token = self._refresh.get(value)
        if token is None or token.grant.client_id != client_id or token.grant.revoked:
            return None
        if token.spent:
            self.revoke(token.grant)
            return None
        return token if token.expires_at > now else None

    def spend_refresh(self, token: Token) -> bool:
        return self._spend(token)

    def find_token(self, value: str) -> Token | None:
        return self._access.get(value) or self._refresh.get(value)

    def revoke(self, grant: Grant) -> None:
        grant.revoked = True

    def revoke_token(self, token: Token) -> None:
        with self._lock:
            alone = self._access.pop(token.value, None)
        if alone is None:
            self.revoke(token.grant)

    def spend_jti(self, client_id: str, jti: str, expires_at: datetime) -> bool:
        """False when this client has used the jti before."""
        with self._lock:
            if (client_id, jti) in self._jtis:
                return False
            self._jtis[client_id, jti] = expires_at
            return True

    def _spend(self, item: Code | Token) -> bool:
        with self._lock:
            if not item.spent:
                item.spent = True
                return True
        self.revoke(item.grant)
        return False

    def _drop_expired(self, now: datetime) -> None:
        _drop(self._launches, now)
        _drop(self._consents, now)
        _drop(self._access, now)
        _drop(self._refresh, now)
        # A used code is remembered for a day, so that its second use is still noticed.
        for key in [key for key, code in self._codes.items() if code.expires_at <= now - timedelta(days=1)]:
            del self._codes[key]
        for jti in [jti for jti, expires_at in self._jtis.items() if expires_at <= now]:
            del self._jtis[jti]


def _add(items: MutableMapping[str, _Item], item: _Item) -> str:
    value = secrets.token_urlsafe(32)
    items[value] = item
    return value


def _drop(items: MutableMapping[str, _Item], now: datetime) -> None:
    for key in [key for key, item in items.items() if item.expires_at <= now]:
        del items[key]
