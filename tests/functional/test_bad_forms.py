"""Forms that our pages did not make: refused with the right status and a page that says so; nothing changes."""

import html
import re
from itertools import product
from typing import Any

import pytest
from site_browser import Opened
from werkzeug.test import TestResponse
from whole_site import Site

POSTS = ("decisions", "search", "retry", "sign", "finish", "choice")
ACCEPT = {"action": "accept", "code": "I10"}


@pytest.fixture
def opened(site: Site) -> Opened:
    return site.open(site.visit())


def check_refused(response: TestResponse, status: int, words: str) -> None:
    assert response.status_code == status, response.text
    assert words in html.unescape(response.text)
    assert "Reference" in response.text
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        ("made-up", {}),
        ("\ud800é", {}),
        (None, {"Origin": "https://evil.example"}),
        (None, {"Origin": "null"}),
        (None, {"Sec-Fetch-Site": "cross-site"}),
        (None, {"Sec-Fetch-Site": "same-site"}),
    ],
)
def test_a_forged_form(opened: Opened, token: str | None, headers: dict[str, str]) -> None:
    """Without this launch's token, or from another site's page, no form does anything."""
    before = opened.version
    form = {"version": before, "attest": "yes", "words": "flu", **ACCEPT}
    form["csrf_token"] = opened.token if token is None else token.encode("utf-8", "replace").decode()
    for path in POSTS:
        response = opened.browser.request("POST", opened.path + path, headers, data=form)
        check_refused(response, 403, "Nothing was changed")
    assert (opened.version, opened.claim()) == (before, [])


def test_a_token_of_another_launch(site: Site, opened: Opened) -> None:
    """A token is good for the one launch whose page carried it, in the same browser too."""
    other = site.open(site.visit(), opened.browser)
    form = {"csrf_token": other.token, "version": opened.version, **ACCEPT}
    check_refused(opened.browser.request("POST", opened.path + "decisions", data=form), 403, "Nothing was changed")
    assert opened.claim() == other.claim() == []


def test_a_launch_of_another_browser(site: Site, opened: Opened) -> None:
    """A launch key that leaked is worth nothing in another browser, with a cookie of its own or without one."""
    version = opened.version
    own, none = site.open(site.visit()).browser, site.browser()
    for browser in (own, none):
        for path in ("", "summary", "receipt", "progress"):
            check_refused(browser.get(opened.path + path), 401, "Open Chartside again")
        form = {"csrf_token": opened.token, "version": version, **ACCEPT}
        check_refused(browser.request("POST", opened.path + "decisions", data=form), 401, "Your session has ended")
    assert opened.claim() == []


def test_logging_somebody_out(site: Site, opened: Opened) -> None:
    """Neither a page of another site nor another browser can end a session."""
    form = {"launch_key": opened.launch_key, "csrf_token": ""}
    check_refused(opened.browser.request("POST", "/logout", data=form), 403, "Nothing was changed")
    stranger = site.open(site.visit()).browser
    form["csrf_token"] = opened.token
    check_refused(stranger.request("POST", "/logout", data=form), 403, "Nothing was changed")
    assert opened.show().status_code == 200


@pytest.mark.parametrize("fragment", [True, False])
def test_a_stale_decision(site: Site, opened: Opened, fragment: bool) -> None:
    """A decision made on an old page is not taken; the answer is the state as it is now, fit to decide on."""
    old = opened.version
    opened.accept("I10")
    response = opened.post("decisions", fragment, action="reject", code="I10", reason="unsupported", version=old)
    assert response.status_code == 409
    assert "changed in another window" in response.text
    assert 'data-code="I10" data-state="accepted"' in response.text
    fresh = re.search(r'name="version" value="(\d+)"', response.text)[1]
    assert fresh == opened.version != old
    assert (response.headers.get("HX-Retarget") == "#work") is fragment
    assert opened.post("decisions", action="undo", code="I10", version=fresh).status_code == 303


