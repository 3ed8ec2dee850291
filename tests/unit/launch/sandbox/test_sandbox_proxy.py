"""The FHIR API lets through what the token allows, of the launch patient's chart, and nothing else."""

import json
from typing import Any

import pytest
from demo_app import App, Clock
from fhir_in_memory import FHIRInMemory
from flask import Flask
from werkzeug.test import TestResponse

from launch.sandbox.fhir_server import FHIRServerSilent

ANA, BEN = {"reference": "Patient/ana"}, {"reference": "Patient/ben"}


def _refused(response: TestResponse, status: int) -> str:
    assert response.status_code == status, response.text
    outcome = json.loads(response.data)
    assert outcome["resourceType"] == "OperationOutcome"
    assert "ben" not in response.text
    return outcome["issue"][0]["diagnostics"]


def _condition(subject: dict[str, str] = ANA, **rest: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "subject": subject, "encounter": {"reference": "Encounter/ana-visit"}} | rest


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer unknown", "Basic dTpw"])
def test_wants_a_live_token(smart_app: App, value: str) -> None:
    """No token, another scheme or an unknown token: 401 with a Bearer challenge."""
    response = smart_app.http.get("/fhir/Patient/ana", headers={"Authorization": value} if value else {})
    _refused(response, 401)
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")


def test_takes_no_token_from_the_address(smart_app: App, token: str) -> None:
    """RFC 6750 section 2.3 is not offered: addresses end up in logs."""
    _refused(smart_app.http.get(f"/fhir/Patient/ana?access_token={token}"), 401)


def test_a_token_expires(smart_app: App, token: str, clock: Clock) -> None:
    """After its life the token is refused as invalid."""
    clock.pass_(minutes=60)
    response = smart_app.fhir("GET", "Patient/ana", token)
    _refused(response, 401)
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


