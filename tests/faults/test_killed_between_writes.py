"""A process that dies between any two requests of a sign-off or of a correction, by each rung: once, and whole."""

import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from coding_bench import ANA
from faulty_ehr import FaultyEHR
from fhir_server import FakeFHIRServer
from sample_chart import visit
from signed_chart import complaints
from signing_at_random import RUNGS, Office, Story, launched

from smartapp.reviews import Action, ReviewStatus, Rung


class Killed(BaseException):
    """As kill -9: nothing of the application runs after it."""


class DyingEHR(FaultyEHR):
    """Well, but the process that asks it dies at a given request."""

    left: int | None = None  # None: lives

    def send(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
        if self.left is not None:
            if not self.left:
                raise Killed
            self.left -= 1
        return super().send(*args, **kwargs)  # type: ignore[arg-type]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.close()


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("rung", RUNGS)
def test_killed_between_any_two_requests(office: Office, rung: Rung, corrected: bool) -> None:
    """Whoever opens it next finishes it: what was signed last is in the chart, each thing once, the rest withdrawn."""
    for requests in count():
        story, ehr = begun(office, rung, 2 * requests + corrected)
        if corrected:
            story.sign()
            story.take_up()
            story.decide(Action.ADD, "J06.9")
            story.withdraw("I10")
        ehr.left = requests
        if not died(story):
            break
        story.clock.forward(61)
        story.review = story.coding.open(story.key, launched(story.key, ehr), ANA)
        assert (story.review.status, complaints(story)) == (ReviewStatus.WRITTEN, []), requests
    assert requests > 4


def begun(office: Office, rung: Rung, seed: int) -> tuple[Story, DyingEHR]:
    server = FakeFHIRServer(served=False)
    server.put(*visit())
    ehr = DyingEHR(server, seed, 0.0)
    return office.begin(seed, rung, ehr, random.Random(seed), 0.0), ehr


def died(story: Story) -> bool:
    ehr = story.ehr
    assert isinstance(ehr, DyingEHR)
    try:
        story.sign()
    except Killed:
        ehr.left = None
        return True
    return False
