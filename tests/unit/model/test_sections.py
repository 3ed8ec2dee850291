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


def test_a_heading_whose_own_line_end_became_a_comma() -> None:
    """Only one that is known of notes; a word in capitals in a list is none."""
    text = "DISCHARGE DIAGNOSES,1.  Gastroenteritis.,2.  Anemia.,COURSE:,ALLERGIC TO SULFA, PENICILLIN."
    assert [k for _, k in kinds(text)] == [SectionKind.ASSESSMENT, SectionKind.COURSE]


@pytest.mark.parametrize("mark", ["## Assessment", "**Assessment**", "Assessment:", "ASSESSMENT:", "3. ASSESSMENT"])
def test_forms_of_a_heading(mark: str) -> None:
    """Markdown, a colon and a number make no difference."""
    sections = read_sections(f"Seen today.\n{mark}\nBronchitis.")
    assert sections[-1].kind is SectionKind.ASSESSMENT


@pytest.mark.parametrize(
    ("line", "heading", "kind"),
    [
        ("Plan - fluids", "Plan", SectionKind.PLAN),
        ("plan: fluids", "plan", SectionKind.PLAN),
        ("Assessment and plan\nfluids", "Assessment and plan", SectionKind.ASSESSMENT),
        ("Impression/Plan: fluids", "Impression/Plan", SectionKind.ASSESSMENT),
        ("Assessment & Recommendations: fluids", "Assessment & Recommendations", SectionKind.ASSESSMENT),
        ("**Plan:** fluids", "Plan", SectionKind.PLAN),
        ("=== PLAN ===\nfluids", "PLAN", SectionKind.PLAN),
        ("[ASSESSMENT]\nfluids", "ASSESSMENT", SectionKind.ASSESSMENT),
        ("Lungs clear PLAN: fluids", "PLAN", SectionKind.PLAN),
        ("Clear. Dx: croup", "Dx", SectionKind.ASSESSMENT),
    ],
)
def test_a_heading_ends_the_examination(line: str, heading: str, kind: SectionKind) -> None:
    """In whatever form it is written, so that what is planned is not read as found."""
    assert kinds(f"Objective: lungs clear\n{line}")[-1] == (heading, kind)


@pytest.mark.parametrize("mark", [")", " -", ":"])
def test_letters_of_a_soap_note(mark: str) -> None:
    """The letters head sections together; a lone 'A)' is an item of a list."""
    told = f"S{mark} cough\nO{mark} clear\nA{mark} croup\nP{mark} fluids"
    assert [heading for heading, _ in kinds(told)] == ["S", "O", "A", "P"]
    assert kinds("Two things:\nA) croup\nB) fever") == [(None, SectionKind.NONE)]


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