def test_metadata_needs_no_token_and_promises_what_is_offered(smart_app: App) -> None:
    """The CapabilityStatement leaves out types, operations and transactions that the proxy refuses."""
    statement = json.loads(smart_app.http.get("/fhir/metadata").data)
    rest = statement["rest"][0]
    assert [resource["type"] for resource in rest["resource"]] == ["Patient", "Condition"]
    assert "interaction" not in rest
    assert rest["security"]["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


@pytest.mark.parametrize(
    "path",
    [
        "Patient/ana",
        "Encounter/ana-visit",
        "Condition/ana-dx",
        "Condition/ana-dx/_history/1",
        "DocumentReference/ana-note",
        "Observation/ana-obs",
        "Provenance/ana-prov",
        "Practitioner/demo-clinician",
    ],
)
def test_reads_the_launch_patients_chart(smart_app: App, token: str, path: str) -> None:
    """What belongs to the launch patient is read, with its version."""
    response = smart_app.fhir("GET", path, token)
    assert response.status_code == 200
    assert response.headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize(
    "path",
    [
        "Patient/ben",
        "Encounter/ben-visit",
        "Condition/ben-dx",
        "Condition/ben-dx/_history/1",
        "DocumentReference/ben-note",
        "Observation/ben-obs",
        "Provenance/ben-prov",
        "Binary/ben-file",
    ],
)
def test_refuses_another_patients_chart(smart_app: App, token: str, path: str) -> None:
    """What belongs to another patient is refused, and not shown; not even whether it has changed."""
    _refused(smart_app.fhir("GET", path, token), 403)
    _refused(smart_app.fhir("GET", path, token, headers={"If-None-Match": 'W/"1"'}), 403)


def test_an_unchanged_resource_is_not_sent_again(smart_app: App, token: str) -> None:
    """If-None-Match with the current version is answered 304."""
    assert smart_app.fhir("GET", "Patient/ana", token, headers={"If-None-Match": 'W/"1"'}).status_code == 304


def test_a_binary_comes_as_resource_or_as_content(smart_app: App, token: str) -> None:
    """JSON asks for the resource, another type for what it holds (binary.html)."""
    as_resource = smart_app.fhir("GET", "Binary/ana-file", token, headers={"Accept": "application/fhir+json"})
    assert json.loads(as_resource.data)["data"] == "e1xydGZ9"
    as_content = smart_app.fhir("GET", "Binary/ana-file", token, headers={"Accept": "text/rtf"})
    assert (as_content.data, as_content.mimetype) == (b"{\\rtf}", "text/rtf")


def test_answers_in_json_only(smart_app: App, token: str) -> None:
    """XML is refused going out and coming in."""
    _refused(smart_app.fhir("GET", "Patient/ana", token, headers={"Accept": "application/fhir+xml"}), 406)
    _refused(smart_app.fhir("GET", "Patient/ana?_format=xml", token), 406)
    xml = {"Content-Type": "application/fhir+xml"}
    _refused(smart_app.fhir("POST", "Condition", token, headers=xml, data="<Condition/>"), 415)


@pytest.mark.parametrize(
    ("method", "path", "need"),
    [
        ("GET", "Claim/x", "Claim.r"),
        ("GET", "Claim", "Claim.s"),
        ("GET", "Patient?name=a", "Patient.s"),
        ("POST", "Observation", "Observation.c"),
        ("PUT", "Condition/ana-dx", "Condition.u"),
        ("PATCH", "Condition/ana-dx", "Condition.u"),
        ("DELETE", "Condition/ana-dx", "Condition.d"),
        ("POST", "Procedure/_search", "Procedure.s"),
    ],
)
def test_names_the_missing_scope(smart_app: App, token: str, method: str, path: str, need: str) -> None:
    """Each interaction needs its letter; the refusal names the scope that is missing."""
    response = smart_app.fhir(method, path, token, json=_condition())
    assert f"patient/{need} nor user/{need}" in _refused(response, 403)
    assert 'error="insufficient_scope"' in response.headers["WWW-Authenticate"]


def test_v1_write_scope_creates(smart_app: App, token: str) -> None:
    """user/Claim.write holds create."""
    claim = {"resourceType": "Claim", "patient": ANA}
    assert smart_app.fhir("POST", "Claim", token, json=claim).status_code == 201


def test_fhir_user_scope_reads_that_one_person(smart_app: App) -> None:
    """With fhirUser alone the app reads its own user's Practitioner and no other."""
    token = smart_app.tokens(scope="launch openid fhirUser")["access_token"]
    assert smart_app.fhir("GET", "Practitioner/demo-clinician", token).status_code == 200
    assert "Practitioner.r" in _refused(smart_app.fhir("GET", "Practitioner/someone", token), 403)
    without = smart_app.tokens(scope="launch openid")["access_token"]
    _refused(smart_app.fhir("GET", "Practitioner/demo-clinician", without), 403)


@pytest.mark.parametrize(
    "query", ["", "?patient=ana", "?patient=Patient/ana", "?subject=Patient/ana", "?encounter=Encounter/ana-visit"]
)
def test_a_search_is_kept_to_the_launch_patient(smart_app: App, token: str, fhir: FHIRInMemory, query: str) -> None:
    """The patient is added or checked, so another patient's resources are never asked for."""
    bundle = json.loads(smart_app.fhir("GET", f"Condition{query}", token).data)
    assert [entry["resource"]["id"] for entry in bundle["entry"]] == ["ana-dx"]
    assert ("patient", "Patient/ana") in fhir.seen[-1][3]


def test_a_search_by_post_works_alike(smart_app: App, token: str) -> None:
    """POST [type]/_search takes its parameters from the form."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    found = smart_app.fhir("POST", "Condition/_search", token, headers=form, data="patient=ana")
    assert json.loads(found.data)["total"] == 1
    _refused(smart_app.fhir("POST", "Condition/_search", token, headers=form, data="patient=b-e-n"), 403)


@pytest.mark.parametrize(
    "query",
    [
        "Condition?patient=ben",
        "Condition?patient=Patient/ben",
        "Condition?patient=ana,ben",
        "Condition?patient=ana&patient=ben",
        "Condition?patient=https://elsewhere.example/fhir/Patient/ana",
        "Condition?subject=Patient/ben",
        "Condition?subject:Patient=ben",
        "Provenance?target=Condition/ben-dx",
        "Provenance?target=Condition/ana-dx,Condition/ben-dx",
    ],
)
def test_a_search_for_another_patient_is_refused(smart_app: App, token: str, query: str) -> None:
    """Naming another patient, in whatever spelling, is refused."""
    _refused(smart_app.fhir("GET", query, token), 403)


@pytest.mark.parametrize(
    ("query", "status"), [("Condition?_has:Provenance:target:agent=x", 400), ("Provenance?agent=x", 400)]
)
def test_searches_that_reach_beyond_a_chart_are_refused(smart_app: App, token: str, query: str, status: int) -> None:
    """A reverse chain, or a Provenance search without target, looks at every chart."""
    _refused(smart_app.fhir("GET", query, token), status)


def test_provenance_is_found_by_its_target(smart_app: App, token: str) -> None:
    """The Provenance of the launch patient's Condition is found."""
    bundle = json.loads(smart_app.fhir("GET", "Provenance?target=Condition/ana-dx", token).data)
    assert [entry["resource"]["id"] for entry in bundle["entry"]] == ["ana-prov"]


def test_results_are_checked_too(smart_app: App, token: str, fhir: FHIRInMemory) -> None:
    """A server that ignores the patient parameter, or includes more, shows nothing of another chart or type."""
    fhir._search = lambda resource_type, params: fhir_answer(fhir)  # type: ignore[method-assign]
    bundle = json.loads(smart_app.fhir("GET", "Condition", token).data)
    kinds = {entry["resource"]["id"] for entry in bundle["entry"]}
    assert "ana-dx" in kinds
    assert not any("ben" in kind for kind in kinds)
    assert "total" not in bundle


def fhir_answer(fhir: FHIRInMemory) -> Any:
    """A searchset of everything there is."""
    answer = FHIRInMemory([]).send("GET", "Condition")
    entries = [{"resource": resource} for resource in fhir.resources.values()]
    body = {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}
    return type(answer)(200, {}, json.dumps(body).encode())


def test_creates_in_the_launch_patients_chart(smart_app: App, token: str, fhir: FHIRInMemory) -> None:
    """A Condition for the launch patient is stored; If-None-Exist is matched inside the compartment only."""
    condition = {"If-None-Exist": "identifier=urn:x|1", "Prefer": "return=representation"}
    response = smart_app.fhir("POST", "Condition", token, json=_condition(), headers=condition)
    assert response.status_code == 201
    assert response.headers["ETag"] == 'W/"1"'
    sent = fhir.seen[-1][2]
    assert sent["If-None-Exist"] == "identifier=urn:x|1&patient=Patient/ana"
    assert sent["Prefer"] == "return=representation"
    assert "Authorization" not in sent


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Condition", _condition(BEN)),
        ("Condition", _condition({"reference": "https://elsewhere.example/fhir/Patient/ana"})),
        ("Condition", {"resourceType": "Condition"}),
        ("Claim", {"resourceType": "Claim", "patient": BEN}),
        ("Provenance", {"resourceType": "Provenance", "target": [{"reference": "Condition/ben-dx"}]}),
        ("Provenance", {"resourceType": "Provenance", "target": [ANA, {"reference": "Encounter/ben-visit"}]}),
        ("Provenance", {"resourceType": "Provenance", "target": []}),
    ],
)
def test_refuses_to_write_for_another_patient(smart_app: App, token: str, path: str, body: dict[str, Any]) -> None:
    """A body about another patient, or about nobody, is not stored."""
    _refused(smart_app.fhir("POST", path, token, json=body), 403)


