"""Background threads and their heartbeat."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from smartapp.jobs import Jobs


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    jobs = Jobs(workers=2, beat_every=0.01)
    yield jobs
    jobs.stop()


def nothing() -> None:
    pass


def test_beats_while_working_and_no_longer(jobs: Jobs) -> None:
    """A job beats until it is done, and a beat that fails does not end the beating."""
    beats, go_on = [0], threading.Event()
    enough, done = threading.Event(), threading.Event()

    def beat() -> None:
        beats[0] += 1
        if beats[0] == 1:
            raise OSError("the database is busy")
        enough.set()

    jobs.submit(lambda: go_on.wait(5) and None, beat)
    assert enough.wait(5)
    go_on.set()
    jobs.submit(done.set, nothing)
    assert done.wait(5)
    threading.Event().wait(0.05)
    last = beats[0]
    threading.Event().wait(0.1)
    assert beats[0] == last


def test_beats_while_waiting(jobs: Jobs) -> None:
    """A job that waits behind others beats already: it is not dead."""
    go_on, beaten = threading.Event(), threading.Event()
    for _ in range(2):
        jobs.submit(lambda: go_on.wait(5) and None, nothing)
    jobs.submit(nothing, beaten.set)
    assert beaten.wait(5)
    go_on.set()


def test_beats_beside_the_callers_own_work(jobs: Jobs) -> None:
    """A block that runs in the caller's thread beats, too, until it ends, however it ends."""
    beaten = threading.Event()
    with pytest.raises(ZeroDivisionError), jobs.beating(beaten.set):
        assert beaten.wait(5)
        raise ZeroDivisionError
    threading.Event().wait(0.05)
    beaten.clear()
    assert not beaten.wait(0.1)


def test_a_failed_job_does_not_take_its_thread_along(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    """However many jobs fail, the next one is done; the log has no words of the error."""

    def fail() -> None:
        raise RuntimeError("Mr. Canary")

    with caplog.at_level(logging.DEBUG):
        for _ in range(5):
            jobs.submit(fail, nothing)
        done = threading.Event()
        jobs.submit(done.set, nothing)
        assert done.wait(5)
    assert "RuntimeError at" in caplog.text and "Canary" not in caplog.text


def test_nothing_holds_up_the_end_of_the_process() -> None:
    """A process with work under way ends when it wants to."""
    script = "import time; from smartapp.jobs import Jobs; Jobs().submit(lambda: time.sleep(60), lambda: None)"
    assert subprocess.run([sys.executable, "-c", script], timeout=20).returncode == 0
