"""Sign-offs and corrections against an EHR that fails at random: how they ended, and every complaint.

Ctrl-C tells of those so far.

python tests/bench/signoffs.py --runs 10000 --workers 2
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))
from signed_chart import complaints as complaints_of
from signing_at_random import Office

BLOCK = 20  # sign-offs that share a database


def block(first: int, size: int) -> tuple[Counter[str], list[str]]:
    """What was counted and what did not hold, of so many sign-offs."""
    counted: Counter[str] = Counter()
    complaints: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        for seed in range(first, first + size):
            story = office.sign_off(seed)
            counted[f"ended {story.review.status}"] += 1
            counted[f"corrected {len(story.review.corrections)} times"] += 1
            counted["presses"] += story.presses
            counted["requests that met a fault"] += len(story.ehr.met)
            counted["conflicts chosen between"] += len(story.choices)
            complaints += complaints_of(story)
        office.close()
    return counted, complaints


def blocks(runs: int, first: int) -> Iterator[tuple[int, int]]:
    for start in range(first, first + runs, BLOCK):
        yield start, min(BLOCK, first + runs - start)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the first; each run has its own")
    options = parser.parse_args()
    counted: Counter[str] = Counter()
    complaints: list[str] = []
    began = time.monotonic()
    with ProcessPoolExecutor(options.workers) as pool, tqdm(total=options.runs, unit=" sign-offs") as bar:
        running = {pool.submit(block, first, size): size for first, size in blocks(options.runs, options.seed)}
        try:
            for done in as_completed(running):
                more, wrong = done.result()
                counted += more
                complaints += wrong
                for what in wrong:
                    bar.write(what, file=sys.stderr)
                bar.update(running[done])
                bar.set_postfix(complaints=len(complaints))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
        runs = bar.n
    print(f"{runs} sign-offs from seed {options.seed} in {time.monotonic() - began:.0f} s")
    for what, count in sorted(counted.items()):
        print(f"{count:10,} {what}")
    print(f"{len(complaints):10,} complaints", *complaints, sep="\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
