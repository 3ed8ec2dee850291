"""Charts through the queue of a hospital: filled while nobody takes from it, then worked off against the clock."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from load_people import texts
from real_site import RealSite
from sample_chart import note
from site_ehr import Visit

from smartapp.attending import WORKING
from smartapp.queueing import ChartQueue
from smartapp.reviews import Review, ReviewKey, ReviewStatus

# Said to live while the queue is filled: where no worker lives, the web processes read each chart themselves.
NOBODY = "a worker that takes nothing"
LOOKS_EVERY = 0.2  # seconds
STUCK_AFTER = 120.0  # seconds in which no chart comes to its end; beside other work one may take some


class NoRate(Exception):
    """How many charts an hour cannot be told; says why."""


def coded_an_hour(site: RealSite, charts: int) -> float:
    """Of a hospital that is not started. Raises NoRate."""
    for process in (site.predictor, site.web):
        process.start()
    visits = [site.visit(note(text=texts()[n % len(texts())])) for n in range(charts)]
    queue = ChartQueue(site.environ["CHARTSIDE_QUEUE_URL"])

    def open_chart(visit: Visit) -> None:
        queue.beat(NOBODY)
        site.browser().launch(visit)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(open_chart, visits))
    site.web.kill()  # nobody looks meanwhile
    queue.leave(NOBODY)
    if (waiting := queue.length()) != charts:
        raise NoRate(f"Of {charts} charts {waiting} wait in the queue.")
    for worker in site.workers:
        worker.begin()
    for worker in site.workers:
        worker.until_ready()
    keys = [ReviewKey(site.iss, visit.patient, visit.encounter) for visit in visits]
    return rate(lambda: [site.reviews.review(key) for key in keys], queue.length)


def rate(
    look: Callable[[], Sequence[Review]],
    waiting: Callable[[], int],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Charts an hour, from the first look until all have come to their end. Raises NoRate, also where none does."""
    reviews = look()
    first, began = ended(reviews), clock()
    before, latest = first, began
    while before < len(reviews):
        sleep(LOOKS_EVERY)
        reviews = look()
        if (now := ended(reviews)) > before:
            before, latest = now, clock()
        elif clock() - latest > STUCK_AFTER:
            states = Counter(review.status.value for review in reviews)
            told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
            raise NoRate(f"No chart came to its end for {STUCK_AFTER:g} s: {told}; {waiting()} in the queue.")
    failed = [review.failure for review in reviews if review.status is not ReviewStatus.READY]
    if failed:
        raise NoRate(f"{len(failed)} of {len(reviews)} charts were not coded: {failed[0]}")
    if first == before:
        raise NoRate("Every chart was coded before the first look: too few to tell.")
    return 3600 * (before - first) / (latest - began)


def ended(reviews: Sequence[Review]) -> int:
    return sum(review.status not in WORKING for review in reviews)
