"""Notes put together from terms."""

from pathlib import Path

import pytest

from model.codebook import CodeBook
from model.train.building import all_terms
from model.train.stated import PREFIX, stated_notes


@pytest.fixture(scope="module")
def codebook(small_artifact: Path) -> CodeBook:
    return CodeBook.load(small_artifact / "codebook")


@pytest.fixture(scope="module")
def terms(codebook: CodeBook) -> dict[str, str]:
    return all_terms(codebook, [])


def test_each_diagnosis_stands_in_the_text(codebook: CodeBook, terms: dict[str, str]) -> None:
    """Every right code is billable and quoted word for word; the same seed gives the same notes."""
    notes = stated_notes(codebook, terms, [frozenset({"E11.9"})], 40)
    assert notes == stated_notes(codebook, terms, [frozenset({"E11.9"})], 40)
    assert len({note["id"] for note in notes}) == 40
    assert all(note["id"].startswith(PREFIX) for note in notes)
    codes = [code for note in notes for code in note["core"]]
    assert all(codebook.is_billable(code["code"], None) for code in codes)
    assert all(quote in note["text"] for note in notes for code in note["core"] for quote in code["evidence"])
    assert {note["setting"] for note in notes} == {"inpatient", "outpatient"}


def test_common_conditions_are_stated_more_often(codebook: CodeBook, terms: dict[str, str]) -> None:
    """A category that many coded notes name comes up in nearly every note, else as often as others."""

    def named(coded: list[frozenset[str]]) -> int:
        notes = stated_notes(codebook, terms, coded, 20)
        return sum(any(code["code"].startswith("E11") for code in note["core"]) for note in notes)

    assert named([]) < 10
    assert named([frozenset({"E11.9"})] * 4_000) >= 18


def test_a_wording_of_several_codes_states_none(codebook: CodeBook) -> None:
    """Only what names one code alone can stand for it."""
    with pytest.raises(IndexError):
        stated_notes(codebook, {"murmur": "x:R01.1 x:Q24.9"}, [], 1)
