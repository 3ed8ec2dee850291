"""Abbreviations are written out for the tagger, and every character still stands where it stood."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tiny import tiny_tokenizer

import model
from model.sections import read_sections
from model.spelling_out import SpelledOut
from model.windows import windows

WORDS = st.sampled_from(["HTN", "copd", "Dm", "patient", "CADENCE", "ED", ",", "\n", " ", "é"])


@pytest.mark.parametrize(
    ("note", "read"),
    [
        ("PMH: DM, HTN", "PMH: diabetes mellitus, hypertension"),
        ("copd exacerbation", "chronic obstructive pulmonary disease exacerbation"),
        ("seen in the ED", "seen in the ED"),  # an emergency department more often than what a claim lists
        ("CADENCE", "CADENCE"),
        ("", ""),
    ],
)
def test_words_in_the_place_of_abbreviations(note: str, read: str) -> None:
    assert SpelledOut(note).text == read


@given(st.lists(WORDS).map("".join) | st.lists(WORDS).map(" ".join) | st.text(max_size=60))
@example("HTNHTN HTN")
def test_every_character_has_its_place(note: str) -> None:
    """What was written out stands for the abbreviation as a whole, all else for itself."""
    spelled = SpelledOut(note)
    covered = set()
    for at, letter in enumerate(spelled.text):
        start, end = spelled.origin(at, at + 1)
        assert 0 <= start < end <= len(note)
        assert end - start > 1 or note[start] == letter
        covered.update(range(start, end))
    assert covered == set(range(len(note)))
    places = [spelled.origin(at, at + 1) for at in range(len(spelled.text))]
    assert places == sorted(places)


def test_the_tagger_reads_the_words_at_the_abbreviation() -> None:
    """Each piece of 'hypertension' is a piece of its own, and all of them stand for 'HTN'."""
    note = "PMH: HTN."
    tokenizer = tiny_tokenizer()
    (window,) = windows(tokenizer, note, read_sections(note))
    written = tokenizer.encode("hypertension", add_special_tokens=False).ids
    places = [at for at, span in enumerate(window.spans) if span == (5, 8)]
    assert [window.ids[window.first + at] for at in places] == written
    assert window.spans[-1] == (8, 9)


def test_an_abbreviation_shortens_one_thing() -> None:
    lines = (Path(model.__file__).parent / "spelled_out.tsv").read_text(encoding="utf-8").splitlines()
    short = [line.partition("\t")[0] for line in lines if not line.startswith("#")]
    assert short == sorted(set(short))
    assert all(word == word.lower() and word.isalnum() for word in short)
