"""From codes of the index to billable codes."""

import pytest

from model.candidates import Resolver
from model.codebook import CodeBook
from model.predictor import BookCodes


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        ("M25.56", {"knee", "pain", "right"}, ("M25.561",)),
        ("M25.56", {"knee", "pain"}, ("M25.569",)),
        ("M25.569", {"knee", "pain", "left"}, ("M25.562",)),
        ("S93.40", {"ankle", "sprain", "right"}, ("S93.401A",)),
        ("I10", {"right", "hypertension"}, ("I10",)),
        ("M77.0", {"medial", "epicondylitis", "bilateral"}, ("M77.01", "M77.02")),
        ("G56.0", {"carpal", "tunnel", "bilateral"}, ("G56.03",)),
        ("Q99.999", set(), ()),
        ("F03", {"dementia"}, ("F03.90",)),
        ("F11.2", {"opioid", "dependence"}, ("F11.20",)),
        ("L89.60", {"heel", "left", "stage", "3"}, ("L89.623",)),
        ("L89.60", {"heel", "stage", "3"}, ("L89.603",)),
        ("S42.41", {"supracondylar", "fracture", "left", "displaced"}, ("S42.412A",)),
        ("H25.1", {"nuclear", "cataract", "ou"}, ("H25.13",)),
        ("M17.1", {"knee", "ou"}, ("M17.10",)),
        ("M17.1", {"knee", "both"}, ("M17.0",)),
        ("M16.5", {"hip", "bilateral"}, ("M16.4",)),
        ("M18.1", {"bilateral"}, ("M18.0",)),
    ],
)
def test_as_specific_as_the_words(codebook: CodeBook, code: str, words: set[str], expected: tuple[str, ...]) -> None:
    """The side comes from the text, else the unspecified leaf; an injury is an initial encounter by default."""
    assert Resolver(BookCodes(codebook)).resolve(code, frozenset(words), None) == expected


def test_only_billable_codes(codebook: CodeBook) -> None:
    """Whatever is asked, what comes back is billable on the day."""
    resolver = Resolver(BookCodes(codebook))
    for category in ("I50", "E11", "S82", "C50", "M17", "H40", "T36", "O24", "Z3A"):
        for code in resolver.resolve(category, frozenset({"left", "acute"}), None):
            assert codebook.is_billable(code)
