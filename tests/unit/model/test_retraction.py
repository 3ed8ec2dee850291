"""Conditions that a later sentence takes back."""

import pytest

from model.assertion import assert_mentions
from model.lexicon import Lexicon
from model.prediction import Assertion
from model.reading import Reading

LEXICON = Lexicon({"copd": "x:J44.9", "gout": "x:M10.9"})


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("COPD carried from an old list; PFTs normal, I do not think he has it.", {"copd"}),
        ("Gout. COPD from an old list. I doubt it.", {"copd"}),
        ("COPD on the list. Spirometry was normal. He does not have COPD.", {"copd"}),
        ("Gout\nCOPD on the list. This is very unlikely.", {"copd"}),
        ("COPD. Gout was treated. I do not think he has it.", {"gout"}),
        ("COPD on the list. He does not have gout.", {"gout"}),
        ("COPD, treated. He has it still.", set()),
    ],
)
def test_what_is_taken_back(text: str, denied: set[str]) -> None:
    reading = Reading(text)
    mentions = LEXICON.find(reading)
    said = assert_mentions(reading, mentions, [True] * len(mentions))
    assert {m.key for m, a in zip(mentions, said, strict=True) if a is Assertion.ABSENT} == denied
