"""What a code book says, as frozen values; and the errors it raises."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class CodeBookError(Exception):
    """Base of the errors of this package.

    CodeBookError
    ├── CorruptedPart      a file of the packed code book is missing, damaged or not the one of the manifest
    └── SourcesDisagree    (building) two published files contradict each other, or one cannot be read
    """


class CorruptedPart(CodeBookError):
    """A file of the packed code book is missing, damaged or not the one the manifest names."""


class SourcesDisagree(CodeBookError):
    """Two published files contradict each other, or one of them is not in its published form."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A fiscal year of ICD-10-CM; in force from `valid_from` to `valid_to`, both included."""

    name: str
    valid_from: date
    valid_to: date | None  # None: no end published


@dataclass(frozen=True, slots=True)
class Entry:
    """What the code book says of a code on one day."""

    code: str
    title: str
    billable: bool
    valid_from: date
    valid_to: date | None
    title_verified: bool  # False: `title` is the parent's, and says so


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence of the tabular list, and the code or block under which it stands."""

    text: str
    source: str  # code, block ("E08-E13") or chapter ("Chapter 4")
    inherited: bool


@dataclass(frozen=True, slots=True)
class Notes:
    """The notes that apply to a code: its own first, then those of its ancestors (Guidelines, Section I.A)."""

    includes: tuple[Note, ...]
    excludes1: tuple[Note, ...]
    excludes2: tuple[Note, ...]
    code_first: tuple[Note, ...]
    use_additional: tuple[Note, ...]
    code_also: tuple[Note, ...]
    seventh: Mapping[str, str]  # 7th character -> meaning; the nearest table applies


class TermSource(StrEnum):
    """Where the words of a term are printed."""

    TITLE = "title"
    INCLUSION = "inclusion"
    INDEX = "index"
    NEOPLASM = "neoplasm"
    EXTERNAL = "external"
    THESAURUS = "thesaurus"  # printed nowhere: wordings of our own, known to the search alone
    QUOTED = "quoted"  # words of coded notes that stood for the code, known to the search alone


@dataclass(frozen=True, slots=True)
class Term:
    """Words that the code book prints for a code.

    `code` is as specific as the source is and may need more characters. `path` holds the index levels as printed,
    `modifiers` the nonessential modifiers, whose presence or absence does not change the code (Section I.A.7).
    `times`: in how many notes quoted words stood for the code. `see`: what an index prints in the place of the code, or
    beside it.
    """

    text: str
    code: str
    source: TermSource
    path: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    times: int = 1
    see: str = ""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A billable code that answers a search; `score` 0..1."""

    code: str
    title: str
    score: float
