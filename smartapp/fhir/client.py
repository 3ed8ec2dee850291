"""Speaks FHIR R4 to one EHR for one patient: time-outs, bounded retries, one host, plain words for every refusal."""

import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Self

import requests
from fhirclient.models.fhirsearch import FHIRSearch
from requests.adapters import BaseAdapter
from urllib3.exceptions import NewConnectionError

from launch.ehrs import GENERIC
from launch.errors import DiscoveryFailed, LaunchError, TokenRequestFailed
from launch.scopes import ResourceScope
from smartapp import metrics
from smartapp.errors import ChartsideError, EHRRefused, EHRUnavailable, ForeignResource, SessionExpired
from smartapp.fhir.answers import as_resource, refusal, scope_of
from smartapp.fhir.elements import items, words
from smartapp.fhir.errors import AnswerLost, NotGranted, TooLarge
from smartapp.fhir.pages import Matches, next_page, read_page
from smartapp.fhir.references import Resource, is_id, literal, names, patient_of, resolve

log = logging.getLogger(__name__)
# Below that, urllib3 writes the addresses it asks for into the log, and with them the ids of patients.
logging.getLogger("urllib3").setLevel(logging.ERROR)

FHIR_JSON = "application/fhir+json"
JSON_PATCH = "application/json-patch+json"
CONNECT_READ_SECONDS = (5.0, 20.0)
BRIEF_SECONDS = (3.0, 5.0)
WHOLE_ANSWER_SECONDS = 60.0  # the read time-out is per packet: a server that drips must not hold us for ever
RESOURCE_BYTES = 32 * 1024 * 1024  # one page of notes carried inline
ATTEMPTS = 3
OWN_WAIT_SECONDS = 2.0  # the longest pause that is ours: what is longer, the EHR asked for
LONGEST_WAIT_SECONDS = 8.0  # while somebody looks at a page that does not move
LONGEST_TOLD_WAIT_SECONDS = 30.0  # while they are told that it waits
PAGES = 40
PAGE_SIZE = 50
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


@dataclass(frozen=True, slots=True)
class _SearchedType:
    """All that fhirclient's search builder wants to know of a resource type."""

    resource_type: str


