"""How the log goes on after a restore: a backup is older than what was signed since, and that must be told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from smartapp.audit.checkpoint import BadCheckpoint, Checkpoint
from smartapp.audit.events import Entry, Kind
from smartapp.audit.log import AuditLog, events
from smartapp.audit.notary import SigningNotary

_STAMP: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where the log goes on."""

    events: int  # that the backup held
    signed: int  # that had been signed before, as the second place knows
    aside: Path | None  # where the checkpoints before now are, when the backup is older than the last of them

    @property
    def lost(self) -> int:
        return max(0, self.signed - self.events)


def resume(notary: SigningNotary, account: str) -> Resumed:
    """Tells the log of the restore, with the last root that was signed before it, and signs.

    Checkpoints of events that the backup lacks would show, rightly, that the end of the log is cut off: their file is
    kept under another name, and its last root stands in the log. Raises OSError, SQLAlchemyError, BadCheckpoint.
    """
    with notary.engine.connect() as connection:
        held = connection.execute(sa.select(sa.func.max(events.c.sequence))).scalar() or 0
    last = _last(notary)
    aside = None
    if last and last.size > held:
        path = notary.file.path
        aside = path.rename(path.with_name(f"{path.name}.before-{notary.clock():{_STAMP}}"))
    told = {"events": held, "signed_before": last.size if last else 0, "root_before": last.root.hex() if last else None}
    AuditLog(notary.engine, notary.clock).record(Entry(Kind.RESTORE, told | {"account": account}))
    notary.sign()
    return Resumed(held, last.size if last else 0, aside)


def _last(notary: SigningNotary) -> Checkpoint | None:
    """The largest checkpoint in the second place with a good signature."""
    found: list[Checkpoint] = []
    for _, note in notary.file.read() if notary.file.path.exists() else ():
        try:
            found.append(notary.keys.open(note or ""))
        except BadCheckpoint:
            continue  # `verify` tells of it
    return max(found, key=lambda checkpoint: checkpoint.size, default=None)
