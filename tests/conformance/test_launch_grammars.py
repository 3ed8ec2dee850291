"""Both grammars of scopes. Guide page: Scopes and launch context; Conformance, "Permissions"."""

import pytest

from launch.context import LaunchContext

SCOPES = ("launch", "openid", "fhirUser", "patient/Patient.r", "patient/Condition.rs", "user/Condition.crs")
OLDER = ["launch", "openid", "fhirUser", "patient/Patient.read", "patient/Condition.read", "user/Condition.read"]


@pytest.fixture
def browser(build_app, new_browser):
    return new_browser(build_app(scopes=SCOPES))


@pytest.mark.requirement("@135")
def test_an_ehr_of_the_older_grammar_is_asked_in_it(browser, ehr):
    """permission-v1 alone: .read and .write. This EHR refuses a scope that it does not understand."""
    ehr.configuration, ehr.scopes = {"capabilities": ["permission-v1"]}, "v1"
    assert browser.authorization_request()["scope"].split() == [*OLDER, "user/Condition.write"]
    assert browser.open().status_code == 303


@pytest.mark.requirement("@135")
@pytest.mark.parametrize("capabilities", [["permission-v1", "permission-v2"], ["permission-v2"], [], None], ids=str)
def test_every_other_ehr_is_asked_in_the_newer(browser, ehr, capabilities):
    """Both, the newer, or no word: as our file lists them."""
    ehr.configuration, ehr.scopes = {"capabilities": capabilities}, "v2"
    assert browser.authorization_request()["scope"].split() == list(SCOPES)
    assert browser.open().status_code == 303


@pytest.mark.requirement("@147")
@pytest.mark.parametrize(
    ("granted", "reads", "creates"),
    [
        (None, True, True),
        ("launch openid patient/Condition.read user/Condition.write", True, True),
        ("launch openid patient/Condition.rs", True, False),
        ("launch openid patient/*.rs", True, False),
        ("launch openid user/*.cruds", True, True),
        ("launch openid patient/Condition.rs?category=x", False, False),
        ("launch openid", False, False),
        ("", False, False),
    ],
)
def test_what_was_granted_decides_what_may_be_done(browser, ehr, granted, reads, creates):
    """The answer to a request of the newer grammar may be in the older, narrower, or with wildcards."""
    ehr.token = {"scope": granted}
    context = LaunchContext.from_json(browser.get(browser.open().headers["Location"]).json)
    assert context.abilities.allow("Condition.rs") is reads
    assert context.abilities.allow("Condition.c") is creates
