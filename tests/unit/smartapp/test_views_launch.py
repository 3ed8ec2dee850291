"""Pages around a launch: handing over to the EHR, whose chart a form is of, and the way back when a session ends."""

import re

import pytest
from fake_coding import FakeCoding
from fake_pages import LAUNCH_KEY, FakeLauncher, Visitor, build_session
from sample_review import KEY, ready_review
from werkzeug.test import TestResponse

from launch.errors import SessionEnded
from launch.oauth import AuthorizationRequest
from launch.sessions import Session
from smartapp.errors import SessionExpired
from smartapp.reviews import Review

ASKED = AuthorizationRequest(
    "https://ehr.example/authorize?tenant=7",
    {"state": 'a"><script>', "launch": "x&y"},
    True,
    "Example <b>Hospital</b>",
    ("https://ehr.example", "https://idp.example"),
)


class Posting(FakeLauncher):
    def begin(self, iss: str, launch: str | None, browser: str) -> AuthorizationRequest:
        return ASKED


class Ended(FakeLauncher):
    """Every session has ended; `relaunch` is where the standalone ones began."""

    relaunch = ""

    def session(self, launch_key: str, browser: str) -> Session:
        raise SessionEnded(relaunch=self.relaunch)


class Expired(FakeCoding):
    """The EHR takes our token no more."""

    def open(self, *_: object) -> Review:
        raise SessionExpired


def handed_over() -> TestResponse:
    app = Visitor(launcher=Posting()).app
    return app.test_client(use_cookies=False).get("/launch?iss=https://ehr.example&launch=x")


def test_the_form_goes_to_the_ehr_with_all_it_asks() -> None:
    """By a button too, for a browser without scripts; what the EHR says is text."""
    page = handed_over()
    assert page.status_code == 200
    assert '<form method="post" action="https://ehr.example/authorize?tenant=7"' in page.text
    assert 'name="state" value="a&#34;&gt;&lt;script&gt;"' in page.text
    assert 'name="launch" value="x&amp;y"' in page.text
    assert re.search(r"<button[^>]*>Go on to Example &lt;b&gt;", page.text)
    assert re.search(r'<script src="/assets/\w+/js/handover.js" type="module">', page.text)


def test_only_this_page_may_send_to_the_ehr() -> None:
    """Its policy lets forms go on to a sign-in at any https address; every other page keeps 'self' alone."""
    policy = handed_over().headers["Content-Security-Policy"]
    assert "form-action 'self' https:;" in policy
    assert "script-src 'self';" in policy
    assert "form-action 'self';" in Visitor().get("").headers["Content-Security-Policy"]


def test_every_form_says_whose_chart_it_is_of() -> None:
    """Patient and encounter in each form that posts to a page of the launch."""
    page = Visitor().get("").text
    forms = re.findall(rf'<form[^>]*method="post"[^>]*action="/r/{LAUNCH_KEY}/.*?</form>', page, re.DOTALL)
    assert forms
    for form in forms:
        assert f'name="patient" value="{KEY.patient}"' in form
        assert f'name="encounter" value="{KEY.encounter}"' in form


@pytest.mark.parametrize("field", ["patient", "encounter"])
@pytest.mark.parametrize("value", ["another", "", None])
@pytest.mark.parametrize("path", ["decisions", "sign", "retry", "finish", "search"])
def test_a_form_of_another_chart_changes_nothing(path: str, field: str, value: str | None) -> None:
    """409 in plain words, whichever form it is, and the review stays as it was."""
    visitor = Visitor(FakeCoding(ready_review()))
    form = {"action": "accept", "code": "E11.42", "attest": "yes", "words": "x", field: value}
    before = visitor.coding.review_now
    refused = visitor.post(path, form)
    assert refused.status_code == 409
    assert "another patient or encounter" in refused.text
    assert visitor.coding.review_now == before


def test_a_page_that_is_behind_reads_nothing_anew() -> None:
    """Pressed twice, or in a tab left open: the page shows what is there now."""
    visitor = Visitor(FakeCoding(ready_review()))
    before = visitor.coding.review_now
    assert visitor.post("retry", {"version": before.version - 1}).status_code == 303
    assert visitor.coding.review_now == before


def test_an_ehr_launch_is_opened_again_from_the_chart() -> None:
    """The draft is kept, and there is no link that could not work."""
    page = Visitor(launcher=Ended()).get("")
    assert page.status_code == 401
    assert "Your decisions are saved" in page.text
    assert "from the patient&#39;s chart" in page.text
    assert "/launch?iss=" not in page.text


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "fragment"])
def test_a_standalone_launch_is_begun_again_by_a_link(headers: dict[str, str]) -> None:
    """The session is gone, the EHR is known: one press, and the same encounter goes on."""
    launcher = Ended()
    launcher.relaunch = "https://ehr.example/fhir"
    page = Visitor(launcher=launcher).get("", **headers)
    assert page.status_code == 401
    assert 'href="/launch?iss=https://ehr.example/fhir"' in page.text
    assert "Your decisions are saved" in page.text
    assert "patient&#39;s chart" not in page.text


@pytest.mark.parametrize(("standalone", "link"), [(True, True), (False, False)])
def test_an_ehr_that_takes_the_token_no_more(standalone: bool, link: bool) -> None:
    """After the one refresh: as when the session ended, with the way back that fits the launch."""
    page = Visitor(Expired(ready_review()), FakeLauncher(held=build_session(standalone=standalone))).get("")
    assert page.status_code == 401
    assert "Your decisions are saved" in page.text
    assert (f'href="/launch?iss={KEY.iss}"' in page.text) is link
