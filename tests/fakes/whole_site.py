"""A site where all is real but the FHIR server and the predictor's model: the app, and the demo EHR on a port."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from coding_bench import KEY, Clock
from fake_predictor import FakePredictor
from flask import Flask
from site_browser import APP, Browser, Opened
from site_ehr import SiteEHR, Visit

from launch.sandbox.grants import Token
from smartapp import create_app
from smartapp.config import HERE, Config, Rates
from smartapp.fhir.client import FHIRClient
from smartapp.inference import PredictorServer, authkey_from, listen

__all__ = ["RunningPredictor", "Site", "Visit"]


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


class Site(SiteEHR):
    """The EHR, the app and the predictor, with one clock; what the EHR holds and gets wrong lasts until `mend`."""

    clock: Clock

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Clock())
        self.config = Config(
            APP,
            (KEY,),
            folder / "ehrs.toml",
            f"sqlite:///{folder / 'app.db'}",
            HERE / "model" / "artifact",
            folder / "p",
            rates=Rates(launch=10**6, address=10**6),  # tests are faster than people
            audit_key=folder / "audit-key.pem",
            audit_checkpoints=folder / "audit-checkpoints.jsonl",
        )
        self.patience = 10.0  # seconds of the EHR's silence that the app bears
        self.predictor = RunningPredictor(self.config.predictor_socket)
        self.app = self.start()

    def start(self, **changes: Any) -> Flask:
        """The app on the site's database, again for each call: as after a restart."""

        def connect(*args: Any, **more: Any) -> FHIRClient:
            return FHIRClient(*args, **more, timeout=(5.0, self.patience), sleep=lambda _: None)

        app = create_app(replace(self.config, **changes), self.clock, connect)
        app.testing = False
        return app

    def mend(self) -> None:
        super().mend()
        self.patience = 10.0

    def close(self) -> None:
        self.predictor.stop()
        super().close()

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
