"""What one event says, and its one spelling in bytes. Patients, notes and people by reference; no words of theirs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from smartapp.reviews import Reviewer, ReviewKey

BEFORE_THE_FIRST: Final = "0" * 64  # what the first event holds in the place of a hash
_LARGEST: Final = 2**53 - 1  # RFC 8785, 3.2.2.3: a number of I-JSON, exact in every reader


class Kind(StrEnum):
    """What happened."""

    VIEWED = "chart-viewed"
    NOTE = "note-read"
    PREDICTION = "prediction"
    SUGGESTION = "suggestion"  # one code of a prediction, so that its proof tells of no other code
    DECISION = "decision"
    ATTESTATION = "attestation"
    CORRECTION = "correction"  # a signed review was taken up again
    CHOICE = "choice"  # between two lists of diagnoses
    WRITE = "write"
    DENIED = "access-denied"
    SETTING = "setting"
    ADMIN = "admin"  # an admin session began or ended
    SESSION = "session-ended"  # by an admin
    FEEDBACK = "feedback"  # on a card of the CDS service
    ROLE = "role-chosen"
    QUERY = "query"  # to the physician: drafted, edited, sent, answered, withdrawn
    STOP = "reading-stopped"  # by a person, before the chart was read and coded
    PENDING = "pending"  # a person said why the review waits, or that it no longer does
    PURGE = "purge"  # old charts were removed
    RESTORE = "restore"  # the log goes on from a backup
    EXPORT = "export"  # the log was read out


@dataclass(frozen=True, slots=True)
class Entry:
    """An event that is still to be written: when it was, and after which, the log says."""

    kind: Kind
    what: Mapping[str, Any]
    key: ReviewKey | None = None
    by: Reviewer | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """An event as it stands in the log."""

    sequence: int
    at: datetime
    kind: Kind
    ehr: str | None
    patient: str | None  # Patient/123
    encounter: str | None  # Encounter/123
    user: str | None  # fhirUser
    launch: str | None  # SHA-256 of the launch key
    what: Mapping[str, Any]
    previous: str
    role: str | None = None  # in which the user worked; events of before there were roles tell none

    @classmethod
    def from_text(cls, text: str) -> "Event":
        """Raises ValueError, KeyError or TypeError for what is no event."""
        value = json.loads(text)
        return cls(**{**value, "at": datetime.fromisoformat(value["at"]), "kind": Kind(value["kind"])})


def write(entry: Entry, sequence: int, at: datetime, previous: str) -> str:
    """The event in its canonical spelling; `previous` is the hash of the one before. Raises TypeError, ValueError."""
    key, by = entry.key, entry.by
    role = {"role": by.role} if by and by.role else {}
    return canonical(
        role
        | {
            "sequence": sequence,
            "at": at.astimezone(UTC).isoformat(timespec="milliseconds"),
            "kind": entry.kind.value,
            "ehr": key.iss if key else None,
            "patient": f"Patient/{key.patient}" if key else None,
            "encounter": f"Encounter/{key.encounter}" if key else None,
            "user": by.fhir_user or None if by else None,
            "launch": by.launch or None if by else None,
            "what": entry.what,
            "previous": previous,
        }
    )


def canonical(value: object) -> str:
    """RFC 8785 for values without fractions, whose spelling is ECMAScript's. Raises TypeError, ValueError."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def hash_of(text: str) -> str:
    """The link of the chain."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > _LARGEST:
            raise ValueError("a number is too large to be the same in every reader of JSON")
        return int(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        named = {_text(name): _plain(inner) for name, inner in value.items()}
        return dict(sorted(named.items(), key=lambda item: item[0].encode("utf-16-be")))  # RFC 8785, 3.2.3
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    raise TypeError(f"an event holds no {type(value).__name__}")


def _text(value: str) -> str:
    return str(value.encode("utf-8", "replace"), "utf-8")  # half a character (a lone surrogate) has no bytes
