"""Figures by how often training notes carry a code, and by chapter."""

from collections.abc import Callable

import pytest

from model.codebook import CodeBook
from model.evaluate.figures import Resamples
from model.evaluate.groups import BANDS, CHAPTERS, Seen, chapter, groups
from model.evaluate.outcomes import judge
from model.prediction import Policy


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("A00.0", 1), ("B99.9", 1), ("C00.0", 2), ("D49.9", 2), ("D50.0", 3), ("F01.50", 5), ("H59.89", 7),
        ("H60.00", 8), ("I10", 9), ("O9A.111", 15), ("QA0.011", 17), ("R69", 18), ("T88.9XXA", 19), ("U07.1", 22),
        ("W19.XXXA", 20), ("Y99.9", 20), ("Z99.89", 21),
    ],
)  # fmt: skip
def test_chapters_of_the_tabular_list(code: str, number: int) -> None:
    assert chapter(code).startswith(f"{number} ")


def test_every_code_of_the_book_has_a_chapter_and_every_chapter_a_code(codebook: CodeBook) -> None:
    assert {chapter(code) for code in codebook.billable_codes()} == set(CHAPTERS)


def test_a_split_code_and_its_descendants_are_one(gold: Callable) -> None:
    """Whichever of them the training notes carry, right or acceptable; each note is counted once."""
    train = [
        gold({"M54.5": "pain"}),
        gold({"M54.50": "pain", "M54.51": "pain"}),
        gold({"E11.22": "Diabetes"}),
        gold({}, acceptable=["I10"]),
    ]
    seen = Seen(train, {"M54.5"})
    counts = {code: seen.count(code) for code in ("M54.5", "M54.50", "M54.59", "E11.2", "E11.22", "I10", "R05.9")}
    assert counts == {"M54.5": 2, "M54.50": 2, "M54.59": 1, "E11.2": 0, "E11.22": 1, "I10": 1, "R05.9": 0}


@pytest.mark.parametrize(("notes", "band"), [(0, "0"), (1, "1-5"), (5, "1-5"), (6, "6-20"), (20, "6-20"), (21, ">20")])
def test_bands(notes: int, band: str, gold: Callable) -> None:
    assert Seen([gold({"I10": "pain"})] * notes, ()).band("I10") == band
    assert band in BANDS


def test_figures_of_groups_worked_by_hand(code: Callable, prediction: Callable, gold: Callable) -> None:
    """A wrong code counts where it belongs itself; a group without a code is left out."""
    coded = gold({"I10": "Fever", "I50.9": "cough", "M54.5": "pain"})
    listed = prediction([code("I10", 0.9), code("M54.50", 0.8), code("J45.909", 0.7)])
    outcome = judge(coded, listed, Policy.EXHAUSTIVE, {"M54.5"})
    found = groups([outcome], chapter, CHAPTERS, Resamples(1, 5))
    assert list(found) == ["9 Circulation", "10 Breathing", "13 Muscles, bones, joints"]
    heart, lungs, bones = found.values()
    assert (heart.gold, heart.predicted, heart.precision.value, heart.recall.value) == (2, 1, 1, 0.5)
    assert heart.f1.value == pytest.approx(2 / 3)
    assert (lungs.gold, lungs.predicted, lungs.precision.value, lungs.recall.value) == (0, 1, 0, None)
    assert (bones.gold, bones.predicted, bones.f1.value) == (1, 1, 1)
