"""Speaks FHIR R4 to one EHR for one patient: time-outs, bounded retries, one host, plain words for every refusal."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Self

import requests
from fhirclient.models.fhirsearch import FHIRSearch

from launch.errors import DiscoveryFailed, LaunchError, TokenRequestFailed
from smartapp.errors import EHRRefused, EHRUnavailable, ForeignResource, SessionExpired
from smartapp.fhir.answers import as_resource, refusal
from smartapp.fhir.elements import items, words
from smartapp.fhir.errors import TooLarge
from smartapp.fhir.references import Resource, is_id, literal, names, patient_of, resolve

log = logging.getLogger(__name__)
# Below that, urllib3 writes the addresses it asks for into the log, and with them the ids of patients.
logging.getLogger("urllib3").setLevel(logging.ERROR)

FHIR_JSON = "application/fhir+json"
CONNECT_READ_SECONDS = (5.0, 20.0)
WHOLE_ANSWER_SECONDS = 60.0  # the read time-out is per packet: a server that drips must not hold us for ever
RESOURCE_BYTES = 32 * 1024 * 1024  # one page of notes carried inline
ATTEMPTS = 3
LONGEST_WAIT_SECONDS = 8.0
PAGES = 40
PAGE_SIZE = 50
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})
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
    """One EHR, one patient; `token(True)` refreshes. The token goes to `base_url` and nowhere else."""

    def __init__(
        self,
        base_url: str,
        token: Callable[[bool], str],
        *,
        patient: str,
        timeout: tuple[float, float] = CONNECT_READ_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.patient = patient
        self._token = token
        self._timeout = timeout
        self._sleep = sleep
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

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
        """All matches that are of this type and this patient, over all pages.

        `_` in a name stands for `-`; a list means that each of its values must hold.
        """
        query = {n.replace("_", "-"): v if isinstance(v, str) else {"$and": v} for n, v in parameters.items()}
        query["_count"] = str(PAGE_SIZE)
        url: str | None = f"{self.base_url}/{FHIRSearch(_SearchedType(type), query).construct()}"
        matches: dict[str, Resource] = {}
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) >= PAGES:
                raise EHRRefused(f"The EHR's pages of {type} do not come to an end, so the list is not complete.")
            seen.add(url)
            bundle = as_resource(self.fetch(url, FHIR_JSON, what=f"{type}.rs"), "Bundle")
            for entry in items(bundle, "entry"):
                resource = entry.get("resource")
                if isinstance(resource, dict) and resource.get("resourceType") == type and is_id(resource.get("id")):
                    matches[resource["id"]] = resource
            url = self._next_page(bundle)
        ours = [r for r in matches.values() if self._is_ours(r)]
        if len(ours) < len(matches):
            # Some servers enforce the resource type but not the patient compartment.
            log.warning("left out %d %s of another patient", len(matches) - len(ours), type)
        return ours

    def create(self, resource: Resource, *, if_none_exist: str | None = None) -> str:
        """POST, never repeated; the reference of what is there now. EHRUnavailable = it may or may not be there."""
        type = str(resource["resourceType"])
        headers = {"If-None-Exist": if_none_exist} if if_none_exist else {}
        answer = self._send("POST", f"{self.base_url}/{type}", headers, resource, what=f"{type}.c")
        body = as_resource(answer, None) if answer.body.strip() else {}
        if body.get("resourceType") == type and is_id(body.get("id")):
            return f"{type}/{body['id']}"
        # A proxy may leave its inner base in Location: only the id is taken from it, and it is never followed.
        tail = answer.headers.get("Location", "").partition(f"{type}/")[2]
        found = literal(self.base_url, f"{type}/{tail}")
        if found is None:
            raise EHRUnavailable(f"The EHR did not say under which id it keeps the {type}.")
        return str(found)

    def update(self, resource: Resource) -> None:
        """PUT with If-Match on the version in `meta`, never repeated."""
        type, version = str(resource["resourceType"]), words(resource, "meta", "versionId")
        if not version:
            raise EHRRefused(f"The EHR gives no version for the {type}, so it cannot be changed safely.")
        url = f"{self.base_url}/{type}/{resource['id']}"
        self._send("PUT", url, {"If-Match": f'W/"{version}"'}, resource, what=f"{type}.u")

    def fetch(self, url: str, accept: str, *, what: str, limit: int = RESOURCE_BYTES) -> Fetched:
        """GET under the base, at most three times; raises for every error status. `what` is like `Condition.rs`."""
        failure: EHRUnavailable | None = None
        for attempt in range(ATTEMPTS):
            try:
                answer = self._follow(url, accept, limit)
            except EHRUnavailable as error:
                failure, wait = error, float(2**attempt)
            else:
                if answer.status not in _AGAIN:
                    return self._accepted(answer, what)
                failure = EHRUnavailable(refusal(answer, what, self.patient).detail)
                wait = _seconds_to_wait(answer.headers.get("Retry-After"), attempt)
            if wait > LONGEST_WAIT_SECONDS or attempt == ATTEMPTS - 1:
                break
            self._sleep(wait)
        assert failure is not None
        raise failure

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

    def _send(self, method: str, url: str, headers: dict[str, str], resource: Resource, *, what: str) -> Fetched:
        if not self._is_ours(resource):
            raise ForeignResource(f"A {resource['resourceType']} of another patient was about to be sent.")
        answer = self._authorized(method, url, headers | {"Accept": FHIR_JSON}, resource, RESOURCE_BYTES)
        if answer.status in _AGAIN:
            raise EHRUnavailable(refusal(answer, what, self.patient).detail)
        return self._accepted(answer, what)

    def _accepted(self, answer: Fetched, what: str) -> Fetched:
        if not 200 <= answer.status < 300:
            raise refusal(answer, what, self.patient)
        return answer

    def _authorized(
        self, method: str, url: str, headers: dict[str, str], resource: Resource | None, limit: int
    ) -> Fetched:
        """A 401 is answered before anything is done, so one repetition with a fresh token is safe for writes too."""
        for refresh in (False, True):
            answer = self._once(method, url, headers, resource, limit, self._take_token(refresh))
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

    def _once(
        self, method: str, url: str, headers: dict[str, str], resource: Resource | None, limit: int, token: str
    ) -> Fetched:
        written = {"Content-Type": FHIR_JSON, "Prefer": "return=representation"} if resource is not None else {}
        deadline = time.monotonic() + WHOLE_ANSWER_SECONDS
        try:
            with self._session.request(
                method, url, json=resource, headers=headers | written, auth=_Bearer(token),
                timeout=self._timeout, allow_redirects=False, stream=True,
            ) as response:  # fmt: skip
                return Fetched(response.status_code, response.headers, _body(response, limit, deadline))
        except requests.RequestException as error:
            # The exception's own text holds the URL, and with it the patient's id: it stays out of ours.
            slow = isinstance(error, requests.Timeout)
            raise EHRUnavailable(
                "The EHR did not answer in time." if slow else "The connection to the EHR broke off."
            ) from None

    def _next_page(self, bundle: Resource) -> str | None:
        url = next((link.get("url") for link in items(bundle, "link") if link.get("relation") == "next"), None)
        if url is None:
            return None
        inside = resolve(self.base_url, str(url))
        if inside is None:
            raise EHRRefused("The EHR's next page lies on another host, so the list is not complete.")
        return inside

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
