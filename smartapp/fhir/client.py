"""Speaks FHIR R4 to one EHR for one patient: nobody else's chart, plain words for every refusal."""

import copy
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Self

from fhirclient.models.fhirsearch import FHIRSearch
from requests.adapters import BaseAdapter

from launch.ehrs import GENERIC
from launch.scopes import ResourceScope
from smartapp.errors import ChartsideError, EHRRefused, ForeignResource, SessionExpired
from smartapp.fhir.answers import as_resource, scope_of
from smartapp.fhir.connection import ATTEMPTS, CONNECT_READ_SECONDS, FHIR_JSON, RESOURCE_BYTES, Connection, Fetched
from smartapp.fhir.elements import items, words
from smartapp.fhir.errors import AnswerLost, NotGranted
from smartapp.fhir.pages import Matches, next_page, read_page
from smartapp.fhir.references import Resource, is_id, literal, names, patient_of

log = logging.getLogger(__name__)
JSON_PATCH = "application/json-patch+json"
PAGES = 40
PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class _SearchedType:
    """All that fhirclient's search builder wants to know of a resource type."""

    resource_type: str


class FHIRClient:
    """One EHR, one patient; `token(True)` refreshes. The token goes to `base_url` and nowhere else.

    `launch` is the key of the launch whose token it is, by which a worker finds that token again.
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
        launch: str = "",
        timeout: tuple[float, float] = CONNECT_READ_SECONDS,
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.patient = patient
        self.vendor, self.launch = vendor, launch
        self.granted = tuple(granted)
        self._granted = tuple(scope for scope in map(ResourceScope.parse, self.granted) if scope)
        self._connection = Connection(self.base_url, token, patient, timeout, attempts, sleep)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def mount(self, adapter: BaseAdapter) -> None:
        """Carries all requests by another transport than the network's."""
        self._connection.mount(adapter)

    def brief(self) -> Self:
        """The same, for what is not worth waiting for: one attempt, short time-outs."""
        other = copy.copy(self)
        other._connection = self._connection.brief()
        return other

    def telling(self, tell: Callable[[str], None]) -> AbstractContextManager[None]:
        """While the block runs, the EHR's wishes to wait are told in words, and longer ones are granted."""
        return self._connection.telling(tell)

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

        `_` within a name stands for `-`; a list means that each of its values must hold.
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
        named = {n[0] + n[1:].replace("_", "-"): v for n, v in parameters.items()}
        query = {n: v if isinstance(v, str) else {"$and": v} for n, v in named.items()}
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
        answer = self._connection.send("POST", f"{self.base_url}/{type}", headers, resource, what=f"{type}.c")
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
        return as_resource(self._connection.send("POST", self.base_url, {}, bundle, what="transaction.t"), "Bundle")

    def _change(self, method: str, current: Resource, content_type: str, body: object) -> None:
        type, version = str(current["resourceType"]), words(current, "meta", "versionId")
        if not version:
            raise EHRRefused(f"The EHR gives no version for the {type}, so it cannot be changed safely.")
        headers = {"If-Match": f'W/"{version}"', "Content-Type": content_type}
        self._connection.send(method, f"{self.base_url}/{type}/{current['id']}", headers, body, what=f"{type}.u")

    def fetch(self, url: str, accept: str, *, what: str, limit: int = RESOURCE_BYTES) -> Fetched:
        """GET under the base, at most three times; raises for every error status. `what` is like `Condition.rs`."""
        type, _, letters = what.partition(".")
        if not self.may(letters[-1], type):
            raise NotGranted(f"The EHR did not grant this launch the permission {scope_of(what)}.")
        return self._connection.get(url, accept, what=what, limit=limit)

    def pause(self, seconds: float) -> None:
        """Gives the EHR a moment."""
        self._connection.pause(seconds)

    def _refuse_foreign(self, resource: Resource) -> None:
        if not self._is_ours(resource):
            raise ForeignResource(f"A {resource['resourceType']} of another patient was about to be sent.")

    def _is_ours(self, resource: Resource) -> bool:
        """Patient themselves, or about them; resources that are about nobody (Practitioner, Provenance) pass."""
        type = resource.get("resourceType")
        if type == "Patient":
            return resource.get("id") == self.patient
        if type in ("Practitioner", "Provenance"):
            return True
        return names(self.base_url, patient_of(resource), "Patient", self.patient)


def typed(type: str, id: str) -> str:
    """`Encounter/12`: some servers find nothing for a bare id in a reference search."""
    return f"{type}/{id}"