@pytest.mark.parametrize("body", ["{", "[]", '"x"', '{"resourceType": "Claim"}'])
def test_refuses_a_body_that_is_no_such_resource(smart_app: App, token: str, body: str) -> None:
    """The body must be a resource of the type in the address."""
    _refused(smart_app.fhir("POST", "Condition", token, data=body), 400)


def test_updates_with_if_match(smart_app: App, token: str, fhir: FHIRInMemory) -> None:
    """An update carries the version it was made from; a stale one is answered 412."""
    visit = {k: v for k, v in fhir.resources["Encounter/ana-visit"].items() if k != "meta"}
    _refused(smart_app.fhir("PUT", "Encounter/ana-visit", token, json=visit), 428)
    fresh = smart_app.fhir("PUT", "Encounter/ana-visit", token, json=visit, headers={"If-Match": 'W/"1"'})
    assert (fresh.status_code, fresh.headers["ETag"]) == (200, 'W/"2"')
    stale = smart_app.fhir("PUT", "Encounter/ana-visit", token, json=visit, headers={"If-Match": 'W/"1"'})
    assert stale.status_code == 412


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("Encounter/ben-visit", {"resourceType": "Encounter", "id": "ben-visit", "subject": ANA}, 403),
        ("Encounter/ana-visit", {"resourceType": "Encounter", "id": "ana-visit", "subject": BEN}, 403),
        ("Encounter/ana-visit", {"resourceType": "Encounter", "id": "other", "subject": ANA}, 400),
        ("Encounter/new-one", {"resourceType": "Encounter", "id": "new-one", "subject": ANA}, 404),
    ],
)
def test_refuses_an_update_across_charts(
    smart_app: App, token: str, path: str, body: dict[str, Any], status: int
) -> None:
    """Nothing is taken from or moved to another chart, renamed, or made under an id of the app's choice."""
    _refused(smart_app.fhir("PUT", path, token, json=body, headers={"If-Match": 'W/"1"'}), status)