@pytest.mark.parametrize("fragment", [True, False])
def test_a_stale_search(opened: Opened, fragment: bool) -> None:
    """What is found could be added: an old page first gets the state as it is now, and keeps the words."""
    old = opened.version
    opened.accept("I10")
    response = opened.post("search", fragment, words="asthma", version=old)
    assert response.status_code == 409
    assert "changed in another window" in response.text and 'data-code="I10" data-state="accepted"' in response.text
    assert 'value="asthma"' in response.text and "J45" not in response.text


def test_a_stale_wish_to_finish(site: Site, opened: Opened) -> None:
    """Pressed on a receipt that is behind, it shows what has become of the writes and sends nothing."""
    opened.accept("I10")
    with site.ehr_down():
        opened.sign()
    old = str(int(opened.unfinished()) - 1)
    assert "Signed, not yet written" in opened.finish(old).text
    assert "Written to the chart" in opened.finish().text


def test_a_stale_signature(opened: Opened) -> None:
    """Codes that were changed since the summary was shown are not signed; the summary shows them as they are now."""
    opened.accept("I10")
    old = opened.version
    opened.accept("E11.9")
    response = opened.post("sign", attest="yes", version=old)
    assert response.status_code == 409
    assert "was not signed" in response.text
    assert "E11.9" in response.text
    assert "Written to the chart" in opened.sign().text


def test_a_signature_without_the_tick_or_without_codes(opened: Opened) -> None:
    """Both are told what is missing, and nothing is signed."""
    check_refused(opened.post("sign", attest="yes"), 422, "There is nothing to sign")
    opened.accept("I10")
    response = opened.post("sign")
    assert response.status_code == 422
    assert "Tick the box" in response.text
    assert opened.browser.get(opened.path + "receipt").status_code == 303


@pytest.mark.parametrize(
    "code", ["ZZZ", "E11", "M54.5", "", "\0", "I10'; DROP TABLE decision;--", "<script>alert(1)</script>", "I" * 9999]
)
def test_a_code_that_cannot_be_used(opened: Opened, code: str) -> None:
    """No such code, a category, one that had expired on the date of service, nonsense: 422, as page and as fragment."""
    for action, fragment in product(("add", "accept"), (True, False)):
        response = opened.post("decisions", fragment, action=action, code=code)
        check_refused(response, 422, "That code cannot be used")
        assert "<script>alert" not in response.text
    assert opened.claim() == []


def test_a_code_is_judged_on_the_date_of_service(site: Site) -> None:
    """M54.5 ended in September 2021: billable for a visit before that day, and unknown to the search after it."""
    visit = site.visit()
    record = site.fhir.get(f"Encounter/{visit.encounter}")
    site.fhir.put(record | {"period": {"start": "2021-03-02T09:00:00Z", "end": "2021-03-02T09:30:00Z"}})
    opened = site.open(visit)
    assert opened.decide("add", "M54.5").status_code == 303
    assert opened.claim() == ["M54.5"]


def test_a_code_that_expired_before_the_signature(site: Site) -> None:
    """A date of service corrected in the EHR makes an accepted code invalid: it is not signed."""
    visit = site.visit()
    record = site.fhir.get(f"Encounter/{visit.encounter}")
    site.fhir.put(record | {"period": {"start": "2021-03-02T09:00:00Z", "end": "2021-03-02T09:30:00Z"}})
    opened = site.open(visit)
    opened.decide("add", "M54.5")
    site.fhir.put(record)
    opened.read_anew()
    check_refused(opened.post("sign", attest="yes"), 422, "M54.5 is not a billable ICD-10-CM code on 2026-03-02")
    assert opened.decide("undo", "M54.5").status_code == 303


@pytest.mark.parametrize(
    "form",
    [
        {"action": "accept"},
        {"code": "I10"},
        {"action": "conquer", "code": "I10"},
        {"action": "reject", "code": "I10", "reason": "because"},
        {"action": "accept", "code": "I10", "version": "two"},
        {"action": "accept", "code": "I10", "version": ""},
        {"action": "accept", "code": "I10", "version": "9" * 5000},
    ],
)
def test_a_form_that_makes_no_sense(opened: Opened, form: dict[str, str]) -> None:
    """A field missing or of another kind than our page sends: 400."""
    check_refused(opened.post("decisions", **form), 400, "The request was not understood")
    assert opened.claim() == []


