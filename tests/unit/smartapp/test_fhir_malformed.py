"""Every element of every resource of a visit, one after the other replaced by nonsense: never a crash."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sample_chart import accepted, attestation, condition, coverage, encounter, note, patient

from smartapp.errors import ChartsideError
from smartapp.fhir.chart import Chart, read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.connection import Fetched
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.fhir.resources import build_provenance, is_ours
from smartapp.fhir.writeback import plan

BASE = "https://ehr.example/fhir"
NONSENSE: list[Any] = [
    None,
    0,
    -1.5,
    True,
    "",
    "x",
    "\N{NULL}",
    [],
    [[]],
    [None, "x"],
    {},
    {"reference": ["x"]},
    {"coding": 7},
]

PROCEDURE = {
    "resourceType": "Procedure", "id": "r1", "status": "completed", "code": {"coding": [{"display": "Biopsy"}]},
    "subject": {"reference": "Patient/p1"}, "encounter": {"reference": "Encounter/e1"},
}  # fmt: skip
REPORT = {
    "resourceType": "DiagnosticReport", "id": "d1", "status": "final", "code": {"text": "Chest film"},
    "subject": {"reference": "Patient/p1"}, "encounter": {"reference": "Encounter/e1"},
    "effectivePeriod": {"start": "2026-03-02"}, "resultsInterpreter": [{"display": "Dr. Rao"}],
    "presentedForm": [{"contentType": "text/plain", "data": "UGFpbi4="}],
}  # fmt: skip
FULL = [
    patient(),
    encounter(
        diagnosis=[{"condition": {"reference": "Condition/c1"}, "use": {"coding": [{"code": "billing"}]}, "rank": 1}]
    ),
    note(
        relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/n0"}}],
        docStatus="final",
        identifier=[{"system": "s", "value": "v"}],
    ),
    condition(identifier=[{"system": "s", "value": "v"}]),
    coverage(period={"start": "2026-01-01", "end": "2026-12-31"}, order=1),
    PROCEDURE,
    REPORT,
]


class Canned(FHIRClient):
    """Answers every read and search with resources in hand."""

    def __init__(self, resources: list[dict[str, Any]]) -> None:
        super().__init__(BASE, lambda _: "token", patient="p1")
        self._resources = resources

    def fetch(self, url: str, accept: str, *, what: str, limit: int = 0) -> Fetched:
        type, _, id = url.removeprefix(BASE + "/").partition("?")[0].partition("/")
        found = [r for r in self._resources if r["resourceType"] == type]
        entries = [{"resource": r} for r in found]
        answer = found[0] if id and found else {"resourceType": "Bundle", "entry": entries}
        return Fetched(200, {"ETag": 'W/"1"'}, json.dumps(answer).encode())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    branches = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, branch in branches:
        yield from places(branch, (*path, name))


def broken(resource: dict[str, Any], path: tuple[Any, ...], nonsense: Any) -> dict[str, Any]:
    copy: Any = json.loads(json.dumps(resource))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = nonsense
    return dict(copy)


def use(chart: Chart) -> None:
    """What is done with a chart: stored, and planned from."""
    assert Chart.from_json(json.loads(json.dumps(chart.to_json()))) == chart
    json.dumps(chart.to_json(), ensure_ascii=False).encode("utf-8")
    plan(chart, accepted("I10", "E11.9"), SINGLE_WRITES)


@pytest.mark.parametrize("resource", FULL, ids=lambda r: r["resourceType"])
def test_nonsense_anywhere(resource: dict[str, Any]) -> None:
    """The chart is read, or refused in words; what was read can be stored and planned from."""
    others = [r for r in FULL if r is not resource]
    read = 0
    for path in places(resource):
        if path in (("resourceType",),):
            continue
        for nonsense in NONSENSE:
            with Canned([*others, broken(resource, path, nonsense)]) as client:
                try:
                    chart = read_chart(client, "p1", "e1", lambda _: None)
                except ChartsideError:
                    continue
                use(chart)
                read += 1
    assert read > 0


def test_nonsense_in_a_provenance() -> None:
    """Somebody's strange Provenance is not ours, and no crash."""
    with Canned(FULL) as client:
        chart = read_chart(client, "p1", "e1", lambda _: None)
    ours = build_provenance(chart, ["Condition/1"], attestation(), "rev")
    assert is_ours(BASE, ours, attestation())
    for path in places(ours):
        for nonsense in NONSENSE:
            assert is_ours(BASE, broken(ours, path, nonsense), attestation()) in (True, False)


@pytest.mark.parametrize("nonsense", [n for n in NONSENSE if n is not None], ids=repr)
@pytest.mark.parametrize("element", ["entry", "link", "type"])
def test_nonsense_in_a_bundle(element: str, nonsense: Any) -> None:
    """A Bundle of the wrong shape holds nothing."""

    class Strange(Canned):
        def fetch(self, url: str, accept: str, *, what: str, limit: int = 0) -> Fetched:
            if "?" not in url:
                return super().fetch(url, accept, what=what)
            return Fetched(200, {}, json.dumps({"resourceType": "Bundle", element: nonsense}).encode())

    with Strange(FULL) as client:
        assert read_chart(client, "p1", "e1", lambda _: None).notes == ()