class _Bearer(requests.auth.AuthBase):
    """Sets the token itself: with an own authentication, requests never looks into a .netrc file."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class FHIRClient:
    """One EHR, one patient; `token(True)` refreshes. The token goes to `base_url` and nowhere else.

    `granted` are the scopes of the launch: what they do not allow is not asked for (NotGranted).
    """

    def __init__(
        self,
        base_url: str,
        token: Callable[[bool], str],
        *,
        patient: str,
        granted: Iterable[str] = (),
        vendor: str = GENERIC,
        timeout: tuple[float, float] = CONNECT_READ_SECONDS,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.patient = patient
        self.vendor = vendor
        self.granted = tuple(granted)
        self._granted = tuple(scope for scope in map(ResourceScope.parse, self.granted) if scope)
        self._token = token
        self._timeout, self._attempts = timeout, attempts
        self._sleep = sleep
        self._tell: Callable[[str], None] | None = None
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def mount(self, adapter: BaseAdapter) -> None:
        """Carries all requests by another transport than the network's."""
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)

    def brief(self) -> Self:
        """The same, for what is not worth waiting for: one attempt, short time-outs."""
        other = type(self)(
            self.base_url, self._token, patient=self.patient, vendor=self.vendor,
            timeout=min(BRIEF_SECONDS, self._timeout), attempts=1, sleep=self._sleep,
        )  # fmt: skip
        other._granted = self._granted
        return other

    @contextmanager
    def telling(self, tell: Callable[[str], None]) -> Iterator[None]:
        """While the block runs, the EHR's wishes to wait are told in words, and longer ones are granted."""
        self._tell = tell
        try:
            yield
        finally:
            self._tell = None

    def may(self, letter: str, type: str) -> bool:
        """Whether the granted scopes allow c, r, u, d or s on at least some resources of the type.

        A grant narrowed to a search (`?category=...`) counts: the EHR then gives what it covers. Without any resource
        scope it is not known what was granted, and the EHR is asked.
        """
        fitting = (g for g in self._granted if g.type in ("*", type))
        return not self._granted or any(letter in g.letters for g in fitting)

    def read(self, type: str, id: str) -> Resource:
        """The resource, of this patient or ForeignResource; `meta.versionId` is completed from the ETag."""
        if not is_id(id):
            raise EHRRefused(f"The {type} has an id that is not a FHIR id.")
        answer = self.fetch(f"{self.base_url}/{type}/{id}", FHIR_JSON, what=f"{type}.r")
        resource = as_resource(answer, type)
        if resource.get("id") != id or not self._is_ours(resource):
            raise ForeignResource(f"The EHR answered with another {type} than the one asked for.")
        etag = answer.headers.get("ETag", "").removeprefix("W/").strip('"')
        if etag and not words(resource, "meta", "versionId"):
            resource["meta"] = {**(resource.get("meta") or {}), "versionId": etag}
        return resource

    def search(self, type: str, **parameters: str | list[str]) -> list[Resource]:
        """All matches that are of this type and this patient; raises when the list cannot be read whole.

        `_` in a name stands for `-`; a list means that each of its values must hold.
        """
        found = sum(self._pages(type, parameters), Matches())
        if found.missing:
            raise EHRRefused(found.missing[0])
        return list(self._ours(type, found).resources)

    def find(self, type: str, **parameters: str | list[str]) -> Matches:
        """The same, with what could be read of it, and in words what is missing and what the EHR says beside it.

        Raises only for what goes wrong before anything was found.
        """
        found = Matches()
        try:
            for page in self._pages(type, parameters):
                found = found + page
        except SessionExpired:
            raise
        except ChartsideError as error:
            if not found.resources:
                raise
            found = found + Matches(missing=(error.detail,))
        return self._ours(type, found)

    def _pages(self, type: str, parameters: Mapping[str, str | list[str]]) -> Iterator[Matches]:
        query = {n.replace("_", "-"): v if isinstance(v, str) else {"$and": v} for n, v in parameters.items()}
        query["_count"] = str(PAGE_SIZE)
        url: str | None = f"{self.base_url}/{FHIRSearch(_SearchedType(type), query).construct()}"
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) >= PAGES:
                raise EHRRefused(f"The EHR's pages of {type} do not come to an end, so the list is not complete.")
            seen.add(url)
            bundle = as_resource(self.fetch(url, FHIR_JSON, what=f"{type}.rs"), "Bundle")
            yield read_page(bundle, type, self.patient)
            url = next_page(self.base_url, bundle)

    def _ours(self, type: str, found: Matches) -> Matches:
        ours = found.kept(self._is_ours)
        if len(ours.resources) < len(found.resources):
            # Some servers enforce the resource type but not the patient compartment.
            log.warning("left out %d %s of another patient", len(found.resources) - len(ours.resources), type)
        return ours

    def create(self, resource: Resource, *, if_none_exist: str | None = None) -> str:
        """POST, never repeated; the reference of what is there now. Raises AnswerLost where it may be there."""
        type = str(resource["resourceType"])
        self._refuse_foreign(resource)
        headers = {"If-None-Exist": if_none_exist} if if_none_exist else {}
        answer = self._send("POST", f"{self.base_url}/{type}", headers, resource, what=f"{type}.c")
        try:
            body = as_resource(answer, None)
        except EHRRefused:
            body = {}
        if body.get("resourceType") == type and is_id(body.get("id")):
            return f"{type}/{body['id']}"
        # A proxy may leave its inner base in Location: only the id is taken from it, and it is never followed.
        tail = answer.headers.get("Location", "").partition(f"{type}/")[2]
        found = literal(self.base_url, f"{type}/{tail}")
        if found is None:
            raise AnswerLost(f"The EHR did not say under which id it keeps the {type}.")
        return str(found)

    def update(self, resource: Resource) -> None:
        """PUT with If-Match on the version in `meta`, never repeated."""
        self._refuse_foreign(resource)
        self._change("PUT", resource, FHIR_JSON, resource)

    def patch(self, before: Resource, operations: Sequence[Mapping[str, Any]]) -> None:
        """JSON Patch (RFC 6902) of the resource as it was read, with If-Match, never repeated."""
        self._refuse_foreign(before)
        self._change("PATCH", before, JSON_PATCH, operations)

    def transaction(self, bundle: Resource) -> Resource:
        """POSTs a Bundle, never repeated; the Bundle that answers, which is no promise that all or nothing was done."""
        for entry in items(bundle, "entry"):
            self._refuse_foreign(entry["resource"])
        return as_resource(self._send("POST", self.base_url, {}, bundle, what="transaction.t"), "Bundle")

    def _change(self, method: str, current: Resource, content_type: str, body: object) -> None:
        type, version = str(current["resourceType"]), words(current, "meta", "versionId")
        if not version:
            raise EHRRefused(f"The EHR gives no version for the {type}, so it cannot be changed safely.")
        headers = {"If-Match": f'W/"{version}"', "Content-Type": content_type}
        self._send(method, f"{self.base_url}/{type}/{current['id']}", headers, body, what=f"{type}.u")

    def fetch(self, url: str, accept: str, *, what: str, limit: int = RESOURCE_BYTES) -> Fetched:
        """GET under the base, at most three times; raises for every error status. `what` is like `Condition.rs`."""
        type, _, letters = what.partition(".")
        if not self.may(letters[-1], type):
            raise NotGranted(f"The EHR did not grant this launch the permission {scope_of(what)}.")
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

    def pause(self, seconds: float) -> None:
        """Gives the EHR a moment."""
        self._sleep(seconds)

    def _bears(self, wait: float) -> bool:
        """Whether so long a pause is borne; whoever is told of it bears more."""
        if self._tell is None:
            return wait <= LONGEST_WAIT_SECONDS
        if OWN_WAIT_SECONDS < wait <= LONGEST_TOLD_WAIT_SECONDS:
            self._tell(f"The EHR asks us to wait {math.ceil(wait)} s")
        return wait <= LONGEST_TOLD_WAIT_SECONDS

    def _follow(self, url: str, accept: str, limit: int) -> Fetched:
        for _ in range(3):
            inside = resolve(self.base_url, url)
            if inside is None:
                raise EHRRefused("The EHR points to another host; Chartside does not follow it.")
            answer = self._authorized("GET", inside, {"Accept": accept}, None, limit)
            if answer.status not in _REDIRECTS:
                return answer
            url = answer.headers.get("Location", "")
        raise EHRRefused("The EHR redirects without end.")

    def _refuse_foreign(self, resource: Resource) -> None:
        if not self._is_ours(resource):
            raise ForeignResource(f"A {resource['resourceType']} of another patient was about to be sent.")

    def _send(self, method: str, url: str, headers: dict[str, str], body: object, *, what: str) -> Fetched:
        answer = self._authorized(method, url, headers | {"Accept": FHIR_JSON}, body, RESOURCE_BYTES)
        if answer.status in _AGAIN:
            kind = AnswerLost if answer.status in _ANSWERED_FOR else EHRUnavailable
            raise kind(refusal(answer, what, self.patient).detail)
        return self._accepted(answer, what)

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

    def _is_ours(self, resource: Resource) -> bool:
        """Patient themselves, or about them; resources that are about nobody (Practitioner, Provenance) pass."""
        type = resource.get("resourceType")
        if type == "Patient":
            return resource.get("id") == self.patient
        if type in ("Practitioner", "Provenance"):
            return True
        return names(self.base_url, patient_of(resource), "Patient", self.patient)


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


def typed(type: str, id: str) -> str:
    """`Encounter/12`: some servers find nothing for a bare id in a reference search."""
    return f"{type}/{id}"
