"""Errors, headers, forged forms, static files: what keeps the pages safe."""

import hashlib
import json
import logging
import re

import pytest
from fake_pages import BROWSER, HOST, LAUNCH_KEY, TOKEN, Visitor, build_config

from launch.errors import LaunchError
from smartapp.errors import EHRRefused
from smartapp.views.assets import digest_of
from smartapp.views.csrf import build_token

FOLDERS = build_config()
POSTS = ("retry", "decisions", "search", "sign", "finish", "choice")


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


@pytest.mark.parametrize("error", [LaunchError("<b>detail</b>"), EHRRefused("<b>detail</b>")])
def test_known_errors_become_pages(visitor: Visitor, error: Exception) -> None:
    """Title, advice and escaped detail, the error's status, and a reference."""
    visitor.coding.fails = error
    answer = visitor.get("")
    assert answer.status_code == error.status  # type: ignore[attr-defined]
    assert error.title in answer.text  # type: ignore[attr-defined]
    assert "&lt;b&gt;detail&lt;/b&gt;" in answer.text
    assert re.search(r"<code>[0-9A-F]{8}</code>", answer.text)


def test_reference_is_in_the_log_and_the_detail_is_not(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """The log knows reference and kind of error; what the EHR said may name the patient and stays out."""
    visitor.coding.fails = EHRRefused("Dorothy Marsh is deceased")
    found = re.search(r"<code>([0-9A-F]{8})</code>", visitor.get("").text)
    assert found
    assert found[1] in caplog.text
    assert "EHRRefused" in caplog.text
    assert "Dorothy" not in caplog.text


def test_unexpected_errors_are_logged_by_place_only(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """A defect shows a page without its message; the log gets where it happened."""
    visitor.coding.fails = RuntimeError("Dorothy Marsh")
    answer = visitor.get("")
    assert answer.status_code == 500
    assert "Dorothy" not in answer.text + caplog.text
    assert "fake_coding.py" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("POST", "/healthz", 405), ("DELETE", f"/r/{LAUNCH_KEY}/summary", 405)],
)
def test_wrong_addresses_become_pages(visitor: Visitor, method: str, path: str, status: int) -> None:
    """What Flask refuses looks like the rest of the application."""
    answer = visitor.app.test_client(use_cookies=False).open(path, method=method, headers=visitor.headers)
    assert answer.status_code == status
    assert "Reference" in answer.text


def test_oversized_forms_are_refused(visitor: Visitor) -> None:
    """More than a form of ours can hold is not read."""
    assert visitor.post("search", {"words": "x" * 70_000}).status_code == 413


def test_errors_for_htmx_are_fragments(visitor: Visitor) -> None:
    """A part of a page gets its error in the notice region, without a page around it."""
    visitor.coding.fails = EHRRefused()
    answer = visitor.get("progress?notes=3", **{"HX-Request": "true"})
    assert answer.headers["HX-Retarget"] == "#notice"
    assert "<html" not in answer.text


def test_every_route_sends_the_headers(visitor: Visitor) -> None:
    """Policy, HSTS, nosniff, referrer and permissions are on every answer, and no page is kept by a cache."""
    client = visitor.app.test_client(use_cookies=False)
    rules = list(visitor.app.url_map.iter_rules())
    assert len(rules) > 15
    for rule in rules:
        path = rule.rule.replace("<launch_key>", LAUNCH_KEY).replace("<digest>", "0").replace("<path:name>", "icon.svg")
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        answer = client.open(path, method=method, headers=visitor.headers, buffered=True)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"), path
        assert "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors " in policy
        assert "unsafe" not in policy
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert "X-Frame-Options" not in answer.headers
        if rule.endpoint not in ("asset", "launch.jwks", "site.logo_svg", "site.logo_png"):
            assert answer.headers["Cache-Control"] == "no-store", path


def test_only_the_launching_ehr_may_frame_its_pages(visitor: Visitor) -> None:
    """A page of a launch names its own EHR; before a launch all trusted ones; elsewhere nobody."""

    def ancestors(path: str, **headers: str) -> str:
        answer = visitor.app.test_client(use_cookies=False).get(path, headers=headers)
        return answer.headers["Content-Security-Policy"].partition("frame-ancestors ")[2].partition(";")[0]

    assert ancestors(f"/r/{LAUNCH_KEY}/", **visitor.headers) == HOST.embed_origins[0]
    assert ancestors(f"/r/{LAUNCH_KEY}/") == "http://127.0.0.1:8090 https://other.example"
    assert ancestors("/callback") == "http://127.0.0.1:8090 https://other.example"
    assert ancestors("/nowhere") == "'none'"
    assert ancestors("/healthz") == "'none'"


