"""Charts in the queue of a broker: read by a worker, whatever dies meanwhile."""

import signal
import time
from collections.abc import Iterator

import pytest
from redis_process import RedisProcess
from site_browser import Browser, eventually
from site_faults import silence
from whole_site import Site
from worker_process import WorkerProcess

from smartapp.queueing import ChartQueue

WRITTEN = {"Condition": 2, "Claim": 1}


@pytest.fixture
def queued(site: Site, own_redis: RedisProcess) -> Browser:
    """A browser on an app that leaves charts to workers."""
    return site.browser(site.start(queue_url=own_redis.url))


@pytest.fixture
def worker(site: Site, own_redis: RedisProcess) -> Iterator[WorkerProcess]:
    running = WorkerProcess(site, own_redis.url).until_ready()
    yield running
    running.close()


def ready(browser: Browser) -> dict[str, object]:
    checks: dict[str, object] = browser.get("/readyz").json["checks"]
    return checks


def test_a_worker_reads_and_a_person_signs(site: Site, queued: Browser, worker: WorkerProcess) -> None:
    """From launch to receipt with the reading done elsewhere; the app's own process reads nothing."""
    visit = site.visit()
    opened = site.open(visit, queued).accept("I10", "E11.9")
    assert "Written to the chart" in opened.sign().text
    assert visit.counts() == WRITTEN
    assert ready(queued)["queue"] == "ok"


def test_a_message_tells_nothing_of_the_chart(site: Site, queued: Browser, own_redis: RedisProcess) -> None:
    """Ids of the launch only: neither patient nor encounter nor address of the EHR is in Redis."""
    ChartQueue(own_redis.url).beat("a worker that takes nothing")
    visit = site.visit()
    opened = queued.launch(visit)
    kept = own_redis.everything().decode()
    assert opened.launch_key in kept
    for private in (visit.patient, visit.encounter, site.iss, "Maier", "hypertension"):
        assert private not in kept


def test_a_killed_worker(site: Site, queued: Browser, worker: WorkerProcess, own_redis: RedisProcess) -> None:
    """kill -9 while it reads a chart: another worker reads it, and the page never knew."""
    visit = site.visit()
    with silence(site, "DocumentReference"):
        opened = queued.launch(visit)
        opened.until("", "Reading the chart")
        until_asked(site, visit.patient)
        worker.process.kill()
        worker.process.wait()
    site.clock.forward(30)  # no sign of life since
    heir = WorkerProcess(site, own_redis.url).until_ready()
    try:
        opened.settle()
    finally:
        heir.close()
    assert set(opened.states()) == {"E11.9", "I10"}


def test_a_worker_that_is_told_to_stop_ends_what_it_has_begun(
    site: Site, queued: Browser, worker: WorkerProcess
) -> None:
    """SIGTERM while it reads: the chart is read, then the process goes with code 0."""
    visit = site.visit()
    with silence(site, "DocumentReference"):
        opened = queued.launch(visit)
        until_asked(site, visit.patient)
        worker.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        assert worker.process.poll() is None
    assert worker.process.wait(60) == 0
    opened.show()
    assert set(opened.states()) == {"E11.9", "I10"}


def test_the_broker_is_away(site: Site, queued: Browser, own_redis: RedisProcess) -> None:
    """The app's own process reads the chart; work goes on from launch to receipt, and readiness says what is away."""
    visit = site.visit()
    with own_redis.down():
        opened = site.open(visit, queued).accept("I10", "E11.9")
        assert "Written to the chart" in opened.sign().text
        assert ready(queued)["queue"] == "The broker of the queue does not answer."
    assert visit.counts() == WRITTEN


def test_the_broker_forgets(site: Site, queued: Browser, own_redis: RedisProcess) -> None:
    """Redis restarted empty before anybody took the chart: the page that waits has it put there again."""
    ChartQueue(own_redis.url).beat("a worker that takes nothing")
    opened = queued.launch(site.visit())
    with own_redis.down():
        pass
    ChartQueue(own_redis.url).beat("a worker that takes nothing")
    site.clock.forward(30)
    late = WorkerProcess(site, own_redis.url).until_ready()
    try:
        opened.settle()
    finally:
        late.close()
    assert set(opened.states()) == {"E11.9", "I10"}


def test_every_worker_is_away(site: Site, queued: Browser, own_redis: RedisProcess) -> None:
    """The app's own process reads the chart, and leaves nothing in the queue."""
    opened = site.open(site.visit(), queued)
    assert set(opened.states()) == {"E11.9", "I10"}
    assert ChartQueue(own_redis.url).length() == 0


def test_the_broker_is_restarted(site: Site, queued: Browser, own_redis: RedisProcess, worker: WorkerProcess) -> None:
    """A worker finds its way back to Redis by itself."""
    with own_redis.down():
        pass
    opened = site.open(site.visit(), queued)
    assert set(opened.states()) == {"E11.9", "I10"}
    assert worker.process.poll() is None


def test_readiness_knows_whether_there_is_a_worker(site: Site, queued: Browser, own_redis: RedisProcess) -> None:
    """One that lives says so, and one that is told to stop takes it back; a queue that nobody works on is told."""
    nobody = "No worker takes charts from the queue."
    assert ready(queued)["queue"] == nobody
    worker = WorkerProcess(site, own_redis.url).until_ready()
    try:
        eventually(lambda: ready(queued)["queue"] == "ok")
        assert "chartside_workers 1.0" in queued.get("/metrics").text
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(60) == 0
        assert ready(queued)["queue"] == nobody
    finally:
        worker.close()


def test_a_worker_tells_how_it_is(site: Site, queued: Browser, worker: WorkerProcess) -> None:
    """Alive, how long charts waited for it and what it did; no word of the chart there nor in its log."""
    visit = site.visit()
    opened = site.open(visit, queued)
    assert (worker.page("/healthz").status_code, worker.page("/healthz").json()) == (200, {"status": "ok"})
    numbers = worker.page("/metrics").text
    assert "chartside_job_wait_seconds_count 1.0" in numbers
    assert 'chartside_predictions_total{outcome="made"} 1.0' in numbers
    assert 'chartside_ehr_calls_total{method="GET",outcome="2xx"}' in numbers
    said = numbers + worker.log.read_text()
    private = (visit.patient, visit.encounter, site.iss, "Maier", "hypertension", opened.launch_key)
    assert not [words for words in private if words in said]
    assert worker.page("/elsewhere").status_code == 404


def test_a_request_is_followed_into_the_worker(site: Site, queued: Browser, worker: WorkerProcess) -> None:
    """The lines of the worker carry the id of the web request that put the chart into the queue."""
    opened = queued.launch(site.visit())
    asked = opened.page.headers["X-Request-ID"]
    opened.settle()
    eventually(lambda: any(line["message"] == "attended" for line in worker.logged()))
    (line,) = (line for line in worker.logged() if line["message"] == "attended")
    assert (line["request_id"], line["settled"]) == (asked, True)


def until_asked(site: Site, patient: str) -> None:
    """Somebody reads that patient's chart."""
    deadline = time.monotonic() + 60
    while not site.fhir.sent("GET", f"Patient/{patient}"):
        assert time.monotonic() < deadline, "nobody took the chart"
        time.sleep(0.05)
