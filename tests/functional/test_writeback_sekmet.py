"""Reading and writing back against the real sekmet-fhir, and the fake FHIR server held against it, test by test."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import fhirkit
import pytest
import requests
from fhir_server import FakeFHIRServer, running
from sample_chart import NOTE, accepted, attestation, condition, corrected, encoded, outbox, visit

from launch.sandbox.fhir_process import FHIRProcess
from smartapp.fhir.chart import Chart, read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.fhir.resources import build_condition, condition_id, token
from smartapp.fhir.writeback import write_back
from smartapp.reviews import ReviewKey, WrittenResource

Resource = dict[str, Any]
_numbers = count(1)


@pytest.fixture(scope="module")
def sekmet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    state: Path = tmp_path_factory.mktemp("sekmet")
    process = FHIRProcess(state, port)
    try:
        process.wait_until_ready()
        yield process.fhir_url
    finally:
        process.stop()


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeFHIRServer]:
    yield from running()


class Visit:
    """The sample visit under ids of its own on one of the servers."""

    def __init__(self, base_url: str, put: Callable[[Resource], None]) -> None:
        self.base_url, self._put, self._suffix = base_url, put, f"-{next(_numbers)}"
        self.client = FHIRClient(base_url, lambda _: "good-token", patient=self.id("p1"))
        self.key = ReviewKey(base_url, self.id("p1"), self.id("e1"))
        self.put(*visit())

    def id(self, id: str) -> str:
        return id + self._suffix

    def put(self, *resources: Resource) -> None:
        for resource in resources:
            text = json.dumps(resource)
            for id in ("p1", "e1", "n1", "v1", "c1", "b1"):
                text = text.replace(f'{id}"', f'{self.id(id)}"')
            self._put(json.loads(text))

    def read(self) -> Chart:
        return read_chart(self.client, self.key.patient, self.key.encounter, lambda _: None)

    def sign(self, chart: Chart) -> tuple[WrittenResource, ...]:
        codes, out = accepted("I10", "E11.9"), outbox(chart, "I10", "E11.9")
        return write_back(
            self.client, self.key, codes, attestation(), "rev-1", chart=chart, outbox=out, ladder=SINGLE_WRITES
        )

    def send(self, method: str, path: str, body: object = None, **headers: str) -> requests.Response:
        sent = {"Authorization": "Bearer good-token", "Accept": "application/fhir+json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, f"{self.base_url}/{path}", json=body, headers=sent, timeout=20)


@pytest.fixture(params=["sekmet", "fake"])
def there(request: pytest.FixtureRequest) -> Iterator[Visit]:
    if request.param == "fake":
        server: FakeFHIRServer = request.getfixturevalue("fake")
        made = Visit(server.base_url, server.put)
    else:
        base: str = request.getfixturevalue("sekmet")

        def put(resource: Resource) -> None:
            url = f"{base}/{resource['resourceType']}/{resource['id']}"
            requests.put(url, json=resource, timeout=20).raise_for_status()

        made = Visit(base, put)
    yield made
    made.client.close()


def outcomes(lines: tuple[WrittenResource, ...]) -> list[str]:
    return [line.outcome for line in lines]


def test_chart_is_read(there: Visit) -> None:
    """Patient, encounter, note, diagnoses and coverage come through, with the note's version."""
    there.put(condition())
    chart = there.read()
    assert chart.header.patient_name == "Noa L. Maier"
    assert [(n.id, n.version_id, n.text) for n in chart.notes] == [(there.id("n1"), "1", NOTE)]
    assert chart.header.existing_diagnoses == ("E11.9 Type 2 diabetes",)
    assert chart.coverage == f"Coverage/{there.id('v1')}"
    assert Chart.from_json(json.loads(json.dumps(chart.to_json()))) == chart


def test_note_in_a_binary(there: Visit) -> None:
    """A server that gives Binary only as JSON is understood after its 406."""
    there.put({"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": encoded("Asthma.")})
    assert there.send("GET", f"Binary/{there.id('b1')}", Accept="text/plain").status_code == 406
    document = next(r for r in visit() if r["resourceType"] == "DocumentReference")
    there.put(document | {"content": [{"attachment": {"contentType": "text/plain", "url": "Binary/b1"}}]})
    assert there.read().notes[0].text == "Asthma."


def test_write_back_is_confirmed_and_repeatable(there: Visit) -> None:
    """All is written once; a second run, also with the chart as it was before, finds it there and adds nothing."""
    before = there.read()
    first = there.sign(before)
    assert outcomes(first) == ["written"] * 5, first
    assert outcomes(there.sign(before)) == ["already-there"] * 5
    after = there.read()
    assert outcomes(there.sign(after)) == ["already-there"] * 5
    assert {d.code for d in after.diagnoses} == {"I10", "E11.9"} and len(after.diagnoses) == 2
    listed = [d["condition"]["reference"] for d in after.encounter["diagnosis"]]
    assert listed == [line.reference for line in first[:2]]
    assert after.encounter["meta"]["versionId"] == "2"