def test_patches_all_but_whose_it_is(smart_app: App, token: str) -> None:
    """A JSON Patch goes through unless it touches the patient."""
    headers = {"Content-Type": "application/json-patch+json", "If-Match": 'W/"1"'}
    good = [{"op": "add", "path": "/diagnosis", "value": []}]
    assert smart_app.fhir("PATCH", "Encounter/ana-visit", token, json=good, headers=headers).status_code == 200
    for path in ("/subject", "/subject/reference", "/id", ""):
        bad = [{"op": "replace", "path": path, "value": {}}]
        _refused(smart_app.fhir("PATCH", "Encounter/ana-visit", token, json=bad, headers=headers), 403)
    _refused(smart_app.fhir("PATCH", "Encounter/ana-visit", token, json={"op": "add"}, headers=headers), 400)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "Subscription/x", 404),
        ("GET", "Patient/ana/$everything", 405),
        ("GET", "$export", 404),
        ("POST", "", 405),
        ("GET", "Patient/ana/Condition", 405),
        ("PUT", "Condition?identifier=x", 405),
        ("DELETE", "Condition?identifier=x", 405),
        ("GET", "Condition/..%2fben-dx", 405),
        ("GET", "Condition/_history", 405),
    ],
)
def test_offers_nothing_else(smart_app: App, token: str, method: str, path: str, status: int) -> None:
    """Operations, batches, conditional updates and other types are not offered."""
    response = smart_app.fhir(method, path, token, json={})
    assert response.status_code == status
    assert json.loads(response.data)["resourceType"] == "OperationOutcome"


def test_says_when_the_fhir_server_is_silent(smart_app: App, token: str, fhir: FHIRInMemory) -> None:
    """A time-out behind the proxy is a 504 with an OperationOutcome."""

    def silent(*args: Any, **rest: Any) -> None:
        raise FHIRServerSilent

    fhir.send = silent  # type: ignore[method-assign]
    _refused(smart_app.fhir("GET", "Patient/ana", token), 504)


def test_a_test_can_bend_any_answer(sandbox: Flask, smart_app: App, token: str) -> None:
    """The fhir fault answers in the server's place."""
    busy = (429, {"Retry-After": "3"}, b"{}")
    sandbox.extensions["sandbox_faults"].fhir = lambda method, path: busy if path == "Patient/ana" else None
    response = smart_app.fhir("GET", "Patient/ana", token)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "3")
    assert smart_app.fhir("GET", "Condition/ana-dx", token).status_code == 200


def test_a_test_can_lose_an_answer(sandbox: Flask, smart_app: App, token: str, fhir: FHIRInMemory) -> None:
    """The lost fault stores what was sent and then lets the answer get lost, as a dropped connection does."""
    before = len(fhir.resources)
    sandbox.extensions["sandbox_faults"].lost = lambda method, path: path == "Condition"
    _refused(smart_app.fhir("POST", "Condition", token, json=_condition()), 504)
    assert len(fhir.resources) == before + 1
