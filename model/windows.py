"""A text in pieces that a transformer can read at once: overlapping windows that begin anew at every section."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from model.sections import Section
from model.spelling_out import SpelledOut

LENGTH = 128  # pieces of a window, with its heading and the three marks
_HEADING = 8
_STEP = 0.75  # of the room; the rest is read twice, and each piece counts where more stands around it
_LETTER = re.compile("[A-Za-z]")  # every term has one
_HALF = re.compile("[\ud800-\udfff]")  # of a character; a tokenizer refuses texts that hold one


class Encoded(Protocol):
    """Pieces of a text with their characters."""

    @property
    def ids(self) -> list[int]: ...
    @property
    def offsets(self) -> list[tuple[int, int]]: ...


class Tokenizer(Protocol):
    """A tokenizer of the library `tokenizers`."""

    def encode(self, sequence: str, *, add_special_tokens: bool) -> Encoded: ...
    def token_to_id(self, token: str) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Window:
    """Pieces `ids` (marks and heading first); piece `first + n` covers the characters `spans[n]` of the document.

    It is the piece `number + n` of the document: several pieces of an abbreviation that was written out have one span.
    """

    ids: tuple[int, ...]
    first: int
    spans: tuple[tuple[int, int], ...]
    number: int


def windows(tokenizer: Tokenizer, text: str, sections: Sequence[Section]) -> Iterator[Window]:
    """Every piece with a letter stands in one window at least; each window names the heading it stands under.

    What has no letter for a whole window - rules of asterisks, columns of figures, another script - is not read.
    """
    text = _whole(text)
    start, end = (tokenizer.token_to_id(mark) or 0 for mark in ("[CLS]", "[SEP]"))
    number = 0
    for section in sections:
        spelled = SpelledOut(text[section.start : section.end])
        body = tokenizer.encode(spelled.text, add_special_tokens=False)
        ids = body.ids  # each asking copies all of them
        if not ids:
            continue
        places = [spelled.origin(*offsets) for offsets in body.offsets]
        heading = tokenizer.encode(_whole(section.heading or ""), add_special_tokens=False).ids[:_HEADING]
        head = (start, *heading, end) if heading else (start,)
        room = LENGTH - len(head) - 1
        step = int(room * _STEP)
        for at in range(0, max(1, len(ids) - (room - step)), step):
            pieces = ids[at : at + room]
            spans = tuple((s + section.start, e + section.start) for s, e in places[at : at + room])
            if _LETTER.search(text, spans[0][0], spans[-1][1]):
                yield Window((*head, *pieces, end), len(head), spans, number + at)
        number += len(ids)


def _whole(text: str) -> str:
    """The same length, so that offsets stay exact."""
    return _HALF.sub("\ufffd", text)
