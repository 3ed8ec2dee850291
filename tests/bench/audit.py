"""How long it takes to add events to the audit log and to verify all of it. Ctrl-C ends it; nothing is left behind.

python tests/bench/audit.py --events 1000000
"""

import argparse
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from smartapp.audit import AuditLog, Entry, Kind
from smartapp.audit.checkpoint import AuditKeys
from smartapp.audit.notary import CheckpointFile, SigningNotary
from smartapp.audit.verify import verify_log
from smartapp.reviews import Reviewer, ReviewKey
from smartapp.store import connect, migrate

BLOCK = 500  # events of one transaction: far more than a person makes, so that the bench ends
EVIDENCE = [{"note": "DocumentReference/n1", "version": "1", "sha256": "0" * 64, "start": 10, "end": 20}] * 2
WHAT = {"code": "I10", "confidence": "0.9312", "rules": ["section-iv-d"], "evidence": EVIDENCE}


def fill(log: AuditLog, count: int) -> float:
    """Seconds for so many events of many charts."""
    began, by = time.monotonic(), Reviewer("Practitioner/bench", "", "f" * 64)
    with tqdm(total=count, unit=" events") as bar:
        for first in range(0, count, BLOCK):
            keys = (
                ReviewKey("https://ehr.example/fhir", f"p{n // 40}", f"e{n // 20}") for n in range(first, first + BLOCK)
            )
            log.record(*(Entry(Kind.SUGGESTION, WHAT, key, by) for key in keys))
            bar.update(BLOCK)
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        engine = connect(f"sqlite:///{state / 'bench.db'}")
        migrate(engine)
        keys, file = AuditKeys.load_or_make(state / "key.pem"), CheckpointFile(state / "checkpoints.jsonl")
        notary = SigningNotary(engine, keys, file, "bench.example/audit", lambda: datetime.now(UTC))
        filled = fill(AuditLog(engine, notary=notary), options.events)
        began, worked = time.monotonic(), time.process_time()
        verdict = verify_log(engine, keys, file)
        verified, worked = time.monotonic() - began, time.process_time() - worked
        engine.dispose()
        size = (state / "bench.db").stat().st_size
    print(f"{verdict.size:,} events added in {filled:.1f} s, {size / verdict.size:.0f} bytes each in the database")
    found = verdict.breaks or "intact"
    print(f"verified in {verified:.1f} s ({worked:.1f} s of one core), {verdict.checkpoints:,} checkpoints: {found}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
