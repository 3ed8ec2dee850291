"""The check of the frame: what it sets, what it reads, what it says."""

import re

import pytest
from fake_pages import HOST, OTHER_HOST, FakeLauncher, build_pages
from flask.testing import FlaskClient

from launch.ehrs import TrustedEHRs
from smartapp.views.embed_check import COOKIE


@pytest.fixture
def client() -> FlaskClient:
    return build_pages().test_client(use_cookies=False)


def begin(client: FlaskClient) -> tuple[str, str]:
    """The cookie of the first page and the link to the second."""
    answer = client.get("/embed-check")
    link = re.search(r'href="(/embed-check/result\?sent=[^"]+)"', answer.text)
    assert link
    return answer.headers["Set-Cookie"].partition(";")[0], link[1]


def test_the_cookie_has_the_attributes_of_the_session(client: FlaskClient) -> None:
    """__Host-, Secure, HttpOnly, SameSite=None, Partitioned; only that comes back inside a frame, and it is short."""
    said = client.get("/embed-check").headers["Set-Cookie"]
    assert said.startswith(f"{COOKIE}=")
    for attribute in ("Secure", "HttpOnly", "Path=/", "SameSite=None", "Partitioned", "Max-Age=300"):
        assert attribute in said.split("; ")
    assert "Domain" not in said


@pytest.mark.parametrize(
    ("dest", "returns", "title", "where"),
    [
        ("iframe", True, "Kept: Chartside works here", "inside a frame"),
        ("document", True, "Kept in a window of its own", "in a window of its own"),
        ("iframe", False, "Blocked: Chartside cannot work here", "inside a frame"),
        ("document", False, "Blocked: Chartside cannot work here", "in a window of its own"),
        ("", True, "Kept: Chartside works here", "this browser does not say"),
    ],
)
def test_the_result_is_told_in_plain_words(
    client: FlaskClient, dest: str, returns: bool, title: str, where: str
) -> None:
    """Kept or blocked, framed or not, and who may frame us."""
    cookie, link = begin(client)
    headers = ({"Cookie": cookie} if returns else {}) | ({"Sec-Fetch-Dest": dest} if dest else {})
    answer = client.get(link, headers=headers)
    assert f"<h1>{title}</h1>" in answer.text
    assert where in answer.text
    assert HOST.embed_origins[0] in answer.text
    assert OTHER_HOST.embed_origins[0] in answer.text
    assert "Max-Age=0" in answer.headers["Set-Cookie"]


def test_a_cookie_of_another_check_proves_nothing(client: FlaskClient) -> None:
    """Only the cookie that was set with the page before counts."""
    cookie, _ = begin(client)
    _, link = begin(client)
    assert "Blocked" in client.get(link, headers={"Cookie": cookie}).text
    assert "Blocked" in client.get(link, headers={"Cookie": f"{COOKIE}=\u00ff"}).text


@pytest.mark.parametrize("query", ["", "?sent=", "?sent=<script>", "?sent=" + "x" * 23])
def test_a_result_without_a_check_begins_one(client: FlaskClient, query: str) -> None:
    """Reloaded or mistyped addresses start over."""
    assert "Does this browser keep the session here?" in client.get(f"/embed-check/result{query}").text


def test_a_site_without_frames_is_told_so() -> None:
    """Nobody may frame us where no EHR is listed with embed_origins."""
    launcher = FakeLauncher(ehrs=TrustedEHRs([]))
    client = build_pages(launcher=launcher).test_client(use_cookies=False)
    assert "no EHR is listed with" in client.get(begin(client)[1]).text
