"""How we speak HTTP with an EHR: with limits on time, size and redirects, and only where nobody can listen."""

import ipaddress
import re
import time
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError
from urllib3.util import Retry


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may cost: seconds to connect, of silence, for the whole body; bytes; how often a GET is sent."""

    connect: float = 5.0
    silence: float = 10.0
    whole: float = 10.0
    size: int = 256 * 1024  # discovery, keys, tokens and one Practitioner are a few kB
    again: int = 2


USUAL = Limits()
HURRIED = Limits(connect=2.0, silence=3.0, whole=3.0, again=0)  # for what the user waits for and could do without
_PLAIN = re.compile(r"[!-~]+")  # urlsplit passes over line breaks and leaves spaces in the host
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_ORIGIN = re.compile(r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*(?::[0-9]+)?")


class AnswerTooLarge(requests.RequestException):
    """More bytes than the limit, or still coming after the time for the whole."""


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_secure(url: str, *, loopback: bool) -> bool:
    """https with a host and no user in it; plain http only to this machine, and only where `loopback` allows it."""
    if not _PLAIN.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        port_is_sane = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if not _HOST.fullmatch(parts.hostname or "") or "@" in parts.netloc or not port_is_sane:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and loopback and is_loopback(url))


def is_origin(text: str) -> bool:
    """One origin as a browser writes it (RFC 6454, 6.2), secure, and nothing that a CSP would read otherwise.

    An IPv6 address is none: the host of a CSP source has no brackets (CSP 3, 2.3.1).
    """
    return bool(_ORIGIN.fullmatch(text)) and is_secure(text, loopback=True)


class LimitedAdapter(HTTPAdapter):
    """Sends with time-outs and reads no more than it should, whoever calls (Authlib included)."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(max_retries=_retries(limits.again))
        self._limits = limits

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        kwargs |= {"stream": True, "timeout": (self._limits.connect, self._limits.silence)}
        response = super().send(request, *args, **kwargs)
        response.raw = BytesIO(_read(response, self._limits))
        return response


def _retries(again: int) -> Retry:
    """Only GETs are repeated: a code or a refresh token sent twice ends the whole grant."""
    return Retry(
        total=again,
        connect=min(again, 1),
        read=min(again, 1),
        redirect=None,
        allowed_methods=["GET"],
        status_forcelist=[502, 503, 504],
        backoff_factor=0.2,
        respect_retry_after_header=False,  # a person waits; an EHR may say an hour
        raise_on_status=False,
    )


def _read(response: requests.Response, limits: Limits) -> bytes:
    """A slow trickle passes every read time-out, so the whole has one too."""
    end, body = time.monotonic() + limits.whole, b""
    try:
        # Packed answers come also to those who asked for none; what counts is what is held in the end.
        while chunk := response.raw.read1(65536, decode_content=True):
            body += chunk
            if len(body) > limits.size or time.monotonic() > end:
                raise AnswerTooLarge("the answer is too large or too slow", response=response)
    except AnswerTooLarge:
        raise  # like all of requests' errors an OSError
    except (HTTPError, OSError) as error:
        raise requests.ConnectionError("the connection broke off") from error
    finally:
        response.raw.close()
    return body


def read_json(answer: requests.Response) -> Any:
    """The JSON of an answer. Raises requests.JSONDecodeError, also for what Python's reader gives up on by other
    errors: nesting without end, a number of thousands of digits."""
    try:
        return answer.json()
    except (ValueError, RecursionError):
        raise requests.JSONDecodeError("not JSON that can be read", "", 0) from None


class SameOriginSession(requests.Session):
    """Follows a redirect only within the origin asked: a trusted EHR cannot point us at another host."""

    def __init__(self, limits: Limits = USUAL) -> None:
        super().__init__()
        self.max_redirects = 3
        limit(self, limits)

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        here, there = urlsplit(resp.url), urlsplit(requests.compat.urljoin(resp.url, target))
        return target if (here.scheme, here.netloc) == (there.scheme, there.netloc) else None


def limit(session: requests.Session, limits: Limits = USUAL) -> None:
    """Puts the limits on a session."""
    session.headers["Accept-Encoding"] = "identity"  # so that the size is what is really held
    for scheme in ("https://", "http://"):
        session.mount(scheme, LimitedAdapter(limits))
