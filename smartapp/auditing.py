"""The audit log as configured: with its key and its second place."""

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import Engine

from smartapp.audit import AuditLog
from smartapp.audit.checkpoint import AuditKeys
from smartapp.audit.notary import CheckpointFile, SigningNotary
from smartapp.config import Config


def build_audit(config: Config, engine: Engine, clock: Callable[[], datetime]) -> AuditLog:
    """Makes the key where there is none. Raises BadKey, OSError."""
    return AuditLog(engine, clock, build_notary(config, engine, clock))


def build_notary(config: Config, engine: Engine, clock: Callable[[], datetime]) -> SigningNotary:
    """Raises BadKey, OSError."""
    keys = AuditKeys.load_or_make(config.audit_key)
    file = CheckpointFile(config.audit_checkpoints)
    return SigningNotary(engine, keys, file, f"{urlsplit(config.public_url).netloc}/audit", clock)
