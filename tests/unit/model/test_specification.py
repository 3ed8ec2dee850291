"""A diagnosis as specific as its own line, and no more."""

import gc
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from model.codebook import CodeBook
from model.guidelines.claim import Claimed
from model.predictor import BookCodes
from model.specification import CATEGORIES_KEPT, Specifier
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
        ("G43.909", "chronic migraine", "G43.709"),  # which the code says to be without is not said
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
        ("M06.9", "rheumatoid arthritis of multiple sites"),  # with or without rheumatoid factor is not said
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


class _Tibia:
    """A category of many leaves that say nearly the same; counts how often it is read."""

    def __init__(self, leaves: int = 2) -> None:
        self.read, self._codes = 0, tuple(f"S82.{n:03}" for n in range(leaves))

    def billable_descendants(self, code: str, on: date | None) -> tuple[str, ...]:
        self.read += 1
        return self._codes

    def title(self, code: str, on: date | None) -> str:
        return f"Unspecified fracture of shaft of right tibia with displaced fragment number {code[4:]}"


def test_what_is_kept_of_the_days_does_not_grow_with_them() -> None:
    """A process lives for weeks, and each date of service has its own leaves."""
    tibia, first = _Tibia(), date(2026, 1, 1)
    specifier = Specifier(tibia)

    def ask(on: date) -> int:
        before = tibia.read
        specifier.leaves_open("S82.001", on)
        return tibia.read - before

    assert [ask(first), ask(first)] == [1, 0]
    for day in range(1, CATEGORIES_KEPT + 1):
        ask(first + timedelta(day))
    assert [ask(first + timedelta(CATEGORIES_KEPT)), ask(first)] == [0, 1]


def test_words_that_many_leaves_share_are_kept_once() -> None:
    specifier = Specifier(_Tibia(leaves=300))
    gc.collect()
    before = _sets()
    specifier.leaves_open("S82.001", None)
    assert 300 <= _sets() - before < 3 * 300  # of each leaf its title and its number; not its seven other words


def _sets() -> int:
    return sum(type(one) is frozenset for one in gc.get_objects())
