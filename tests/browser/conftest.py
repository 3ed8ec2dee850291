"""Chromium before the pages around fakes: what it complains about fails the test."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fake_coding import FakeCoding
from fake_pages import BROWSER, LAUNCH_KEY, FakeLauncher, build_config, build_pages
from playwright.sync_api import Browser, Page, sync_playwright
from sample_review import ready_review
from werkzeug.serving import make_server

from launch.views import COOKIE


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        yield running
        running.close()


@dataclass
class Stage:
    """The pages, served, and a browser that is launched there."""

    browser: Browser
    base: str
    coding: FakeCoding
    launcher: FakeLauncher
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str = "", width: int = 1280, height: int = 800, **context: Any) -> Page:
        """A page of the launch in a browser of its own."""
        own = self.browser.new_context(viewport={"width": width, "height": height}, **context)
        # Chromium keeps Secure cookies of a loopback address, but is given them only under https.
        address = self.base.replace("http:", "https:")
        cookie = {"name": COOKIE, "value": BROWSER, "url": address, "secure": True, "httpOnly": True}
        own.add_cookies([{**cookie, "sameSite": "None"}])  # type: ignore[typeddict-item]
        page = own.new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append("a dialog opened"), dialog.dismiss()))
        page.goto(f"{self.base}/r/{LAUNCH_KEY}/{path}")
        return page


# Chromium itself reports each answer of 400 and above; the tests that provoke one look at the page instead.
EXPECTED = ("Failed to load resource", "Response Status Error Code", "htmx:")


@pytest.fixture
def stage(browser: Browser) -> Iterator[Stage]:
    """Fails when the console says anything that the test did not provoke: a policy violation above all."""
    coding, launcher = FakeCoding(ready_review()), FakeLauncher()
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = build_pages(coding, launcher, build_config(base))
    server = make_server("127.0.0.1", 0, app, threaded=True, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    staged = Stage(browser, base, coding, launcher)
    yield staged
    for context in browser.contexts:
        context.close()
    server.shutdown()
    thread.join()
    server.server_close()
    listening.close()
    assert [c for c in staged.complaints if not c.startswith(EXPECTED)] == []
