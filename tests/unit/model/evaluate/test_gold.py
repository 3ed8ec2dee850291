"""Spans of gold and evidence."""

import pytest

from model.document import Span
from model.evaluate.gold import overlap, quoted


@pytest.mark.parametrize(
    ("some", "others", "shared"),
    [
        ([Span(0, 5)], [Span(4, 9)], True),
        ([Span(0, 5)], [Span(5, 9)], False),  # they touch and share nothing
        ([Span(5, 9)], [Span(0, 5)], False),
        ([Span(0, 1), Span(6, 7)], [Span(5, 9)], True),
        ([], [Span(5, 9)], False),
    ],
)
def test_spans_overlap_where_they_share_a_character(some: list[Span], others: list[Span], shared: bool) -> None:
    assert overlap(some, others) is shared


def test_a_quote_stands_wherever_it_is_written() -> None:
    """Also where two places overlap; words that are not there, and no words at all, stand nowhere."""
    assert quoted("anana", ["ana", "x", ""]) == (Span(0, 3), Span(2, 5))
