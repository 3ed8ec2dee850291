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
from smartapp.reviews import Action, Review, ReviewStatus, Rung

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
    accepted(bench)
    left = killed(bench, rung, requests)
    assert left.status is ReviewStatus.SIGNED
    assert {line.outcome for line in left.receipt} <= {"pending", "sent", "written", "not-written"}
    assert left.attestation is not None and left.attestation.by == ANA
    done = opened_again(bench, rung)
    assert {line.outcome for line in done.receipt} <= {"written", "already-there", "not-written"}
    assert {type: len(bench.server.all(type)) for type in COUNTED} == EXPECTED[rung]
    assert len(bench.server.get("Encounter/e1").get("diagnosis", [])) == EXPECTED[rung]["Condition"]


@pytest.mark.parametrize("requests", [5, 8, 11, 14])
def test_kill_while_correcting(bench: Bench, requests: int) -> None:
    """The same of a correction: one code withdrawn, one added, both signatures kept."""
    review = accepted(bench)
    bench.coding.sign_off(bench.key, review.version, ANA, bench.client)
    bench.clock.forward(3600)
    bench.coding.correct(bench.key, bench.coding.review(bench.key).version, "wrong-code", ANA, bench.client)
    review = bench.until(ReviewStatus.READY)
    for action, code in ((Action.UNDO, "I10"), (Action.ADD, "J06.9")):
        review = bench.coding.decide(bench.key, review.version, action, code, None, ANA)
    assert killed(bench, Rung.SINGLE_WRITES, requests).status is ReviewStatus.SIGNED
    done = opened_again(bench, Rung.SINGLE_WRITES)
    assert len(done.corrections) == 1
    held = [(c["code"], c["verificationStatus"]) for c in bench.server.all("Condition")]
    status = sorted((code["coding"][0]["code"], is_so["coding"][0]["code"]) for code, is_so in held)
    assert status == [("E11.9", "confirmed"), ("I10", "entered-in-error"), ("J06.9", "confirmed")]
    assert {type: len(bench.server.all(type)) for type in ("Claim", "Provenance")} == {"Claim": 1, "Provenance": 2}
    assert len(bench.server.get("Encounter/e1")["diagnosis"]) == 2


def accepted(bench: Bench) -> Review:
    review = bench.ready()
    for code in ("I10", "E11.9"):
        review = bench.coding.decide(bench.key, review.version, Action.ACCEPT, code, None, ANA)
    return review


def killed(bench: Bench, rung: Rung, requests: int) -> Review:
    """Another process signs and is killed at that request; what it left."""
    arguments = [f"sqlite:///{bench.database}", KEY, bench.server.base_url, str(requests), rung.value]
    died = subprocess.run([sys.executable, str(DIES), *arguments], capture_output=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    return bench.coding.review(bench.key)


def opened_again(bench: Bench, rung: Rung) -> Review:
    """When the dead process's heartbeat is old."""
    bench.clock.now = datetime.now(UTC) + timedelta(minutes=2)
    again = bench.another(ladder_for=lambda _: on(rung))
    again.coding.open(bench.key, bench.client)
    return bench.until(ReviewStatus.WRITTEN)
