"""What the artifact's own card, a file of Markdown beside the predictor, says under a heading."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

UNKNOWN: Final = "unknown"
_HEADING: Final = re.compile(r"^## (.+)$", re.MULTILINE)
_MARKS: Final = re.compile(r"\*\*|`|!?\[([^\]]*)\]\([^)]*\)")


@dataclass(frozen=True, slots=True)
class ArtifactCard:
    """Sections by their heading, and of which revision the predictor is and the card speaks."""

    revision: str
    of: str  # the revision in the card's title
    sections: dict[str, str]

    @classmethod
    def read(cls, artifact: Path) -> "ArtifactCard":
        """What is not there is empty: a card with gaps is told as such, and stops nothing."""
        try:
            manifest = json.loads((artifact / "manifest.json").read_text(encoding="utf-8"))
            revision = str(manifest["revision"])
        except (OSError, ValueError, KeyError, TypeError):
            revision = UNKNOWN
        try:
            text = (artifact / "MODEL_CARD.md").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
        title, *parts = _HEADING.split(text)
        named = re.search(r"revision (\w+)", title)
        return cls(revision, named[1] if named else UNKNOWN, dict(zip(parts[::2], parts[1::2], strict=True)))

    def table(self, heading: str) -> tuple[tuple[str, ...], ...]:
        """The cells of the section's first table, the head first, in plain words; nothing where there is none."""
        rows = _first_table(self.sections.get(heading, ""))
        cells = [tuple(map(_plain, row.strip("|").split("|"))) for row in rows if not set(row) <= set("|-: ")]
        return tuple(row for row in cells if len(row) == len(cells[0]))

    def lines(self, heading: str) -> tuple[str, ...]:
        """What the section lists, in plain words."""
        text = self.sections.get(heading, "")
        return tuple(_plain(line[2:]) for line in text.splitlines() if line.startswith("- "))


def _first_table(text: str) -> list[str]:
    table: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if line.startswith("|"):
            table.append(line)
        elif table:
            break
    return table


def _plain(cell: str) -> str:
    return _MARKS.sub(lambda found: found[1] or "", cell).strip()
