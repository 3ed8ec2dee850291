"""A launcher with one session, and an application of pages around fakes."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fake_coding import FakeCoding
from flask import Flask
from sample_review import KEY, ready_review

from launch.context import LaunchContext
from launch.ehrs import EHR, TrustedEHRs
from launch.errors import SessionEnded
from launch.sessions import Session, Tokens
from launch.views import COOKIE
from smartapp.config import Config
from smartapp.views import Wiring, register

LAUNCH_KEY = "launch-key-of-the-tests"
BROWSER = "b" * 43
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
    coding: FakeCoding | None = None, launcher: FakeLauncher | None = None, config: Config | None = None
) -> Flask:
    """The pages alone, around fakes."""
    config, launcher = config or build_config(), launcher or FakeLauncher()
    app = Flask("smartapp", template_folder=str(config.templates), static_folder=None)
    register(
        app, Wiring(coding or FakeCoding(ready_review()), launcher, lambda session: object(), launcher.ehrs, config)
    )
    return app


def cookie_header() -> dict[str, str]:
    return {"Cookie": f"{COOKIE}={BROWSER}"}
