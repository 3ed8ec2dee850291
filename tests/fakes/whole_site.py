"""A site where all is real but the FHIR server and the predictor's model: the app, and the demo EHR on a port."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests
from coding_bench import KEY, Clock
from fake_predictor import FakePredictor
from fhir_server import FakeFHIRServer
from flask import Flask
from sample_chart import coverage, encounter, note, patient
from werkzeug.test import TestResponse

from launch.sandbox import Faults, RegisteredClient, SandboxSettings, create_sandbox
from launch.sandbox.grants import Launch
from launch.sandbox.serving import find_free_port, serve_in_thread
from launch.sandbox.settings import DEMO_USERS
from smartapp import create_app
from smartapp.config import HERE, Config
from smartapp.demo import SCOPES
from smartapp.fhir.client import FHIRClient
from smartapp.inference import PredictorServer, authkey_from, listen

APP = "http://127.0.0.1:8080"  # where the app believes to be; nothing listens there
EHRS = """
[[ehr]]
iss = "{iss}"
name = "Demo EHR"
client_id = "chartside"
client_auth = "public"
scopes = {scopes}
embed_origins = ["{origin}"]
"""

Resource = dict[str, Any]
_numbers = count(1)


class RunningPredictor:
    """The predictor's server with the fake model, on a thread; can be stopped and started again."""

    def __init__(self, path: Path) -> None:
        self._path, self._ends = path, threading.Event()
        self.start()

    def start(self) -> None:
        self._ends = threading.Event()
        self._listener = listen(self._path)
        server = PredictorServer(FakePredictor(), authkey_from([KEY]))
        self._thread = threading.Thread(target=server.run, args=(self._listener, self._ends), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ends.set()
        self._thread.join()
        self._listener.close()
        self._path.unlink(missing_ok=True)

    @contextmanager
    def down(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()


class Site:
    """The EHR, the app and the predictor, with one clock; `faults` is what the EHR gets wrong until `mend`."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.fhir = Clock(), FakeFHIRServer(token="")
        self.fhir.put({"resourceType": "Practitioner", "id": "demo-clinician", "name": [{"text": "Dr Helena Marsh"}]})
        self.port = find_free_port()
        self.ehr, self.iss = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.port}/fhir"
        scopes = tuple(SCOPES.split())
        registered = RegisteredClient("chartside", "Chartside", "public", (f"{APP}/callback",), scopes)
        settings = SandboxSettings(
            self.ehr, self.fhir.base_url, f"{APP}/launch", (registered,), id_token_alg="ES256", clock=self.clock
        )
        self.sandbox = create_sandbox(settings)
        self.faults: Faults = self.sandbox.extensions["sandbox_faults"]
        self.dead_iss = f"http://127.0.0.1:{find_free_port()}/fhir"  # registered, and nobody answers
        ehrs = [EHRS.format(iss=iss, scopes=list(scopes), origin=self.ehr) for iss in (self.iss, self.dead_iss)]
        (folder / "ehrs.toml").write_text("".join(ehrs).replace("'", '"'))
        self.config = Config(
            APP,
            (KEY,),
            folder / "ehrs.toml",
            f"sqlite:///{folder / 'app.db'}",
            HERE / "model" / "artifact",
            folder / "p",
        )
        self.patience = 10.0  # seconds of the EHR's silence that the app bears
        self.predictor = RunningPredictor(self.config.predictor_socket)
        self._serving = serve_in_thread(self.sandbox, self.port)
        self._serving.__enter__()
        self.app = self.start()

    def start(self, **changes: Any) -> Flask:
        """The app on the site's database, again for each call: as after a restart."""

        def connect(*args: Any, **more: Any) -> FHIRClient:
            return FHIRClient(*args, **more, timeout=(5.0, self.patience), sleep=lambda _: None)

        app = create_app(replace(self.config, **changes), self.clock, connect)
        app.testing = False
        return app

    @contextmanager
    def ehr_down(self) -> Iterator[None]:
        """Nobody listens on the EHR's port."""
        self._serving.__exit__(None, None, None)
        try:
            yield
        finally:
            self._serving = serve_in_thread(self.sandbox, self.port)
            self._serving.__enter__()

    def mend(self) -> None:
        self.patience = 10.0
        for fault in fields(Faults):
            setattr(self.faults, fault.name, fault.default)

    def close(self) -> None:
        self.predictor.stop()
        self._serving.__exit__(None, None, None)
        self.fhir.stop()

    def visit(self, *notes: Resource, **patient_says: Any) -> "Visit":
        """A patient of their own with an office visit and these notes; the sample note when there are none."""
        here = Visit(self, str(next(_numbers)))
        here.put(patient() | patient_says, encounter(), coverage(), *(notes or (note(),)))
        return here

    def browser(self, app: Flask | None = None) -> "Browser":
        return Browser(self, app or self.app)

    def open(self, visit: "Visit", browser: "Browser | None" = None) -> "Opened":
        """Launched from the chart, read and coded."""
        opened = (browser or self.browser()).launch(visit)
        opened.settle()
        return opened


class Visit:
    """One patient's encounter: the ids of the sample chart with a suffix that no other visit has."""

    def __init__(self, site: Site, number: str) -> None:
        self._site, self._number = site, number
        self.patient, self.encounter = self.id("p1"), self.id("e1")

    def id(self, id: str) -> str:
        return f"{id}-of-{self._number}"

    def put(self, *resources: Resource) -> None:
        self._site.fhir.put(*(self.own(resource) for resource in resources))

    def own(self, value: Any) -> Any:
        """The resource with this visit's ids."""
        if isinstance(value, dict):
            return {name: self._id(item) if name == "id" else self.own(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.own(item) for item in value]
        is_reference = isinstance(value, str) and re.fullmatch(r"(Patient|Encounter|Binary)/[a-z]1", value)
        return self.id(value) if is_reference else value

    def _id(self, value: Any) -> Any:
        return self.id(value) if isinstance(value, str) else self.own(value)

    def held(self, type: str) -> list[Resource]:
        """What the EHR holds of the type about this patient."""
        about = f"Patient/{self.patient}"
        return [r for r in self._site.fhir.all(type) if about in str(r.get("subject", r.get("patient")))]


class Browser:
    """Goes between EHR and app by their redirects; keeps the app's cookie by hand, as it is Secure and this is http."""

    def __init__(self, site: Site, app: Flask) -> None:
        self.site, self.cookie, self.urls = site, "", list[str]()
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

    def start_url(self, visit: Visit) -> str:
        """The EHR's launch link, good once."""
        opens = f"{self.site.ehr}/chart/{visit.patient}/{visit.encounter}/open"
        return str(requests.get(opens, allow_redirects=False, timeout=20).headers["Location"])

    def start_misfiled(self, patient: str, encounter: str) -> str:
        """A launch link for a patient and an encounter that the EHR's own pages would not bring together."""
        now = self.site.clock()
        launch = Launch(patient, encounter, DEMO_USERS[0], False, now + timedelta(minutes=5))
        grants = self.site.sandbox.extensions["sandbox_grants"]
        return f"{APP}/launch?{urlencode({'iss': self.site.iss, 'launch': grants.add_launch(launch, now)})}"

    def to_ehr(self, start_url: str) -> str:
        """Begins a launch; the address at the EHR that the app sends the browser to."""
        return str(self.get(path_of(start_url)).headers["Location"])

    def to_callback(self, start_url: str) -> str:
        """Begins a launch and has the EHR answer; the path of the callback, not yet asked for."""
        answer = requests.get(self.to_ehr(start_url), allow_redirects=False, timeout=20)
        return path_of(answer.headers["Location"])

    def follow(self, start_url: str) -> TestResponse:
        """The page that a launch ends with, whatever it is."""
        return self.arrive(self.get(self.to_callback(start_url)))

    def arrive(self, response: TestResponse) -> TestResponse:
        """Where the app's own redirects lead."""
        while response.status_code in (302, 303, 308):
            response = self.get(path_of(urljoin(APP, response.location)))
        return response

    def launch(self, visit: Visit) -> "Opened":
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

    def post(self, path: str, fragment: bool = False, **form: str) -> TestResponse:
        """A form of the page sent; `fragment` as htmx does."""
        headers = {"HX-Request": "true"} if fragment else {}
        filled = {"csrf_token": self.token} | form
        if "version" not in filled:
            filled["version"] = self.version
        return self.browser.request("POST", self.path + path, headers, data=filled)

    def decide(self, action: str, code: str, **form: str) -> TestResponse:
        return self.post("decisions", action=action, code=code, **form)

    def sign(self) -> TestResponse:
        """Signs; the receipt."""
        return self.browser.arrive(self.post("sign", attest="yes"))

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
        time.sleep(0.02)
