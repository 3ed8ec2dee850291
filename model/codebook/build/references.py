"""Cross-references of the Alphabetic Index: what "see Pain, abdominal" leads to."""

import re
from collections.abc import Iterator
from itertools import pairwise

from model.codebook.build.neoplasms import BEHAVIOURS, NeoplasmTable
from model.codebook.build.outline import Line

_NO_TERM = re.compile(r"(condition|categor|subcategor|table of|index to|code|specific type|block)", re.IGNORECASE)
_BY = re.compile(r",? ?\b(?:by|according to) [^,]*")
_CONNECTIVES = {"with", "due to", "in", "in, due to", "due to, in", "with, due to", "associated with"}
_DEEPEST = 5  # a chain of references longer than this is a circle


def alternatives(term: str) -> tuple[str, ...]:
    """The word forms of a main term: both of `Diabetes, diabetic`; only itself for `Abolition, language`."""
    parts = term.split(", ")
    if all(" " not in p for p in parts) and all(a[:3].lower() == b[:3].lower() for a, b in pairwise(parts)):
        return tuple(parts)
    return (term,)


class References:
    """Follows references inside one index and into the neoplasm table."""

    def __init__(self, root: Line, neoplasms: NeoplasmTable) -> None:
        self._neoplasms = neoplasms
        self._main: dict[str, Line] = {}
        for line in root.under:
            for name in (line.key, *(a.lower() for a in alternatives(line.term)), line.key.split(", ")[0]):
                self._main.setdefault(name, line)

    def code_of(self, line: Line, depth: int = 0) -> str:
        """The code of the line: its own, else that of the line it refers to; empty when there is none."""
        if line.code or depth == _DEEPEST:
            return line.code
        for reference in (line.see, line.see_also):
            if reference and (code := self._follow(reference, depth)):
                return code
        return ""

    def _follow(self, reference: str, depth: int) -> str:
        if _NO_TERM.match(reference):
            return ""
        segments = [s for s in _BY.sub("", re.sub(r"\([^)]*\)", "", reference)).lower().split(",") if s.strip()]
        segments = [" ".join(s.split()) for s in segments]
        if segments[:1] == ["neoplasm"]:
            return self._neoplasm(segments[1:])
        line = self._line(segments)
        return self.code_of(line, depth + 1) if line is not None else ""

    def _line(self, segments: list[str]) -> Line | None:
        for length in range(len(segments), 0, -1):
            main = self._main.get(", ".join(segments[:length]))
            if main is not None and (found := _descend(main, segments[length:])) is not None:
                return found
        return None

    def _neoplasm(self, segments: list[str]) -> str:
        behaviour = next((b for b in BEHAVIOURS if any(s.startswith(b.reference) for s in segments)), None)
        if behaviour is None:
            return ""
        site = [s for s in segments if not s.startswith(behaviour.reference) and s not in ("primary", "secondary")]
        return self._neoplasms.code(tuple(site), "secondary" if "secondary" in segments else behaviour.name)


def _descend(line: Line, segments: list[str]) -> Line | None:
    """The line under `line` that the whole rest of a reference names."""
    if not segments:
        return line
    for length in range(len(segments), 0, -1):
        wanted = ", ".join(segments[:length])
        for child in _within_reach(line):
            if wanted == child.key or wanted in child.key.split(", "):
                found = _descend(child, segments[length:])
                if found is not None:
                    return found
    return None


def _within_reach(line: Line) -> Iterator[Line]:
    """The lines under a line; references leave out connecting words such as "with"."""
    yield from line.under
    for child in line.under:
        if child.key in _CONNECTIVES:
            yield from child.under
