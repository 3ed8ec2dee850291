"""Launches that begin at our own address. Guide page: App Launch, "Launch App: Standalone Launch"."""

import pytest
from smart_ehr import CALLBACK

from launch.errors import SessionEnded

SCOPES = ("launch", "openid", "fhirUser", "online_access", "patient/Patient.r", "patient/Condition.rs")


@pytest.fixture
def standalone(build_app, new_browser, ehr):
    """A browser of an app whose EHR may be opened without a chart."""
    browser = new_browser(build_app(standalone=True, scopes=SCOPES))
    browser.app = browser.client.application
    return browser


@pytest.mark.requirement("@36")
def test_no_launch_parameter_is_sent(standalone):
    """There is none to send; all else is as in an EHR launch."""
    asked = standalone.authorization_request(launch=None)
    assert "launch" not in asked
    assert (asked["response_type"], asked["redirect_uri"]) == ("code", CALLBACK)
    assert asked["code_challenge_method"] == "S256"


@pytest.mark.requirement("@152")
@pytest.mark.requirement("@153")
@pytest.mark.requirement("@166")
def test_the_chart_is_asked_for(standalone):
    """launch/patient and launch/encounter stand in for launch."""
    asked = standalone.authorization_request(launch=None)["scope"].split()
    assert asked == ["launch/patient", "launch/encounter", *SCOPES[1:]]


@pytest.mark.requirement("@166")
def test_a_standalone_launch_opens_the_chosen_encounter(standalone, ehr):
    """The EHR asks its user; the session knows patient, encounter, person, and how it was begun."""
    context = standalone.get(standalone.open(launch=None).headers["Location"]).json
    assert (context["patient"], context["encounter"], context["user_name"]) == ("a1", "e1", "Ines Okafor")
    assert context["standalone"] is True


def test_the_same_ehr_opens_us_from_a_chart(standalone):
    """With a launch it is an EHR launch: the value goes back, and `launch` is asked for."""
    asked = standalone.authorization_request()
    assert asked["launch"] == "launch-1"
    assert asked["scope"].split() == list(SCOPES)
    assert standalone.get(standalone.open().headers["Location"]).json["standalone"] is False


@pytest.mark.requirement("@161")
def test_an_ehr_that_is_not_listed_so_is_not_asked(browser, ehr):
    """Unless its table says standalone = true, a launch needs the EHR."""
    refused = browser.launch(launch=None)
    assert refused.status_code == 400
    assert "launch is missing" in refused.text
    assert ehr.asked == []


@pytest.mark.requirement("@161")
def test_an_empty_launch_is_a_broken_ehr_launch(standalone, ehr):
    """Whoever sends `launch=` meant a chart: asking for another one would hide the fault."""
    assert standalone.launch(launch="").status_code == 400
    assert ehr.asked == []


@pytest.mark.parametrize("name", ["patient", "encounter"])
def test_an_ehr_that_lets_nobody_choose_is_explained(standalone, ehr, name):
    """Some EHRs know no launch/encounter: no picker of ours in its place."""
    ehr.token = {name: None}
    answer = standalone.open(launch=None)
    assert answer.status_code == 422
    assert f"named no {name}" in answer.text


@pytest.mark.requirement("@147")
def test_no_word_on_scopes_means_as_asked(standalone, ehr):
    """As asked in this request, not as listed in our file."""
    ehr.token = {"scope": None}
    scopes = standalone.get(standalone.open(launch=None).headers["Location"]).json["scopes"]
    assert scopes == ["launch/patient", "launch/encounter", *SCOPES[1:]]


@pytest.mark.parametrize(("launch", "again"), [(None, True), ("launch-1", False)], ids=["standalone", "EHR"])
def test_an_ended_session_knows_how_it_began(standalone, ehr, clock, launch, again):
    """A standalone one is begun again at our address; an EHR launch is begun in the chart."""
    key = standalone.open(launch=launch).headers["Location"].split("/")[2]
    clock.move(minutes=16)
    with pytest.raises(SessionEnded) as ended:
        standalone.app.extensions["launcher"].session(key, standalone.cookie)
    assert ended.value.relaunch == (ehr.iss if again else "")


def test_a_stranger_learns_nothing_of_an_ended_session(standalone, clock):
    """Not even which EHR it was of."""
    key = standalone.open(launch=None).headers["Location"].split("/")[2]
    clock.move(minutes=16)
    with pytest.raises(SessionEnded) as ended:
        standalone.app.extensions["launcher"].session(key, "another browser")
    assert ended.value.relaunch == ""
