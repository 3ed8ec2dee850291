"""OAuth 2 with an EHR's authorization server: authorization request, code for token, refresh, revocation."""

import base64
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

import requests
from authlib.common.urls import add_params_to_uri
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import private_key_jwt_sign
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from launch.client_keys import SigningKey
from launch.discovery import SmartConfiguration
from launch.ehrs import EHR, PRIVATE_KEY, PUBLIC, SECRET
from launch.errors import GrantRefused, TokenRequestFailed
from launch.identity import issuers
from launch.transport import USUAL, Limits, limit

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 240  # SMART allows 300; the rest is for clocks that differ
SHOWN_WORDS = 200
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?=[/?#]|$)")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """Where to send the browser, and with what ("Obtain authorization code")."""

    endpoint: str
    parameters: dict[str, str] = field(repr=False)
    by_post: bool  # as a form, where the EHR takes one; else in the address
    ehr_name: str
    origins: tuple[str, ...]  # that the form may lead to: the endpoint's, and of who vouches for the EHR's users

    @property
    def url(self) -> str:
        """The request by GET; the endpoint's own query stays."""
        return str(add_params_to_uri(self.endpoint, list(self.parameters.items())))


class AuthorizationServer:
    """One EHR's endpoints as seen by one registered client; made per use, since Authlib's sessions hold tokens."""

    def __init__(
        self,
        ehr: EHR,
        smart: SmartConfiguration,
        redirect_uri: str,
        clock: Callable[[], datetime],
        limits: Limits = USUAL,
    ) -> None:
        self._ehr, self._smart, self._redirect_uri, self._clock = ehr, smart, redirect_uri, clock
        method = "none" if ehr.client_auth == PUBLIC else ehr.client_auth
        self._session = OAuth2Session(
            ehr.client_id,
            ehr.client_secret,
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
            redirect_uri=redirect_uri,
        )
        self._session.register_client_auth_method((SECRET, _basic))
        self._session.register_client_auth_method((PRIVATE_KEY, self._assertion))
        limit(self._session, limits)

    def authorization_request(
        self, *, scope: str, aud: str, launch: str | None, state: str, nonce: str, verifier: str
    ) -> AuthorizationRequest:
        """`launch` goes back as it came; standalone there is none to send."""
        parameters = {
            "response_type": "code",
            "client_id": self._ehr.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": scope,
            "state": state,
            "aud": aud,
            "code_challenge": str(create_s256_code_challenge(verifier)),
            "code_challenge_method": "S256",
            "nonce": nonce,
        }
        given = {"launch": launch} if launch is not None else {}
        endpoint = self._smart.authorization_endpoint
        origins = filter(None, map(_origin, (endpoint, *issuers(self._ehr, self._smart))))
        return AuthorizationRequest(
            endpoint, parameters | given, self._smart.takes_post, self._ehr.name, tuple(dict.fromkeys(origins))
        )

    def exchange(self, code: str, verifier: str) -> dict[str, Any]:
        """The token response for a code. Raises TokenRequestFailed."""
        return self._ask(
            lambda: self._session.fetch_token(
                self._smart.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=verifier,
                allow_redirects=False,
            )
        )

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        """The token response for a refresh token. Raises TokenRequestFailed; GrantRefused when it is used up."""
        return self._ask(
            lambda: self._session.refresh_token(
                self._smart.token_endpoint, refresh_token=refresh_token, allow_redirects=False
            )
        )

    def revoke(self, token: str, hint: str) -> bool:
        """Best effort (RFC 7009): the session is over for us whatever the server says. False when it says nothing."""
        if self._smart.revocation_endpoint is None:
            return False
        try:
            self._session.revoke_token(
                self._smart.revocation_endpoint, token=token, token_type_hint=hint, allow_redirects=False
            )
        except (requests.RequestException, ValueError):
            return False
        return True

    def _ask(self, request: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            answer = dict(request())
        except OAuthError as error:
            kind = GrantRefused if error.error == "invalid_grant" else TokenRequestFailed
            raise kind(words(error.error, error.description)) from None
        except (requests.ConnectionError, requests.Timeout) as error:
            raise TokenRequestFailed(f"the EHR does not answer ({type(error).__name__})") from error
        except requests.RequestException as error:
            raise TokenRequestFailed(f"the token endpoint could not be used ({type(error).__name__})") from error
        except (ValueError, TypeError, OverflowError, RecursionError):  # not JSON; expires_in is no number
            raise TokenRequestFailed("the token response cannot be read") from None
        if not _is_bearer(answer):
            raise TokenRequestFailed("the token response holds no bearer token")
        return answer

    def _assertion(self, auth: Any, method: str, uri: str, headers: Any, body: str | None) -> tuple[str, Any, str]:
        """Adds the one-time JWT of "Client authentication: asymmetric"; `client_id` stays out of the body."""
        jwt = sign_assertion(self._ehr.keys[0], self._ehr.client_id, uri, self._clock())
        added = f"client_assertion_type={quote_plus(ASSERTION_TYPE)}&client_assertion={jwt}"
        return uri, headers, f"{body}&{added}" if body else added


def _origin(url: str) -> str | None:
    """Scheme, host and port; None for what could be anything else in a header."""
    match = _ORIGIN.match(url)
    return match[0] if match else None


def _basic(auth: Any, method: str, uri: str, headers: Any, body: str | None) -> tuple[str, Any, str | None]:
    """HTTP Basic with both parts form-encoded first (RFC 6749 2.3.1), which Authlib leaves out."""
    pair = f"{quote_plus(auth.client_id)}:{quote_plus(auth.client_secret)}"
    headers["Authorization"] = "Basic " + base64.b64encode(pair.encode("ascii")).decode("ascii")
    return uri, headers, body


def sign_assertion(key: SigningKey, client_id: str, token_endpoint: str, now: datetime) -> str:
    """A JWT that proves us once: RS384 or ES384, `typ`, `kid`, `jti`, short-lived."""
    issued = int(now.timestamp())
    claims = {"iat": issued, "exp": issued + ASSERTION_SECONDS, "jti": secrets.token_urlsafe(24)}
    header = {"typ": "JWT", "kid": key.kid}
    return str(private_key_jwt_sign(key.key, client_id, token_endpoint, alg=key.alg, claims=claims, header=header))


def words(error: object, description: object) -> str:
    """What the authorization server said, as far as it may be shown: RFC 6749's characters, and not too many."""
    said = f"{error}: {description}" if description else str(error)
    return "".join(c for c in said if " " <= c <= "~")[:SHOWN_WORDS]


def _is_bearer(answer: dict[str, Any]) -> bool:
    token, kind = answer.get("access_token"), answer.get("token_type")
    return isinstance(token, str) and token.isascii() and token.isprintable() and bool(token) and _is(kind, "bearer")


def _is(value: object, word: str) -> bool:
    return isinstance(value, str) and value.casefold() == word
