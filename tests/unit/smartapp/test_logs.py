"""What is written to the log: one JSON object a line, and of what others say only the words of their source."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from smartapp import logs

CANARY = "Quillfeather"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The process's logging, as `configure` leaves it; put back afterwards."""
    root, ours = logging.getLogger(), [logging.getLogger(name) for name in logs.OURS]
    before = root.handlers[:], root.level, [logger.level for logger in ours]
    written = io.StringIO()
    logs.configure(written)
    yield written
    root.handlers[:], level, levels = before
    for logger, was in zip((root, *ours), (level, *levels), strict=True):
        logger.setLevel(was)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_of_ours(stream: io.StringIO) -> None:
    """When, how grave, who, what, for which request, and what the record says besides."""
    token = logs.request_id.set("0123456789abcdef")
    logging.getLogger("smartapp.views").info("answered %d", 7, extra={"said": {"route": "home.show", "status": 200}})
    logs.request_id.reset(token)
    (line,) = lines(stream)
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "smartapp.views",
        "message": "answered 7",
        "request_id": "0123456789abcdef",
        "route": "home.show",
        "status": 200,
    }


def test_an_error_has_its_place_and_not_its_words(stream: io.StringIO) -> None:
    """The message of an exception, and of the one it came from, may hold a chart."""
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("smartapp").exception("failed")
    (line,) = lines(stream)
    assert line["error"] == "ValueError"
    assert "test_an_error_has_its_place" in line["places"][0]
    assert CANARY not in stream.getvalue()


@pytest.mark.parametrize(
    ("message", "arguments", "shown"),
    [
        ("Error handling request %s", (f"/callback?code={CANARY}",), "Error handling request ..."),
        ("Booting worker with pid: %s", (123,), "Booting worker with pid: 123"),
        ("%(name)s", ({"name": CANARY},), "%(name)s"),
        (f"no such patient {CANARY}", (), "(not shown)"),
    ],
)
def test_others_are_kept_to_their_templates(
    stream: io.StringIO, message: str, arguments: tuple[Any, ...], shown: str
) -> None:
    """gunicorn quotes addresses with their query, libraries what they could not read."""
    logging.getLogger("gunicorn.error").warning(message, *arguments)
    assert [line["message"] for line in lines(stream)] == [shown]


def test_no_line_can_be_made_up(stream: io.StringIO) -> None:
    """A line break within a message begins no new line (CWE-117)."""
    logging.getLogger("launch").warning('x\n{"level": "info"}\u2028')
    assert len(stream.getvalue().splitlines()) == 1


def test_others_speak_from_warnings_on(stream: io.StringIO) -> None:
    """At lower levels HTTP libraries name addresses; ours tell every answer."""
    logging.getLogger("urllib3").info("x %s", 1)
    logging.getLogger("model").info("loaded")
    assert [line["logger"] for line in lines(stream)] == ["model"]
