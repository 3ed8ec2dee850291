"""Terms found in texts, with exact characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.lexicon import Lexicon
from model.reading import Mention, Reading
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


def scattered(terms: Lexicon, text: str, marked: str, *, first: bool = False) -> list[Mention]:
    """Terms whose words stand apart, where the words of `marked` are marked; `first`: nothing was found before."""
    reading = Reading(text)
    wanted = set(content_words(marked))
    before = [] if first else terms.find(reading)
    return terms.find_scattered(reading, [t.norm in wanted for t in reading.tokens], before)


LESIONS = "Multiple lesions of the lung that are compatible with metastasis."


@pytest.mark.parametrize(
    ("marked", "found"),
    [("lung metastasis", 1), ("lesion lung compatible metastasis", 1), ("lung", 0), ("metastasis", 0), ("", 0)],
)  # fmt: skip
def test_scattered_words_are_all_marked(marked: str, found: int) -> None:
    """A term is found among marked words alone, whether or not others are marked too."""
    assert len(scattered(lexicon("lung metastasis"), LESIONS, marked)) == found


def test_what_a_scattered_mention_is() -> None:
    """Its span reaches from the first word to the last; its own words, and how many others stand between, are known."""
    (mention,) = scattered(lexicon("metastasis of lung"), LESIONS, "lung metastasis")
    assert mention.span.of(LESIONS) == "lung that are compatible with metastasis"
    tokens = Reading(LESIONS).tokens
    assert [tokens[i].norm for i in mention.places] == ["lung", "metastasis"]
    assert (mention.first, mention.last) == (mention.places[0], mention.places[-1] + 1)
    assert (mention.length, mention.broken, mention.nested) == (2, True, False)


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("lung and large metastasis", 1), ("lung of the metastasis", 0), ("lung, big old metastasis", 2),
        ("metastasis big old tiny lung", 3),
    ],
)  # fmt: skip
def test_gap(text: str, gap: int) -> None:
    """Words that carry meaning are counted, in whatever order the words of the term stand."""
    found = scattered(lexicon("lung metastasis"), text, "lung metastasis", first=True)
    assert [m.gap for m in found] == [gap]


def test_a_term_in_one_piece_is_found_once() -> None:
    """What is known in one piece is not found again, neither across a function word nor a comma."""
    for text in ("lung metastasis", "metastasis of the lung", "lung, metastasis"):
        assert scattered(lexicon("lung metastasis"), text, "lung metastasis") == []


@pytest.mark.parametrize("apart", [7, 8])
def test_words_too_far_apart(apart: int) -> None:
    """From the first word of a term to its last it is eight words at most."""
    text = f"lung {'big ' * apart}metastasis"
    assert len(scattered(lexicon("lung metastasis"), text, "lung metastasis")) == (apart == 7)


def test_scattered_terms_end_with_the_sentence() -> None:
    """No term is gathered from two sentences, lines or items."""
    terms = lexicon("lung metastasis")
    for end in (".", ";", "\n", "\n\n", "\f"):
        assert scattered(terms, f"The lung{end} Big metastasis", "lung metastasis") == []
    assert scattered(terms, "The lung: big metastasis", "lung metastasis")


def test_a_larger_scattered_term_makes_the_smaller_nested() -> None:
    """Two of the three words of a term are no mention of their own; two other words beside it are."""
    terms = lexicon("acute kidney failure", "kidney failure", "liver failure")
    text = "acute injury of kidney and liver, then failure"
    found = scattered(terms, text, "acute kidney liver failure")
    assert {(m.key, m.nested) for m in found} == {
        ("acute failure kidney", False), ("failure kidney", True), ("failure liver", False),
    }  # fmt: skip


def test_abbreviations_are_not_gathered() -> None:
    """A pair of words that is known in capitals alone is no term when its words stand apart."""
    assert scattered(Lexicon({"m s": "A:I34.2"}), "M then big S", "m s") == []
    assert scattered(Lexicon({"m s": "x:I34.2"}), "M then big S", "m s")


def test_a_word_said_twice_is_one_word() -> None:
    """'Lung … lung' is not the term 'lung'; nor does a single word make a scattered term."""
    assert scattered(lexicon("lung"), "lung and big lung", "lung", first=True) == []


@pytest.mark.parametrize(("before", "found"), [(37, 1), (38, 0)])
def test_only_so_many_marked_words_of_a_sentence(before: int, found: int) -> None:
    """The first forty marked words of a sentence are looked at, so that a list without end takes no long time."""
    text = "old " * before + "lung old metastasis"
    assert len(scattered(lexicon("lung metastasis"), text, "old lung metastasis", first=True)) == found


@pytest.mark.timeout(10)
def test_a_text_that_is_marked_throughout() -> None:
    """50,000 characters without a full stop, every word marked, are read in a moment."""
    text = ("lung mass metastasis failure kidney " * 1500)[:50_000]
    assert scattered(lexicon("lung metastasis", "kidney failure"), text, text[:40])


def test_scattered_words_do_not_reach_across_a_denial() -> None:
    """'Sepsis without shock' is not the term 'sepsis shock'."""
    terms = lexicon("sepsis shock")
    assert scattered(terms, "Sepsis from the lung with shock.", "sepsis shock")
    assert not scattered(terms, "Sepsis from the lung without shock.", "sepsis shock")
