"""Signs the root of the log at each sign-off and every so many events, and keeps what was signed in a second place."""

import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from smartapp.audit.checkpoint import AuditKeys, BadCheckpoint, Checkpoint
from smartapp.audit.events import Event, Kind
from smartapp.audit.log import checkpoints, events, lock
from smartapp.audit.merkle import Tree, leaf_hash

log = logging.getLogger(__name__)

EVERY: Final = 100  # events
_TAIL: Final = 64 * 1024  # bytes at the end of the file that hold its last line


class BrokenLog(Exception):
    """What was signed last is not what the database says was signed: nothing more is signed."""


@dataclass(frozen=True, slots=True)
class CheckpointFile:
    """The second place: a JSON line for each checkpoint, added to and never rewritten."""

    path: Path

    def read(self) -> Iterator[tuple[int, str | None]]:
        """The number of each line and the note in it; None where there is something else. Raises OSError."""
        with self.path.open(encoding="utf-8", errors="replace") as lines:
            for number, line in enumerate(lines, 1):
                yield number, _note(line)

    def add(self, notes: Callable[[int], list[tuple[int, str]]]) -> None:
        """Those of the size of `notes(size)` that are larger than the last one here, on disk when it returns."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            begin = file.seek(max(0, end - _TAIL))
            tail = file.read()
            whole = tail[: tail.rfind(b"\n") + 1]  # a line that a power cut has torn is written again
            file.truncate(begin + len(whole))
            file.seek(0, os.SEEK_END)
            last = whole.splitlines()[-1].decode("utf-8", "replace") if whole else ""
            for size, note in notes(_size(last)):
                file.write(json.dumps({"size": size, "checkpoint": note}, ensure_ascii=False).encode("utf-8") + b"\n")
            file.flush()
            os.fsync(file.fileno())


@dataclass(frozen=True, slots=True)
class SigningNotary:
    """Makes checkpoints after the transactions that they cover, so that none is of what was taken back."""

    engine: Engine
    keys: AuditKeys
    file: CheckpointFile
    origin: str
    clock: Callable[[], datetime]

    def added(self, first: int, last: int, kinds: frozenset[Kind]) -> None:
        """What the events tell holds already, so that trouble here is told in the log and made up for next time."""
        if Kind.ATTESTATION in kinds or last // EVERY > (first - 1) // EVERY:
            try:
                self.sign()
            except (OSError, SQLAlchemyError, BrokenLog, BadCheckpoint) as trouble:
                log.error("no checkpoint of the audit log was made: %s", type(trouble).__name__)

    def sign(self) -> None:
        """A checkpoint of the whole log as it is now. Raises BrokenLog, BadCheckpoint, OSError, SQLAlchemyError."""
        with self.engine.begin() as connection:
            lock(connection)
            tree = self._last_tree(connection)
            signed = tree.size
            for text in _texts_after(connection, signed):
                tree.add(leaf_hash(text.encode("utf-8")))
            if tree.size > signed:
                note = self.keys.sign(Checkpoint(self.origin, tree.size, tree.root(), self.clock()))
                peaks = json.dumps([peak.hex() for peak in tree.peaks])
                connection.execute(sa.insert(checkpoints).values(size=tree.size, note=note, peaks=peaks))
        self.file.add(self._notes_after)

    def unsigned_since(self) -> datetime | None:
        """When the oldest event that no checkpoint covers was told; None where all are covered."""
        signed = sa.select(sa.func.coalesce(sa.func.max(checkpoints.c.size), 0)).scalar_subquery()
        first = sa.select(events.c.event).where(events.c.sequence > signed).order_by(events.c.sequence).limit(1)
        with self.engine.connect() as connection:
            text = connection.execute(first).scalar()
        return Event.from_text(text).at if text else None

    def _last_tree(self, connection: Connection) -> Tree:
        last = connection.execute(sa.select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1)).one_or_none()
        if last is None:
            return Tree()
        tree = Tree(last.size, map(bytes.fromhex, json.loads(last.peaks)))
        signed = self.keys.open(last.note)
        if (signed.size, signed.root) != (tree.size, tree.root()):
            raise BrokenLog
        return tree

    def _notes_after(self, size: int) -> list[tuple[int, str]]:
        with self.engine.connect() as connection:
            later = sa.select(checkpoints.c.size, checkpoints.c.note).where(checkpoints.c.size > size)
            return [(row.size, row.note) for row in connection.execute(later.order_by(checkpoints.c.size))]


def _texts_after(connection: Connection, sequence: int) -> Iterator[str]:
    found = sa.select(events.c.event).where(events.c.sequence > sequence).order_by(events.c.sequence)
    yield from connection.execute(found.execution_options(yield_per=1000)).scalars()


def _note(line: str) -> str | None:
    try:
        note = json.loads(line)["checkpoint"]
    except (ValueError, KeyError, TypeError):
        return None
    return note if isinstance(note, str) else None


def _size(line: str) -> int:
    try:
        return int(json.loads(line)["size"])
    except (ValueError, KeyError, TypeError):
        return 0
