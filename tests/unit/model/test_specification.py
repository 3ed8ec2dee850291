"""A diagnosis as specific as its own line, and no more."""

from collections.abc import Callable

import pytest

from model.codebook import CodeBook
from model.guidelines.claim import Claimed
from model.predictor import BookCodes
from model.specification import Specifier
from model.tokens import tokenise


def specify(codebook: CodeBook, code: str, said: str) -> str:
    words = frozenset(token.norm for token in tokenise(said) if token.word)
    return Specifier(BookCodes(codebook)).specify(code, words, None)


@pytest.mark.parametrize(
    ("code", "said", "fuller"),
    [
        ("L89.93", "pressure ulcer of sacrum, stage 3", "L89.153"),
        ("L97.519", "foot ulcer of the right heel with fat layer exposed", "L97.412"),
        ("F31.10", "bipolar disorder, current episode manic, severe", "F31.13"),
        ("M80.00XA", "age-related osteoporosis with current pathological fracture of a vertebra", "M80.08XA"),
        ("I48.91", "chronic atrial fibrillation", "I48.20"),
        ("I82.90", "acute thrombosis of the right femoral vein", "I82.411"),
    ],
)
def test_all_that_the_title_says_is_said(codebook: CodeBook, code: str, said: str, fuller: str) -> None:
    """Site, side, stage and kind from the words of the line (Sections I.B.2 and I.B.13)."""
    assert specify(codebook, code, said) == fuller


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("L89.90", "pressure ulcer"),
        ("I48.91", "atrial fibrillation on apixaban"),
        ("I10", "hypertension, severe"),
        ("J45.20", "mild intermittent asthma"),
        ("E78.00", "elevated cholesterol, lipoprotein next time"),
    ],
)
def test_nothing_is_guessed(codebook: CodeBook, code: str, said: str) -> None:
    """An unspecified code stays where the words leave it open (Section I.B.18)."""
    assert specify(codebook, code, said) == code


def test_a_line_of_the_assessment_is_specified(claim: Callable[..., Claimed]) -> None:
    """In the assessment the line makes the code; the same words in the history do not."""
    said = "Burn scar. Osteoarthritis of knee, right, primary."
    assert "M17.11" in claim(f"ASSESSMENT:\n{said}").supports
    assert "M17.11" not in claim(f"FAMILY HISTORY:\n{said}").supports
