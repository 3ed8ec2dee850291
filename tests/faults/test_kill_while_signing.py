"""kill -9 between the signature and the receipt: nothing is lost, nothing is written twice."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import coding_bench
import pytest
from coding_bench import ANA, KEY, Bench, running_bench
from fhir_server import running

from smartapp.fhir.client import FHIRClient
from smartapp.reviews import Action, ReviewStatus

DIES = Path(coding_bench.__file__).with_name("dies_while_signing.py")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    for server in running():
        with FHIRClient(server.base_url, lambda _, server=server: server.token, patient="p1") as client:
            yield from running_bench(server, client, tmp_path)


@pytest.mark.parametrize("requests", [0, 5, 9, 14])
def test_kill_while_signing(bench: Bench, requests: int) -> None:
    """A process killed while it writes leaves a signed review; the next one to open it completes the write, once."""
    review = bench.ready()
    for code in ("I10", "E11.9"):
        review = bench.coding.decide(bench.key, review.version, Action.ACCEPT, code, None, ANA)
    arguments = [f"sqlite:///{bench.database}", KEY, bench.server.base_url, str(requests)]
    died = subprocess.run([sys.executable, str(DIES), *arguments], capture_output=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    left = bench.coding.review(bench.key)
    assert left.status is ReviewStatus.SIGNED
    assert [line.outcome for line in left.receipt if line.outcome not in ("written", "sent", "pending")] == []
    assert left.attestation is not None and left.attestation.by == ANA

    bench.clock.now = datetime.now(UTC) + timedelta(minutes=1)  # the dead process's heartbeat is old by now
    bench.coding.open(bench.key, bench.client)
    done = bench.until(ReviewStatus.WRITTEN)
    assert {line.outcome for line in done.receipt} <= {"written", "already-there"}
    counts = {type: len(bench.server.all(type)) for type in ("Condition", "Claim", "Provenance")}
    assert counts == {"Condition": 2, "Claim": 1, "Provenance": 1}
    assert len(bench.server.get("Encounter/e1")["diagnosis"]) == 2
