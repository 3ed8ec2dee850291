"""Background threads and their heartbeat."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from queue import SimpleQueue

import pytest

from smartapp.jobs import Jobs
from smartapp.logs import request_id


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


def test_a_job_is_logged_under_the_request_that_asked_for_it(jobs: Jobs) -> None:
    """Also in a thread that worked for another request before."""
    seen: SimpleQueue[str] = SimpleQueue()
    for name in ("a1", "b2", ""):
        request_id.set(name)
        jobs.submit(lambda: seen.put(request_id.get()), nothing)
        assert seen.get(timeout=5) == name


def test_a_stop_waits_for_what_is_under_way(jobs: Jobs) -> None:
    """What is under way ends and keeps what it did; what waits behind it is not begun: another process will."""
    both_begun, go_on, late = threading.Barrier(3), threading.Event(), threading.Event()
    done: SimpleQueue[str] = SimpleQueue()

    def work() -> None:
        both_begun.wait(20)
        go_on.wait(20)
        done.put("done")

    for job in (work, work, late.set):
        jobs.submit(job, nothing)
    both_begun.wait(20)
    threading.Timer(0.2, go_on.set).start()
    jobs.stop(patience=20)
    assert done.qsize() == 2
    assert not late.wait(0.2)


def test_a_stop_has_an_end(jobs: Jobs) -> None:
    """What takes longer than the patience is left, and beats no more, so that it is taken over."""
    go_on, beaten = threading.Event(), threading.Event()
    jobs.submit(lambda: go_on.wait(20) and None, beaten.set)
    assert beaten.wait(5)
    jobs.stop(patience=0.05)
    threading.Event().wait(0.05)
    beaten.clear()
    assert not beaten.wait(0.1)
    go_on.set()


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
