"""Reads the whole log as it is stored and says where it is not what was written."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from smartapp.audit.checkpoint import AuditKeys, BadCheckpoint, Checkpoint
from smartapp.audit.events import BEFORE_THE_FIRST, hash_of
from smartapp.audit.log import checkpoints, events
from smartapp.audit.merkle import Tree, leaf_hash
from smartapp.audit.notary import EVERY, CheckpointFile

MOST: Final = 20  # breaks that are told: one can make all that follow look wrong
_LATE: Final = 2 * EVERY  # events without a checkpoint; those of one transaction may go beyond EVERY


class Row(NamedTuple):
    """An event as the database holds it."""

    sequence: int
    kind: str
    iss: str | None
    patient: str | None
    encounter: str | None
    event: str
    hash: str


@dataclass(frozen=True, slots=True)
class Break:
    """Where the log is not what was written, and how it shows."""

    sequence: int  # of the event; 0: a checkpoint
    what: str

    def __str__(self) -> str:
        return f"event {self.sequence}: {self.what}" if self.sequence else self.what


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found."""

    size: int  # events
    signed: int  # up to this event under a checkpoint
    checkpoints: int
    breaks: tuple[Break, ...]

    @property
    def intact(self) -> bool:
        return not self.breaks


@dataclass(slots=True)
class _Breaks:
    found: list[Break] = field(default_factory=list)

    def add(self, sequence: int, what: str) -> None:
        self.found.append(Break(sequence, what))

    @property
    def too_many(self) -> bool:
        return len(self.found) >= MOST


def verify(rows: Iterable[Row], signed: Sequence[Checkpoint]) -> Verdict:
    """`rows` by their sequence; `signed` with good signatures. Stops where there is too much to tell."""
    breaks, tree, links = _Breaks(), Tree(), _Links()
    due = _by_size(signed, breaks)
    covered = 0
    for row in rows:
        links.check(row, breaks)
        tree.add(leaf_hash(row.event.encode("utf-8")))
        if checkpoint := due.pop(tree.size, None):
            if checkpoint.root == tree.root():
                covered = tree.size
            else:
                since = f"events {covered + 1} to {tree.size}"
                breaks.add(row.sequence, f"{since} are not those that were signed {_when(checkpoint)}")
        if breaks.too_many:
            return Verdict(tree.size, covered, len(signed), tuple(breaks.found))
    if due:
        longest = due[max(due)]
        ends = f"the log ends here, but {longest.size} events were signed {_when(longest)}: the end was cut off"
        breaks.add(tree.size + 1, ends)
    elif not breaks.found and tree.size - covered >= _LATE:
        breaks.add(covered + 1, f"no checkpoint from here on, and one is due every {EVERY} events")
    return Verdict(tree.size, covered, len(signed), tuple(breaks.found))


@dataclass(slots=True)
class _Links:
    """The chain as far as it was read."""

    expected: int = 1
    previous: frozenset[str] = frozenset({BEFORE_THE_FIRST})

    def check(self, row: Row, breaks: _Breaks) -> None:
        told = told_by(row.event)
        digest = hash_of(row.event)
        if row.sequence > self.expected:
            last = row.sequence - 1
            gone = "is missing" if last == self.expected else f"and all up to event {last} are missing"
            breaks.add(self.expected, gone)
            self.previous = frozenset()
        if wrong := why_wrong(row, told, digest):
            breaks.add(row.sequence, wrong)
        elif self.previous and told.get("previous") not in self.previous:
            breaks.add(row.sequence, "does not hold the hash of the event before: one of the two was put in or changed")
        self.expected, self.previous = row.sequence + 1, frozenset({digest, row.hash})


