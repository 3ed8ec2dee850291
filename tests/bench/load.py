"""`make load MINUTES=10`: fifty reviewers against the processes of a hospital, or of one host, on this machine.

Prints how long answers took, what failed, the memory of each process over time, and what the processor did: EHR and
reviewers run here too, and take their share. Also: encounters an hour through the queue with one worker and with two.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))
from load_people import Reviewer, Tally, texts
from load_queue import NoRate, coded_an_hour
from real_process import RealProcess
from real_site import RealSite

LOOKS_EVERY = 5.0  # seconds between two looks at the memory
TELLING = 10.0  # minutes after which a rise of the memory says something
GOALS = {"decision": 0.150, "search": 0.100}  # seconds, of 95 in a hundred


@contextmanager
def running(hospital: bool, workers: int = 1) -> Iterator[RealSite]:
    with tempfile.TemporaryDirectory(prefix="chartside-load-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the owner of PostgreSQL's folder passes through
        site = RealSite(folder, hospital, workers)
        try:
            yield site
        finally:
            site.close()


def quantiles(kind: str, taken: Sequence[float]) -> str:
    ordered = sorted(taken)
    p50, p95, p99 = (ordered[int(share * (len(ordered) - 1))] * 1e3 for share in (0.5, 0.95, 0.99))
    goal = f"  goal {GOALS[kind] * 1e3:.0f} ms" if kind in GOALS else ""
    return f"{kind:12} {len(ordered):7,} {p50:9.1f} {p95:9.1f} {p99:9.1f} {ordered[-1] * 1e3:9.1f} ms{goal}"


def slope(minutes: Sequence[float], mib: Sequence[float]) -> str:
    """Memory at the start and at the end, and its rise in the second half: in the first, caches fill."""
    told, half = f"{mib[0]:7.0f} -> {mib[-1]:7.0f} MiB", len(mib) // 2
    if minutes[-1] < TELLING:
        return told
    return f"{told}, {np.polyfit(minutes[half:], mib[half:], 1)[0] * 60:+8.1f} MiB an hour"


def reviewers(hospital: bool, people: int, minutes: float, think: float) -> int:
    """How many answers were errors."""
    tally, over = Tally(), Event()
    with running(hospital) as site:
        site.start()
        processes: list[RealProcess] = [site.web, *site.workers, site.predictor]
        seen: dict[str, list[float]] = {process.name: [] for process in processes}
        at, began, load = list[float](), time.monotonic(), os.getloadavg()[0]
        worked = {process.name: process.processor_seconds() for process in processes}
        ours = time.process_time()
        with ThreadPoolExecutor(people) as threads, tqdm(total=round(minutes * 60), unit=" s") as bar:
            done = [threads.submit(Reviewer(site, tally, think, n).works, over) for n in range(people)]
            while (now := time.monotonic() - began) < minutes * 60:
                at.append(now / 60)
                for process in processes:
                    seen[process.name].append(process.memory())
                bar.update(round(now) - bar.n)
                bar.set_postfix(charts=len(tally.charts), errors=len(tally.errors))
                time.sleep(LOOKS_EVERY)
            over.set()
            for one in done:
                one.result()
        took = time.monotonic() - began
        form = "PostgreSQL, Redis, a worker" if hospital else "SQLite, no worker"
        print(f"\n{people} reviewers for {minutes:g} min, {think:g} s of thought; {form}; "
              f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after")  # fmt: skip
        print(f"{'':12} {'n':>7} {'p50':>9} {'p95':>9} {'p99':>9} {'most':>9}")
        for kind, taken in sorted((tally.seconds | {"chart coded": tally.charts}).items()):
            if taken:
                print(quantiles(kind, taken))
        for process in processes:
            share = (process.processor_seconds() - worked[process.name]) / took
            print(f"{process.name:12} {slope(at, seen[process.name])}, {share:.2f} cores")
        print(f"{'this process':12} EHR and reviewers, {(time.process_time() - ours) / took:.2f} cores")
    told = [f"{count:6,} {error}" for error, count in Counter(tally.errors).most_common(10)]
    asked = sum(map(len, tally.seconds.values()))
    print(f"{asked:,} requests timed, {len(tally.charts)} charts coded, {len(tally.errors)} errors", *told, sep="\n")
    return len(tally.errors)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--think", type=float, default=5.0, help="seconds between two acts of a reviewer, on average")
    parser.add_argument("--form", choices=["one-host", "hospital", "both"], default="both")
    parser.add_argument("--charts", type=int, default=60, help="in the queue; 0 leaves this out")
    options = parser.parse_args()
    forms = {"one-host": [False], "hospital": [True], "both": [False, True]}[options.form]
    errors = sum(reviewers(hospital, options.people, options.minutes, options.think) for hospital in forms)
    mean = statistics.mean(len(text.split()) for text in texts())
    for workers in (1, 2) if options.charts else ():
        before = f"Through the queue with {workers} worker(s), notes of {mean:.0f} words:"
        try:
            with running(True, workers) as site:
                rate = coded_an_hour(site, options.charts)
        except NoRate as why:
            errors += 1
            print(f"{before} no figure. {why}")
        else:
            print(f"{before} {rate:,.0f} encounters an hour; load average {os.getloadavg()[0]:.1f}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
