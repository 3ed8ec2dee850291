"""Charts for the demonstration EHR: read from folders, made self-contained, sent to the FHIR server."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

CHARTS = Path(__file__).with_name("charts")
_BATCH = 50
_TIMEOUT = (3.05, 120)

Resource = dict[str, Any]


class BadChart(Exception):
    """A chart that cannot be loaded; the message names the file or the resource."""


def load_charts(folder: Path) -> list[Resource]:
    """Reads every resource of a folder: *.json (a resource or a Bundle) and *.ndjson (a resource a line)."""
    if not folder.is_dir():
        raise BadChart(f"there is no folder {folder}")
    resources = [resource for path in sorted(folder.rglob("*.json")) for resource in _read_json(path)]
    resources += [resource for path in sorted(folder.rglob("*.ndjson")) for resource in _read_ndjson(path)]
    if missing := next((r for r in resources if not r.get("resourceType") or not r.get("id")), None):
        raise BadChart(f"{folder}: a {missing.get('resourceType', 'resource')} has no resourceType or no id")
    _resolve_references(resources)
    return resources


def seed(fhir_url: str, resources: list[Resource], progress: Callable[[int], None] = lambda count: None) -> None:
    """Stores the resources under their own ids; `progress` is told how many are done."""
    with requests.Session() as session:
        session.trust_env = False
        for start in range(0, len(resources), _BATCH):
            part = resources[start : start + _BATCH]
            answer = session.post(fhir_url, json=_build_transaction(part), timeout=_TIMEOUT)
            if answer.status_code != 200:
                raise BadChart(f"the FHIR server refused a chart: {_explain(answer)}")
            progress(start + len(part))


def is_empty(fhir_url: str) -> bool:
    """Tells whether the FHIR server holds no patient yet."""
    answer = requests.get(f"{fhir_url}/Patient", params={"_summary": "count"}, timeout=_TIMEOUT)
    return bool(answer.json().get("total", 0) == 0)


def _read_json(path: Path) -> Iterator[Resource]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise BadChart(f"{path}: {error}") from error
    entries = value.get("entry", []) if value.get("resourceType") == "Bundle" else [{"resource": value}]
    for entry in entries:
        _embed_files(entry["resource"], path.parent)
        yield entry["resource"]


def _read_ndjson(path: Path) -> Iterator[Resource]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise BadChart(f"{path}, line {number}: {error}") from error


def _embed_files(node: Any, folder: Path) -> None:
    """Replaces `_data_file` by what the file holds: `data`, and for an attachment its size and hash."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _embed_files(child, folder)
    if not isinstance(node, dict) or "_data_file" not in node:
        return
    path = folder / node.pop("_data_file")
    if not path.is_file():
        raise BadChart(f"there is no file {path}")
    content = path.read_bytes()
    if node.get("resourceType") != "Binary":
        node["size"] = len(content)
        # R4, Attachment.hash: SHA-1, in base64
        node["hash"] = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
    if "url" not in node:  # an attachment with a url describes content that is held elsewhere, in a Binary
        node["data"] = base64.b64encode(content).decode()


def _resolve_references(resources: list[Resource]) -> None:
    """Turns `Practitioner?identifier=system|value` into `Practitioner/id`, or into an identifier when nobody has it."""
    holders = {
        f"{resource['resourceType']}?identifier={identifier.get('system', '')}|{identifier.get('value', '')}": resource
        for resource in resources
        for identifier in _identifiers(resource)
    }
    for resource in resources:
        for reference in _walk_references(resource):
            text = reference["reference"]
            if "?identifier=" not in text:
                continue
            if holder := holders.get(text):
                reference["reference"] = f"{holder['resourceType']}/{holder['id']}"
                continue
            del reference["reference"]
            system, _, value = text.partition("?identifier=")[2].partition("|")
            reference["type"] = text.partition("?")[0]
            reference["identifier"] = {"system": system, "value": value}


def _identifiers(resource: Resource) -> list[Resource]:
    found = resource.get("identifier", [])
    return found if isinstance(found, list) else [found]


def _walk_references(node: Any) -> Iterator[Resource]:
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node
        for child in node.values():
            yield from _walk_references(child)
    elif isinstance(node, list):
        for child in node:
            yield from _walk_references(child)


def _build_transaction(resources: list[Resource]) -> Resource:
    entries = [
        {"resource": resource, "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}}
        for resource in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _explain(answer: requests.Response) -> str:
    try:
        return str(answer.json()["issue"][0]["diagnostics"])[:500]
    except (KeyError, IndexError, TypeError, ValueError):
        return f"status {answer.status_code}"
