"""A launcher with one session, and an application of pages around fakes."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fake_coding import FakeCoding
from fake_work import FakeAsking, FakeWorklist
from flask import Flask
from sample_review import KEY, ready_review
from werkzeug.test import TestResponse

from launch.context import LaunchContext
from launch.ehrs import EHR, TrustedEHRs
from launch.errors import SessionEnded
from launch.sessions import Session, Tokens
from launch.views import COOKIE
from smartapp.config import Config
from smartapp.views import Wiring, operations, register
from smartapp.views.csrf import build_token

LAUNCH_KEY = "launch-key-of-the-tests"
BROWSER = "b" * 43
TOKEN = build_token("key-one", LAUNCH_KEY, BROWSER)
SEEN = datetime(2026, 3, 12, 16, 0, tzinfo=UTC)

HOST = EHR(KEY.iss, "Test EHR", "chartside", embed_origins=("http://127.0.0.1:8090",))
OTHER_HOST = EHR("https://other.example/fhir", "Other EHR", "chartside", embed_origins=("https://other.example",))


def build_session(**context: Any) -> Session:
    known = LaunchContext(
        KEY.iss, "Test EHR", KEY.patient, KEY.encounter, "Practitioner/1", "Dr. Elena Ruiz", ("launch", "openid")
    )
    tokens = Tokens("token", None, SEEN)
    return Session(LAUNCH_KEY, BROWSER, replace(known, **context), tokens, SEEN, SEEN)


@dataclass
class FakeLauncher:
    """Lets in one browser to one launch."""

    held: Session = field(default_factory=build_session)
    ehrs: TrustedEHRs = field(default_factory=lambda: TrustedEHRs([HOST, OTHER_HOST]))
    ended: bool = False

    def session(self, launch_key: str, browser: str) -> Session:
        if self.ended or (launch_key, browser) != (self.held.key, self.held.browser):
            raise SessionEnded()
        return self.held

    def end(self, launch_key: str, browser: str) -> None:
        self.session(launch_key, browser)
        self.ended = True


def build_config(public_url: str = "http://127.0.0.1:8080") -> Config:
    nowhere = Path("nowhere")
    return Config(public_url, ("key-one", "key-zero"), nowhere, "sqlite://", nowhere, nowhere)


def build_pages(
    coding: FakeCoding | None = None,
    launcher: FakeLauncher | None = None,
    config: Config | None = None,
    worklist: FakeWorklist | None = None,
) -> Flask:
    """The pages alone, around fakes."""
    config, launcher = config or build_config(), launcher or FakeLauncher()
    coding = coding or FakeCoding(ready_review())
    app = Flask("smartapp", template_folder=str(config.templates), static_folder=None)
    operations.register(app, AlwaysReady())
    asking, worklist = FakeAsking(lambda: coding.review_now), worklist or FakeWorklist()
    register(app, Wiring(coding, asking, worklist, launcher, lambda session: object(), launcher.ehrs, config))
    return app


class AlwaysReady:
    def __call__(self) -> dict[str, str]:
        return {"database": "ok"}

    def waiting(self) -> int | None:
        return 0

    def queued(self) -> int | None:
        return None

    def workers(self) -> int | None:
        return None


class Visitor:
    """A launched browser without JavaScript: carries the cookie, and in forms the token and the version."""

    def __init__(
        self,
        coding: FakeCoding | None = None,
        launcher: FakeLauncher | None = None,
        worklist: FakeWorklist | None = None,
    ) -> None:
        self.coding = coding or FakeCoding(ready_review())
        self.launcher = launcher or FakeLauncher()
        self.app = build_pages(self.coding, self.launcher, worklist=worklist)
        self.headers = {"Cookie": f"{COOKIE}={BROWSER}"}

    def get(self, path: str, **headers: str) -> TestResponse:
        """A page of the launch."""
        return self.app.test_client(use_cookies=False).get(f"/r/{LAUNCH_KEY}/{path}", headers=self.headers | headers)

    def post(self, path: str, form: dict[str, Any] | None = None, **headers: str) -> TestResponse:
        """A form of the launch's pages."""
        chart = {"patient": KEY.patient, "encounter": KEY.encounter}
        whole = chart | {"csrf_token": TOKEN, "version": self.coding.review_now.version} | (form or {})
        return self.app.test_client(use_cookies=False).post(
            f"/r/{LAUNCH_KEY}/{path}", data=whole, headers=self.headers | headers
        )

    def decide(self, action: str, code: str, reason: str | None = None, **headers: str) -> TestResponse:
        form = {"action": action, "code": code} | ({"reason": reason} if reason else {})
        return self.post("decisions", form, **headers)
