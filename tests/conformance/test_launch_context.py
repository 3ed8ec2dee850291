"""Launch context and granted scopes. Guide page: Scopes and launch context."""

import pytest
from flask import request


def opened(browser):
    return browser.get(browser.open().headers["Location"]).json


@pytest.mark.parametrize("name", ["patient", "encounter"])
@pytest.mark.parametrize("value", [None, "", 7, "Patient/a1", "a1/../../b", "a1?x=y", "x" * 65, ["a1"]])
def test_a_launch_without_chart_stops(browser, ehr, name, value):
    """No patient or no encounter, or what is no FHIR id: a page explains it; there is no picker of our own."""
    ehr.token = {name: value}
    answer = browser.open()
    assert answer.status_code == 422
    assert f"named no {name}" in answer.text
    assert "Location" not in answer.headers


@pytest.mark.requirement("@147")
def test_the_granted_scopes_are_what_counts(browser, ehr):
    """A narrower grant, or one in the older grammar, is kept as granted and not as asked."""
    ehr.token = {"scope": "launch openid patient/Patient.read  patient/Condition.rs"}
    assert opened(browser)["scopes"] == ["launch", "openid", "patient/Patient.read", "patient/Condition.rs"]


def test_no_word_on_scopes_means_as_asked(browser, ehr):
    """RFC 6749 5.1: scope may be left out when nothing was taken away."""
    ehr.token = {"scope": None}
    assert "patient/Encounter.rs" in opened(browser)["scopes"]


@pytest.mark.parametrize(("said", "shown"), [(None, True), (True, True), (False, False), ("false", True), (0, True)])
def test_the_patient_banner_is_shown_unless_the_ehr_shows_it(browser, ehr, said, shown):
    """need_patient_banner: only a clear `false` hides the patient's name."""
    ehr.token = {"need_patient_banner": said}
    assert opened(browser)["need_patient_banner"] is shown


@pytest.mark.requirement("@193")
@pytest.mark.parametrize("intent", [None, "unheard-of", 7, {"x": 1}])
def test_an_unknown_intent_opens_the_usual_page(browser, ehr, intent):
    """intent that is missing or unknown changes nothing."""
    ehr.token = {"intent": intent}
    assert browser.open().status_code == 303


def test_intent_and_tenant_are_kept(browser, ehr):
    """What the EHR tells about the launch is passed on to the pages."""
    ehr.token = {"intent": "reconcile", "tenant": "north"}
    context = opened(browser)
    assert (context["intent"], context["tenant"]) == ("reconcile", "north")


@pytest.mark.parametrize(
    ("said", "kept"), [("sealed", "sealed"), ("", None), (7, None), ({}, None), ("x" * 9000, None)]
)
def test_the_context_of_a_card_is_kept_as_it_came(browser, ehr, said, kept):
    """CDS Hooks 2.0, "Link": appContext comes with the token response; it names no chart that counts here."""
    ehr.token = {"appContext": said}
    context = opened(browser)
    assert (context["app_context"], context["patient"], context["encounter"]) == (kept, "a1", "e1")


@pytest.mark.requirement("@191")
def test_fhir_context_does_not_change_the_chart(browser, ehr):
    """Further resources in fhirContext are context too; patient and encounter stay those of the launch."""
    ehr.token = {"fhirContext": [{"reference": "Encounter/other"}, {"reference": "DocumentReference/d1"}]}
    assert opened(browser)["encounter"] == "e1"


