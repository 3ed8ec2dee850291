"""Instructional notes, inherited down the tree."""

from model.codebook import CodeBook, Note
from model.codebook.notes import names_code


def test_excludes1_is_inherited_from_the_category(codebook: CodeBook) -> None:
    """What E11 excludes, every code under it excludes, and the note says where it stands."""
    notes = codebook.notes("E11.22").excludes1
    note = next(n for n in notes if n.text == "type 1 diabetes mellitus (E10.-)")
    assert note.inherited and note.source == "E11"
    assert next(n for n in codebook.notes("E11").excludes1 if n.text == note.text).inherited is False


def test_notes_of_the_chapter_apply(codebook: CodeBook) -> None:
    """A note of the chapter reaches its codes."""
    assert any(n.source == "Chapter 4" for n in codebook.notes("E11.22").excludes1)


def test_own_notes_come_first(codebook: CodeBook) -> None:
    """The nearest note is the first."""
    first, *_ = codebook.notes("E11.22").use_additional
    assert first.source == "E11.22" and "stage of chronic kidney disease" in first.text


def test_code_first_is_kept_apart_from_use_additional(codebook: CodeBook) -> None:
    """A manifestation says what to code first."""
    assert codebook.notes("F02.80").code_first and not codebook.notes("I10").code_first


def test_seventh_characters_come_from_the_nearest_table(codebook: CodeBook) -> None:
    """A sprain takes A, D and S; a fracture of the forearm the long table; a code without a table none."""
    assert dict(codebook.notes("S93.401").seventh) == {
        "A": "initial encounter",
        "D": "subsequent encounter",
        "S": "sequela",
    }
    assert codebook.notes("S52.501A").seventh["B"].startswith("initial encounter for open fracture")
    assert not codebook.notes("I10").seventh


def test_note_names_codes_under_a_heading_and_in_a_range() -> None:
    """`(E10.-)` names E10.9, `(C00-D49)` names C50.911, and neither names I10."""
    note = Note("neoplasm (C00-D49), type 1 diabetes (E10.-)", "E11", False)
    assert names_code(note, "E10.9") and names_code(note, "C50.911") and names_code(note, "D49.9")
    assert not names_code(note, "I10") and not names_code(note, "D50.0")
    assert not names_code(Note("prior B12 deficiency", "E11", False), "B12")
