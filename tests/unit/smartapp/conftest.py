"""A working FHIR server and a client launched for patient p1."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from coding_bench import Bench, running_bench
from fhir_server import FakeFHIRServer, running
from sample_chart import accepted, attestation, outbox, visit

from smartapp.fhir.chart import Chart, read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.fhir.outbox import Outbox
from smartapp.fhir.writeback import write_back
from smartapp.reviews import Rung, WrittenResource


@pytest.fixture(scope="session")
def fhir_port() -> Iterator[FakeFHIRServer]:
    """One server for all tests: starting one takes longer than most of them."""
    yield from running()


@pytest.fixture
def fhir_server(fhir_port: FakeFHIRServer) -> Iterator[FakeFHIRServer]:
    yield fhir_port
    fhir_port.reset()


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


@pytest.fixture
def fhir_chart(fhir_client: FHIRClient, fhir_server: FakeFHIRServer) -> Chart:
    """The sample visit, on the server and read."""
    fhir_server.put(*visit())
    found = read_chart(fhir_client, "p1", "e1", lambda _: None)
    fhir_server.seen.clear()
    return found


@pytest.fixture
def sign(fhir_client: FHIRClient, fhir_chart: Chart) -> Callable[..., tuple[WrittenResource, ...]]:
    """Signs two codes, or the ones given, for the sample visit; by default as if nothing was ever sent."""

    def sign(
        *codes: str, chart: Chart = fhir_chart, rung: Rung | None = None, out: Outbox | None = None
    ) -> tuple[WrittenResource, ...]:
        codes = codes or ("I10", "E11.9")
        out = out or outbox(chart, *codes, rung=rung)
        return write_back(
            fhir_client,
            chart.key,
            accepted(*codes),
            attestation(),
            "rev-1",
            chart=chart,
            outbox=out,
            ladder=SINGLE_WRITES,
        )

    return sign
