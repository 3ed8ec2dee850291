"""Who does the work on a review: a thread of this process, or a worker that takes it from the queue."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from smartapp.claims import DEAD_AFTER, claim, mark_queued
from smartapp.errors import TooBusy
from smartapp.fhir.client import FHIRClient
from smartapp.reading import Reading
from smartapp.reviews import Reviewer, ReviewKey, ReviewStatus
from smartapp.signing import Signing
from smartapp.store import ClaimLost, ReviewStore
from smartapp.store.draft import QUEUED

WORKING: Final = frozenset({ReviewStatus.READING, ReviewStatus.CODING})
UNATTENDED: Final = WORKING | {ReviewStatus.SIGNED}  # a process works on these, or has died at it
FOLLOW_UP: Final = 2 * DEAD_AFTER  # after a signature: whoever writes has ended by then, or is dead


class QueueUnavailable(Exception):
    """The broker does not answer, or nobody takes charts from it."""


class Queue(Protocol):
    """Charts that wait for a worker, each by the key of a launch that opened it."""

    def put(self, launch: str, after: timedelta = timedelta()) -> None: ...  # raises QueueUnavailable, TooBusy
    def length(self) -> int: ...  # waiting or under way; raises QueueUnavailable
    def workers(self) -> int: ...  # that live; raises QueueUnavailable


@dataclass(frozen=True, slots=True)
class Attending:
    """Begins the work, or does it; however often it is told to, one does it at a time and nothing is done twice."""

    store: ReviewStore
    reading: Reading
    signing: Signing
    clock: Callable[[], datetime]
    queue: Queue | None = None  # none: threads of this process

    def begin(self, key: ReviewKey, client: FHIRClient, by: Reviewer | None = None) -> None:
        """Returns at once. Raises TooBusy where too much waits already: nothing is begun then, and asking again helps.

        While the broker or every worker is away this process does the work itself.
        """
        if self.queue is None:
            self._begin_here(key, client, by)
        elif mark_queued(self.store, key, UNATTENDED, self.clock):
            try:
                self.queue.put(client.launch)
            except QueueUnavailable:
                self._begin_here(key, client, by)
            except TooBusy:
                self._forget(key, QUEUED)
                raise

    def follow_up(self, client: FHIRClient) -> None:
        """Has a worker look later whether what is being written here came to its end."""
        if self.queue is not None:
            try:
                self.queue.put(client.launch, FOLLOW_UP)
            except (QueueUnavailable, TooBusy):
                return  # whoever opens the review next goes on

    def attend(self, key: ReviewKey, client: FHIRClient, by: Reviewer) -> bool:
        """Does what there is to do, here and now; False when another is at it, which is to be looked at again."""
        held = claim(self.store, key, UNATTENDED, self.clock, queued=True)
        status = self.store.review(key).status
        if held is None:
            return status not in UNATTENDED
        if status is ReviewStatus.SIGNED:
            self.signing.write(key, held, client)
        else:
            self.reading.read(key, held, client, by)
        return True

    def _begin_here(self, key: ReviewKey, client: FHIRClient, by: Reviewer | None) -> None:
        if held := claim(self.store, key, UNATTENDED, self.clock, queued=True):
            if not self.reading.jobs.has_room():
                self._forget(key, held)
                raise TooBusy
            if self.store.review(key).status is ReviewStatus.SIGNED:
                self.signing.start(key, held, client)
            else:
                self.reading.start(key, held, client, by)

    def _forget(self, key: ReviewKey, claim: str) -> None:
        """Unless somebody took it meanwhile."""
        with contextlib.suppress(ClaimLost), self.store.change(key, self.clock(), claim) as draft:
            draft.release()
