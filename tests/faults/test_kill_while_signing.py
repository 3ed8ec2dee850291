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
from signing_at_random import on

from smartapp.fhir.client import FHIRClient
from smartapp.reviews import Action, ReviewStatus, Rung

DIES = Path(coding_bench.__file__).with_name("dies_while_signing.py")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    for server in running():
        with FHIRClient(server.base_url, lambda _, server=server: server.token, patient="p1") as client:
            yield from running_bench(server, client, tmp_path)


COUNTED = ("Condition", "Claim", "Provenance", "DocumentReference", "Communication")
DIAGNOSES = {"Condition": 2, "Claim": 1, "Provenance": 1, "DocumentReference": 1, "Communication": 0}
IN_WORDS = {"Condition": 0, "Claim": 0, "Provenance": 1, "DocumentReference": 1, "Communication": 0}
EXPECTED = {
    Rung.SINGLE_WRITES: DIAGNOSES,
    Rung.JSON_PATCH: DIAGNOSES,
    Rung.TRANSACTION: DIAGNOSES,
    Rung.DOCUMENT: IN_WORDS | {"DocumentReference": 2},  # the visit's own note is one
    Rung.MESSAGE: IN_WORDS | {"Communication": 1},
}


@pytest.mark.parametrize(
    ("rung", "requests"),
    [
        *((Rung.SINGLE_WRITES, n) for n in (0, 5, 9, 14)),
        *((Rung.JSON_PATCH, n) for n in (13,)),
        *((Rung.TRANSACTION, n) for n in (2, 3)),
        *((Rung.DOCUMENT, n) for n in (4, 5)),
        *((Rung.MESSAGE, n) for n in (4,)),
    ],
)
def test_kill_while_signing(bench: Bench, rung: Rung, requests: int) -> None:
    """A process killed while it writes leaves a signed review with its outbox; the next one to open it completes the
    write, once."""
    review = bench.ready()
    for code in ("I10", "E11.9"):
        review = bench.coding.decide(bench.key, review.version, Action.ACCEPT, code, None, ANA)
    arguments = [f"sqlite:///{bench.database}", KEY, bench.server.base_url, str(requests), rung.value]
    died = subprocess.run([sys.executable, str(DIES), *arguments], capture_output=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    left = bench.coding.review(bench.key)
    assert left.status is ReviewStatus.SIGNED
    assert {line.outcome for line in left.receipt} <= {"pending", "sent", "written", "not-written"}
    assert left.attestation is not None and left.attestation.by == ANA

    bench.clock.now = datetime.now(UTC) + timedelta(minutes=2)  # the dead process's heartbeat is old by now
    again = bench.another(ladder_for=lambda _: on(rung))
    again.coding.open(bench.key, bench.client)
    done = bench.until(ReviewStatus.WRITTEN)
    assert {line.outcome for line in done.receipt} <= {"written", "already-there", "not-written"}
    assert {type: len(bench.server.all(type)) for type in COUNTED} == EXPECTED[rung]
    assert len(bench.server.get("Encounter/e1").get("diagnosis", [])) == EXPECTED[rung]["Condition"]
