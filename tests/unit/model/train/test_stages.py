"""Stages of a training run: done once, done again when what they rest on has changed, never half done."""

from collections.abc import Callable
from pathlib import Path

import pytest

from model.train.stages import Work


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path)


def counting(made: list[str]) -> Callable[[Path], None]:
    """Writes how often it was called."""

    def make(folder: Path) -> None:
        made.append(folder.name)
        (folder / "result").write_text(str(len(made)), encoding="utf-8")

    return make


def test_a_finished_stage_is_not_made_again(work: Work) -> None:
    """The same inputs, however written down, give the folder that is there."""
    made: list[str] = []
    folder = work.stage("taggers/one", {"notes": "abc", "rate": [0.1, 2]}, counting(made))
    again = Work(work.folder).stage("taggers/one", {"rate": (0.1, 2), "notes": "abc"}, counting(made))
    assert folder == again == work.folder / "taggers" / "one"
    assert made == ["one"] and (folder / "result").read_text(encoding="utf-8") == "1"


@pytest.mark.parametrize("other", [["b"], ["a", "b"], {"a": None}, None])
def test_another_input_makes_it_anew(work: Work, other: object) -> None:
    """What the earlier input left behind is gone."""
    made: list[str] = []
    folder = work.stage("one", ["a"], counting(made))
    (folder / "left behind").touch()
    work.stage("one", other, counting(made))
    assert sorted(path.name for path in folder.iterdir()) == ["done.json", "result"]
    assert (folder / "result").read_text(encoding="utf-8") == "2"


def test_a_stage_that_was_broken_off_is_made_anew(work: Work) -> None:
    """Half a result is not taken for a whole one, and does not stand beside the new one."""

    def breaks_off(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work.stage("one", 1, breaks_off)
    made: list[str] = []
    folder = work.stage("one", 1, counting(made))
    assert made == ["one"] and not (folder / "half").exists()


def test_stages_do_not_touch_each_other(work: Work) -> None:
    """One that is made anew leaves the others as they are."""
    made: list[str] = []
    for name, rests_on in (("one", 1), ("two", 1), ("one", 2), ("two", 1)):
        work.stage(name, rests_on, counting(made))
    assert made == ["one", "two", "one"]
