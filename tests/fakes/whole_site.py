"""A site where all is real but the FHIR server and the predictor's model: the app, and the demo EHR on a port."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from itertools import count
from pathlib import Path
from typing import Any

from coding_bench import KEY, Clock
from fake_predictor import FakePredictor
from fhir_server import FakeFHIRServer
from flask import Flask
from sample_chart import coverage, encounter, note, patient
from site_browser import APP, Browser, Opened

from launch.sandbox import Faults, RegisteredClient, SandboxSettings, create_sandbox
from launch.sandbox.grants import GrantStore, Token
from launch.sandbox.scopes import STANDALONE_SCOPES
from launch.sandbox.serving import find_free_port, serve_in_thread
from smartapp import create_app
from smartapp.config import HERE, Config
from smartapp.demo import SCOPES
from smartapp.fhir.client import FHIRClient
from smartapp.inference import PredictorServer, authkey_from, listen

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
    """The EHR, the app and the predictor, with one clock; what the EHR holds and gets wrong lasts until `mend`."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.fhir = Clock(), FakeFHIRServer()
        self._empty_ehr()
        self.port = find_free_port()
        self.ehr, self.iss = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.port}/fhir"
        scopes = tuple(SCOPES.split())
        registered = RegisteredClient(
            "chartside", "Chartside", "public", (f"{APP}/callback",), (*scopes, *STANDALONE_SCOPES)
        )
        settings = SandboxSettings(
            self.ehr, self.fhir.base_url, f"{APP}/launch", (registered,), id_token_alg="ES256", clock=self.clock
        )
        self.sandbox = create_sandbox(settings)
        self.faults: Faults = self.sandbox.extensions["sandbox_faults"]
        self.grants: GrantStore = self.sandbox.extensions["sandbox_grants"]
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
            audit_key=folder / "audit-key.pem",
            audit_checkpoints=folder / "audit-checkpoints.jsonl",
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

    def _empty_ehr(self) -> None:
        """Nobody but who signs: pages of the demo EHR look through all charts, and many tests leave many."""
        self.fhir.reset()
        self.fhir.token = ""
        self.fhir.put({"resourceType": "Practitioner", "id": "demo-clinician", "name": [{"text": "Dr Helena Marsh"}]})

    def mend(self) -> None:
        self._empty_ehr()
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

    def browser(self, app: Flask | None = None) -> Browser:
        return Browser(self, app or self.app)

    def open(self, visit: "Visit", browser: Browser | None = None) -> Opened:
        """Launched from the chart, read and coded."""
        opened = (browser or self.browser()).launch(visit)
        opened.settle()
        return opened

    def access_token(self, launch_key: str) -> Token:
        """The access token of a launch, as the EHR knows it."""
        token: Token = self.grants.find_access(self.app.extensions["chartside"].launcher.access_token(launch_key))
        return token


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

    def counts(self) -> dict[str, int]:
        """How much of what signing writes the EHR holds."""
        return {type: len(self.held(type)) for type in ("Condition", "Claim")}
