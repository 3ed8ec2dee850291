"""One Bundle for all resources of a write-back, and what the EHR made of it: servers may answer it piece by piece."""

import uuid
from collections.abc import Iterable, Sequence

from smartapp.fhir.answers import outcome_words
from smartapp.fhir.elements import items, words
from smartapp.fhir.references import Resource, is_id, literal


def full_url(identifier: str) -> str:
    """The address of an entry within the Bundle. Not its identifier: some servers replace the address by the id that
    they assign wherever it stands, in the identifier too."""
    return uuid.uuid5(uuid.NAMESPACE_URL, identifier).urn


def creation(identifier: str, resource: Resource, only: str) -> Resource:
    """An entry that creates the resource, unless one is there that `only` finds."""
    request = {"method": "POST", "url": resource["resourceType"], "ifNoneExist": only}
    return {"fullUrl": full_url(identifier), "resource": resource, "request": request}


def change(base: str, resource: Resource) -> Resource:
    """An entry that changes the resource as it was read."""
    path = f"{resource['resourceType']}/{resource['id']}"
    request = {"method": "PUT", "url": path}
    if version := words(resource, "meta", "versionId"):
        request["ifMatch"] = f'W/"{version}"'
    return {"fullUrl": f"{base}/{path}", "resource": resource, "request": request}


def bundle(entries: Iterable[Resource]) -> Resource:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def refusals(answer: Resource) -> list[str]:
    """What the answer says of entries that failed; where there is any, it was no transaction."""
    failed = [
        entry.get("response", {})
        for entry in items(answer, "entry")
        if not (words(entry, "response", "status") or "").startswith("2")
    ]
    return [f"{words(f, 'status') or 'no status'} {outcome_words(f.get('outcome'))}".strip() for f in failed]


def locations(base: str, sent: Sequence[Resource], answer: Resource) -> dict[str, str]:
    """Where the EHR put what it took, by the `fullUrl` of the entry; entries are answered in their order."""
    answered = items(answer, "entry")
    if len(answered) != len(sent):
        return {}
    pairs = zip(sent, answered, strict=True)
    return {s["fullUrl"]: found for s, a in pairs if (found := _location(base, s["resource"]["resourceType"], a))}


def _location(base: str, type: str, entry: Resource) -> str | None:
    if not (words(entry, "response", "status") or "").startswith("2"):
        return None
    id = words(entry, "resource", "id")
    if id and is_id(id):
        return f"{type}/{id}"
    tail = (words(entry, "response", "location") or "").rpartition(f"{type}/")[2]
    found = literal(base, f"{type}/{tail}")
    return str(found) if found else None
