"""The admin pages around a list of EHRs in a folder, and a browser that has come in by a link."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from audit_bench import AuditBench
from bs4 import BeautifulSoup
from coding_bench import KEY, Clock
from databases import connect_migrated
from fake_pages import build_config, build_pages
from werkzeug.test import TestResponse

from launch.ehrs import TrustedEHRs
from launch.launcher import Launcher
from launch.sessions import SQLSessionStore
from launch.vault import Vault
from model.codebook import CodeBook
from smartapp.audit import AuditLog
from smartapp.config import HERE
from smartapp.ehr_removal import Removal
from smartapp.model_card import LocalValidity, ModelCard, SiteNotes
from smartapp.store import AdminStore, ReviewStore
from smartapp.store.admin_store import make_link
from smartapp.views import admin, compliance, model_card

URL = "https://codes.example"
ARTIFACT = HERE / "model" / "artifact"
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


@cache
def book() -> CodeBook:
    return CodeBook.load(ARTIFACT / "codebook")


class AdminSite:
    """Pages without an EHR behind them; the cookie is carried by hand, since it wants https."""

    def __init__(self, folder: Path, public_url: str = URL, ehrs_file: Path | None = None) -> None:
        self.clock, self.vault, self.path = Clock(), Vault([KEY]), ehrs_file or folder / "ehrs.toml"
        self._engine = connect_migrated(f"sqlite:///{folder / 'admin.db'}")
        self.app = build_pages(config=replace(build_config(public_url), ehrs_file=self.path, artifact=ARTIFACT))
        idle = self.app.extensions["chartside"].config.idle
        self.audit = AuditBench(f"sqlite:///{folder / 'admin.db'}", folder)
        launcher = Launcher(TrustedEHRs([]), SQLSessionStore(self._engine, self.vault), public_url, clock=self.clock)
        removal = Removal(self.path, launcher, ReviewStore(self._engine, self.vault), AuditLog(self._engine))
        admin.register(self.app, AdminStore(self._engine, self.vault, self.clock, idle), removal)
        compliance.register(self.app, compliance.Compliance(self._engine, self.audit.keys, self.audit.file))
        local = LocalValidity(self._engine, book(), self.clock)
        config = self.app.extensions["chartside"].config
        model_card.register(self.app, ModelCard(config, local, SiteNotes(AuditLog(self._engine, self.clock))))
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