def test_a_form_without_a_version(opened: Opened) -> None:
    """A decision says which state of the review it was made on."""
    form = {"csrf_token": opened.token, **opened.chart, **ACCEPT}
    check_refused(opened.browser.request("POST", opened.path + "decisions", data=form), 400, "not understood")


def test_undoing_nothing(opened: Opened) -> None:
    """There is nothing to take back: the page as it is."""
    assert opened.decide("undo", "I10").status_code == 409
    assert opened.claim() == []


def test_a_form_that_is_too_large(opened: Opened) -> None:
    """More than 64 kB is not read."""
    form = {"csrf_token": opened.token, "words": "x" * 70_000}
    for address in (*(opened.path + path for path in POSTS), "/logout"):
        check_refused(opened.browser.request("POST", address, data=form), 413, "That is too much at once")


def test_a_form_of_ten_thousand_fields(opened: Opened) -> None:
    """Many small fields do not get through either."""
    form = {f"f{n}": "1" for n in range(10_000)} | {"csrf_token": opened.token}
    check_refused(opened.browser.request("POST", opened.path + "search", data=form), 413, "That is too much at once")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"action": "accept", "code": "I10"}'),
        ("text/plain", b"csrf_token=x"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: nonsense"),
        ("application/x-www-form-urlencoded; charset=utf-7", b"%ff%fe=%zz"),
    ],
)
def test_a_body_that_is_no_form(opened: Opened, content_type: str, body: bytes) -> None:
    """Whatever is posted in place of a form carries no token."""
    headers = {"Content-Type": content_type}
    response = opened.browser.request("POST", opened.path + "decisions", headers, data=body)
    check_refused(response, 403, "Nothing was changed")


WRONG_METHODS = (
    ("GET", "decisions", "POST"),
    ("GET", "sign", "POST"),
    ("GET", "search", "POST"),
    ("POST", "receipt", "GET"),
    ("DELETE", "summary", "POST"),
    ("DELETE", "", "GET"),
    ("PUT", "decisions", "POST"),
    ("POST", "/launch", "GET"),
    ("GET", "/logout", "POST"),
    ("POST", "/", "GET"),
)


def test_a_wrong_method(opened: Opened) -> None:
    """405, with the methods that there are (RFC 9110, 15.5.6); a GET never changes anything."""
    for method, path, allowed in WRONG_METHODS:
        response = opened.browser.request(method, path if path.startswith("/") else opened.path + path)
        check_refused(response, 405, "does not work that way")
        assert allowed in response.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/.env",
        "/.git/config",
        "/static/",
        "/assets/",
        "/assets/x/../../../etc/passwd",
        "/assets/x/%2e%2e/pyproject.toml",
        "/r/",
        "/%ff",
    ],
)
def test_an_address_that_does_not_exist(site: Site, path: str) -> None:
    """404 with where to go, and never a file from beside the static ones."""
    check_refused(site.browser().get(path), 404, "There is nothing at this address")


ODD_WORDS = ("", " ", "\0", "😀" * 300, "%", "_", "' OR 1=1 --", "<b>flu</b>", "((((", "a" * 5000)


def test_odd_searches(opened: Opened) -> None:
    """Nothing that is typed into the search breaks it, and nothing of it is run."""
    for words, fragment in product(ODD_WORDS, (True, False)):
        response = opened.post("search", fragment, words=words)
        assert response.status_code == 200, words
        assert "<b>flu</b>" not in response.text


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b"null", b"[[[[", b'[{"body": {"effectiveDirective": 7}}]', b"\xff"]
)
def test_odd_violation_reports(site: Site, body: bytes) -> None:
    """The door for the browser's reports takes anything without a failure."""
    headers: dict[str, Any] = {"Content-Type": "application/reports+json"}
    assert site.browser().request("POST", "/csp-report", headers, data=body).status_code in (204, 400)
