"""The admin pages around a list of EHRs in a folder, and a browser that has come in by a link."""

import re
from dataclasses import replace
from pathlib import Path

from audit_bench import AuditBench
from bs4 import BeautifulSoup
from coding_bench import KEY, Clock
from fake_pages import build_config, build_pages
from werkzeug.test import TestResponse

from launch.vault import Vault
from smartapp.store import AdminStore, connect, migrate
from smartapp.store.admin_store import make_link
from smartapp.views import admin, compliance

URL = "https://codes.example"
SAID = {
    "iss": "https://ehr.example/fhir",
    "name": "Example Hospital",
    "client_id": "us",
    "vendor": "generic",
    "client_auth": "private_key_jwt",
    "alg": "ES384",
    "scope_version": "v2",
    "client_secret": "",
    "embed_origins": "https://ehr.example https://ehr2.example",
}


class AdminSite:
    """Pages without an EHR behind them; the cookie is carried by hand, since it wants https."""

    def __init__(self, folder: Path, public_url: str = URL, ehrs_file: Path | None = None) -> None:
        self.clock, self.vault, self.path = Clock(), Vault([KEY]), ehrs_file or folder / "ehrs.toml"
        self._engine = connect(f"sqlite:///{folder / 'admin.db'}")
        migrate(self._engine)
        self.app = build_pages(config=replace(build_config(public_url), ehrs_file=self.path))
        idle = self.app.extensions["chartside"].config.idle
        admin.register(self.app, AdminStore(self._engine, self.vault, self.clock, idle))
        self.audit = AuditBench(f"sqlite:///{folder / 'admin.db'}", folder)
        compliance.register(self.app, compliance.Compliance(self._engine, self.audit.keys, self.audit.file))
        self.cookie = ""

    def close(self) -> None:
        self.audit.close()
        self._engine.dispose()

    def link(self) -> str:
        return make_link(self.vault, self.clock())

    def enter(self) -> "AdminSite":
        answer = self.open("POST", "enter", {"link": self.link()})
        found = re.match(rf"{admin.COOKIE}=([\w-]+)", answer.headers["Set-Cookie"])
        assert found
        self.cookie = found[1]
        return self

    def open(self, method: str, path: str, form: dict[str, str] | None = None, **headers: str) -> TestResponse:
        sent = headers | ({"Cookie": f"{admin.COOKIE}={self.cookie}"} if self.cookie else {})
        return self.app.test_client(use_cookies=False).open(f"/admin/{path}", method=method, data=form, headers=sent)

    def get(self, path: str = "") -> TestResponse:
        return self.open("GET", path)

    def token(self) -> str:
        return str(BeautifulSoup(self.get().text, "html.parser").select("[name=csrf_token]")[0]["value"])

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> TestResponse:
        return self.open("POST", path, {"csrf_token": self.token(), **(form or {})}, **headers)
