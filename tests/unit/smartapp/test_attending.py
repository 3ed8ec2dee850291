"""Too much at once, and charts that wait for a worker."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from coding_bench import ANA, Bench

from smartapp import jobs, reading
from smartapp.attending import FOLLOW_UP, QueueUnavailable
from smartapp.coding import Coding
from smartapp.errors import PredictorBusy, TooBusy
from smartapp.reviews import Action, ReviewStatus

READING, READY, FAILED, WRITTEN = (
    ReviewStatus.READING,
    ReviewStatus.READY,
    ReviewStatus.FAILED,
    ReviewStatus.WRITTEN,
)


@dataclass
class FakeQueue:
    """Keeps what is put into it; `fails` is raised instead."""

    kept: list[tuple[str, timedelta]] = field(default_factory=list)
    fails: Exception | None = None

    def put(self, launch: str, after: timedelta = timedelta()) -> None:
        if self.fails:
            raise self.fails
        self.kept.append((launch, after))

    def length(self) -> int:
        return len(self.kept)

    def workers(self) -> int:
        return 1


@pytest.fixture
def queue(bench: Bench) -> FakeQueue:
    """The bench's use cases, as a web process with a queue has them; its client is of the launch `l1`."""
    queue, before = FakeQueue(), bench.coding
    bench.client.launch = "l1"
    bench.coding = Coding(
        bench.store, bench.predictor, before._codebook, bench.jobs, bench.clock, bench.ladder_for, queue=queue
    )
    return queue


def test_opening_puts_a_chart_into_the_queue_once(bench: Bench, queue: FakeQueue) -> None:
    """However often the page asks; it is read by whoever attends to it, and by nobody twice."""
    for _ in range(3):
        assert bench.coding.open(bench.key, bench.client).status is READING
    assert queue.kept == [("l1", timedelta())]
    assert bench.coding.attending.attend(bench.key, bench.client, ANA)
    assert bench.coding.review(bench.key).status is READY
    assert bench.coding.attending.attend(bench.key, bench.client, ANA)  # delivered again
    assert len(bench.predictor.documents) == 1


def test_what_the_queue_lost_is_put_there_again(bench: Bench, queue: FakeQueue) -> None:
    """Not at once, but when nobody has begun after a while."""
    bench.coding.open(bench.key, bench.client)
    bench.clock.forward(15)
    bench.coding.open(bench.key, bench.client)
    bench.clock.forward(10)
    bench.coding.open(bench.key, bench.client)
    assert len(queue.kept) == 2


def test_a_worker_leaves_alone_what_another_is_at(bench: Bench, queue: FakeQueue) -> None:
    """It says that it is to be looked at again; once the other is dead it goes on."""
    bench.coding.open(bench.key, bench.client)
    with bench.store.change(bench.key, bench.clock()) as draft:
        draft.claim(bench.clock())
    assert not bench.coding.attending.attend(bench.key, bench.client, ANA)
    bench.clock.forward(30)
    assert bench.coding.attending.attend(bench.key, bench.client, ANA)
    assert bench.coding.review(bench.key).status is READY


def test_without_the_broker_this_process_does_it(bench: Bench, queue: FakeQueue) -> None:
    queue.fails = QueueUnavailable()
    bench.coding.open(bench.key, bench.client)
    assert bench.until(READY).suggestions


def test_a_full_queue(bench: Bench, queue: FakeQueue) -> None:
    """Whoever asks is told to ask again, and then finds room."""
    queue.fails = TooBusy()
    with pytest.raises(TooBusy):
        bench.coding.open(bench.key, bench.client)
    queue.fails = None
    bench.coding.open(bench.key, bench.client)
    assert len(queue.kept) == 1


def test_too_much_in_this_process(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without a queue."""
    monkeypatch.setattr(jobs, "MOST_WAITING", 0)
    with pytest.raises(TooBusy):
        bench.coding.open(bench.key, bench.client)
    monkeypatch.undo()
    assert bench.ready().suggestions


def test_a_signature_is_followed_up(bench: Bench, queue: FakeQueue) -> None:
    """A worker looks later whether the write-back ended; where it did, there is nothing to do."""
    bench.coding.open(bench.key, bench.client)
    bench.coding.attending.attend(bench.key, bench.client, ANA)
    review = bench.coding.review(bench.key)
    review = bench.coding.decide(bench.key, review.version, Action.ACCEPT, "I10", None, ANA)
    assert bench.coding.sign_off(bench.key, review.version, ANA, bench.client).status is WRITTEN
    assert queue.kept[-1] == ("l1", FOLLOW_UP)
    written = len(bench.server.sent("POST", "Condition"))
    assert bench.coding.attending.attend(bench.key, bench.client, ANA)
    assert len(bench.server.sent("POST", "Condition")) == written


def test_a_busy_predictor_is_asked_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, with the page told; after the last time a person decides."""
    monkeypatch.setattr(reading, "BUSY_PAUSES", (0.0, 0.0))
    stages: list[str] = []

    def busy(times: int) -> None:
        stages.append(bench.coding.review(bench.key).stage)
        if len(stages) <= times:
            raise PredictorBusy

    bench.predictor.before = lambda: busy(2)
    bench.ready()
    assert stages == ["in 1 note", reading.BUSY, reading.BUSY]
    stages.clear()
    bench.predictor.before = lambda: busy(3)
    bench.coding.retry(bench.key, bench.client)
    assert bench.until(FAILED).failure.startswith("Many charts wait for suggestions")
