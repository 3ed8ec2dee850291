"""Speaks HTTP to one EHR: time-outs, bounded retries, one host, the token to nobody else."""

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import requests
from requests.adapters import BaseAdapter
from urllib3.exceptions import NewConnectionError

from launch.errors import DiscoveryFailed, LaunchError, SessionsUnavailable, TokenRequestFailed
from smartapp import metrics
from smartapp.errors import EHRRefused, EHRUnavailable, SessionExpired, SessionsAway
from smartapp.fhir.answers import refusal
from smartapp.fhir.errors import AnswerLost, TooLarge
from smartapp.fhir.references import resolve

# Below that, urllib3 writes the addresses it asks for into the log, and with them the ids of patients.
logging.getLogger("urllib3").setLevel(logging.ERROR)

FHIR_JSON = "application/fhir+json"
CONNECT_READ_SECONDS = (5.0, 20.0)
BRIEF_SECONDS = (3.0, 5.0)
WHOLE_ANSWER_SECONDS = 60.0  # the read time-out is per packet: a server that drips must not hold us for ever
RESOURCE_BYTES = 32 * 1024 * 1024  # one page of notes carried inline
ATTEMPTS = 3
OWN_WAIT_SECONDS = 2.0  # the longest pause that is ours: what is longer, the EHR asked for
LONGEST_WAIT_SECONDS = 8.0  # while somebody looks at a page that does not move
LONGEST_TOLD_WAIT_SECONDS = 30.0  # while they are told that it waits
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
_ANSWERED_FOR = frozenset({502, 504})  # a gateway speaks; the server behind it may still be at work
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "")


