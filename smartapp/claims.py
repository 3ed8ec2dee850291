"""One worker at a time on a review: who claims it must show that it lives, or another takes over."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from smartapp.reviews import ReviewKey, ReviewStatus
from smartapp.store import ReviewStore

DEAD_AFTER = timedelta(seconds=20)  # four heartbeats of smartapp.jobs


def claim(
    store: ReviewStore, key: ReviewKey, of: Collection[ReviewStatus], clock: Callable[[], datetime]
) -> str | None:
    """The claim, if the review stands where there is work to do and no living worker does it already."""
    with store.change(key, clock()) as draft:
        alive = draft.claimed_since is not None and clock() - draft.claimed_since < DEAD_AFTER
        if alive or draft.review.status not in of:
            return None
        return draft.claim(clock())
