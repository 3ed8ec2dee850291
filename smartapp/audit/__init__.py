"""The tamper-evident record of who saw, suggested, decided and wrote what: a hash chain under signed Merkle roots."""

from smartapp.audit.events import Entry, Kind
from smartapp.audit.log import AuditLog, Recording

__all__ = ["AuditLog", "Entry", "Kind", "Recording"]
