"""The thesaurus: every line can be read, names codes of the book, and says something once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from model.codebook import CodeBook
from model.tokens import content_words, term_key
from model.train.house import THESAURUS, read_thesaurus
from model.train.terms import GENERAL_WORDS

FILES = sorted(THESAURUS.glob("*.tsv"))
DAYS = (date(2026, 10, 1), date(2025, 10, 1))  # the first of each edition


@dataclass(frozen=True)
class Wording:
    """One of the wordings of a line, and the key of its term."""

    place: str
    code: str
    words: str
    key: str


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Without remarks."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line and not line.startswith("#"):
            yield number, line


@pytest.fixture(scope="module")
def wordings() -> list[Wording]:
    return [
        Wording(f"{path.name}:{number}", code, words, term_key(content_words(words)))
        for path in FILES
        for number, line in lines(path)
        for code, _, all_words in [line.partition("\t")]
        for words in all_words.split("|")
    ]


def test_lines_are_code_and_wordings() -> None:
    """A line is a code, one tab and wordings parted by strokes, with nothing around them."""
    assert FILES
    for path in FILES:
        for number, line in lines(path):
            parts = line.split("\t")
            assert len(parts) == 2, (path.name, number)
            assert all(part == part.strip() for part in (parts[0], *parts[1].split("|"))), (path.name, number)


def test_every_code_can_be_billed(codebook: CodeBook, wordings: list[Wording]) -> None:
    """In one of the two editions at least it is billable or has billable codes under it."""
    codes = {w.code: w.place for w in wordings}
    assert not {c: at for c, at in codes.items() if not any(codebook.billable_descendants(c, day) for day in DAYS)}


def test_every_wording_says_something(wordings: list[Wording]) -> None:
    """None is without words that carry meaning, and none is a general word alone."""
    assert not [(w.place, w.words) for w in wordings if not w.key or w.key in GENERAL_WORDS]


def test_no_wording_twice_for_a_code(wordings: list[Wording]) -> None:
    """Neither in the same letters nor in another spelling or order of the same words."""
    counts = Counter((w.code, w.key) for w in wordings)
    assert not [pair for pair, number in counts.items() if number > 1]


def test_the_thesaurus_is_read_whole(wordings: list[Wording]) -> None:
    """Every wording is a term that names its code, marked as the thesaurus's own, and there are no other terms."""
    terms = read_thesaurus()
    assert not [(w.place, w.words) for w in wordings if f"w:{w.code}" not in terms.get(w.key, "").split()]
    assert terms.keys() == {w.key for w in wordings}


def test_a_general_word_alone_names_nothing(tmp_path: Path) -> None:
    """It is left out wherever it stands; beside another word it counts, and a term keeps the codes of every file."""
    (tmp_path / "a.tsv").write_text("# remark\n\nR53.83\texhaustion|of the|heat exhaustion\n", encoding="utf-8")
    (tmp_path / "b.tsv").write_text("T67.5XXA\texhaustion by heat\n", encoding="utf-8")
    (tmp_path / "c.txt").write_text("R05.9\tcough\n", encoding="utf-8")
    assert "exhaustion" in GENERAL_WORDS
    assert read_thesaurus(tmp_path) == {"exhaustion heat": "w:R53.83 w:T67.5XXA"}
