"""The pages around fakes, served to Chromium: for tests, pictures and measures."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fake_coding import FakeCoding
from fake_pages import BROWSER, LAUNCH_KEY, FakeLauncher, build_config, build_pages
from fake_work import FakeWorklist
from playwright.sync_api import Browser, Page
from sample_review import ready_review
from werkzeug.serving import make_server

from launch.sandbox.serving import read_whole
from launch.views import COOKIE

# Chromium itself reports each answer of 400 and above; the tests that provoke one look at the page instead.
EXPECTED = ("Failed to load resource", "Response Status Error Code", "htmx:")


@dataclass
class Stage:
    """The pages, served, and a browser that is launched there."""

    browser: Browser
    base: str
    coding: FakeCoding
    launcher: FakeLauncher
    worklist: FakeWorklist
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

    def unexpected(self) -> list[str]:
        """What the console said that nobody provoked: a violation of the policy above all."""
        return [said for said in self.complaints if not said.startswith(EXPECTED)]


@contextmanager
def staged(browser: Browser) -> Iterator[Stage]:
    """A stage while it lasts; the browser's windows are closed at its end, the browser is not."""
    logging.getLogger("werkzeug").setLevel("ERROR")
    coding, launcher, worklist = FakeCoding(ready_review()), FakeLauncher(), FakeWorklist()
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = build_pages(coding, launcher, build_config(base), worklist)
    server = make_server("127.0.0.1", 0, read_whole(app), threaded=True, fd=listening.fileno())
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Stage(browser, base, coding, launcher, worklist)
    finally:
        for context in browser.contexts:
            context.close()
        server.shutdown()
        thread.join()
        server.server_close()
        listening.close()
