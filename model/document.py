"""The predictor's view of a text: characters, spans, sections and sentences."""

import hashlib
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Setting(StrEnum):
    """Where the encounter took place; decides between Sections II/III and IV of the Official Guidelines."""

    OUTPATIENT = "outpatient"
    INPATIENT = "inpatient"
    ED = "ed"
    OTHER = "other"


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """Characters `start` to `end` of a text, half-open."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"not a span: {self.start}..{self.end}")

    def __len__(self) -> int:
        return self.end - self.start

    def of(self, text: str) -> str:
        return text[self.start : self.end]


# Between the notes of one encounter: a hard boundary for sections and sentences.
NOTE_BREAK = "\n\f\n"


@dataclass(frozen=True, slots=True)
class Document:
    """One text to code. The notes of an encounter are joined by NOTE_BREAK into one, so that rules see them all."""

    id: str
    text: str
    setting: Setting = Setting.OUTPATIENT
    date_of_service: date | None = None  # None: the newest edition of the code book

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()
