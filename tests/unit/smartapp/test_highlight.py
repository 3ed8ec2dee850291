"""Marks in notes: evidence that overlaps is cut into pieces, and no character is lost."""

from hypothesis import given
from hypothesis import strategies as st

from smartapp.views.highlight import Passage, Segment, Strength, segments

TEXTS = st.text(alphabet=st.sampled_from("aé: \n\r\t\0<&\u202e🙂"), max_size=40)
PASSAGES = st.lists(
    st.builds(
        Passage, st.integers(-5, 45), st.integers(-5, 45), st.sampled_from(["I10", "E11.9"]), st.sampled_from(Strength)
    ),
    max_size=8,
)


def passage(start: int, end: int, code: str = "I10", strength: Strength = Strength.SUGGESTED) -> Passage:
    return Passage(start, end, code, strength)


def shown(pieces: tuple[Segment, ...]) -> list[tuple[str, tuple[str, ...]]]:
    return [(piece.text, piece.codes) for piece in pieces]


@given(TEXTS, PASSAGES)
def test_joined_segments_are_the_text(text: str, passages: list[Passage]) -> None:
    """Whatever is marked, the pieces joined are the text, each at its place."""
    pieces = segments(text, passages)
    assert "".join(piece.text for piece in pieces) == text
    assert all(text.startswith(piece.text, piece.start) and piece.text for piece in pieces)


@given(TEXTS, PASSAGES)
def test_each_character_has_exactly_its_codes(text: str, passages: list[Passage]) -> None:
    """A character is marked with the codes of all the evidence it lies in, at the strength of the strongest."""
    for piece in segments(text, passages):
        for place in range(piece.start, piece.start + len(piece.text)):
            over = [p for p in passages if p.start <= place < p.end]
            assert set(piece.codes) == {p.code for p in over}
            assert piece.strength == max((p.strength for p in over), default=None)


@given(TEXTS, PASSAGES)
def test_every_evidence_begins_a_segment(text: str, passages: list[Passage]) -> None:
    """The link of an evidence finds its mark: a piece begins where the evidence begins."""
    starts = {piece.start for piece in segments(text, passages) if piece.codes}
    assert {p.start for p in passages if 0 <= p.start < min(p.end, len(text))} <= starts


def test_overlap_is_flattened() -> None:
    """Two overlapping passages give three marks, the middle one with both codes."""
    pieces = segments("0123456789", [passage(0, 6), passage(4, 10, "E11.9")])
    assert shown(pieces) == [("0123", ("I10",)), ("45", ("I10", "E11.9")), ("6789", ("E11.9",))]


def test_the_strongest_decides() -> None:
    """Where suggested and less certain evidence overlap, the suggested code comes first and decides the look."""
    pieces = segments("0123", [passage(0, 4, "Z85.3", Strength.LESS_CERTAIN), passage(0, 4, "I10")])
    assert [(p.codes, p.strength) for p in pieces] == [(("I10", "Z85.3"), Strength.SUGGESTED)]


def test_labels_at_line_starts_stand_out() -> None:
    """Headings and labels are recognised at the beginning of a line, and nowhere else."""
    pieces = segments("Vital Signs:\nBP: 120/80 at 10:30, said: fine", [])
    assert [p.text for p in pieces if p.label] == ["Vital Signs:", "BP:"]


def test_empty_text_has_no_segments() -> None:
    """An empty note is an empty note."""
    assert segments("", [passage(0, 3)]) == ()