def test_logout_clears_the_browser(visitor: Visitor) -> None:
    """After the end of a session nothing of its pages stays in the browser, and the session is over."""
    form = {"csrf_token": TOKEN, "launch_key": LAUNCH_KEY}
    answer = visitor.app.test_client(use_cookies=False).post("/logout", data=form, headers=visitor.headers)
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert visitor.launcher.ended


@pytest.mark.parametrize("path", [f"/r/{LAUNCH_KEY}/{name}" for name in POSTS] + ["/logout"])
@pytest.mark.parametrize(
    ("token", "headers"),
    [
        ("", {}),
        (build_token("key-one", "another launch", BROWSER), {}),
        (build_token("key-one", LAUNCH_KEY, "c" * 43), {}),
        (build_token("unknown key", LAUNCH_KEY, BROWSER), {}),
        ("\udcff", {}),
        (TOKEN, {"Sec-Fetch-Site": "cross-site"}),
        (TOKEN, {"Sec-Fetch-Site": "same-site"}),
        (TOKEN, {"Origin": "https://evil.example"}),
        (TOKEN, {"Origin": "null"}),
    ],
)
def test_forged_forms_change_nothing(visitor: Visitor, path: str, token: str, headers: dict[str, str]) -> None:
    """A form without this launch's token, or from another origin, is refused before anything is done."""
    form = {"csrf_token": token.encode("utf-8", "surrogateescape"), "launch_key": LAUNCH_KEY, "action": "accept"}
    before = visitor.coding.review_now
    answer = visitor.app.test_client(use_cookies=False).post(path, data=form, headers=visitor.headers | headers)
    assert answer.status_code == 403
    assert visitor.coding.review_now is before
    assert not visitor.launcher.ended


def test_a_page_survives_a_change_of_keys(visitor: Visitor) -> None:
    """A form made before the keys were rotated is still taken."""
    form = {"csrf_token": build_token("key-zero", LAUNCH_KEY, BROWSER), "action": "accept", "code": "I10"}
    assert visitor.post("decisions", form, Origin="http://127.0.0.1:8080").status_code == 303


def test_violation_reports_are_logged_without_addresses(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    """A report names the directive; the address in it holds a launch key and is dropped."""
    caplog.set_level(logging.WARNING)
    body = {"effectiveDirective": "script-src-elem\n", "documentURL": f"https://app.example/r/{LAUNCH_KEY}/"}
    report = json.dumps([{"type": "csp-violation", "body": body}])
    assert visitor.app.test_client(use_cookies=False).post("/csp-report", data=report).status_code == 204
    assert "content security policy violated: script-src-elem" in caplog.text
    assert LAUNCH_KEY not in caplog.text


ODD = {
    "none": "",
    "cut": "{",
    "listed": "[[]]",
    "number": "7",
    "body": '{"body": 1}',
    "deep": "[" * 30_000,
    "digits": "9" * 30_000,
}


@pytest.mark.parametrize("report", ODD.values(), ids=ODD)
def test_odd_reports_do_no_harm(visitor: Visitor, report: str) -> None:
    """Anybody may post here; nothing comes of it."""
    assert visitor.app.test_client(use_cookies=False).post("/csp-report", data=report).status_code in (204, 400)


def test_static_files_may_be_kept_for_ever(visitor: Visitor) -> None:
    """An address with the current digest is immutable; one with an old digest is asked for anew."""
    client, current = visitor.app.test_client(use_cookies=False), digest_of(FOLDERS.static)
    kept = client.get(f"/assets/{current}/css/tokens.css", buffered=True)
    assert "immutable" in kept.headers["Cache-Control"]
    assert client.get("/assets/old/css/tokens.css", buffered=True).headers["Cache-Control"] == "no-cache"
    assert client.get(f"/assets/{current}/../pyproject.toml").status_code == 404


def test_vendored_files_are_what_the_manifest_says() -> None:
    """Each vendored file has its SHA-256 and each package its licence text; nothing lies there unlisted."""
    vendor = FOLDERS.static / "vendor"
    manifest = json.loads((vendor / "manifest.json").read_text("utf-8"))
    listed = {name: digest for package in manifest for name, digest in package["files"].items()}
    found = {p.relative_to(vendor).as_posix(): p for p in vendor.rglob("*") if p.is_file()}
    found.pop("manifest.json")
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()} == listed
    assert all(package["version"] and package["licence"] for package in manifest)
    assert all(package["licence_file"] in listed for package in manifest)


def test_templates_hold_no_inline_code() -> None:
    """No style attribute, inline script, event handler or javascript address: the policy would block them."""
    forbidden = re.compile(r"""\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\ssrc=)|javascript:|hx-on|hx-vals""")
    templates = sorted(FOLDERS.templates.rglob("*.html"))
    assert templates
    assert [(p.name, found[0]) for p in templates if (found := forbidden.search(p.read_text("utf-8")))] == []
