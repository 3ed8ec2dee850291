"""Terms found in texts, with exact characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.lexicon import Lexicon
from model.reading import Reading
from model.tokens import content_words, normalise, term_key, tokenise


def lexicon(*terms: str) -> Lexicon:
    return Lexicon({term_key(content_words(t)): f"x:A{i:02}" for i, t in enumerate(terms)})


def quotes(terms: Lexicon, text: str) -> list[str]:
    return [m.span.of(text) for m in terms.find(Reading(text)) if not m.nested]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("haematuria", "hematuria"), ("oedema", "edema"), ("tumours", "tumor"), ("Sjögren", "sjogren"),
        ("renal", "kidney"), ("ulcers", "ulcer"), ("diarrhoea", "diarrhea"), ("Crohn's", "crohn"),
        ("leucocytosis", "leukocytosis"), ("biopsies", "biopsy"),
    ],
)  # fmt: skip
def test_one_norm(one: str, other: str) -> None:
    """British and American, plural and singular, accents and organs share one spelling."""
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(
    "text", ["type 2 diabetes", "diabetes, type 2", "Diabetes mellitus of type 2", "TYPE 2 DIABETES"]
)
def test_any_order(text: str) -> None:
    """A term of the index is found in the order people write it."""
    assert quotes(lexicon("Diabetes, type 2"), f"She has {text}.") == [text]


def test_longest_term_wins() -> None:
    """A term inside a longer one is not a mention of its own, and is marked where it is kept."""
    terms = lexicon("heart failure", "acute heart failure")
    found = terms.find(Reading("Acute heart failure today."))
    assert [(m.length, m.nested) for m in sorted(found, key=lambda m: m.nested)] == [(3, False), (2, True)]


@pytest.mark.parametrize("text", ["heart. failure", "heart; failure", "heart\n\nfailure", "heart          failure"])
def test_terms_end_with_the_sentence(text: str) -> None:
    """No term reaches over the end of a sentence, a paragraph or a column."""
    assert quotes(lexicon("heart failure"), text) == []


def test_wrapped_line() -> None:
    """A term may be wrapped over two lines."""
    assert quotes(lexicon("heart failure"), "known heart\nfailure") == ["heart\nfailure"]


@given(st.text(max_size=200))
def test_tokens_are_exact(text: str) -> None:
    """Tokens stand in order, do not overlap, and are characters of the text."""
    end = 0
    for token in tokenise(text):
        assert end <= token.start < token.end <= len(text)
        end = token.end


def test_offsets_after_letters_beyond_ascii() -> None:
    """Characters that take several bytes or change length in lower case move no offset."""
    text = "İstanbul 🫀 naïve straße: congestive heart failure"
    assert quotes(lexicon("congestive heart failure"), text) == ["congestive heart failure"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A1c 8.6 today", ["A1c", "8.6", "today"]), ("dose 1.5mg", ["dose", "1.5mg"]),
        ("1. Asthma", ["1", "Asthma"]), ("stage 3.", ["stage", "3"]),
    ],
)  # fmt: skip
def test_numbers_with_decimals(text: str, words: list[str]) -> None:
    """A number with decimals is one word, so that evidence never ends in the middle of it."""
    assert [text[t.start : t.end] for t in tokenise(text) if t.word] == words


@pytest.mark.parametrize(
    ("text", "found"), [("Mr. Lee", []), ("Severe MR.", ["MR"]), ("SpO2 99% MR", []), ("mr", [])],
)  # fmt: skip
def test_capitals_alone(text: str, found: list[str]) -> None:
    """An abbreviation that may be a word is one in capitals, and not behind a number."""
    assert quotes(Lexicon({"mr": "A:I34.0"}), text) == found
