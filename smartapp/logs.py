"""Logs as JSON, one object a line. What others log is kept to their templates: their arguments may hold a chart."""

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO

OURS = ("smartapp", "launch", "model")  # what these log holds no address, no body and nobody's name
request_id: ContextVar[str] = ContextVar("request_id", default="")


class JSONLines(logging.Formatter):
    """Time, level, logger, message, request and what the record says besides in `said`; of errors kind and place."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() if record.name.split(".")[0] in OURS else _template(record),
        }
        if request_id.get():
            line["request_id"] = request_id.get()
        line |= getattr(record, "said", {})
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["places"] = _places(record.exc_info[2])
        return json.dumps(line)


def configure(stream: TextIO | None = None) -> None:
    """Every logger of this process writes to the stream, or to standard error."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JSONLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)


def _template(record: logging.LogRecord) -> str:
    """The words that stand in the other's source, with numbers filled in; without arguments they may be anything."""
    if not record.args or not isinstance(record.msg, str):
        return "(not shown)"
    try:
        arguments = record.args if isinstance(record.args, tuple) else ()
        return record.msg % tuple(a if isinstance(a, int | float) else "..." for a in arguments)
    except (TypeError, ValueError):
        return record.msg


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
