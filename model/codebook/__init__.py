"""What ICD-10-CM says: codes by edition and date, titles, index terms, instructional notes, and a search over them."""

from model.codebook.book import CodeBook
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
    "CodeBook",
    "CodeBookError",
    "CorruptedPart",
    "Edition",
    "Entry",
    "Note",
    "Notes",
    "SearchResult",
    "SourcesDisagree",
    "Term",
    "TermSource",
    "names_code",
    "referenced_codes",
]
