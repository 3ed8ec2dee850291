"""The demonstration EHR as it runs: the command, the real FHIR server, and the app's write path through the proxy."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from demo_app import SCOPES, App
from flask import Flask

from launch.sandbox import RegisteredClient, SandboxSettings, create_sandbox
from launch.sandbox.charts import is_empty, seed
from launch.sandbox.fhir_process import FHIRProcess
from launch.sandbox.serving import find_free_port, serve_in_thread

ME, VISIT = {"reference": "Patient/ana"}, {"reference": "Encounter/ana-visit"}
IDENTIFIER = {"system": "urn:chartside:test", "value": "ana-visit-I50.9"}
FHIR = "http://terminology.hl7.org/CodeSystem"
WANTED = " ".join(
    (
        *SCOPES,
        "patient/Procedure.rs",
        "patient/Coverage.rs",
        "patient/Claim.rs",
        "user/Practitioner.r",
        "user/Encounter.r",
    )
)


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def _charts() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"resourceType": "Practitioner", "id": "demo-clinician", "name": [{"text": "Dr"}]}]
    for who in ("ana", "ben"):
        subject, visit = {"reference": f"Patient/{who}"}, {"reference": f"Encounter/{who}-visit"}
        attachment = {"contentType": "text/rtf", "url": f"Binary/{who}-file"}
        encounter_class = {"system": f"{FHIR}/v3-ActCode", "code": "AMB"}
        found += [
            {"resourceType": "Patient", "id": who, "birthDate": "1950-02-01", "name": [{"family": who.title()}]},
            {
                "resourceType": "Encounter",
                "id": f"{who}-visit",
                "status": "finished",
                "class": encounter_class,
                "subject": subject,
                "period": {"start": "2026-10-05T09:00:00Z"},
            },
            {"resourceType": "Binary", "id": f"{who}-file", "contentType": "text/rtf", "data": "e1xydGZ9"},
            {
                "resourceType": "DocumentReference",
                "id": f"{who}-note",
                "status": "current",
                "subject": subject,
                "date": "2026-10-05T09:30:00Z",
                "context": {"encounter": [visit]},
                "content": [{"attachment": attachment}],
            },
            {
                "resourceType": "Procedure",
                "id": f"{who}-proc",
                "status": "completed",
                "subject": subject,
                "encounter": visit,
            },
            {
                "resourceType": "Coverage",
                "id": f"{who}-cover",
                "status": "active",
                "beneficiary": subject,
                "payor": [subject],
            },
        ]
    return found


def _condition() -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "identifier": [IDENTIFIER],
        "clinicalStatus": _concept(f"{FHIR}/condition-clinical", "active"),
        "category": [_concept(f"{FHIR}/condition-category", "encounter-diagnosis")],
        "code": _concept("http://hl7.org/fhir/sid/icd-10-cm", "I50.9"),
        "subject": ME,
        "encounter": VISIT,
    }


def _claim(condition: str) -> dict[str, Any]:
    return {
        "resourceType": "Claim",
        "identifier": [IDENTIFIER],
        "status": "draft",
        "type": _concept(f"{FHIR}/claim-type", "professional"),
        "use": "claim",
        "patient": ME,
        "created": "2026-10-05",
        "provider": {"reference": "Practitioner/demo-clinician"},
        "priority": _concept(f"{FHIR}/processpriority", "normal"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/ana-cover"}}],
        "diagnosis": [{"sequence": 1, "diagnosisReference": {"reference": condition}}],
        "item": [{"sequence": 1, "productOrService": {"text": "Office visit"}, "encounter": [VISIT]}],
    }


@pytest.fixture(scope="module")
def fhir_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FHIRProcess]:
    process = FHIRProcess(tmp_path_factory.mktemp("ehr"), find_free_port())
    process.wait_until_ready()
    assert is_empty(process.fhir_url)
    seed(process.fhir_url, _charts())
    yield process
    process.stop()


@pytest.fixture(scope="module")
def demo_ehr(fhir_process: FHIRProcess) -> Flask:
    scopes = tuple(WANTED.split())
    client = RegisteredClient("public-app", "App", "public", ("http://127.0.0.1:8080/callback",), scopes)
    return create_sandbox(
        SandboxSettings("http://127.0.0.1:8090", fhir_process.fhir_url, "http://127.0.0.1:8080/launch", (client,))
    )


@pytest.fixture(scope="module")
def launched(demo_ehr: Flask) -> tuple[App, str]:
    """An app with a token for Ana's visit."""
    smart_app = App(demo_ehr)
    smart_app.scopes = WANTED
    return smart_app, smart_app.tokens()["access_token"]


