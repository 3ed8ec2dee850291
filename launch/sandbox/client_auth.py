"""Checks that an app is who it says: SMART App Launch 2.2, "Client authentication", asymmetric and symmetric."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from flask import request as flask_request
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

from launch.sandbox.grants import GrantStore
from launch.sandbox.keys import ClientKeys

_ALGORITHMS = ["RS384", "ES384"]  # the two that every server must support; no other is taken here
_LONGEST_LIFE = 300  # seconds: "no more than five minutes in the future"
_CLOCK_SKEW = 30


def authenticate_basic(query_client: Callable[[str | None], Any], request: Any) -> Any:
    """client_secret_basic: id and secret are form-encoded before Basic (RFC 6749 section 2.3.1), a space being `+`."""
    sent = flask_request.authorization
    if sent is None or sent.type != "basic":
        return None
    client = query_client(unquote_plus(sent.username or ""))
    return client if client and client.check_client_secret(unquote_plus(sent.password or "")) else None


class ClientAssertion(JWTBearerClientAssertion):  # type: ignore[misc]  # Authlib publishes no types
    """private_key_jwt, with the header and the lifetime that SMART asks for."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, store: GrantStore, token_url: str, revoke_url: str, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._store, self._clock, self._keys = store, clock, ClientKeys()
        self._audiences = {"/auth/token": [token_url], "/auth/revoke": [token_url, revoke_url]}

    def resolve_client_public_key(self, client: Any) -> Callable[[str], Key | None]:
        return partial(self._keys.find, client.registration)

    def process_assertion_claims(self, assertion: str, resolve_key: Callable[[str], Key | None]) -> dict[str, Any]:
        header = jws.extract_compact(assertion.encode()).headers()
        kid = header.get("kid")
        if header.get("typ") != "JWT" or not isinstance(kid, str):
            raise InvalidClientError(description="The assertion header must hold typ JWT and a kid.")
        if header.get("alg") not in _ALGORITHMS:
            raise InvalidClientError(description="The assertion must be signed with RS384 or ES384.")
        key = resolve_key(kid)
        if key is None:
            raise InvalidClientError(description="No registered key has the kid of the assertion.")
        try:
            claims = jwt.decode(assertion, key, algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            raise InvalidClientError(description="The signature of the assertion is wrong.") from error
        self.verify_claims(claims)
        return claims

    def verify_claims(self, claims: dict[str, Any]) -> None:
        if claims.get("iss") != claims.get("sub"):
            raise InvalidClientError(description="iss and sub of the assertion must both be the client_id.")
        if claims.get("aud") not in self._audiences.get(flask_request.path, []):
            raise InvalidClientError(description="aud of the assertion must be the token endpoint.")
        expires, now = claims.get("exp"), int(self._clock().timestamp())
        if not isinstance(expires, int) or expires <= now - _CLOCK_SKEW:
            raise InvalidClientError(description="The assertion has expired.")
        if expires > now + _LONGEST_LIFE + _CLOCK_SKEW:
            raise InvalidClientError(description="The assertion may live for five minutes at most.")
        jti, lapses = claims.get("jti"), datetime.fromtimestamp(expires + _CLOCK_SKEW, UTC)
        if not isinstance(jti, str) or not jti:
            raise InvalidClientError(description="The assertion needs a jti.")
        if not self._store.spend_jti(claims["sub"], jti, lapses):
            raise InvalidClientError(description="The jti of the assertion was used before.")
