"""Whoever was not let in is in the audit log: what they asked for, not what they sent."""

import logging
import time
from threading import Lock

from flask import Flask, Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from smartapp.audit import AuditLog, Entry, Kind
from smartapp.audit.events import hash_of
from smartapp.errors import OtherChart
from smartapp.views.launched import current_launch

log = logging.getLogger(__name__)

DENIED = frozenset({401, 403})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})  # others are a stranger's words
A_MINUTE = 60  # denials of strangers in one process; more are counted, else anybody could fill the disk


class Strangers:
    """How many denials of people without a session are still told one by one."""

    def __init__(self, a_minute: int = A_MINUTE) -> None:
        self._a_minute, self._lock = a_minute, Lock()
        self._minute, self._told, self._untold = 0, 0, 0

    def admit(self, now: float) -> int | None:
        """How many were left out before this one; None when it is left out too."""
        with self._lock:
            minute = int(now // 60)
            if minute != self._minute:
                self._minute, self._told = minute, 0
            if self._told >= self._a_minute:
                self._untold += 1
                return None
            self._told += 1
            left_out, self._untold = self._untold, 0
            return left_out


def register(app: Flask, audit: AuditLog, strangers: Strangers | None = None) -> None:
    strangers = strangers or Strangers()

    def tell(response: Response) -> Response:
        """The answer is a refusal already, so it goes out whether or not the log can be written."""
        error = g.get("error", "")
        if response.status_code in DENIED or error == OtherChart.__name__:
            here = current_launch()
            left_out = 0 if here else strangers.admit(time.monotonic())
            if left_out is not None:
                try:
                    audit.record(_denied(response.status_code, error, left_out))
                except SQLAlchemyError as trouble:
                    log.error("a denial was not recorded: %s", type(trouble).__name__)
        return response

    app.after_request(tell)


def _denied(status: int, error: str, left_out: int) -> Entry:
    here, launch = current_launch(), g.get("launch_key", "")
    what = {
        "asked": request.endpoint,
        "method": request.method if request.method in METHODS else None,
        "status": status,
        "error": error or None,
        "launch_asked_for": hash_of(launch) if launch else None,
        "not_told_before": left_out,
    }
    return Entry(Kind.DENIED, what, here.key if here else None, here.by if here else None)
