"""The authorization request as a form. Guide page: App Launch, "Obtain authorization code"; Conformance."""

import pytest
from smart_ehr import CALLBACK, CLIENT_ID


@pytest.fixture
def posting(ehr):
    """The EHR lists authorize-post."""
    ehr.configuration = {"capabilities": ["launch-ehr", "authorize-post"]}
    return ehr


@pytest.mark.requirement("@50")
@pytest.mark.requirement("@52")
@pytest.mark.requirement("@133")
def test_where_the_ehr_takes_a_form_it_gets_one(browser, posting):
    """POST with a form: every parameter in it, none in the address. This EHR refuses one that is in both."""
    assert browser.open().status_code == 303
    (asked,) = posting.asked_for("/authorize")
    assert (asked.method, asked.args) == ("POST", {})
    assert asked.headers["Content-Type"].startswith("application/x-www-form-urlencoded")
    assert (asked.form["client_id"], asked.form["redirect_uri"]) == (CLIENT_ID, CALLBACK)
    assert set(asked.form) == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "aud", "launch"),
        *("code_challenge", "code_challenge_method", "nonce"),
    }


@pytest.mark.requirement("@35")
@pytest.mark.requirement("@52")
def test_nothing_is_lost_in_the_form(browser, posting):
    """Odd characters of the launch survive, and the endpoint's own query stays in its address."""
    odd = "a+b/c=&?#% ü\"'<>"
    posting.launches.add(odd)
    posting.configuration |= {"authorization_endpoint": posting.host + "/authorize?tenant=7"}
    browser.consent(browser.launch(odd))
    (asked,) = posting.asked_for("/authorize")
    assert asked.form["launch"] == odd
    assert asked.args == {"tenant": "7"}


@pytest.mark.requirement("@52")
def test_the_form_is_not_kept_and_sets_the_cookie(browser, posting):
    """It holds the state of this launch: no cache may keep it; the browser is known when it comes back."""
    launched = browser.launch()
    assert launched.status_code == 200
    assert launched.headers["Cache-Control"] == "no-store"
    assert "Partitioned" in launched.headers["Set-Cookie"]


@pytest.mark.requirement("@51")
@pytest.mark.parametrize("capabilities", [None, [], ["launch-ehr"], "authorize-post", [7]], ids=str)
def test_elsewhere_it_is_a_get(browser, ehr, capabilities):
    """An EHR that does not list it, or whose list is none, may refuse a form; this one does."""
    ehr.configuration = {"capabilities": capabilities}
    assert browser.launch().status_code == 303
    assert browser.open().status_code == 303


def test_the_form_may_lead_to_the_ehr_and_to_who_vouches_for_its_users(build_app, new_browser, posting):
    """A browser checks redirects of a form too: the endpoint's origin and the issuers' are what a policy may name."""
    issuers = ("https://idp.example/oauth2/default", "https://idp.example/other", "https://odd.example;x/")
    app = build_app(id_token_issuers=issuers)
    asked = app.extensions["launcher"].begin(posting.iss, "launch-1", "browser")
    assert asked.origins == (posting.host, "https://idp.example")


def test_a_request_is_not_shown_in_a_log(build_app, posting):
    """State, nonce and launch are nobody's business."""
    asked = build_app().extensions["launcher"].begin(posting.iss, "launch-1", "browser")
    assert asked.parameters["state"] not in repr(asked)
    assert "launch-1" not in repr(asked)
