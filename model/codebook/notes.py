"""Instructional notes of the tabular list, inherited down the tree."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from model.codebook.entries import Note, Notes

_PARENTHESES = re.compile(r"\(([^()]*[A-Z][0-9A-Z][^()]*)\)")
_REFERENCE = re.compile(
    r"([A-Z][0-9A][0-9A-Z](?:\.[0-9A-Z]{1,4})?)(?:\.?-(?:([A-Z][0-9A][0-9A-Z](?:\.[0-9A-Z]{1,4})?))?)?"
)


class NoteTree:
    """Notes by the code, block or chapter under which they are printed."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self._notes: Mapping[str, Mapping[str, list[str]]] = value["notes"]
        self._seventh: Mapping[str, Mapping[str, str]] = value["seventh"]
        self.places: Mapping[str, list[str]] = value["places"]  # category -> block, chapter
        self.headings: Mapping[str, str] = value["headings"]  # block or chapter -> title

    def of(self, lineage: list[str]) -> Notes:
        """The notes that apply to a code; `lineage` is the code and its ancestors, nearest first."""
        return self.at([*lineage, *self.places.get(lineage[-1], ())])

    def at(self, sources: list[str]) -> Notes:
        """The notes that stand at any of the places; those of all but the first are inherited."""

        def kind(name: str) -> tuple[Note, ...]:
            return tuple(
                Note(text, source, source != sources[0])
                for source in sources
                for text in self._notes.get(source, {}).get(name, ())
            )

        seventh = next((self._seventh[source] for source in sources if source in self._seventh), {})
        return Notes(
            includes=kind("includes"),
            excludes1=kind("excludes1"),
            excludes2=kind("excludes2"),
            code_first=kind("code_first"),
            use_additional=kind("use_additional"),
            code_also=kind("code_also"),
            seventh=seventh,
        )


def names_code(note: Note, code: str) -> bool:
    """Whether the note names the code in its parentheses: `(E10.-)`, `(C00-D49)`, `(I10, I15.0)`."""
    for first, last in referenced_codes(note):
        if code.startswith(first) or (last and first <= code[: len(first)] and code[: len(last)] <= last):
            return True
    return False


def referenced_codes(note: Note) -> tuple[tuple[str, str], ...]:
    """(first, last) of every code or range that the note names; last is empty for a single code."""
    return _references(note.text)


@lru_cache(maxsize=16_384)  # as many as the Tabular List has, about; each pair of codes asks anew
def _references(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(
        (match[1], match[2] or "") for inside in _PARENTHESES.findall(text) for match in _REFERENCE.finditer(inside)
    )
