"""Excludes1: two codes that the tabular list says can never stand together for the same condition."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Protocol

from model.codebook.entries import Note, Notes
from model.codebook.notes import names_code
from model.prediction import FiredRule

# Whether the tabular list's Excludes1 notes of the first code name the second.
Excludes = Callable[[str, str], bool]

_CITATION = "ICD-10-CM Official Guidelines FY2026, Section I.A.12.a (Excludes1)"


class Book(Protocol):
    """What is asked of the code book here."""

    def notes(self, code: str) -> Notes: ...


class Excluder:
    """Asks the tabular list whether one code excludes another."""

    def __init__(self, book: Book) -> None:
        self._notes = lru_cache(maxsize=5_000)(lambda code: book.notes(code).excludes1)
        self._found = lru_cache(maxsize=16_384)(self._find)  # the pairs of a long claim are asked at each decision

    def __call__(self, code: str, other: str) -> bool:
        return self.note(code, other) is not None

    def note(self, code: str, other: str) -> Note | None:
        """The Excludes1 note that applies to the first code and names the second."""
        return self._found(code, other)

    def _find(self, code: str, other: str) -> Note | None:
        return next((note for note in self._notes(code) if names_code(note, other)), None)


def excluded_pairs(codes: Sequence[str], excludes: Excludes) -> dict[str, FiredRule]:
    """Of two codes that exclude each other the later in `codes` goes; `codes` are in order of confidence."""
    kept: list[str] = []
    dropped: dict[str, FiredRule] = {}
    for code in codes:
        rival = next((k for k in kept if excludes(k, code) or excludes(code, k)), None)
        if rival is None:
            kept.append(code)
        else:
            reason = f"The tabular list excludes it beside {rival} (Excludes1)."
            dropped[code] = FiredRule("excludes1", _CITATION, reason)
    return dropped