class _Bearer(requests.auth.AuthBase):
    """Sets the token itself: with an own authentication, requests never looks into a .netrc file."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Connection:
    """`token(True)` refreshes; `patient` is left out of what the EHR says when it refuses."""

    def __init__(
        self,
        base_url: str,
        token: Callable[[bool], str],
        patient: str,
        timeout: tuple[float, float],
        attempts: int,
        sleep: Callable[[float], None],
    ) -> None:
        self.base_url, self.patient = base_url, patient
        self._token, self._timeout, self._attempts, self._sleep = token, timeout, attempts, sleep
        self._tell: Callable[[str], None] | None = None
        self._session = requests.Session()

    def close(self) -> None:
        self._session.close()

    def mount(self, adapter: BaseAdapter) -> None:
        """Carries all requests by another transport than the network's."""
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)

    def brief(self) -> "Connection":
        """Another one, for what is not worth waiting for: one attempt, short time-outs."""
        timeout = min(BRIEF_SECONDS, self._timeout)
        return Connection(self.base_url, self._token, self.patient, timeout, 1, self._sleep)

    @contextmanager
    def telling(self, tell: Callable[[str], None]) -> Iterator[None]:
        """While the block runs, the EHR's wishes to wait are told in words, and longer ones are granted."""
        self._tell = tell
        try:
            yield
        finally:
            self._tell = None

    def pause(self, seconds: float) -> None:
        """Gives the EHR a moment."""
        self._sleep(seconds)

    def get(self, url: str, accept: str, *, what: str, limit: int) -> Fetched:
        """Under the base, at most three times; raises for every error status. `what` is like `Condition.rs`."""
        failure: EHRUnavailable | None = None
        for attempt in range(self._attempts):
            try:
                answer = self._follow(url, accept, limit)
            except EHRUnavailable as error:
                failure, wait = error, float(2**attempt)
            else:
                if answer.status not in _AGAIN:
                    return self._accepted(answer, what)
                failure = EHRUnavailable(refusal(answer, what, self.patient).detail)
                wait = _seconds_to_wait(answer.headers.get("Retry-After"), attempt)
            if attempt == self._attempts - 1 or not self._bears(wait):
                break
            self.pause(wait)
        assert failure is not None
        raise failure

    def send(self, method: str, url: str, headers: dict[str, str], body: object, *, what: str) -> Fetched:
        """What changes something: never repeated. Raises AnswerLost where it may have taken effect."""
        answer = self._authorized(method, url, headers | {"Accept": FHIR_JSON}, body, RESOURCE_BYTES)
        if answer.status in _AGAIN:
            kind = AnswerLost if answer.status in _ANSWERED_FOR else EHRUnavailable
            raise kind(refusal(answer, what, self.patient).detail)
        return self._accepted(answer, what)

    def _bears(self, wait: float) -> bool:
        """Whether so long a pause is borne; whoever is told of it bears more."""
        if self._tell is None:
            return wait <= LONGEST_WAIT_SECONDS
        if OWN_WAIT_SECONDS < wait <= LONGEST_TOLD_WAIT_SECONDS:
            self._tell(f"The EHR asks us to wait {math.ceil(wait)} s")
        return wait <= LONGEST_TOLD_WAIT_SECONDS

    def _follow(self, url: str, accept: str, limit: int) -> Fetched:
        asked = ""
        for _ in range(3):
            inside = resolve(self.base_url, url, asked)
            if inside is None:
                raise EHRRefused("The EHR points to another host; Chartside does not follow it.")
            answer = self._authorized("GET", inside, {"Accept": accept}, None, limit)
            if answer.status not in _REDIRECTS:
                return answer
            url, asked = answer.headers.get("Location", ""), inside
        raise EHRRefused("The EHR redirects without end.")

    def _accepted(self, answer: Fetched, what: str) -> Fetched:
        if not 200 <= answer.status < 300:
            raise refusal(answer, what, self.patient)
        return answer

    def _authorized(self, method: str, url: str, headers: dict[str, str], body: object, limit: int) -> Fetched:
        """A 401 is answered before anything is done, so one repetition with a fresh token is safe for writes too."""
        for refresh in (False, True):
            answer = self._once(method, url, headers, body, limit, self._take_token(refresh))
            if answer.status != 401:
                return answer
        raise SessionExpired

    def _take_token(self, refresh: bool) -> str:
        try:
            return self._token(refresh)
        except (DiscoveryFailed, TokenRequestFailed):  # the EHR cannot be asked now; the session itself still stands
            raise EHRUnavailable("The EHR did not renew the access to it.") from None
        except SessionsUnavailable:
            raise SessionsAway from None
        except LaunchError as error:
            raise SessionExpired(error.detail) from error

    def _once(self, method: str, url: str, headers: dict[str, str], body: object, limit: int, token: str) -> Fetched:
        written = {"Content-Type": FHIR_JSON, "Prefer": "return=representation"} if body is not None else {}
        deadline = time.monotonic() + WHOLE_ANSWER_SECONDS
        outcome = "no answer"
        try:
            with metrics.EHR_SECONDS.labels(method).time(), self._session.request(
                method, url, json=body, headers=written | headers, auth=_Bearer(token),
                timeout=self._timeout, allow_redirects=False, stream=True,
            ) as response:  # fmt: skip
                fetched = Fetched(response.status_code, response.headers, _body(response, limit, deadline))
                outcome = f"{fetched.status // 100}xx"
                return fetched
        except requests.RequestException as error:
            # The exception's own text holds the URL, and with it the patient's id: it stays out of ours.
            slow = isinstance(error, requests.Timeout)
            kind = EHRUnavailable if _never_arrived(error) else AnswerLost
            raise kind("The EHR did not answer in time." if slow else "The connection to the EHR broke off.") from None
        finally:
            metrics.EHR_CALLS.labels(method, outcome).inc()


def _body(response: requests.Response, limit: int, deadline: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(65536):
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"The EHR's answer is larger than {limit // (1024 * 1024)} MB.")
        if time.monotonic() > deadline:
            raise requests.Timeout
    return bytes(body)


def _never_arrived(error: requests.RequestException) -> bool:
    """No connection was made, so nothing of the request can have taken effect."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError)


def _seconds_to_wait(retry_after: str | None, attempt: int) -> float:
    """Retry-After in seconds or as a date (RFC 9110, 10.2.3); else twice as long each time."""
    text = (retry_after or "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return float(2**attempt)
