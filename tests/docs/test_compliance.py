"""The table of events in docs/compliance.md names every kind, and every file that writes it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from smartapp.audit import Kind
from smartapp.config import HERE

TABLE = HERE / "docs" / "compliance.md"
ROW = re.compile(r"^\| `([a-z-]+)` \| .+? \| (.+?) \|$", re.MULTILINE)
WRITERS = {"Entry", "_record"}  # what makes an event


def told(source: Path) -> Iterator[str]:
    """The kinds of events that the file writes."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Attribute):
            name, kind = node.func, node.args[0]
            called = name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else ""
            if called in WRITERS and isinstance(kind.value, ast.Name) and kind.value.id == "Kind":
                yield Kind[kind.attr].value


def test_the_table_of_events_is_whole() -> None:
    """Each kind that there is has its row, and each is written by the files that the row names and no others."""
    written: dict[str, set[str]] = {kind.value: set() for kind in Kind}
    for source in (HERE / "smartapp").rglob("*.py"):
        for kind in told(source):
            written[kind].add(source.relative_to(HERE).as_posix())
    table = {
        kind: set(re.findall(r"`(smartapp/[^`]+)`", files)) for kind, files in ROW.findall(TABLE.read_text("utf-8"))
    }
    assert table == written
    assert all(files for files in written.values())
