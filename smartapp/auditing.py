"""Who signs the audit log, as configured: with which key, and in which second place it is kept."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Engine

from smartapp.audit.checkpoint import AuditKeys
from smartapp.audit.notary import CheckpointFile, SigningNotary
from smartapp.config import Config


def build_notary(config: Config, engine: Engine, clock: Callable[[], datetime]) -> SigningNotary:
    """Makes the key where there is none. Raises BadKey, OSError."""
    keys = AuditKeys.load_or_make(config.audit_key)
    file = CheckpointFile(config.audit_checkpoints)
    return SigningNotary(engine, keys, file, f"{urlsplit(config.public_url).netloc}/audit", clock)