def why_wrong(row: Row, told: Mapping[str, Any], digest: str) -> str | None:
    """Of an event by itself: it was changed, or stands in another's place."""
    if digest != row.hash or not told:
        return "was changed: its hash is another"
    if told.get("sequence") != row.sequence:
        return f"was moved: it was written as event {told.get('sequence')}"
    patient = f"Patient/{row.patient}" if row.patient else None
    encounter = f"Encounter/{row.encounter}" if row.encounter else None
    filed = (row.kind, row.iss, patient, encounter)
    if (told.get("kind"), told.get("ehr"), told.get("patient"), told.get("encounter")) != filed:
        return "was changed: it is filed under another chart or kind"
    return None


def told_by(text: str) -> Mapping[str, Any]:
    """Nothing where it cannot be read."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _by_size(signed: Sequence[Checkpoint], breaks: _Breaks) -> dict[int, Checkpoint]:
    found: dict[int, Checkpoint] = {}
    for checkpoint in signed:
        other = found.setdefault(checkpoint.size, checkpoint)
        if other.root != checkpoint.root:
            breaks.add(0, f"two checkpoints of {checkpoint.size} events say different things")
    return found


def _when(checkpoint: Checkpoint) -> str:
    return f"on {checkpoint.at:%Y-%m-%d at %H:%M:%S} UTC"


def verify_log(engine: Engine, keys: AuditKeys, file: CheckpointFile) -> Verdict:
    """The log of a database, with the checkpoints in it and in the second place. Raises OSError, SQLAlchemyError."""
    with reading(engine) as connection:  # one snapshot: what is added meanwhile does not matter
        kept = {row.size: row.note for row in connection.execute(sa.select(checkpoints).order_by(checkpoints.c.size))}
        signed, wrong = _open_all(kept, keys, file)
        verdict = verify(stored(connection), signed)
    return Verdict(verdict.size, verdict.signed, verdict.checkpoints, (*wrong, *verdict.breaks))


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One snapshot for all that is read; writers are not held up."""
    reader = engine.execution_options(reads_only=True)
    if engine.dialect.name == "postgresql":
        reader = reader.execution_options(isolation_level="REPEATABLE READ")
    with reader.begin() as connection:
        yield connection


def stored(connection: Connection, up_to: int | None = None) -> Iterator[Row]:
    """The rows in order, without holding all of them."""
    found = sa.select(*(events.c[name] for name in Row._fields))
    if up_to is not None:
        found = found.where(events.c.sequence <= up_to)
    for row in connection.execute(found.order_by(events.c.sequence).execution_options(yield_per=5000)):
        yield Row._make(row)


def _open_all(kept: Mapping[int, str], keys: AuditKeys, file: CheckpointFile) -> tuple[list[Checkpoint], list[Break]]:
    """Checkpoints with good signatures, and what is wrong with the others or between the two places."""
    wrong: list[Break] = []
    outside: dict[int, Checkpoint] = {}
    signed: list[Checkpoint] = []
    for number, note in file.read() if file.path.exists() else ():
        try:
            checkpoint = keys.open(note or "")
        except BadCheckpoint as bad:
            wrong.append(Break(0, f"line {number} of the checkpoint file {bad}"))
        else:
            outside[checkpoint.size] = checkpoint
            signed.append(checkpoint)
    for size, note in kept.items():
        if size in outside and _is_same(note, outside[size]):
            continue
        try:
            signed.append(keys.open(note))
        except BadCheckpoint as bad:
            wrong.append(Break(0, f"the checkpoint of {size} events in the database {bad}"))
    lost = [size for size in kept if size not in outside and size < max(outside, default=0)]
    if kept and not outside:
        wrong.append(Break(0, "the checkpoint file is empty or gone, and the database knows of checkpoints"))
    wrong += [Break(0, f"the checkpoint of {size} events is missing from the checkpoint file") for size in lost[:MOST]]
    return signed, wrong


def _is_same(note: str, checkpoint: Checkpoint) -> bool:
    """Whether the note says what a checkpoint with a good signature says."""
    return note.startswith(checkpoint.text() + "\n— ")