@pytest.mark.parametrize(
    "path",
    [
        "Patient/ana",
        "Encounter/ana-visit",
        "Encounter?patient=Patient/ana",
        "DocumentReference/ana-note",
        "DocumentReference?patient=ana&encounter=Encounter/ana-visit",
        "Binary/ana-file",
        "Procedure?patient=ana&encounter=Encounter/ana-visit",
        "Coverage?patient=Patient/ana",
        "Practitioner/demo-clinician",
        "metadata",
    ],
)
def test_reads_what_the_app_needs(launched: tuple[App, str], path: str) -> None:
    """Every read and search of the app is answered with exactly Ana's resources."""
    smart_app, token = launched
    response = smart_app.fhir("GET", path, token)
    assert response.status_code == 200, response.text
    assert "/ben" not in response.text
    body = json.loads(response.data)
    if body["resourceType"] == "Bundle":
        assert len(body["entry"]) == body["total"] == 1


def test_gives_a_note_file_as_content(launched: tuple[App, str]) -> None:
    """The FHIR server answers 406 to a raw Binary; the proxy unwraps it."""
    smart_app, token = launched
    response = smart_app.fhir("GET", "Binary/ana-file", token, headers={"Accept": "text/rtf"})
    assert (response.status_code, response.data) == (200, b"{\\rtf}")


def test_pages_lead_back_through_the_proxy(launched: tuple[App, str], fhir_process: FHIRProcess) -> None:
    """No address of the FHIR server behind leaks out: links, fullUrl and Location have the public base."""
    smart_app, token = launched
    visits = [
        {"resourceType": "Procedure", "id": f"ana-more-{n}", "status": "completed", "subject": ME} for n in range(3)
    ]
    seed(fhir_process.fhir_url, visits)
    path, seen = "Procedure?patient=ana&_count=2", []
    while path:
        bundle = json.loads(smart_app.fhir("GET", path, token).data)
        assert fhir_process.fhir_url not in json.dumps(bundle)
        seen += [entry["resource"]["id"] for entry in bundle["entry"]]
        following = [link["url"] for link in bundle["link"] if link["relation"] == "next"]
        path = following[0].removeprefix("http://127.0.0.1:8090/fhir/") if following else ""
    assert len(seen) == len(set(seen)) == 4


def test_writes_what_the_app_writes(launched: tuple[App, str]) -> None:
    """Condition, Encounter.diagnosis, Claim and Provenance go in once, are found again, and show on the chart page."""
    smart_app, token = launched
    once = {"If-None-Exist": f"identifier={IDENTIFIER['system']}|{IDENTIFIER['value']}"}
    created = smart_app.fhir("POST", "Condition", token, json=_condition(), headers=once)
    assert created.status_code == 201, created.text
    assert created.headers["Location"].startswith("http://127.0.0.1:8090/fhir/Condition/")
    condition = f"Condition/{json.loads(created.data)['id']}"
    again = smart_app.fhir("POST", "Condition", token, json=_condition(), headers=once)
    assert (again.status_code, f"Condition/{json.loads(again.data)['id']}") == (200, condition)
    query = f"Condition?patient=ana&identifier={IDENTIFIER['system']}%7C{IDENTIFIER['value']}"
    assert json.loads(smart_app.fhir("GET", query, token).data)["total"] == 1

    visit = smart_app.fhir("GET", "Encounter/ana-visit", token)
    diagnosis = {"condition": {"reference": condition}, "rank": 1}
    changed, version = json.loads(visit.data) | {"diagnosis": [diagnosis]}, {"If-Match": visit.headers["ETag"]}
    assert smart_app.fhir("PUT", "Encounter/ana-visit", token, json=changed, headers=version).status_code == 200
    assert smart_app.fhir("PUT", "Encounter/ana-visit", token, json=changed, headers=version).status_code == 412

    claim = smart_app.fhir("POST", "Claim", token, json=_claim(condition), headers=once)
    assert claim.status_code == 201, claim.text
    query = f"Claim?patient=ana&identifier={IDENTIFIER['system']}%7C{IDENTIFIER['value']}"
    assert json.loads(smart_app.fhir("GET", query, token).data)["total"] == 1

    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": condition}, {"reference": "Encounter/ana-visit"}],
        "recorded": "2026-10-05T10:00:00Z",
        "agent": [{"who": {"reference": "Practitioner/demo-clinician"}}],
    }
    assert smart_app.fhir("POST", "Provenance", token, json=provenance).status_code == 201
    found = json.loads(smart_app.fhir("GET", f"Provenance?target={condition}", token).data)
    assert len(found["entry"]) == 1

    record = smart_app.http.get("/chart/ana/ana-visit/record").text
    assert "<strong>I50.9</strong>" in record
    assert "Rank 1" in record
    assert "Line 1: Office visit" in record


