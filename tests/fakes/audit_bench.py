"""An audit log with a key and a second place, and somebody who tampers with it past the database's own guard."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from coding_bench import Clock
from databases import connect_migrated

from smartapp.audit import AuditLog, Entry, Kind
from smartapp.audit.checkpoint import AuditKeys
from smartapp.audit.events import BEFORE_THE_FIRST, Event, canonical, hash_of
from smartapp.audit.log import checkpoints, events
from smartapp.audit.notary import CheckpointFile, SigningNotary
from smartapp.audit.verify import Verdict, verify_log
from smartapp.reviews import Reviewer, ReviewKey

KEY = ReviewKey("https://ehr.example/fhir", "p1", "e1")
ANA = Reviewer("Practitioner/ana", "Ana Ruiz, MD", "f" * 64)


@dataclass
class AuditBench:
    url: str
    folder: Path
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.engine = connect_migrated(self.url)
        self.keys = AuditKeys.load_or_make(self.folder / "audit-key.pem")
        self.file = CheckpointFile(self.folder / "checkpoints.jsonl")
        self.notary = SigningNotary(self.engine, self.keys, self.file, "codes.example/audit", self.clock)
        self.log = AuditLog(self.engine, self.clock, self.notary)

    def close(self) -> None:
        self.engine.dispose()

    def add(self, count: int, kind: Kind = Kind.VIEWED, key: ReviewKey = KEY) -> None:
        """So many events, each in a transaction of its own."""
        for number in range(count):
            self.log.record(Entry(kind, {"page": f"review {number}"}, key, ANA))

    def sign_off(self) -> None:
        self.log.record(Entry(Kind.ATTESTATION, {"codes": ["I10"]}, KEY, ANA))

    def verify(self) -> Verdict:
        return verify_log(self.engine, self.keys, self.file)

    def events(self) -> list[Event]:
        with self.engine.connect() as connection:
            texts = connection.execute(sa.select(events.c.event).order_by(events.c.sequence)).scalars()
            return [Event.from_text(text) for text in texts]

    def tamper(self, *statements: str) -> None:
        """As somebody who owns the file of SQLite and has thought of the triggers."""
        with self.engine.begin() as connection:
            for table, change in ((t, c) for t in ("event", "checkpoint") for c in ("update", "delete")):
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS audit_{table}_no_{change}")
            for statement in statements:
                connection.exec_driver_sql(statement)

    def forge(self, change: Callable[[list[dict[str, Any]]], None]) -> None:
        """Writes all events anew after the change, with a chain that holds."""
        forged = []
        with self.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(sa.select(events).order_by(events.c.sequence)).mappings()]
        change(rows)
        previous = BEFORE_THE_FIRST
        for number, row in enumerate(rows, 1):
            text = canonical(json.loads(row["event"]) | {"sequence": number, "previous": previous})
            previous = hash_of(text)
            forged.append(row | {"sequence": number, "event": text, "hash": previous})
        self.tamper("DELETE FROM audit_event")
        with self.engine.begin() as connection:
            connection.execute(sa.insert(events), forged)

    def sizes(self) -> list[int]:
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(checkpoints.c.size).order_by(checkpoints.c.size)).scalars())