@pytest.mark.requirement("@191")
@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"reference": "DocumentReference/d1"}, {"reference": "DocumentReference/d1"}),
        ({"reference": "{iss}/ImagingStudy/i1", "role": "launch"}, {"reference": "ImagingStudy/i1"}),
        ({"canonical": "http://x.example/Q|1", "type": "Questionnaire"},
         {"canonical": "http://x.example/Q|1", "type": "Questionnaire"}),
        ({"identifier": {"system": "urn:a", "value": "7"}, "type": "ServiceRequest"},
         {"identifier": "urn:a|7", "type": "ServiceRequest"}),
        ({"identifier": {"value": "7"}}, {"identifier": "|7"}),
        ({"reference": "DocumentReference/d1", "role": "https://ehr.example/role/other"}, None),
        ({"reference": "DocumentReference/d1", "role": ""}, None),
        ({"reference": "DocumentReference/d1", "role": None}, None),
        ({"reference": "Patient/another"}, None),
        ({"reference": "Encounter/another"}, None),
        ({"reference": "https://elsewhere.example/DocumentReference/d1"}, None),
        ({"reference": "DocumentReference/../Patient/x"}, None),
        ({"reference": 7}, None),
        ({"type": "DocumentReference"}, None),
        ("DocumentReference/d1", None),
    ],
    ids=str,
)  # fmt: skip
def test_further_context_is_what_has_no_other_role(browser, ehr, said, kept):
    """fhirContext: an item without role is launch context, as is the role `launch`; other roles are ignored."""
    if isinstance(said, dict) and isinstance(said.get("reference"), str):
        said = said | {"reference": said["reference"].format(iss=ehr.iss)}
    ehr.token = {"fhirContext": [said]}
    names = ("reference", "canonical", "identifier", "type")
    assert opened(browser)["fhir_context"] == ([{n: kept.get(n) for n in names}] if kept else [])


@pytest.mark.parametrize("said", ["x", {}, 7, None, [None, 7]])
def test_a_further_context_that_is_none_is_ignored(browser, ehr, said):
    """No list of items: the launch goes on without."""
    ehr.token = {"fhirContext": said}
    assert opened(browser)["fhir_context"] == []


def test_how_the_ehr_looks_is_read_once(browser, ehr):
    """smart_style_url on the EHR's own host: read on the server, and kept for the next launch."""
    ehr.token, ehr.style = {"smart_style_url": ehr.host + "/style.json"}, {"color_text": "#123456", "x": "y"}
    assert opened(browser)["style"]["color_text"] == "#123456"
    assert opened(browser)["style"]["color_text"] == "#123456"
    (asked,) = ehr.asked_for("/style.json")
    assert "Authorization" not in asked.headers


def test_a_changed_look_is_noticed(browser, ehr, clock):
    """An hour later the style sheet is read anew."""
    ehr.token, ehr.style = {"smart_style_url": ehr.host + "/style.json"}, {"color_text": "#123456"}
    opened(browser)
    ehr.style = {"color_text": "#654321"}
    clock.move(minutes=61)
    assert opened(browser)["style"]["color_text"] == "#654321"


@pytest.mark.parametrize(
    "url",
    [
        None, 7, "", "/style.json", "https://evil.example/style.json", "http://evil.example/style.json",
        "http://localhost:{port}/style.json", "http://127.0.0.1/style.json", "file:///etc/passwd",
        "http://127.0.0.1:{port}@evil.example/style.json",
    ],
)  # fmt: skip
def test_a_look_from_elsewhere_is_not_fetched(browser, ehr, url):
    """Only from the EHR's own host, port and all, or from one listed for it: the EHR cannot send us anywhere."""
    ehr.token = {"smart_style_url": url.format(port=ehr.server.server_port) if isinstance(url, str) else url}
    ehr.style = {"color_text": "#123456"}
    assert opened(browser)["style"] is None
    assert ehr.asked_for("/style.json") == []


def test_a_listed_host_may_hold_the_look(build_app, new_browser, ehr):
    """style_hosts in the EHR's table; the address must be https there, which this host does not speak."""
    browser = new_browser(build_app(style_hosts=("localhost",)))
    ehr.token = {"smart_style_url": "https://localhost/style.json"}
    assert opened(browser)["style"] is None  # asked, and nobody there: no reason to stop


@pytest.mark.parametrize("answer", [("gone", 404), ("not json", 200), ("[]", 200), ("x" * 20_000, 200)])
def test_a_look_that_cannot_be_read_does_not_stop_the_launch(browser, ehr, answer):
    """Nor is it asked for again at once."""
    ehr.token = {"smart_style_url": ehr.host + "/style.json"}
    ehr.before = lambda: answer if request.path == "/style.json" else None
    assert opened(browser)["style"] is None
    assert opened(browser)["style"] is None
    assert len(ehr.asked_for("/style.json")) == 1
