"""Fixtures that several kinds of test share."""

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import postgresql
import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from smartapp.demo import Running, running_demo
from smartapp.demo_settings import Ports


class CompiledTemplates(BytecodeCache):
    """Many tests build an application of their own; its templates are compiled once for all of them."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if compiled := self._compiled.get(bucket.key):
            bucket.bytecode_from_string(compiled)  # unless the template has changed since

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


Flask.jinja_options = {"bytecode_cache": CompiledTemplates()}

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))


def need_or_skip(present: bool, what: str) -> None:
    if present:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI runs every test")
    pytest.skip(f"{what} is not installed")


@pytest.fixture(scope="session")
def need() -> Callable[[bool, str], None]:
    """Skips where a tool is missing on somebody's machine; fails in CI, where it must be there."""
    return need_or_skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def chromium() -> Path:
    need_or_skip(CHROMIUM.exists(), f"Chromium ({CHROMIUM})")
    return CHROMIUM


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    folder = tmp_path / "with % in it"
    folder.mkdir()
    return f"sqlite:///{folder / 'chartside.db'}"


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    need_or_skip(postgresql.answers(), "PostgreSQL")
    with postgresql.own_schema() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database, once of each kind that the store knows."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The demo EHR, the predictor and the app, running. Tests that use it belong to the xdist group `demo`."""
    ports = Ports(free_port(), free_port(), free_port())
    with running_demo(ports, tmp_path_factory.mktemp("demo")) as running:
        yield running
