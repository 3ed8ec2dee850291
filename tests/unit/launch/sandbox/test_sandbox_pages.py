"""The demonstration EHR's pages."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from demo_app import App
from fhir_in_memory import FHIRInMemory
from flask import Flask


def test_lists_patients_with_their_encounters(smart_app: App) -> None:
    """The first page leads to every chart."""
    page = smart_app.http.get("/").text
    assert "Ana Test" in page
    assert 'href="/chart/ben/ben-visit"' in page
    assert smart_app.http.get("/patient/ana").status_code == 200


def test_the_chart_frames_the_app_with_a_new_launch_each_time(smart_app: App) -> None:
    """The frame's address holds iss and a launch that was never given before."""
    page = smart_app.http.get("/chart/ana/ana-visit").text
    frame = re.search(r'<iframe src="([^"]+)"', page)[1]
    assert frame.startswith("http://127.0.0.1:8080/launch?iss=http%3A%2F%2F127.0.0.1%3A8090%2Ffhir&amp;launch=")
    assert smart_app.launch() != smart_app.launch()


def test_opens_the_app_in_its_own_tab(smart_app: App) -> None:
    """The button's address makes a launch on the way to the app."""
    response = smart_app.http.get("/chart/ana/ana-visit/open")
    assert response.status_code == 302
    assert response.location.startswith("http://127.0.0.1:8080/launch?")
    assert smart_app.http.get("/chart/ana/nothing/open").status_code == 404
    assert smart_app.http.get("/chart/ana/ben-visit/open").status_code == 404


def test_a_tab_of_its_own_needs_the_patient_banner(smart_app: App) -> None:
    """In its own tab no page of this EHR says whose chart it is, so the app is told to; in the frame it is not."""
    for path, needed in (("/chart/ana/ana-visit/open", True), ("/chart/ana/ana-visit", False)):
        response = smart_app.http.get(path)
        address = response.headers.get("Location") or unescape(re.search(r'<iframe src="([^"]+)"', response.text)[1])
        (launch,) = parse_qs(urlsplit(address).query)["launch"]
        assert smart_app.tokens(launch=launch)["need_patient_banner"] is needed


def test_shows_what_an_app_wrote(smart_app: App, token: str, fhir: FHIRInMemory) -> None:
    """A diagnosis and a claim appear in the part that is refreshed, in rank order."""
    fhir.resources["Encounter/ana-visit"]["diagnosis"] = [{"condition": {"reference": "Condition/ana-dx"}, "rank": 1}]
    icd = "http://hl7.org/fhir/sid/icd-10-cm"
    coding = {"system": icd, "code": "I50.9", "display": "Heart failure, unspecified"}
    fhir.resources["Condition/ana-dx"]["code"] = {"coding": [coding]}
    fhir.resources["Claim/c"] = {
        "resourceType": "Claim",
        "id": "c",
        "status": "draft",
        "patient": {"reference": "Patient/ana"},
        "diagnosis": [{"sequence": 1, "diagnosisReference": {"reference": "Condition/ana-dx"}}],
        "item": [{"encounter": [{"reference": "Encounter/ana-visit"}], "productOrService": {"text": "Visit"}}],
    }
    record = smart_app.http.get("/chart/ana/ana-visit/record").text
    assert "<strong>I50.9</strong> Heart failure, unspecified" in record
    assert "Rank 1" in record
    assert "1. I50.9 Heart failure, unspecified" in record
    assert "Line 1: Visit" in record


