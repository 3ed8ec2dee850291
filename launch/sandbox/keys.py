"""Keys: the one this EHR signs id_tokens with, and the apps' public ones."""

import json
import threading
from typing import Any

import requests
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, KeyParameters, KeySet, RSAKey

from launch.sandbox.settings import RegisteredClient

_CURVES = {"ES256": "P-256", "ES384": "P-384"}
_TIMEOUT = (3.05, 5)
_LARGEST_JWKS = 100_000


def create_signing_key(alg: str) -> Key:
    """Makes a key whose kid is its thumbprint, so a new key never bears an old name."""
    parameters: KeyParameters = {"use": "sig", "alg": alg}
    if alg in _CURVES:
        return ECKey.generate_key(_CURVES[alg], parameters, auto_kid=True)
    return RSAKey.generate_key(2048, parameters, auto_kid=True)


def publish_keys(key: Key, *, with_kid: bool) -> dict[str, Any]:
    """Builds the JWK Set of the public half."""
    public = dict(key.as_dict(private=False))
    if not with_kid:
        del public["kid"]
    return {"keys": [public]}


class ClientKeys:
    """Finds the public key that an app signed with; a set given by URL is read again once for an unknown kid."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fetched: dict[str, dict[str, Any]] = {}

    def find(self, client: RegisteredClient, kid: str) -> Key | None:
        if client.jwks is not None:
            return _find(client.jwks, kid)
        if client.jwks_url is None:
            return None
        with self._lock:
            known = self._fetched.get(client.jwks_url)
        key = _find(known, kid) if known else None
        if key is None and (fetched := _fetch(client.jwks_url)):
            with self._lock:
                self._fetched[client.jwks_url] = fetched
            key = _find(fetched, kid)
        return key


def _find(jwks: dict[str, Any], kid: str) -> Key | None:
    try:
        keys = KeySet.import_key_set({"keys": jwks["keys"]})
    except (JoseError, KeyError, TypeError, ValueError):
        return None
    return next((key for key in keys if key.kid == kid), None)


def _fetch(url: str) -> dict[str, Any] | None:
    headers = {"Accept": "application/json"}
    try:
        with requests.get(url, headers=headers, timeout=_TIMEOUT, allow_redirects=False, stream=True) as answer:
            body = answer.raw.read(_LARGEST_JWKS + 1, decode_content=True)
            if answer.status_code != 200 or len(body) > _LARGEST_JWKS:
                return None
        jwks = json.loads(body)
    except (requests.RequestException, OSError, ValueError):
        return None
    return jwks if isinstance(jwks, dict) else None
