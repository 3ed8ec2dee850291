"""Standalone launches of the demonstration EHR: its user chooses the chart; the app is told what it asked for."""

import re
from dataclasses import replace
from html import unescape

import pytest
from demo_app import App, answer_of, clients
from werkzeug.test import TestResponse

from launch.sandbox.scopes import STANDALONE_SCOPES

SCOPES = "launch/patient launch/encounter openid fhirUser patient/Patient.r"


@pytest.fixture
def chooser(make_sandbox) -> App:
    registered = [client for client in clients() if client.client_id == "public-app"]
    allowed = tuple(replace(client, scopes=(*client.scopes, *STANDALONE_SCOPES)) for client in registered)
    return App(make_sandbox(clients=allowed))


def ask(chooser: App, scope: str = SCOPES, **changes: str | None) -> TestResponse:
    return chooser.authorize(**{"launch": None, "scope": scope} | changes)


def choose(chooser: App, page: TestResponse, chart: str = "ana/ana-visit") -> TestResponse:
    action = unescape(re.search(r'<form method="post" action="(/auth/authorize[^"]+)"', page.text)[1])
    return chooser.http.post(action, data={"chart": chart})


def tokens(chooser: App, scope: str = SCOPES) -> dict:
    chosen = choose(chooser, ask(chooser, scope))
    assert chosen.status_code == 303, chosen.text
    return chooser.exchange(answer_of(chooser.http.get(chosen.location))["code"]).json


def test_the_user_chooses_the_chart(chooser: App) -> None:
    """A page of patients and encounters; the choice comes with the token."""
    page = ask(chooser)
    assert page.status_code == 200
    assert 'value="ana/ana-visit"' in page.text
    given = tokens(chooser)
    assert (given["patient"], given["encounter"], given["need_patient_banner"]) == ("ana", "ana-visit", True)


def test_by_post_too(chooser: App) -> None:
    """An app that sends the request as a form gets the same page."""
    request = chooser.request(launch=None, scope=SCOPES)
    page = chooser.http.post("/auth/authorize", data=request)
    assert answer_of(chooser.http.get(choose(chooser, page).location))["code"]


def test_the_app_is_told_no_more_than_it_asked(chooser: App) -> None:
    """Without launch/encounter there is no encounter in the answer."""
    given = tokens(chooser, "launch/patient openid fhirUser patient/Patient.r")
    assert given["patient"] == "ana"
    assert "encounter" not in given


@pytest.mark.parametrize(
    ("scope", "error"),
    [
        ("openid fhirUser patient/Patient.r", "invalid_scope"),
        ("launch/encounter openid", "invalid_scope"),
        ("launch openid", "invalid_request"),
        ("launch launch/patient openid", "invalid_request"),
    ],
)
def test_a_chart_must_be_asked_for_in_the_right_words(chooser: App, scope: str, error: str) -> None:
    """launch/patient, and not `launch`, which stands for a launch of this EHR."""
    assert answer_of(ask(chooser, scope))["error"] == error


def test_an_app_that_may_not_is_refused(smart_app: App) -> None:
    """launch/patient is granted to apps that are registered for it."""
    assert "error" in answer_of(ask(smart_app))


@pytest.mark.parametrize("chart", ["ana/ben-visit", "ana/", "", "/", "nobody/nothing", "ana/ana-visit/../x", "é/é"])
def test_a_chart_that_was_not_offered_is_refused(chooser: App, chart: str) -> None:
    """No encounter of another patient, and nothing made up."""
    refused = choose(chooser, ask(chooser), chart)
    assert refused.status_code in (302, 400)
    assert "code=" not in (refused.location or "")


def test_a_choice_is_good_once(chooser: App) -> None:
    """As every launch."""
    chosen = choose(chooser, ask(chooser))
    assert answer_of(chooser.http.get(chosen.location))["code"]
    assert "error" in answer_of(chooser.http.get(chosen.location))


def test_further_context_is_passed_on(make_sandbox) -> None:
    """fhirContext as set; none where nothing is."""
    item = {"reference": "DocumentReference/d1"}
    assert App(make_sandbox(fhir_context=(item,))).tokens()["fhirContext"] == [item]
    assert "fhirContext" not in App(make_sandbox()).tokens()
