"""The more specific of two suggested codes stands."""

import pytest

from model.codebook import CodeBook
from model.document import Span
from model.guidelines.specific import yielding_codes
from model.predictor import Excluder


def yielding(codebook: CodeBook, **words: tuple[int, int]) -> set[str]:
    """Codes written with _ for the dot, each with the characters that prove it."""
    spans = {code.replace("_", "."): [Span(*span)] for code, span in words.items()}
    titles = {code: entry.title for code in spans if (entry := codebook.get(code))}
    return set(yielding_codes(spans, titles, spans, Excluder(codebook)))


@pytest.mark.parametrize(
    ("vague", "specific"),
    [
        ("I50.9", "I50.22"), ("I50.9", "I50.23"), ("N18.9", "N18.31"), ("E78.5", "E78.2"), ("E11.9", "E11.22"),
        ("E11.9", "E11.65"), ("I48.91", "I48.0"), ("F03.90", "F03.A0"), ("J45.909", "J45.20"), ("F32.A", "F33.1"),
        ("F03.A0", "G30.1"), ("F41.9", "F41.1"), ("M25.569", "M25.561"),
    ],
)  # fmt: skip
def test_unspecified_yields(codebook: CodeBook, vague: str, specific: str) -> None:
    """An unspecified code goes beside a specific one of its category, or one it excludes, wherever each is said."""
    words = {vague.replace(".", "_"): (50, 60), specific.replace(".", "_"): (0, 9)}
    assert yielding(codebook, **words) == {vague}


@pytest.mark.parametrize(
    ("one", "other"),
    [("I48.92", "I48.0"), ("M25.561", "M25.562"), ("I11.0", "I50.22"), ("E11.22", "E11.65"), ("J06.9", "J45.20"),
     ("M54.50", "M54.59"), ("F51.05", "F33.1"),
     ("F17.200", "Z87.891"), ("F17.210", "Z87.891")],
)  # fmt: skip
def test_different_conditions_stand(codebook: CodeBook, one: str, other: str) -> None:
    """Flutter beside fibrillation, two knees, and a condition with its manifestation: both stay."""
    assert yielding(codebook, **{one.replace(".", "_"): (0, 9), other.replace(".", "_"): (50, 60)}) == set()


def test_words_inside_longer_words(codebook: CodeBook) -> None:
    """Of two codes that exclude each other, one proved only inside the other's words goes."""
    assert yielding(codebook, M54_50=(6, 19), M54_41=(0, 30)) == {"M54.50"}


def test_reason_names_the_code_that_stands(codebook: CodeBook) -> None:
    """The rule cites the Guidelines and says which code says more."""
    titles = {"N18.9": "Chronic kidney disease, unspecified", "N18.4": "Chronic kidney disease, stage 4 (severe)"}
    rule = yielding_codes(titles, titles, {c: [Span(0, 3)] for c in titles}, Excluder(codebook))["N18.9"]
    assert "N18.4" in rule.reason
    assert rule.citation.endswith("I.B.2 and I.B.18")
