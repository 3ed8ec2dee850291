"""The FHIR server behind the demonstration EHR, as the EHR itself speaks to it: no token, all charts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests

FHIR_JSON = "application/fhir+json"
Params = Sequence[tuple[str, str]]
Headers = Mapping[str, str]


class FHIRServerSilent(Exception):
    """The FHIR server did not answer in time, or not at all."""


@dataclass(frozen=True, slots=True)
class FHIRAnswer:
    """What came back; header names in lower case."""

    status: int
    headers: Headers = field(default_factory=dict)
    body: bytes = b""

    def resource(self) -> dict[str, Any] | None:
        """Reads the body as a resource; None when there is none."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None


class FHIRServer(Protocol):
    """Anything that answers FHIR requests; `path` is relative to its base."""

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        headers: Headers | None = None,
        body: bytes = b"",
    ) -> FHIRAnswer: ...


class HTTPFHIRServer:
    """A FHIR server reached over HTTP; its own base URL in answers becomes the public one."""

    def __init__(self, fhir_url: str, public_base: str, timeout: float) -> None:
        self._base, self._public, self._timeout = fhir_url.rstrip("/"), public_base, timeout
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment has no business with a loopback server

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        headers: Headers | None = None,
        body: bytes = b"",
    ) -> FHIRAnswer:
        sent = {"Accept": FHIR_JSON, **(headers or {})}
        try:
            answer = self._session.request(
                method,
                f"{self._base}/{path}",
                params=list(params),
                headers=sent,
                data=body or None,
                timeout=(3.05, self._timeout),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise FHIRServerSilent from error
        kept = {name.lower(): value.replace(self._base, self._public) for name, value in answer.headers.items()}
        return FHIRAnswer(answer.status_code, kept, answer.content.replace(self._base.encode(), self._public.encode()))


def search(fhir: FHIRServer, resource_type: str, params: Params) -> list[dict[str, Any]]:
    """Reads the first thousand matches, and what comes with them; nothing when the server refuses."""
    bundle = fhir.send("GET", resource_type, params=[*params, ("_count", "1000")]).resource() or {}
    found = [entry["resource"] for entry in bundle.get("entry", []) if "resource" in entry]
    return [resource for resource in found if resource["resourceType"] != "OperationOutcome"]


def read(fhir: FHIRServer, resource_type: str, resource_id: str) -> dict[str, Any] | None:
    """Reads one resource; None when it is not there."""
    answer = fhir.send("GET", f"{resource_type}/{resource_id}")
    return answer.resource() if answer.status == 200 else None
