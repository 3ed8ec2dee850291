"""The header set, on every address and on every kind of answer (OWASP ASVS 5.0, V3.4)."""

import re
from dataclasses import replace
from itertools import product

import pytest
from fake_coding import FakeCoding
from fake_pages import BROWSER, HOST, LAUNCH_KEY, OTHER_HOST, AlwaysReady, FakeLauncher, build_pages
from sample_review import ready_review
from sqlalchemy.exc import OperationalError

from launch.ehrs import TrustedEHRs
from launch.errors import SessionsUnavailable
from launch.oauth import AuthorizationRequest
from launch.views import COOKIE
from smartapp.errors import PredictorUnavailable, TooBusy
from smartapp.views import cds
from smartapp.views.limits import InThisProcess

UNION = f"{HOST.embed_origins[0]} {OTHER_HOST.embed_origins[0]}"
EXPECTED = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Reporting-Endpoints": 'csp="/csp-report"',
}
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "report-to": "csp",
}
FRAMED_BY_ANY = {"/", "/launch", "/callback", "/logout", "/embed-check", "/embed-check/result"}
# What may be kept by a cache, since it holds nothing of a patient; with how it says so.
PUBLIC = {
    "asset": "public|no-cache",
    "launch.jwks": "public",
    "site.logo_svg": "public|no-cache",
    "site.logo_png": "public|no-cache",
}
SWITCHED_OFF = ("camera", "microphone", "geolocation", "payment", "usb", "display-capture", "clipboard-read")
COOKIE_HEADER = {"Cookie": f"{COOKIE}={BROWSER}"}
FILLED = {"launch_key": LAUNCH_KEY, "digest": "0", "name": "icon.svg"}


class Site:
    """The pages around fakes; `fails` makes every use case fail as nobody foresaw."""

    def __init__(self, launcher=None):
        self.coding = FakeCoding(ready_review())
        self.app = build_pages(self.coding, launcher)
        self.client = self.app.test_client(use_cookies=False)

    def paths(self):
        for rule in self.app.url_map.iter_rules():
            yield rule, re.sub(r"<(?:\w+:)?(\w+)>", lambda found: FILLED.get(found[1], "1"), rule.rule)

    def ask(self, method, path, **headers):
        return self.client.open(path, method=method, headers=headers, buffered=True)


@pytest.fixture
def site():
    return Site()


def check(answer, ancestors, where, forms="'self'"):
    """The whole header set, and nothing that contradicts it."""
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy.pop("frame-ancestors") == ancestors, where
    assert policy == POLICY | {"form-action": forms}, where
    assert {name: answer.headers.get(name) for name in EXPECTED} == EXPECTED, where
    off = answer.headers["Permissions-Policy"].split(", ")
    assert all(feature.endswith("=()") for feature in off), where
    assert {f"{feature}=()" for feature in SWITCHED_OFF} <= set(off), where
    assert "X-Frame-Options" not in answer.headers, where
    assert "Access-Control-Allow-Origin" not in answer.headers, where
    for name in ("Content-Security-Policy", "Strict-Transport-Security", "Cache-Control"):
        assert len(answer.headers.getlist(name)) == 1, where
    for cookie in answer.headers.getlist("Set-Cookie"):
        said = set(cookie.split("; ")[1:])
        assert cookie.startswith("__Host-"), where
        assert said >= {"Secure", "HttpOnly", "Path=/", "SameSite=None", "Partitioned"}, where


def outside(path):
    """Who may frame an address without a session: any trusted EHR where a person must read it in the frame."""
    return UNION if path in FRAMED_BY_ANY or path.startswith("/r/") else "'none'"


def test_every_address_sends_the_whole_set(site):
    """With a session: inside a launch its own EHR may frame, before and after it any trusted one, else nobody."""
    seen = 0
    for (rule, path), method in product(list(site.paths()), ("GET", "POST", "HEAD", "OPTIONS", "DELETE")):
        answer = site.ask(method, path, **COOKIE_HEADER)
        within = path.startswith("/r/") and answer.status_code != 405
        check(answer, HOST.embed_origins[0] if within else outside(path), f"{method} {path}")
        kept = PUBLIC.get(rule.endpoint) if answer.status_code == 200 and method != "OPTIONS" else None
        assert re.match(kept or "no-store", answer.headers["Cache-Control"]), f"{method} {path}"
        seen += 1
    assert seen > 100


def test_every_address_sends_it_to_a_stranger(site):
    """Without a session: the pages of a launch say so, and any trusted EHR's frame may show that."""
    for _, path in site.paths():
        check(site.ask("GET", path), outside(path), path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/r/", 404),
        ("GET", f"/r/{LAUNCH_KEY}/nowhere", 404),
        ("POST", "/healthz", 405),
        ("GET", "/callback?state=x&code=y", None),
        ("GET", "/launch", None),
        ("POST", "/logout", 403),
        ("POST", f"/r/{LAUNCH_KEY}/decisions", 403),
        ("POST", "/csp-report", 400),
    ],
)
def test_refusals_send_it(site, method, path, status):
    """400, 403, 404 and 405 are pages like others."""
    answer = site.ask(method, path, **COOKIE_HEADER)
    assert answer.status_code == status if status else answer.status_code >= 400
    bare = path.partition("?")[0]
    in_launch = path.startswith(f"/r/{LAUNCH_KEY}/") and status == 403
    check(answer, HOST.embed_origins[0] if in_launch else outside(bare), path)
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("fragment", [{}, {"HX-Request": "true"}])
def test_a_defect_sends_it(site, fragment):
    """500 too: the EHR of the launch may show it, and no cache keeps it."""
    site.coding.fails = RuntimeError("Dorothy")
    answer = site.ask("GET", f"/r/{LAUNCH_KEY}/", **COOKIE_HEADER, **fragment)
    assert answer.status_code == 500
    check(answer, HOST.embed_origins[0], "500")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.fixture
