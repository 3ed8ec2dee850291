"""Taggers by folds: every note is tagged by one that had not seen it, so that the confidence learns honest tags."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tqdm import tqdm

from model.reading import Reading
from model.tagger import Tagger, Tags
from model.train.exporting import export_tagger
from model.train.marked import Marked, examples
from model.train.stages import Work
from model.train.tagging import Schedule, train_tagger

NETWORK = "tagger.onnx"
_WEIGHTS = "weights"
_TAGS = "tags.npz"


@dataclass(frozen=True)
class Course:
    """One tagger to be trained: its notes, what they are marked with, where it starts and how it learns."""

    name: str
    notes: Sequence[Marked]
    labels: tuple[str, ...]
    start: Path  # weights
    schedule: Schedule
    folds: int


@dataclass(frozen=True)
class Trained:
    """The tagger of all notes (`weights` and `network`), and the tags of every note by one that had not seen it."""

    weights: Path
    network: Path
    tags: dict[str, Tags]


def train_by_folds(course: Course, tokenizer: Path, work: Work) -> Trained:
    """One tagger for every fold, trained on the others, and one on all."""
    pieces = Tokenizer.from_file(str(tokenizer))
    number = fold_of([note.id for note in course.notes], course.folds)
    tags: dict[str, Tags] = {}
    for fold in range(course.folds):
        seen = [note for note in course.notes if number[note.id] != fold]
        held = [note for note in course.notes if number[note.id] == fold]
        folder = _one(course, f"{course.name}-{fold + 1}-of-{course.folds}", seen, held, tokenizer, pieces, work)
        tags |= _load_tags(folder / _TAGS, course.labels)
    folder = _one(course, course.name, course.notes, (), tokenizer, pieces, work)
    return Trained(folder / _WEIGHTS, folder / NETWORK, tags)


def write_tokenizer(start: Path, out: Path) -> None:
    """The tokenizer that comes with the weights, cutting and filling nothing: windows are cut by us."""
    pieces = Tokenizer.from_file(str(start / "tokenizer.json"))
    pieces.no_truncation()
    pieces.no_padding()
    pieces.save(str(out))


def fold_of(ids: Sequence[str], folds: int) -> dict[str, int]:
    """The same fold for a note each time."""
    ordered = sorted(ids)
    random.Random(1).shuffle(ordered)  # noqa: S311 (folds, not secrets)
    return {note: at % folds for at, note in enumerate(ordered)}


def _one(
    course: Course, name: str, seen: Sequence[Marked], held: Sequence[Marked], tokenizer: Path, pieces: Tokenizer,
    work: Work,
) -> Path:  # fmt: skip
    def make(folder: Path) -> None:
        found = examples(pieces, seen)
        train_tagger(found, 1 + len(course.labels), course.start, folder / _WEIGHTS, course.schedule, name)
        export_tagger(folder / _WEIGHTS, folder / NETWORK)
        tagger = Tagger.load(tokenizer, folder / NETWORK, course.labels)
        values = {n.id: tagger.tag(Reading(n.text)).values.astype(np.float16) for n in tqdm(held, desc=f"{name}: tags")}
        np.savez_compressed(folder / _TAGS, allow_pickle=False, **values)

    rests_on = [_digest(seen), _digest(held), course.labels, asdict(course.schedule), _weights_digest(course.start)]
    return work.stage(f"taggers/{name}", rests_on, make)


def _load_tags(path: Path, labels: tuple[str, ...]) -> dict[str, Tags]:
    with np.load(path) as stored:
        return {note: Tags(labels, stored[note].astype(np.float32)) for note in stored.files}


def _digest(notes: Sequence[Marked]) -> str:
    digest = hashlib.sha256()
    for note in notes:
        digest.update(note.id.encode() + note.text.encode() + note.labels.tobytes())
    return digest.hexdigest()


def _weights_digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
