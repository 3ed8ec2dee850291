"""The Alphabetic Index as an outline of lines; reading it, and applying the addenda of the next year."""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

_CODE = re.compile(r"\s([A-Z][0-9][0-9A-Z](?:\.[0-9A-Z]{1,4})?)[.]?-?(?:\s+\[[^\]]*\])?$")
_SEE = re.compile(r"\s*(?:\(\s*see (also )?([^()]*(?:\([^)]*\)[^()]*)*)\)|\s-\s+see (also )?(.*)$)")
_LABELS = ("No Change", "Add", "Delete", "Revise from", "Revise to")


@dataclass(slots=True)
class Line:
    """One line of the index with what is indented under it."""

    term: str
    modifiers: tuple[str, ...] = ()
    code: str = ""
    see: str = ""
    see_also: str = ""
    under: list["Line"] = field(default_factory=list)

    @property
    def key(self) -> str:
        return " ".join(self.term.lower().replace(":", "").split())

    def take(self, other: "Line") -> None:
        """Says what the revised line says; what is indented under it stays."""
        self.term, self.modifiers, self.code = other.term, other.modifiers, other.code
        self.see, self.see_also = other.see, other.see_also


def read_outline(path: Path) -> Line:
    """The index from its CSV: the level of a row says under which earlier row it stands."""
    root = Line("")
    stack = [root]
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            level = int(row["Level"])
            line = Line(
                " ".join(row["Term"].split()),
                split_modifiers(row["NonEssModif"]),
                row["Code"].strip().rstrip("-").rstrip("."),
                row["See"].strip(),
                row["SeeAlso"].strip(),
            )
            del stack[level + 1 :]
            stack[-1].under.append(line)
            stack.append(line)
    return root


def split_modifiers(text: str) -> tuple[str, ...]:
    """`(acute) (s)` -> `acute`; endings such as `(s)` are no words."""
    return tuple(m for m in re.findall(r"\(([^()]+)\)", text) if len(m) > 2)


def apply_addenda(root: Line, path: Path) -> list[str]:
    """Changes the outline as the addenda say; returns the lines that name nothing in it."""
    stack = [root]
    revised: list[Line | None] = []
    unmatched: list[str] = []
    for label, level, words in _changes(path.read_text(encoding="utf-8").splitlines()):
        line = parse_line(words)
        if level >= len(stack):  # the addenda skip a level
            unmatched.append(words)
            continue
        del stack[level + 1 :]
        parent = stack[-1]
        if label == "Revise to":
            here = revised.pop(0) if revised else None
            if here is None:
                parent.under.append(line)
                here = line
            here.take(line)
        else:
            here = _find(parent, line)
            if here is None and label in ("Delete", "Revise from"):
                unmatched.append(words)
            if label == "Revise from":
                revised.append(here)
                here = here or line
            else:
                revised.clear()
                here = _settle(parent, here, line, label)
        stack.append(here)
    return unmatched


def _settle(parent: Line, here: Line | None, line: Line, label: str) -> Line:
    """The line of the outline after "No Change", "Add" or "Delete"."""
    if label == "Delete":
        if here is not None:
            parent.under.remove(here)
        return here or line
    if here is None:  # "No Change" above an addition: the CSV lacks the line that the addenda print
        parent.under.append(line)
        return line
    if label == "Add":
        here.take(line)
    return here


def _find(parent: Line, line: Line) -> Line | None:
    same = [child for child in parent.under if child.key == line.key]
    return next((child for child in same if child.code == line.code), same[0] if same else None)


def parse_line(words: str) -> Line:
    """`Desmoid (tumor) - see Neoplasm E11.9` -> its parts."""
    code = ""
    if match := _CODE.search(words):
        code, words = match[1], words[: match.start()]
    see = see_also = ""
    if match := _SEE.search(words):
        target = (match[2] or match[4] or "").strip()
        see, see_also = ("", target) if match[1] or match[3] else (target, "")
        words = words[: match.start()] + words[match.end() :]
    if not code and (match := _CODE.search(words)):  # "bleb associated H59.4 - see also Bleb"
        code, words = match[1], words[: match.start()]
    term = " ".join(re.sub(r"\([^()]*\)", " ", words).split())
    return Line(term, split_modifiers(words), code, see, see_also)


def _changes(lines: Iterable[str]) -> Iterator[tuple[str, int, str]]:
    """(label, level, words) of every change, with wrapped lines joined."""
    current: tuple[str, str] | None = None
    for raw in [*lines, "No Change     "]:
        label = next((name for name in _LABELS if raw.startswith(name)), None)
        if label is None:
            if current is not None and raw.strip():
                current = (current[0], f"{current[1]} {raw.strip()}")
            continue
        if current is not None and len(current[1]) > 1:  # one letter is a heading of the alphabet
            dashes = re.match(r"(?:- )*", current[1])
            level = len(dashes[0]) // 2 if dashes else 0
            yield current[0], level, current[1][level * 2 :].strip()
        current = (label, raw[len(label) :].strip())