def no_room(monkeypatch):
    """Whoever asks has asked too often."""
    monkeypatch.setattr(InThisProcess, "hit", lambda *_: False)


def check_for_now(answer, status, ancestors):
    """The whole set, and when to ask again; no cache keeps what will be otherwise then."""
    assert answer.status_code == status
    check(answer, ancestors, status)
    assert answer.headers["Cache-Control"] == "no-store"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("fragment", [{}, {"HX-Request": "true"}])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("path", "ancestors"), [(f"/r/{LAUNCH_KEY}/", UNION), ("/", UNION), ("/nowhere", "'none'")])
def test_one_request_too_many_sends_it(site, no_room, path, ancestors, method, fragment):
    """429, of a launch and of an address without one; it is read in the frame of whoever may show the page."""
    check_for_now(site.ask(method, path, **COOKIE_HEADER, **fragment), 429, ancestors)


@pytest.mark.parametrize("fragment", [{}, {"HX-Request": "true"}])
@pytest.mark.parametrize(
    "away",
    [OperationalError("SELECT 1", {}, Exception()), SessionsUnavailable("away"), TooBusy(), PredictorUnavailable()],
    ids=lambda away: type(away).__name__,
)
def test_what_is_away_for_now_sends_it(site, away, fragment):
    """503 of a use case, in a launch that is known."""
    site.coding.fails = away
    check_for_now(site.ask("GET", f"/r/{LAUNCH_KEY}/", **COOKIE_HEADER, **fragment), 503, HOST.embed_origins[0])


@pytest.mark.parametrize("away", [OperationalError("SELECT 1", {}, Exception()), SessionsUnavailable("away")])
def test_a_launch_that_cannot_be_asked_for_sends_it(away):
    """503 where the sessions themselves are away: nobody knows whose launch it is, so any trusted EHR may frame it."""

    class Away(FakeLauncher):
        def session(self, launch_key, browser):
            raise away

    check_for_now(Site(Away()).ask("GET", f"/r/{LAUNCH_KEY}/", **COOKIE_HEADER), 503, UNION)


def test_a_process_that_is_not_ready_sends_it(site, monkeypatch):
    """503 of the probe."""
    monkeypatch.setattr(AlwaysReady, "__call__", lambda self: {"database": "failed (OperationalError)"})
    check_for_now(site.ask("GET", "/readyz"), 503, "'none'")


class Busy:
    """In the place of the CDS service's callers."""

    def verify(self, authorization, *audiences):
        raise TooBusy


def call_for_cards(site):
    site.app.register_blueprint(cds.blueprint(None, Busy(), TrustedEHRs([HOST]), "http://127.0.0.1:8080"))
    answer = site.ask("POST", f"/cds-services/{cds.SERVICE}")
    assert answer.mimetype == "application/json"
    return answer


def test_a_call_for_cards_that_is_too_much_for_now_is_sent_it(site):
    """503 to an EHR's machine."""
    check_for_now(call_for_cards(site), 503, "'none'")


def test_one_call_for_cards_too_many_is_sent_it(site, no_room):
    """429 to an EHR's machine."""
    check_for_now(call_for_cards(site), 429, "'none'")


def test_an_ehr_listed_without_origins_frames_nothing():
    """Such an EHR opens Chartside in a window of its own, and no page of its launches may be framed by another."""
    alone = TrustedEHRs([replace(HOST, embed_origins=()), OTHER_HOST])
    site = Site(FakeLauncher(ehrs=alone))
    check(site.ask("GET", f"/r/{LAUNCH_KEY}/", **COOKIE_HEADER), "'none'", "no embed_origins")


@pytest.mark.parametrize(
    ("origin", "forms"),
    [
        ("https://ehr.example", "'self' https:"),
        ("http://127.0.0.1:8090", "'self' https: http://127.0.0.1:8090"),
    ],
)
def test_the_page_that_hands_over_to_the_ehr_may_send_there(origin, forms):
    """Of all pages only this one sends a form away, and the EHR may redirect it to the sign-in of its hospital."""

    class Posting(FakeLauncher):
        def begin(self, iss, launch, browser):
            return AuthorizationRequest(f"{origin}/authorize", {"state": "s"}, True, "EHR", (origin,))

    answer = Site(Posting()).ask("GET", f"/launch?iss={HOST.iss}&launch=x")
    assert answer.status_code == 200
    check(answer, UNION, "/launch", forms)
