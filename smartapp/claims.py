"""One worker at a time on a review: who claims it must show that it lives, or another takes over."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from smartapp.reviews import ReviewKey, ReviewStatus
from smartapp.store import ReviewStore
from smartapp.store.draft import Draft

DEAD_AFTER = timedelta(seconds=20)  # four heartbeats of smartapp.jobs
Clock = Callable[[], datetime]


def claim(
    store: ReviewStore, key: ReviewKey, of: Collection[ReviewStatus], clock: Clock, *, queued: bool = False
) -> str | None:
    """The claim, if the review stands where there is work to do and no living worker does it already.

    With `queued` also of a review that waits for a worker: this is one.
    """
    with store.change(key, clock()) as draft:
        free = (queued and draft.queued) or not is_attended(draft, clock)
        return draft.claim(clock()) if free and draft.review.status in of else None


def mark_queued(store: ReviewStore, key: ReviewKey, of: Collection[ReviewStatus], clock: Clock) -> bool:
    """Whether the review is to be put into the queue: as `claim`, but for a worker that will come."""
    with store.change(key, clock()) as draft:
        if is_attended(draft, clock) or draft.review.status not in of:
            return False
        draft.queue(clock())
        return True


def is_attended(draft: Draft, clock: Clock) -> bool:
    """Somebody works on it and lives, or it waits for a worker. A sign of life from the future is none: the
    clock that gave it has been set back since."""
    return draft.claimed_since is not None and abs(clock() - draft.claimed_since) < DEAD_AFTER
