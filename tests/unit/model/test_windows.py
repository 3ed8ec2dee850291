"""Windows: every piece of a text is read, at its exact characters, under the heading it stands under."""

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tiny import tiny_tokenizer

from model.sections import Section, SectionKind, read_sections
from model.windows import LENGTH, Window, windows

TOKENIZER = tiny_tokenizer()
START, END = (TOKENIZER.token_to_id(mark) for mark in ("[CLS]", "[SEP]"))
LINES = st.sampled_from(
    ["ASSESSMENT AND PLAN", "Past Medical History:", "FAMILY HISTORY: none.", "No fever.", "\f", "", "糖尿病と高血圧。"]
)
NOTES = st.lists(LINES | st.text(max_size=40), max_size=30).map("\n".join)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=400)  # half characters too
LONG = st.integers(100, 600).map("a1 fever. ".__mul__)


def pieces_of(text: str, section: Section) -> list[tuple[int, int]]:
    """Characters of the pieces of a section, one tokenizer call for all of it."""
    body = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text[section.start : section.end])
    offsets = TOKENIZER.encode(body, add_special_tokens=False).offsets
    return [(start + section.start, end + section.start) for start, end in offsets]


@given(NOTES | ANYTHING | LONG)
@example("")
@example("\n \f \n")
@example("\ud800ASSESSMENT\n\udfff fever")
def test_windows_of_any_text(text: str) -> None:
    """Every piece with a letter stands in a window, none is longer than LENGTH, marks and heading come first."""
    sections = read_sections(text)
    seen: set[tuple[int, int]] = set()
    for window in windows(TOKENIZER, text, sections):
        assert len(window.ids) <= LENGTH
        assert window.ids[0] == START and window.ids[-1] == END
        assert len(window.ids) == window.first + len(window.spans) + 1
        assert window.spans, "a window of marks alone is read for nothing"
        assert all(0 <= start < end <= len(text) for start, end in window.spans)
        seen.update(window.spans)
    pieces = {span for section in sections for span in pieces_of(text, section)}
    assert seen <= pieces
    assert not [text[slice(*span)] for span in pieces - seen if re.search("[A-Za-z]", text[slice(*span)])]


@pytest.mark.parametrize("line", ["*" * 9_000, "| 12.5 | 3 |\n" * 900, "糖尿病" * 3_000])
def test_long_stretches_without_a_letter_are_not_read(line: str) -> None:
    text = f"Fever.\n{line}\nCough."
    read = list(windows(TOKENIZER, text, read_sections(text)))
    assert len(read) <= 3
    assert {"Fever", "Cough"} <= {text[slice(*span)] for window in read for span in window.spans}


@given(NOTES)
def test_pieces_are_those_of_the_text(text: str) -> None:
    """The piece a window names at some characters is the piece that these characters make: offsets are exact."""
    for window in windows(TOKENIZER, text, read_sections(text)):
        for number, (start, end) in zip(window.ids[window.first : -1], window.spans, strict=True):
            alone = TOKENIZER.encode(text[start:end], add_special_tokens=False).tokens
            piece = TOKENIZER.id_to_token(number)
            assert piece == "[UNK]" or alone[0] in (piece, piece.removeprefix("##"))


@given(NOTES)
def test_a_window_stays_in_its_section(text: str) -> None:
    """No window reads on into the next section, and each begins with the heading of its own."""
    sections = read_sections(text)
    for window in windows(TOKENIZER, text, sections):
        section = next(s for s in sections if s.start <= window.spans[0][0] < s.end)
        assert window.spans[-1][1] <= section.end
        heading = TOKENIZER.encode(section.heading or "", add_special_tokens=False).ids[:8]
        assert list(window.ids[1 : window.first]) == ([*heading, END] if heading else [])


def found(pieces: int, heading: str | None = None) -> list[Window]:
    """The windows of a section of so many pieces."""
    text = ("a." * pieces)[:pieces]  # a piece each
    return list(windows(TOKENIZER, text, [Section(heading, SectionKind.PLAN, 0, 0, pieces)] if text else []))


@pytest.mark.parametrize(
    ("pieces", "number"), [(0, 0), (1, 1), (LENGTH - 2, 1), (LENGTH - 1, 2), (2 * LENGTH, 3)],
)  # fmt: skip
def test_number_of_windows(pieces: int, number: int) -> None:
    """What fits is one window, one piece more makes two; nothing makes none."""
    assert len(found(pieces)) == number


def test_windows_overlap() -> None:
    """A piece at the end of a window stands further inside the next one."""
    many = found(10 * LENGTH)
    for one, other in pairwise(many):
        assert other.spans[0] in one.spans and one.spans[-1] in other.spans[1:]


def test_a_long_heading_is_cut() -> None:
    """A heading takes eight pieces at most, so that room is left for what stands under it."""
    window = found(3, "abcdefghijklmnop")[0]
    letters = [TOKENIZER.id_to_token(n) for n in window.ids[1 : window.first - 1]]
    assert letters == ["a", *(f"##{letter}" for letter in "bcdefgh")]
    assert len(found(LENGTH - 11, "abcdefghijklmnop")) == 1
    assert len(found(LENGTH - 10, "abcdefghijklmnop")) == 2


def test_half_a_character_does_not_move_offsets() -> None:
    """Half of a character that takes two, as broken notes hold it, is one character like any other."""
    (window,) = windows(TOKENIZER, "\ud800 fever \udfff", read_sections("\ud800 fever \udfff"))
    assert (2, 7) in window.spans
