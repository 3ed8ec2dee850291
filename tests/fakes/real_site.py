"""Chartside as a hospital runs it: each entry of the Procfile a process, with servers of its own, and a demo EHR."""

import os
from collections.abc import Callable
from pathlib import Path

import requests
from postgresql_process import PostgreSQLProcess
from real_process import RealProcess, python
from redis_process import RedisProcess
from remote_app import RemoteApp
from site_browser import APP, Browser, Opened, eventually
from site_ehr import SiteEHR, Visit

from launch.ehrs import TrustedEHRs
from launch.sandbox.serving import find_free_port
from launch.vault import Vault
from smartapp import store, utc_now
from smartapp.auditing import build_notary
from smartapp.config import HERE, Config
from smartapp.errors import PredictorUnavailable
from smartapp.inference import PredictorClient
from smartapp.launching import build_launcher

FAKES = Path(__file__).parent
KEY = "bXktZml2ZS1taW51dGUta2V5LWZvci10ZXN0cy0wMDA="  # of a Fernet; worth nothing outside the tests


class RealSite(SiteEHR):
    """`hospital`: PostgreSQL, Redis for sessions and for the queue, workers. Else SQLite, and the web does all."""

    def __init__(self, folder: Path, hospital: bool, workers: int = 1, web_app: str = "smartapp.wsgi:app") -> None:
        super().__init__(folder, utc_now)
        self.folder, self.hospital = folder, hospital
        self.database = PostgreSQLProcess(folder / "postgresql") if hospital else None
        if self.database:
            self.database.process.start()
        self.broker = RedisProcess(folder) if hospital else None
        self.session_redis = RedisProcess(folder) if hospital else None
        self.environ = self._settings()
        self.config = Config.from_env(self.environ)
        self._wire()
        self._port = find_free_port()
        self.clock_file = folder / "clock"  # seconds by which the clock of the web processes is wrong
        self.clock_file.write_text("0")
        self.predictor = self._process("predictor", python("-m", "smartapp.cli", "predictor"), self._predicts)
        self.web = self._web(web_app)
        work = python("-m", "smartapp.cli", "worker")
        names = [f"worker-{number}" for number in range(1, workers + 1)] if hospital else []
        self.workers = [self._process(name, work, lambda its: "the worker is ready" in its.said()) for name in names]
        self.app = RemoteApp(self._port, self.launcher)

    def start(self) -> None:
        """All at once, until all are ready."""
        processes = [self.predictor, self.web, *self.workers]
        for process in processes:
            process.begin()
        for process in processes:
            process.until_ready()

    def close(self) -> None:
        for process in (self.web, *self.workers, self.predictor):
            process.kill()
        self.engine.dispose()
        for redis in (self.broker, self.session_redis):
            if redis:
                redis.stop()
        if self.database:
            self.database.process.kill()
        super().close()

    def browser(self) -> Browser:
        return Browser(self, self.app)

    def open(self, visit: Visit, browser: Browser | None = None) -> Opened:
        """Launched from the chart, read and coded."""
        opened = (browser or self.browser()).launch(visit)
        eventually(lambda: 'id="progress"' not in opened.show().text, 90.0)  # others may be many
        return opened

    def is_alive(self, _: RealProcess) -> bool:
        try:
            return requests.get(f"http://127.0.0.1:{self._port}/healthz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def _web(self, app: str) -> RealProcess:
        """gunicorn on the site's port, as the Procfile has it."""
        words = python("-m", "gunicorn", "--config", HERE / "deploy/gunicorn.py", "--bind", f"127.0.0.1:{self._port}")
        return self._process("web", [*words, app], self.is_alive)

    def _settings(self) -> dict[str, str]:
        environ = {
            "CHARTSIDE_PUBLIC_URL": APP,
            "CHARTSIDE_SECRET_KEYS": KEY,
            "CHARTSIDE_EHRS": str(self.folder / "ehrs.toml"),
            "CHARTSIDE_STATE": str(self.folder),
            "CHARTSIDE_LAUNCH_REQUESTS": "1000000",  # tests are faster than people
            "CHARTSIDE_ADDRESS_REQUESTS": "1000000",
        }
        if self.database and self.broker and self.session_redis:
            environ["CHARTSIDE_DATABASE_URL"] = self.database.url
            environ["CHARTSIDE_QUEUE_URL"] = self.broker.url
            environ["CHARTSIDE_SESSIONS_URL"] = self.session_redis.url
        return environ

    def _wire(self) -> None:
        """The same store and launcher in this process, for what is checked from outside."""
        vault = Vault(self.config.secret_keys)
        self.engine = store.connect(self.config.database_url)
        store.migrate(self.engine)
        self.reviews = store.ReviewStore(self.engine, vault)
        self.notary = build_notary(self.config, self.engine, utc_now)
        ehrs = TrustedEHRs.load(self.config.ehrs_file)
        self.launcher = build_launcher(self.config, ehrs, self.engine, vault, utc_now)

    def _process(self, name: str, command: list[str | Path], ready: Callable[[RealProcess], bool]) -> RealProcess:
        paths = os.pathsep.join([str(HERE), str(FAKES)])
        environ = self.environ | {"PYTHONPATH": paths, "CLOCK_FILE": str(self.clock_file), "TMPDIR": str(self.folder)}
        return RealProcess(name, command, environ, self.folder, ready)

    def _predicts(self, _: RealProcess) -> bool:
        try:
            return bool(PredictorClient(self.config.predictor_socket, [KEY], timeout=2.0).revision())
        except PredictorUnavailable:
            return False
