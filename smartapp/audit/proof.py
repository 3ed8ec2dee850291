"""Proof that one event is in the log, for somebody who has nothing but the public key: an inclusion proof, RFC 6962."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine

from smartapp.audit.checkpoint import AuditKeys, BadCheckpoint
from smartapp.audit.events import Event
from smartapp.audit.log import checkpoints
from smartapp.audit.merkle import is_included, leaf_hash, path
from smartapp.audit.verify import reading, stored

_HASH = 32  # bytes


class NotProven(Exception):
    """Why there is no proof, or why what was given is none."""


def prove(engine: Engine, sequence: int) -> dict[str, Any]:
    """As JSON: the event, its path to the root, and the oldest signed root above it. Raises NotProven."""
    with reading(engine) as connection:
        over = sa.select(checkpoints).where(checkpoints.c.size >= sequence).order_by(checkpoints.c.size).limit(1)
        checkpoint = connection.execute(over).one_or_none()
        if checkpoint is None:
            raise NotProven(f"event {sequence} is under no checkpoint yet")
        leaves, text = bytearray(), ""
        for row in stored(connection, checkpoint.size):
            leaves += leaf_hash(row.event.encode("utf-8"))
            text = row.event if row.sequence == sequence else text
    if len(leaves) != checkpoint.size * _HASH or not text:
        raise NotProven("events are missing from the log; say: chartside audit verify")
    proof = path(sequence - 1, checkpoint.size, lambda n: bytes(leaves[n * _HASH : (n + 1) * _HASH]))
    return {
        "event": text,
        "sequence": sequence,
        "path": [node.hex() for node in proof],
        "checkpoint": checkpoint.note,
    }


def check(proof: Mapping[str, Any], keys: AuditKeys) -> Event:
    """The event that the proof proves. Raises NotProven."""
    try:
        checkpoint = keys.open(proof["checkpoint"])
        event = Event.from_text(proof["event"])
        leaf = leaf_hash(proof["event"].encode("utf-8"))
        nodes = [bytes.fromhex(node) for node in proof["path"]]
    except BadCheckpoint as bad:
        raise NotProven(f"its checkpoint {bad}") from None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NotProven("is not a proof as `chartside audit prove` prints it") from None
    if not is_included(leaf, event.sequence - 1, checkpoint.size, nodes, checkpoint.root):
        raise NotProven(f"the event is not number {event.sequence} under the signed root")
    return event


def to_line(proof: Mapping[str, Any]) -> str:
    return json.dumps(proof, ensure_ascii=False)
