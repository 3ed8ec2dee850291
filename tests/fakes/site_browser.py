"""A browser between the EHR and the app of a whole site, and the review that it has open."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests
from bs4 import BeautifulSoup
from flask import Flask
from werkzeug.test import TestResponse

from launch.sandbox.grants import Launch
from launch.sandbox.settings import DEMO_USERS

if TYPE_CHECKING:
    from whole_site import Site, Visit

APP = "http://127.0.0.1:8080"  # where the app believes to be; nothing listens there


class Browser:
    """Goes between EHR and app by their redirects; keeps the app's cookie by hand, as it is Secure and this is http."""

    def __init__(self, site: "Site", app: Flask) -> None:
        self.site, self.cookie, self.urls = site, "", list[str]()
        self.app = app
        self._client = app.test_client(use_cookies=False)

    def restarted(self, app: Flask) -> "Browser":
        """The same browser, where the app is another process now."""
        other = Browser(self.site, app)
        other.cookie = self.cookie
        return other

    def request(self, method: str, path: str, headers: dict[str, str] | None = None, **rest: Any) -> TestResponse:
        """One request to the app, as it is."""
        self.urls.append(path)
        sent = ({"Cookie": self.cookie} if self.cookie else {}) | (headers or {})
        response = self._client.open(path, method=method, base_url=APP, headers=sent, **rest)
        if "Set-Cookie" in response.headers:
            self.cookie = response.headers["Set-Cookie"].partition(";")[0]
        return response

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.request("GET", path, headers)

    def start_url(self, visit: "Visit") -> str:
        """The EHR's launch link, good once."""
        opens = f"{self.site.ehr}/chart/{visit.patient}/{visit.encounter}/open"
        return str(requests.get(opens, allow_redirects=False, timeout=20).headers["Location"])

    def start_misfiled(self, patient: str, encounter: str) -> str:
        """A launch link for a patient and an encounter that the EHR's own pages would not bring together."""
        now = self.site.clock()
        launch = Launch(patient, encounter, DEMO_USERS[0], False, now + timedelta(minutes=5))
        return f"{APP}/launch?{urlencode({'iss': self.site.iss, 'launch': self.site.grants.add_launch(launch, now)})}"

    def to_ehr(self, start_url: str) -> tuple[str, dict[str, str]]:
        """Begins a launch; where at the EHR the form of the app's page goes, and what it sends there."""
        form = BeautifulSoup(self.get(path_of(start_url)).text, "html.parser").find("form", id="handover")
        return form["action"], {field["name"]: field["value"] for field in form.find_all("input")}

    def to_callback(self, start_url: str) -> str:
        """Begins a launch and has the EHR answer; the path of the callback, not yet asked for."""
        action, form = self.to_ehr(start_url)
        answer = requests.post(action, form, allow_redirects=False, timeout=20)
        return path_of(answer.headers["Location"])

    def follow(self, start_url: str) -> TestResponse:
        """The page that a launch ends with, whatever it is."""
        return self.arrive(self.get(self.to_callback(start_url)))

    def arrive(self, response: TestResponse) -> TestResponse:
        """Where the app's own redirects lead."""
        while response.status_code in (302, 303, 308):
            response = self.get(path_of(urljoin(APP, response.location)))
        return response

    def launch(self, visit: "Visit") -> "Opened":
        return self.opened(self.follow(self.start_url(visit)))

    def opened(self, page: TestResponse) -> "Opened":
        assert page.status_code == 200, page.text
        return Opened(self, page)


class Opened:
    """A review in a browser: its pages and its forms, as the newest page gives them."""

    def __init__(self, browser: Browser, page: TestResponse) -> None:
        self.browser, self.page = browser, page
        self.path = page.request.path
        self.launch_key = self.path.split("/")[2]
        wiring = browser.app.extensions["chartside"]
        context = wiring.launcher.session(self.launch_key, browser.cookie.partition("=")[2]).context
        self.chart = {"patient": context.patient, "encounter": context.encounter}  # as every form of its pages says
        self.token = re.search(r'name="csrf_token" value="(\w+)"', page.text)[1]

    @property
    def version(self) -> str:
        return re.search(r'name="version" value="(\d+)"', self.show().text)[1]

    def show(self) -> TestResponse:
        self.page = self.browser.get(self.path)
        return self.page

    def settle(self) -> TestResponse:
        """The page once nothing is read or coded any more."""
        eventually(lambda: 'id="progress"' not in self.show().text)
        return self.page

    def until(self, path: str, words: str, status: int = 200) -> TestResponse:
        """A page of the review, once it has the words and the status."""

        def holds() -> bool:
            self.page = self.browser.get(self.path + path)
            return self.page.status_code == status and words in self.page.text

        eventually(holds)
        return self.page

    def post(self, path: str, fragment: bool = False, **form: str) -> TestResponse:
        """A form of the page sent; `fragment` as htmx does."""
        headers = {"HX-Request": "true"} if fragment else {}
        filled = {"csrf_token": self.token} | self.chart | form
        if "version" not in filled:
            filled["version"] = self.version
        return self.browser.request("POST", self.path + path, headers, data=filled)

    def decide(self, action: str, code: str, **form: str) -> TestResponse:
        return self.post("decisions", action=action, code=code, **form)

    def accept(self, *codes: str) -> "Opened":
        for code in codes:
            assert self.decide("accept", code).status_code == 303
        return self

    def read_anew(self) -> str:
        """Read the chart again, or Try again; the page when that has ended."""
        assert self.post("retry").status_code == 303
        return self.settle().text

    def sign(self) -> TestResponse:
        """Signs; the receipt."""
        return self.browser.arrive(self.post("sign", attest="yes"))

    def finish(self, version: str = "") -> TestResponse:
        """Presses Finish writing, as the receipt has it now or had it at that version; the receipt."""
        return self.browser.arrive(self.post("finish", version=version or self.unfinished()))

    def unfinished(self) -> str:
        """The version of a receipt that offers to finish."""
        return re.search(r'name="version" value="(\d+)"', self.browser.get(self.path + "receipt").text)[1]

    def states(self) -> dict[str, str]:
        """Of every card on the page."""
        return dict(re.findall(r'data-code="([^"]+)" data-state="(\w+)"', self.show().text))

    def claim(self) -> list[str]:
        """The codes accepted so far, in the order of the claim."""
        aside = self.show().text.partition('<aside id="claim"')[2].partition("</aside>")[0]
        return re.findall(r'<span class="code">([^<]+)</span>', aside)


def path_of(url: str) -> str:
    """An address of the app without its origin."""
    assert url.startswith(APP), url
    return url.removeprefix(APP)


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.04)  # each look is a whole page, and the work looked for needs the processor too
