"""What the rules look at: a review, its claim, and the code book of the date of service."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Protocol

from model.codebook import Entry, Note, Notes, referenced_codes
from model.codebook.notes import names_code
from smartapp.checks.remarks import Level, Remark, rules
from smartapp.reviews import AcceptedCode, Review, Suggestion


class Book(Protocol):
    """What is asked of the code book."""

    def __hash__(self) -> int: ...  # what is worked out from it is kept beside it
    def get(self, code: str, on: date | None = None) -> Entry | None: ...
    def is_billable(self, code: str, on: date | None = None) -> bool: ...
    def billable_descendants(self, code: str, on: date | None = None) -> tuple[str, ...]: ...
    def billable_days(self, code: str) -> tuple[tuple[date, date | None], ...]: ...
    def notes(self, code: str) -> Notes: ...
    def lineage(self, code: str) -> list[str]: ...


@dataclass(frozen=True)
class Case:
    """One claim before its signature."""

    review: Review
    accepted: tuple[AcceptedCode, ...]
    book: Book
    supposed: tuple[Suggestion, ...] = ()  # on the claim, for the sake of argument

    @cached_property
    def listed(self) -> tuple[AcceptedCode | Suggestion, ...]:
        """In the order of the claim, what is supposed at its end."""
        return (*self.accepted, *self.supposed)

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """In the order of the claim."""
        return tuple(a.code for a in self.listed)

    @cached_property
    def titles(self) -> dict[str, str]:
        return {a.code: a.title for a in self.listed}

    @property
    def day(self) -> date | None:
        """Of the service; None where the EHR gives none, and the newest edition counts."""
        return self.review.header.date_of_service if self.review.header else None

    @property
    def year(self) -> str:
        """The fiscal year of the date of service, which begins in October."""
        if self.day is None:
            return "of the newest edition"
        return f"FY{self.day.year + (self.day.month >= 10)}"

    @cached_property
    def evidence(self) -> dict[str, set[tuple[str, int, int]]]:
        """Note, first and last character of the words for each code."""
        return {a.code: {(e.note_id, e.start, e.end) for e in a.evidence} for a in self.listed}

    @cached_property
    def text(self) -> str:
        """Of all notes."""
        return "\n".join(note.text for note in self.review.notes if note.text)

    def title(self, code: str) -> str:
        entry = self.book.get(code, self.day)
        return entry.title if entry else ""

    def remark(
        self,
        id: str,
        codes: Sequence[str],
        text: str,
        citation: str = "",
        level: Level | None = None,
        add: Iterable[str] = (),
        lead: str = "",
        move: tuple[str, str] | None = None,
        instead_of: str = "",
    ) -> Remark:
        """By that rule; `citation` and `level` are those of the rule where they are not given."""
        rule = rules()[id]
        cited = (citation or rule.citation).replace("FY2026", self.year).replace("{year}", self.year)
        usable = tuple(dict.fromkeys(c for c in add if c not in self.codes and self.book.is_billable(c, self.day)))
        return Remark(rule, level or rule.level, tuple(codes), text, cited, usable, lead, move, instead_of)

    def to_add(self, notes: Iterable[Note]) -> tuple[str, ...]:
        """Codes that would follow the notes: what was suggested, and what a note names outright."""
        notes = tuple(notes)
        suggested = [s.code for s in self.review.suggestions if any(names_code(n, s.code) for n in notes)]
        outright = [first for n in notes for first, last in referenced_codes(n) if not last]
        return tuple(dict.fromkeys((*suggested, *outright)))
