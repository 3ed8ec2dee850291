"""Notes whose characters are marked as mentions, for training taggers: case reports, encounters with their traps."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.sections import read_sections
from model.windows import Tokenizer, windows

_SIBLING = "sibling"  # the words are right there, only the code is not


@dataclass(frozen=True)
class Marked:
    """A note and the label of every character; 0 is 'outside'."""

    id: str
    text: str
    labels: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Example:
    """A window to learn from: `labels[n]` belongs to piece `first + n`."""

    ids: tuple[int, ...]
    first: int
    labels: tuple[int, ...]


def read_rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def mark_report(row: dict[str, Any]) -> Marked:
    """CodiEsp: every fragment of every diagnosis."""
    text = row["text"]
    labels = np.zeros(len(text), np.int8)
    spans = [s for c in row["codes"] if c["kind"] == "diagnosis" for e in c["evidence"] for s in e["spans"]]
    for start, end in spans:
        labels[start:end] = 2
    for start, _ in spans:
        labels[start] = 1
    return Marked(row["id"], text, labels)


def mark_encounter(row: dict[str, Any]) -> Marked:
    """Every place where a quote stands; what belongs on the claim outweighs the rest."""
    text = row["text"]
    labels = np.zeros(len(text), np.int8)
    acceptable = [q for c in row["acceptable"] for q in c["evidence"]]
    traps = [t["quote"] for t in row["must_not"] if t["reason"] != _SIBLING]
    core = [q for c in row["core"] for q in c["evidence"]]
    for label, quotes in ((2, acceptable), (3, traps), (1, core)):
        for quote in quotes:
            for start in _places(text, quote):
                labels[start : start + len(quote)] = label
    return Marked(row["id"], text, labels)


def examples(tokenizer: Tokenizer, notes: Iterable[Marked]) -> list[Example]:
    """The windows of the notes; a piece has the first of the labels that it touches."""
    return [
        Example(window.ids, window.first, tuple(_label(note.labels[start:end]) for start, end in window.spans))
        for note in notes
        for window in windows(tokenizer, note.text, read_sections(note.text))
    ]


def _label(labels: NDArray[np.int8]) -> int:
    touched = labels[labels > 0]
    return int(touched.min()) if len(touched) else 0


def _places(text: str, quote: str) -> Iterator[int]:
    at = text.find(quote) if quote else -1
    while at >= 0:
        yield at
        at = text.find(quote, at + 1)


def add_own_labels(labels: Path, notes: Sequence[Path]) -> list[dict[str, Any]]:
    """Our own labels of public notes, with the text and quotes of the notes put in; they hold offsets alone.

    Raises KeyError with the note's id where no file of `notes` has it, ValueError where its text is another.
    """
    texts = {row["id"]: row["text"] for path in notes for row in read_rows(path)}
    rows = read_rows(labels)
    for row in rows:
        text = row["text"] = texts[row["id"]]
        if len(text) != row.pop("characters"):
            raise ValueError(f"{row['id']}: the note is not the one that was labelled")
        for code in row["core"] + row["acceptable"]:
            code["evidence"] = [text[start:end] for start, end in code.pop("spans")]
        for trap in row["must_not"]:
            start, end = trap.pop("span")
            trap["quote"] = text[start:end]
    return rows
