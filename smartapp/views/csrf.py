"""Tells our own forms from forged ones: a token bound to launch and browser, and the browser's word on the origin.

The token is an HMAC and needs no second cookie; an attacker knows neither the key nor the browser id in the cookie.
"""

import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Request

FIELD = "csrf_token"


def build_token(secret_key: str, launch_key: str, browser: str) -> str:
    """The token for the forms of one launch in one browser."""
    message = f"chartside form\n{launch_key}\n{browser}"
    return hmac.new(secret_key.encode(), message.encode(), "sha256").hexdigest()


def is_token(token: str, secret_keys: Sequence[str], launch_key: str, browser: str) -> bool:
    """Any key will do, so that a page survives a change of keys."""
    given = token.encode("utf-8", "surrogatepass")
    return any(hmac.compare_digest(given, build_token(k, launch_key, browser).encode()) for k in secret_keys)


def is_same_origin(request: Request, public_url: str) -> bool:
    """What the browser says of the page that sent the form; one that says nothing has only the token to go by."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    ours = urlsplit(public_url)
    return site in (None, "same-origin") and origin in (None, f"{ours.scheme}://{ours.netloc}")
