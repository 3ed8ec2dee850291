"""Launch context and granted scopes. Guide page: Scopes and launch context."""

import pytest


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


@pytest.mark.requirement("@191")
def test_fhir_context_does_not_change_the_chart(browser, ehr):
    """Further resources in fhirContext are context too; patient and encounter stay those of the launch."""
    ehr.token = {"fhirContext": [{"reference": "Encounter/other"}, {"reference": "DocumentReference/d1"}]}
    assert opened(browser)["encounter"] == "e1"
