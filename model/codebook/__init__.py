"""What ICD-10-CM says: codes by edition and date, titles, index terms, instructional notes, and a search over them."""

from model.codebook.book import CodeBook
from model.codebook.browsing import Found, OpenBook, Page, Step
from model.codebook.choices import Choices, Option
from model.codebook.entries import (
    CodeBookError,
    CorruptedPart,
    Edition,
    Entry,
    Note,
    Notes,
    SearchResult,
    SourcesDisagree,
    Term,
    TermSource,
)
from model.codebook.notes import names_code, referenced_codes

__all__ = [
    "Choices",
    "CodeBook",
    "CodeBookError",
    "CorruptedPart",
    "Edition",
    "Entry",
    "Found",
    "Note",
    "Notes",
    "OpenBook",
    "Option",
    "Page",
    "SearchResult",
    "SourcesDisagree",
    "Step",
    "Term",
    "TermSource",
    "names_code",
    "referenced_codes",
]