def test_a_correction(there: Visit) -> None:
    """One code in the place of another: the withdrawn Condition stays, marked as an error and valid R4."""
    first = there.sign(there.read())
    later, correction = corrected(first)
    chart, codes = there.read(), ("E11.9", "J06.9")
    for again in ("written", "already-there"):
        out = outbox(chart, *codes, corrections=(correction,))
        lines = write_back(
            there.client, there.key, accepted(*codes), later, "rev-1",
            chart=chart, outbox=out, ladder=SINGLE_WRITES, corrections=(correction,),
        )  # fmt: skip
        assert {line.outcome for line in lines} <= {again, "already-there", "not-written"}, lines
    held = [there.send("GET", str(line.reference)).json() for line in (*first[:2], lines[1])]
    status = ["entered-in-error", "confirmed", "confirmed"]
    assert [c["verificationStatus"]["coding"][0]["code"] for c in held] == status
    assert [str(issue) for issue in fhirkit.validate(held[0])] == []
    listed = [e["condition"]["reference"] for e in there.read().encounter["diagnosis"]]
    assert listed == [f"Condition/{c['id']}" for c in held[1:]]
    claim = there.send("GET", str(first[3].reference)).json()
    assert [d["diagnosisCodeableConcept"]["coding"][0]["code"] for d in claim["diagnosis"]] == list(codes)


def test_what_the_server_holds_is_valid_r4(there: Visit) -> None:
    """Each resource as the server gives it back satisfies an R4 validator."""
    for line in there.sign(there.read()):
        held = there.send("GET", str(line.reference)).json()
        assert [str(issue) for issue in fhirkit.validate(held)] == []


def test_signing_at_the_same_moment(there: Visit) -> None:
    """A run that starts before another's diagnoses are seen still creates nothing twice: If-None-Exist decides."""
    there.read()
    body = build_condition(there.key, accepted("I10")[0], SINGLE_WRITES)
    only = f"identifier={token(condition_id(there.key, 'I10'))}"
    answers = [there.send("POST", "Condition", body, If_None_Exist=only) for _ in range(2)]
    assert [a.status_code for a in answers] == [201, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert outcomes(there.sign(there.read()))[0] == "already-there"


def test_somebody_else_adds_a_diagnosis(there: Visit) -> None:
    """An equal diagnosis of somebody else is reused, and their other entries stay."""
    before = there.read()
    there.put(condition())
    lines = there.sign(before)
    assert lines[1] == replace(lines[1], outcome="already-there", reference=f"Condition/{there.id('c1')}")
    assert len(there.read().diagnoses) == 2


def test_versions_guard_updates(there: Visit) -> None:
    """If-Match with a stale version is 412 with an OperationOutcome, with the current one 200."""
    path = f"Encounter/{there.id('e1')}"
    current = there.send("GET", path).json()
    assert there.send("PUT", path, current, If_Match='W/"1"').status_code == 200
    stale = there.send("PUT", path, current, If_Match='W/"1"')
    assert (stale.status_code, stale.json()["resourceType"]) == (412, "OperationOutcome")


def test_missing_resource(there: Visit) -> None:
    """What is not there is 404 with an OperationOutcome."""
    answer = there.send("GET", "Encounter/nobody")
    assert (answer.status_code, answer.json()["resourceType"]) == (404, "OperationOutcome")


@pytest.mark.parametrize(
    ("type", "query", "found"),
    [
        ("DocumentReference", "patient=Patient/{p1}&encounter=Encounter/{e1}", 1),
        ("DocumentReference", "patient=Patient/{p1}&encounter=Encounter/none", 0),
        ("DocumentReference", "patient=Patient/{p1}&category=clinical-note&date=ge2026-03-02&date=le2026-03-03", 1),
        ("DocumentReference", "patient=Patient/{p1}&category=clinical-note&date=ge2026-03-03", 0),
        ("Coverage", "beneficiary=Patient/{p1}&status=active", 1),
        ("Condition", "patient=Patient/{p1}&identifier=urn:ietf:rfc:3986|urn:uuid:0", 0),
        ("Provenance", "target=Encounter/{e1}", 1),
        ("Provenance", "_tag=urn:ietf:rfc:3986|{p1}", 1),
        ("Provenance", "_tag=urn:ietf:rfc:3986|other", 0),
    ],
)
def test_searches(there: Visit, type: str, query: str, found: int) -> None:
    """The searches that Chartside makes find the same on both servers; versioned references count too."""
    reference = f"Encounter/{there.id('e1')}/_history/1"
    provenance = {
        "resourceType": "Provenance", "id": there.id("x"), "recorded": "2026-03-02T10:00:00Z",
        "meta": {"tag": [{"system": "urn:ietf:rfc:3986", "code": there.id("p1")}]},
        "target": [{"reference": reference}], "agent": [{"who": {"display": "somebody"}}],
    }  # fmt: skip
    there.put(provenance)
    bundle = there.send("GET", f"{type}?{query.format(p1=there.id('p1'), e1=there.id('e1'))}").json()
    matches = [e for e in bundle.get("entry", []) if e["resource"]["resourceType"] == type]
    assert len(matches) == found
