"""Headings of real notes."""

import pytest

from model.sections import SectionKind, read_sections, section_at


def kinds(text: str) -> list[tuple[str | None, SectionKind]]:
    return [(s.heading, s.kind) for s in read_sections(text)]


def test_lines_in_capitals() -> None:
    """Office notes head their sections with lines in capitals."""
    text = "CHIEF COMPLAINT\n\nCough.\n\nASSESSMENT AND PLAN\n\nBronchitis.\n• Medical Treatment: fluids."
    assert kinds(text) == [
        ("CHIEF COMPLAINT", SectionKind.COMPLAINT),
        ("ASSESSMENT AND PLAN", SectionKind.ASSESSMENT),
    ]


def test_line_breaks_lost_to_commas() -> None:
    """Transcribed notes whose line breaks became commas keep their headings."""
    text = "SUBJECTIVE:,  Cough.,PHYSICAL EXAMINATION: ,LUNGS:  Clear.,IMPRESSION:,1.  Bronchitis."
    assert [k for _, k in kinds(text)] == [
        SectionKind.PRESENT_ILLNESS,
        SectionKind.EXAMINATION,
        SectionKind.ASSESSMENT,
    ]


@pytest.mark.parametrize("mark", ["## Assessment", "**Assessment**", "Assessment:", "ASSESSMENT:", "3. ASSESSMENT"])
def test_forms_of_a_heading(mark: str) -> None:
    """Markdown, a colon and a number make no difference."""
    sections = read_sections(f"Seen today.\n{mark}\nBronchitis.")
    assert sections[-1].kind is SectionKind.ASSESSMENT


@pytest.mark.parametrize(
    "text", ["", "x", "no headings at all", "ROS:\r\nnegative\r\nPLAN:\rrest", "\ud800 PLAN: \udfff"]
)
def test_sections_cover_the_text(text: str) -> None:
    """Every character belongs to one section."""
    sections = read_sections(text)
    assert "".join(text[s.start : s.end] for s in sections) == text
    assert all(section_at(sections, i) is not None for i in range(len(text)))


def test_next_note_begins_without_heading() -> None:
    """The heading of one note says nothing of the next note of the encounter."""
    sections = read_sections("FAMILY HISTORY: diabetes.\n\f\nSeen for cough.")
    assert sections[-1].kind is SectionKind.NONE


def test_soap() -> None:
    """Single letters head the parts of a SOAP note; a pulse does not."""
    text = "S: Cough.\nO: Lungs clear.\nP: 80\nA: Bronchitis.\nP: Fluids."
    assert kinds(text) == [
        ("S", SectionKind.PRESENT_ILLNESS),
        ("O", SectionKind.EXAMINATION),
        ("A", SectionKind.ASSESSMENT),
        ("P", SectionKind.PLAN),
    ]
