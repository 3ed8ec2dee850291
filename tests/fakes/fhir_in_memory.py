"""A FHIR server in memory, for what the demonstration EHR keeps before one: ids, versions, patient and _id search."""

import json
import uuid
from typing import Any

from launch.sandbox.fhir_server import FHIRAnswer, Headers, Params

_SEARCHED = {
    "patient": ("subject", "patient", "beneficiary", "for"),
    "encounter": ("encounter",),
    "target": ("target",),
}


class FHIRInMemory:
    """Answers as sekmet-fhir does, as far as the tests go; `seen` lists the requests."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        self.resources = {f"{r['resourceType']}/{r['id']}": {**r, "meta": {"versionId": "1"}} for r in resources}
        self.seen: list[tuple[str, str, dict[str, str], list[tuple[str, str]]]] = []

    def send(
        self, method: str, path: str, *, params: Params = (), headers: Headers | None = None, body: bytes = b""
    ) -> FHIRAnswer:
        headers = headers or {}
        self.seen.append((method, path, dict(headers), list(params)))
        if path == "metadata":
            rest = [{"mode": "server", "resource": [{"type": n} for n in ("Patient", "Condition", "Subscription")]}]
            known = {"status": "active", "date": "2026-01-01", "kind": "instance", "fhirVersion": "4.0.1"}
            return _answer(200, {"resourceType": "CapabilityStatement", **known, "format": ["json"], "rest": rest})
        if method == "GET":
            return self._search(path, params) if "/" not in path else self._read(path)
        if method == "POST":
            return self._write(path, {**json.loads(body), "id": str(uuid.uuid4())}, 201)
        if path not in self.resources:
            return FHIRAnswer(404)
        if headers.get("If-Match") not in (None, self._etag(path)):
            return FHIRAnswer(412)
        if method == "DELETE":
            del self.resources[path]
            return FHIRAnswer(200)
        changed = json.loads(body) if method == "PUT" else self.resources[path]
        return self._write(path.split("/")[0], changed, 200)

    def _read(self, path: str) -> FHIRAnswer:
        path = path.split("/_history")[0]
        found = self.resources.get(path)
        return _answer(200, found, etag=self._etag(path)) if found else FHIRAnswer(404)

    def _search(self, resource_type: str, params: Params) -> FHIRAnswer:
        found = [resource for resource in self.resources.values() if resource["resourceType"] == resource_type]
        for key, value in params:
            found = [resource for resource in found if _matches(resource, key, value)]
        entries = [{"resource": resource, "search": {"mode": "match"}} for resource in found]
        for _, value in (param for param in params if param[0] == "_revinclude"):
            type, _, name = value.partition(":")
            pointing = (r for r in self.resources.values() if r["resourceType"] == type)
            near = [r for r in pointing if any(_matches(r, name, f"{resource_type}/{f['id']}") for f in found)]
            entries += [{"resource": resource, "search": {"mode": "include"}} for resource in near]
        bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": entries}
        return _answer(200, bundle)

    def _write(self, resource_type: str, resource: dict[str, Any], status: int) -> FHIRAnswer:
        path = f"{resource_type}/{resource['id']}"
        version = int(self.resources.get(path, {"meta": {"versionId": "0"}})["meta"]["versionId"]) + 1
        self.resources[path] = {**resource, "meta": {"versionId": str(version)}}
        return _answer(status, self.resources[path], etag=self._etag(path))

    def _etag(self, path: str) -> str:
        return f'W/"{self.resources[path]["meta"]["versionId"]}"'


def _matches(resource: dict[str, Any], key: str, value: str) -> bool:
    if key == "_id":
        return bool(resource["id"] == value)
    if key not in _SEARCHED:
        return True  # servers ignore parameters they do not know
    named = [resource.get(element) for element in _SEARCHED[key]]
    references = [item for element in named for item in (element if isinstance(element, list) else [element]) if item]
    references += resource.get("context", {}).get(key, [])
    return any(reference.get("reference") == value for reference in references)


def _answer(status: int, resource: dict[str, Any], **headers: str) -> FHIRAnswer:
    return FHIRAnswer(status, headers, json.dumps(resource).encode())
