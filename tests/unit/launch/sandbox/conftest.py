"""A demonstration EHR with two patients, and an app that launches from it."""

from collections.abc import Callable
from typing import Any

import pytest
from demo_app import App, Clock, clients, resources
from fhir_in_memory import FHIRInMemory
from flask import Flask

from launch.sandbox import SandboxSettings, create_sandbox


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fhir() -> FHIRInMemory:
    return FHIRInMemory(resources())


@pytest.fixture
def make_sandbox(clock: Clock, fhir: FHIRInMemory) -> Callable[..., Flask]:
    def make(**changes: Any) -> Flask:
        settings = {
            "public_url": "http://127.0.0.1:8090",
            "fhir_url": "http://127.0.0.1:9/fhir",
            "app_launch_url": "http://127.0.0.1:8080/launch",
            "clients": clients(),
            "clock": clock,
            "id_token_alg": "ES256",  # quick to make
        } | changes
        return create_sandbox(SandboxSettings(**settings), fhir)

    return make


@pytest.fixture
def sandbox(make_sandbox: Callable[..., Flask]) -> Flask:
    return make_sandbox()


@pytest.fixture
def smart_app(sandbox: Flask) -> App:
    return App(sandbox)


@pytest.fixture
def token(smart_app: App) -> str:
    """A live access token for Ana's chart."""
    return smart_app.tokens()["access_token"]
