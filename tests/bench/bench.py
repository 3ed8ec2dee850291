"""`make bench`: how long a note and a search take, also as multiples of a fixed piece of work in the same run."""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tokenizers

from model.codebook import CodeBook
from model.document import Document
from model.parts import TOKENIZER
from model.prediction import Policy
from model.predictor import Predictor

ROOT = Path(__file__).resolve().parents[2]
ARTIFACT = ROOT / "model" / "artifact"
QUERIES = ("hypertension", "type 2 diabetes with neuropathy", "chf", "left ankle sprain", "asthmaa", "E11.6")


def seconds(work: Callable[[], object], times: int = 1) -> list[float]:
    """How long each of the runs took."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return taken


def baseline() -> None:
    """The unit of the ratios: sorting 100,000 numbers, about what a machine of today does in 20 ms."""
    rng = random.Random(0)
    sorted(rng.random() for _ in range(100_000))


def bert_base(pieces: Sequence[int]) -> None:
    """The matrix products of one BERT-base pass (12 layers, 768 wide) in windows of 512 pieces, and nothing else of it.

    A real pass takes longer: this leaves out attention weights, normalisation and the tokenizer.
    """
    rng = np.random.default_rng(0)
    square, widen, narrow = (rng.random(shape, np.float32) for shape in ((768, 768), (768, 3072), (3072, 768)))
    for length in pieces:
        for start in range(0, length, 512):
            state = rng.random((min(512, length - start), 768), np.float32)
            for _ in range(12):
                queries, keys, values = (state @ square for _ in range(3))
                state = ((queries @ keys.T) @ values) @ square
                state = (state @ widen) @ narrow
                state /= np.abs(state).max()


def row(name: str, taken: Sequence[float], unit: float) -> str:
    p50, p95 = statistics.median(taken), sorted(taken)[int(0.95 * (len(taken) - 1))]
    return f"{name:38} {p50 * 1e3:9.1f} ms {p95 * 1e3:9.1f} ms {p50 / unit:8.2f} x"


def main() -> None:
    unit = statistics.median(seconds(baseline, 15))
    print(f"{'':38} {'p50':>12} {'p95':>12} {'p50 ratio':>10}")
    print(row("baseline", [unit], unit))
    print(row("load the predictor", seconds(lambda: Predictor.load(ARTIFACT), 5), unit))
    predictor, book = Predictor.load(ARTIFACT), CodeBook.load(ARTIFACT / "codebook")
    notes = [path.read_text("utf-8") for path in sorted((ROOT / "launch/sandbox/charts").rglob("*.txt"))]
    for policy in Policy:
        taken = [
            run
            for note in notes
            for run in seconds(lambda: predictor.predict(Document("note", note), policy), 5)  # noqa: B023 - run at once
        ]
        words = statistics.mean(len(note.split()) for note in notes)
        print(row(f"{policy.value}, a note of {words:.0f} words", taken, unit))
    pieces = tokenizers.Tokenizer.from_file(str(ARTIFACT / TOKENIZER))
    lengths = [len(pieces.encode(note).ids) for note in notes]
    batch = seconds(lambda: [predictor.predict(Document("note", note), Policy.ENCOUNTER) for note in notes], 3)
    products = seconds(lambda: bert_base(lengths), 3)
    print(row(f"encounter, {len(notes)} notes in a row", batch, unit))
    print(row("BERT-base, its matrix products alone", products, unit))
    share = statistics.median(products) / statistics.median(batch)
    rate = 3600 * len(notes) / statistics.median(batch)
    mean = statistics.mean(lengths)
    print(f"{rate:,.0f} notes of {mean:.0f} pieces an hour; BERT-base takes {share:.1f} times as long")
    long = " ".join(notes * 4)[:200_000]
    taken = seconds(lambda: predictor.predict(Document("long", long), Policy.ENCOUNTER), 3)
    print(row(f"encounter, {len(long):,} characters", taken, unit))
    print(row("make the search ready", seconds(book.warm_up), unit))
    taken = [run for query in QUERIES for run in seconds(lambda: book.search(query), 20)]  # noqa: B023 - run at once
    print(row("search for a code", taken, unit))


if __name__ == "__main__":
    main()