def test_refuses_a_resource_that_is_not_valid(launched: tuple[App, str]) -> None:
    """The FHIR server's own OperationOutcome reaches the app."""
    smart_app, token = launched
    response = smart_app.fhir("POST", "Condition", token, json=_condition() | {"code": "I50.9"})
    assert response.status_code == 400
    assert json.loads(response.data)["resourceType"] == "OperationOutcome"


def test_serves_on_a_thread(demo_ehr: Flask) -> None:
    """Other tests can run the demonstration EHR on a free port."""
    port = find_free_port()
    with serve_in_thread(demo_ehr, port):
        assert requests.get(f"http://127.0.0.1:{port}/healthz", timeout=20).json() == {"status": "ok"}


CLIENTS = """
[[client]]
client_id = "app"
auth = "public"
redirect_uris = ["http://127.0.0.1:8080/callback"]
scopes = ["launch", "patient/*.rs"]
"""


def _command(tmp_path: Path, port: int, fhir_port: int) -> list[str]:
    (tmp_path / "clients.toml").write_text(CLIENTS)
    (tmp_path / "more").mkdir(exist_ok=True)
    (tmp_path / "more" / "p.ndjson").write_text(
        '{"resourceType": "Patient", "id": "extra", "name": [{"text": "Extra"}]}\n'
    )
    ports = ["--port", str(port), "--fhir-port", str(fhir_port)]
    folders = ["--state", str(tmp_path / "state"), "--data", str(tmp_path / "more")]
    return [sys.executable, "-m", "launch.sandbox", "--client-file", str(tmp_path / "clients.toml"), *ports, *folders]


def test_the_command_serves_loads_once_and_stops(tmp_path: Path) -> None:
    """It starts the FHIR server, loads charts and extra folders the first time only, and SIGTERM ends both."""
    port, fhir_port = find_free_port(), find_free_port()
    for loads in (True, False):
        with subprocess.Popen(_command(tmp_path, port, fhir_port), stdout=subprocess.PIPE, text=True) as process:
            lines: list[str] = []
            while not lines or "ready" not in lines[-1]:
                line = process.stdout.readline()
                assert line, f"stopped after {lines}"
                lines.append(line)
            assert any("loading more: 1 of 1" in line for line in lines) is loads
            assert "Extra" in requests.get(f"http://127.0.0.1:{port}/", timeout=20).text
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{fhir_port}/fhir/metadata", timeout=2)


KEEPER = """
import pathlib, sys
from launch.sandbox.fhir_process import FHIRProcess
process = FHIRProcess(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
process.wait_until_ready()
print(process.fhir_url, flush=True)
sys.stdin.read()
"""


def test_the_fhir_server_does_not_outlive_a_killed_command(tmp_path: Path) -> None:
    """Even when the parent is killed outright, the child ends by itself."""
    command = [sys.executable, "-c", KEEPER, str(tmp_path), str(find_free_port())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        url = parent.stdout.readline().strip()
        assert requests.get(f"{url}/metadata", timeout=10).status_code == 200
        parent.kill()
    deadline = time.monotonic() + 20
    with pytest.raises(requests.ConnectionError):
        while time.monotonic() < deadline:
            requests.get(f"{url}/metadata", timeout=10)
            time.sleep(0.1)


def test_the_command_names_a_taken_port(tmp_path: Path, fhir_process: FHIRProcess) -> None:
    """It ends with one sentence that names port and setting."""
    taken = int(fhir_process.fhir_url.rpartition(":")[2].removesuffix("/fhir"))
    command = _command(tmp_path, taken, find_free_port())
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert f"port {taken} is taken; choose another with --port (CHARTSIDE_DEMO_EHR_PORT)" in ended.stdout
