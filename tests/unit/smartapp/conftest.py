"""A working FHIR server and a client launched for patient p1."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from coding_bench import Bench, running_bench
from fhir_server import FakeFHIRServer, running

from smartapp.fhir.client import FHIRClient


@pytest.fixture
def fhir_server() -> Iterator[FakeFHIRServer]:
    yield from running()


@pytest.fixture
def waits() -> list[float]:
    """The pauses that `fhir_client` made between its attempts."""
    return []


@pytest.fixture
def fhir_client(fhir_server: FakeFHIRServer, waits: list[float]) -> Iterator[FHIRClient]:
    with FHIRClient(
        fhir_server.base_url, lambda _: fhir_server.token, patient="p1", timeout=(1.0, 0.4), sleep=waits.append
    ) as client:
        yield client


@pytest.fixture
def bench(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, tmp_path: Path) -> Iterator[Bench]:
    """The use cases, with the sample visit in the EHR."""
    yield from running_bench(fhir_server, fhir_client, tmp_path)
