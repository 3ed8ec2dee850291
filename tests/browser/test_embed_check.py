"""The check of the frame in Chromium, inside a page of another site: localhost frames 127.0.0.1."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fake_pages import HOST, FakeLauncher, build_config, build_pages
from flask import Flask
from playwright.sync_api import Browser, Frame, Page, Route, expect
from werkzeug.serving import make_server

from launch.ehrs import TrustedEHRs
from launch.sandbox.serving import read_whole

pytestmark = pytest.mark.browser


@contextmanager
def served(app: Flask, listening: socket.socket) -> Iterator[None]:
    server = make_server("127.0.0.1", 0, read_whole(app), threaded=True, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Sites:
    """An EHR's page on localhost, with Chartside's check from 127.0.0.1 in its frame; another page frames it too."""

    browser: Browser
    app: str
    ehr: str
    stranger: str

    def open(self, address: str, width: int = 1000, **context: Any) -> Page:
        own = self.browser.new_context(viewport={"width": width, "height": 700}, **context)
        page = own.new_page()
        page.goto(address)
        return page

    def frame(self, page: Page) -> Frame:
        return page.frames[1]


@pytest.fixture
def sites(browser: Browser) -> Iterator[Sites]:
    with ExitStack() as stack:
        doors = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        app, *others = (f"http://127.0.0.1:{door.getsockname()[1]}" for door in doors)
        ehr, stranger = (other.replace("127.0.0.1", "localhost") for other in others)
        known = TrustedEHRs([replace(HOST, embed_origins=(ehr,))])
        stack.enter_context(served(build_pages(None, FakeLauncher(ehrs=known), build_config(app)), doors[0]))
        for door in doors[1:]:
            page = Flask(f"page {door.getsockname()[1]}")
            frame = (
                f'<!doctype html><title>EHR</title><iframe src="{app}/embed-check" width="100%" height="600"></iframe>'
            )
            page.add_url_rule("/", "chart", lambda frame=frame: frame)
            stack.enter_context(served(page, door))
        yield Sites(browser, app, ehr, stranger)
        for context in browser.contexts:
            context.close()


def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_kept_inside_the_frame(sites: Sites) -> None:
    """The partitioned cookie comes back by a second request in the same frame, without a click."""
    page = sites.open(sites.ehr)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Kept: Chartside works here")).to_be_visible()
    expect(frame.get_by_text("inside a frame", exact=True)).to_be_visible()
    expect(frame.get_by_text(sites.ehr)).to_be_visible()
    shoot(page, "kept")


def test_kept_where_third_party_cookies_are_restricted(sites: Sites) -> None:
    """As browsers without third-party cookies have it: the partition is what makes the difference."""
    page = sites.open("about:blank")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.send(
        "Network.setCookieControls",
        {
            "enableThirdPartyCookieRestriction": True,
            "disableThirdPartyCookieMetadata": True,
            "disableThirdPartyCookieHeuristics": True,
        },
    )
    page.goto(sites.ehr)
    expect(page.frame_locator("iframe").get_by_role("heading", name="Kept: Chartside works here")).to_be_visible()


def test_without_scripts_a_link_goes_on(sites: Sites) -> None:
    """Nothing needs scripts."""
    frame = sites.open(sites.ehr, java_script_enabled=False).frame_locator("iframe")
    frame.get_by_role("link", name="Look").click()
    expect(frame.get_by_role("heading", name="Kept: Chartside works here")).to_be_visible()


def test_a_window_of_its_own_says_so(sites: Sites) -> None:
    """At top level the cookie proves nothing about frames."""
    page = sites.open(f"{sites.app}/embed-check")
    expect(page.get_by_role("heading", name="Kept in a window of its own")).to_be_visible()


def test_blocked_is_told_with_what_to_do(sites: Sites) -> None:
    """A browser that takes no cookie there; at 320 px nothing is cut off."""

    def refuse_cookie(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "set-cookie"}
        route.fulfill(response=answer, headers=headers)

    page = sites.open("about:blank", width=320)
    page.route("**/embed-check", refuse_cookie)
    page.goto(sites.ehr)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Blocked: Chartside cannot work here")).to_be_visible()
    expect(frame.get_by_text(f"allow them for {sites.app}")).to_be_visible()
    assert sites.frame(page).evaluate("document.documentElement.scrollWidth <= innerWidth")
    shoot(page, "blocked-320")


def test_a_page_of_nobody_we_know_frames_nothing(sites: Sites) -> None:
    """The frame of an origin that no EHR is listed with shows the browser's own error."""
    page = sites.open(sites.stranger)
    expect(page.frame_locator("iframe").locator("#sub-frame-error-details")).to_be_visible()  # Chromium's own page
    assert "Chartside" not in sites.frame(page).content()