def test_the_list_of_patients_is_one_search(smart_app: App, fhir: FHIRInMemory) -> None:
    """However many there are: their encounters come along; the latest are listed first, and how many there are."""
    for number, day in enumerate(("2026-01-05", "2026-03-01", "2025-12-01", "2026-02-01")):
        visit = {"resourceType": "Encounter", "id": f"ben-{number}", "subject": {"reference": "Patient/ben"}}
        fhir.resources[f"Encounter/ben-{number}"] = {**visit, "period": {"start": f"{day}T09:00:00Z"}}
    fhir.seen.clear()
    page = smart_app.http.get("/").text
    assert [(method, path) for method, path, *_ in fhir.seen] == [("GET", "Patient")]
    assert page.index("Ben Test") < page.index("Ana Test")
    days = re.findall(r"202\d-\d\d-\d\d", page)
    assert days[:3] == ["2026-03-01", "2026-02-01", "2026-01-05"]
    assert "2025-12-01" not in page
    assert "2025-12-01" in smart_app.http.get("/patient/ben").text


def test_a_note_in_another_format_is_a_download(smart_app: App, fhir: FHIRInMemory) -> None:
    """A file is handed over as an attachment that cannot act as a page of this EHR."""
    fhir.resources["DocumentReference/ana-note"]["content"] = [{"attachment": {"url": "Binary/ana-file"}}]
    assert 'href="/note/ana-note"' in smart_app.http.get("/chart/ana/ana-visit").text
    response = smart_app.http.get("/note/ana-note")
    assert response.data == b"{\\rtf}"
    assert response.headers["Content-Disposition"] == "attachment"
    assert "sandbox" in response.headers["Content-Security-Policy"]


def test_a_replaced_note_says_so(smart_app: App, fhir: FHIRInMemory) -> None:
    """A superseded note bears its status; one entered in error is not shown."""
    fhir.resources["DocumentReference/ana-note"]["status"] = "superseded"
    assert '<span class="tag">superseded</span>' in smart_app.http.get("/chart/ana/ana-visit/record").text
    fhir.resources["DocumentReference/ana-note"]["status"] = "entered-in-error"
    assert "No notes." in smart_app.http.get("/chart/ana/ana-visit/record").text


def test_text_of_the_chart_is_escaped(smart_app: App, fhir: FHIRInMemory) -> None:
    """Markup in a note or a name stays text."""
    fhir.resources["Patient/ana"]["name"] = [{"text": "<script>alert(1)</script>"}]
    assert "<script>alert" not in smart_app.http.get("/chart/ana/ana-visit").text
    assert "<script>alert" not in smart_app.http.get("/").text


@pytest.mark.parametrize(
    "path",
    ["/chart/ana/nothing", "/chart/nobody/ana-visit", "/chart/ana/ben-visit", "/patient/nobody", "/note/none", "/x"],
)
def test_says_when_there_is_no_such_page(smart_app: App, path: str) -> None:
    """An unknown chart, or an encounter of somebody else, is a plain 404 page."""
    response = smart_app.http.get(path)
    assert response.status_code == 404
    assert "Not found" in response.text


def test_chooses_the_user(smart_app: App) -> None:
    """The choice is remembered and leads back, but never out of this EHR."""
    response = smart_app.http.post("/user", data={"user": "coder", "back": "/chart/ana/ana-visit"})
    assert response.location == "/chart/ana/ana-visit"
    assert re.search(r'value="coder" selected', smart_app.http.get("/").text)
    for back in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        assert smart_app.http.post("/user", data={"user": "coder", "back": back}).location == "/"
    assert smart_app.http.post("/user", data={"user": "admin", "back": "/"}).status_code == 400


def test_pages_allow_no_inline_code_and_frame_only_the_app(smart_app: App) -> None:
    """The policy names the app's origin, and no page needs inline script or style."""
    for path in ("/", "/chart/ana/ana-visit", "/patient/ana"):
        response = smart_app.http.get(path)
        policy = response.headers["Content-Security-Policy"]
        assert "frame-src 'self' http://127.0.0.1:8090 http://127.0.0.1:8080" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", response.text)


def test_healthz_tells_whether_the_fhir_server_answers(smart_app: App, sandbox: Flask, fhir: FHIRInMemory) -> None:
    """Ready means that charts can be read."""
    assert smart_app.http.get("/healthz").json == {"status": "ok"}
