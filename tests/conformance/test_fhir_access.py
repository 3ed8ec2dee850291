"""Requests to the FHIR API. Guide page: App Launch, "Access FHIR API"; App considerations (TLS)."""

import json

import pytest
from fhir_server import running, says
from sample_chart import note, visit

from smartapp.errors import ChartsideError
from smartapp.fhir.chart import read_chart
from smartapp.fhir.client import FHIRClient


@pytest.fixture
def fhir():
    yield from running()


@pytest.fixture
def elsewhere():
    """Another FHIR server, which a reference may name."""
    yield from running()


def connect(base_url, token="good-token"):
    return FHIRClient(base_url, lambda refresh: token, patient="p1", timeout=(1.0, 5.0), sleep=lambda _: None)


@pytest.mark.requirement("@93")
def test_every_request_for_a_chart_bears_the_token(fhir):
    """FHIR requests carry `Authorization: Bearer` and the access token, in no other place than that header."""
    fhir.put(*visit())
    with connect(fhir.base_url) as client:
        read_chart(client, "p1", "e1", lambda _: None)
    asked = [seen for seen in fhir.seen if seen.path != "metadata"]
    assert len(asked) > 3
    assert {seen.headers.get("Authorization") for seen in asked} == {"Bearer good-token"}
    assert not any("good-token" in f"{seen.path} {seen.query} {seen.body}" for seen in fhir.seen)


@pytest.mark.requirement("@97")
@pytest.mark.requirement("@98")
def test_a_note_of_another_server_is_not_followed(fhir, elsewhere):
    """A reference to another server gets neither token nor request; the note is shown as held elsewhere."""
    there = {"contentType": "text/plain", "url": f"{elsewhere.base_url}/Binary/b1"}
    fhir.put(*visit(), note("n2", content=[{"attachment": there}]))
    with connect(fhir.base_url) as client:
        chart = read_chart(client, "p1", "e1", lambda _: None)
    assert elsewhere.seen == []
    assert ["held elsewhere" in n.unreadable for n in chart.notes if n.unreadable] == [True]


@pytest.mark.requirement("@97")
def test_a_next_page_of_another_server_is_not_followed(fhir, elsewhere):
    """Nor does a page of results lead the token away."""
    fhir.put(*visit())
    page = {"resourceType": "Bundle", "link": [{"relation": "next", "url": f"{elsewhere.base_url}/Condition?page=2"}]}
    fhir.fail("GET", "Condition", says(json.dumps(page).encode()))
    with connect(fhir.base_url) as client, pytest.raises(ChartsideError):
        client.search("Condition", patient="Patient/p1")
    assert elsewhere.seen == []
