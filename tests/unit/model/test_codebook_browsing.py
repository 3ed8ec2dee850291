"""Turning the pages of the code book: from chapter to code, by the index, on a day of service."""

from datetime import date

import pytest

from model.codebook import CodeBook, OpenBook

AFTER, BEFORE = date(2026, 11, 1), date(2026, 9, 1)


@pytest.fixture(scope="session")
def opened(codebook: CodeBook) -> OpenBook:
    return OpenBook(codebook, AFTER)


def test_the_first_page_lists_the_chapters(opened: OpenBook) -> None:
    """In their order, with titles."""
    page = opened.turn_to("")
    assert page is not None and len(page.under) == 22
    assert (page.under[8].place, page.under[8].title) == ("Chapter 9", "Diseases of the circulatory system")


def test_every_code_is_reached_from_the_first_page(codebook: CodeBook, opened: OpenBook) -> None:
    """Chapters hold blocks, blocks categories, and the new categories stand in their chapter."""
    first = opened.turn_to("")
    assert first is not None
    blocks = [s.place for chapter in first.under for s in (opened.turn_to(chapter.place) or first).under]
    categories = {s.place for b in blocks for s in (opened.turn_to(b) or first).under if "-" in b or " " in b}
    categories |= {b for b in blocks if b[:3] == b}
    assert {code[:3] for code in codebook.billable_codes(AFTER)} <= categories


def test_a_code_shows_where_it_stands_and_what_it_inherits(opened: OpenBook) -> None:
    """Chapter, block and category above it, their notes with the place they come from."""
    page = opened.turn_to("e1165")
    assert page is not None and page.entry is not None and page.notes is not None
    assert [step.place for step in page.above] == ["Chapter 4", "E08-E13", "E11", "E11.6"]
    assert page.step.mark == "billable" and page.days[0][0] == date(2015, 10, 1)
    assert any(note.source == "E11" and note.inherited for note in page.notes.use_additional)


def test_marks_follow_the_date_of_service(codebook: CodeBook, opened: OpenBook) -> None:
    """I42.0 is billable before October 2026 and a heading after; I42.00 is not in force before."""
    assert (opened.turn_to("I42.0") or pytest.fail()).step.mark == ""
    before = OpenBook(codebook, BEFORE)
    assert (before.turn_to("I42.0") or pytest.fail()).step.mark == "billable"
    assert (before.turn_to("I42.00") or pytest.fail()).step.mark == "not in force"


def test_blocks_and_chapters_have_notes(opened: OpenBook) -> None:
    """A block shows its own notes first, then those of the chapter."""
    page = opened.turn_to("I20-I25")
    assert page is not None and page.notes is not None and page.notes.code_also
    assert not page.notes.code_also[0].inherited and page.above[0].place == "Chapter 9"


def test_the_index_leads_to_codes(opened: OpenBook) -> None:
    """Letter, main term, subterm: a line with a code names it."""
    letters = opened.turn_to("index")
    assert letters is not None and "index:D" in [s.place for s in letters.under]
    letter = opened.turn_to("index:D")
    assert letter is not None
    main = next(s for s in letter.under if s.title.startswith("Diabetes, diabetic"))
    page = opened.turn_to(main.place)
    assert page is not None and main.code == "E11.9" and [s.place for s in page.above] == ["index", "index:D"]
    with_ = opened.turn_to(f"{main.place}|with")
    assert with_ is not None and any(s.code == "E11.36" for s in with_.under)


def test_a_line_of_the_index_says_where_it_refers_to(opened: OpenBook) -> None:
    """The reference as printed beside the code that it comes to, and the line that it names."""
    page = opened.turn_to("index:Painful|erection")
    assert page is not None and (page.step.see, page.step.code) == ("see Priapism", "N48.30")
    target = opened.turn_to(page.step.leads)
    assert target is not None and target.step.title == "Priapism" and target.step.see == ""


def test_the_table_of_neoplasms_and_the_causes_are_read_too(opened: OpenBook) -> None:
    """A site with its six columns; an index of external causes; both are reached from the Alphabetic Index."""
    index = opened.turn_to("index")
    assert index is not None and {"neoplasms", "causes"} < {s.place for s in index.under}
    breast = opened.turn_to("neoplasms:breast")
    assert breast is not None
    assert [(s.title, s.code) for s in breast.under[:2]] == [("primary", "C50.9"), ("secondary", "C79.81")]
    fall = opened.turn_to("causes:F")
    assert fall is not None and any(s.title == "Fall, falling" for s in fall.under)


@pytest.mark.parametrize(
    "place", ["nope", "index:", "index:Nothing of that name", "indexes", "Chapter 99", "S82.999", "\x00"]
)
def test_a_place_that_is_none_is_told(opened: OpenBook, place: str) -> None:
    """No page, no error."""
    assert opened.turn_to(place) is None
