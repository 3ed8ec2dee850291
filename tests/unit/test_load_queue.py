"""The measure of the queue: it comes to its end, whatever the charts do."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
from load_queue import STUCK_AFTER, NoRate, rate
from sample_review import ready_review

from smartapp.reviews import Review, ReviewStatus

READING, CODING, READY, FAILED = (ReviewStatus(s) for s in ("reading", "coding", "ready", "failed"))


class Charts:
    """That stand so, one look after the other, with so many seconds between two; the last one stays."""

    def __init__(self, *looks: Sequence[ReviewStatus], apart: float = 10.0) -> None:
        self._looks, self._now, self._apart = itertools.chain(looks, itertools.repeat(looks[-1])), 0.0, apart

    def look(self) -> list[Review]:
        return [replace(ready_review(), status=status, failure="Why.") for status in next(self._looks)]

    def rate(self) -> float:
        return rate(self.look, lambda: 7, lambda: self._now, self._sleep)

    def _sleep(self, _: float) -> None:
        self._now += self._apart


def test_charts_an_hour() -> None:
    """What is coded when the clock starts does not count: two charts in twenty seconds."""
    charts = Charts((READY, READING, READING), (READY, READY, CODING), (READY, READY, READY))
    assert charts.rate() == pytest.approx(360)


def test_charts_that_stand_still_end_the_wait() -> None:
    """Nobody takes them, or somebody no longer goes on: how they stand is told, and how many wait."""
    charts = Charts((READY, READING, CODING))
    with pytest.raises(NoRate) as why:
        charts.rate()
    assert str(why.value) == "No chart came to its end for 120 s: 1 coding, 1 reading, 1 ready; 7 in the queue."
    assert STUCK_AFTER < charts._now < 2 * STUCK_AFTER


def test_slow_is_not_stuck() -> None:
    """Each chart that comes to its end gives the others their time anew."""
    assert (
        Charts((READING,) * 3, (READY, READING, READING), (READY, READY, READING), (READY,) * 3, apart=100).rate() > 0
    )


@pytest.mark.parametrize(
    ("looks", "words"),
    [
        (((READING, READING), (READY, FAILED)), "1 of 2 charts were not coded: Why."),
        (((READY, READY),), "too few to tell"),
    ],
)
def test_a_figure_that_would_tell_nothing_is_not_told(looks: Sequence[Sequence[ReviewStatus]], words: str) -> None:
    """Charts that failed were quick, and so were those that nobody saw waiting."""
    with pytest.raises(NoRate, match=words):
        Charts(*looks).rate()
