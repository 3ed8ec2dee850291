"""What a card says before a decision: other codes in plain words."""

from dataclasses import replace

import pytest
from sample_review import SUGGESTIONS

from smartapp.reviews import Alternative
from smartapp.views.explaining import if_said, instead_of

COPD = "Chronic obstructive pulmonary disease"


@pytest.mark.parametrize(
    ("title", "other", "words"),
    [
        ("Pain in right knee", "Pain in left knee", "if the note said “left”"),
        ("Pain in right knee", "Pain in unspecified knee", "if the note did not say “right”"),
        (f"{COPD}, unspecified", f"{COPD} with exacerbation", "if the note said “with exacerbation”"),
        (f"{COPD} with exacerbation", f"{COPD}, unspecified", "if the note did not say “with exacerbation”"),
        ("Hypokalemia", "Fracture of left femur", "if the note meant this instead"),
    ],
)
def test_what_the_note_would_have_to_say(title: str, other: str, words: str) -> None:
    """The difference of the titles; of titles that have little in common, none is made up."""
    assert if_said(title, other) == words


def test_alternatives_that_fit_nowhere_are_left_out() -> None:
    """The best comes first; what would be shown as 0 % is not shown."""
    others = (Alternative("A", "One", 0.004), Alternative("B", "Two", 0.2), Alternative("C", "Three", 0.3))
    assert [i.code for i in instead_of(replace(SUGGESTIONS[0], alternatives=others))] == ["C", "B"]
