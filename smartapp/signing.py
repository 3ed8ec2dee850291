"""What follows a signature: the write-back, exactly once at a time, until the chart holds what was signed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from smartapp.errors import ChartsideError, SessionExpired
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.writeback import plan, write_back
from smartapp.jobs import Jobs, log_without_words
from smartapp.reading import in_words
from smartapp.reviews import Review, ReviewKey, ReviewStatus, WrittenResource
from smartapp.store import ClaimLost, ReviewStore

BROKEN = "Something went wrong while writing. What was signed is kept. Press Finish writing."
SESSION_ENDED = "The session with the EHR ended. Open Chartside again from the chart; then it is written."
UNFINISHED: Final = frozenset({ReviewStatus.SIGNED, ReviewStatus.PARTLY_WRITTEN})
IN_THE_CHART: Final = frozenset({"written", "already-there"})


@dataclass(frozen=True, slots=True)
class Signing:
    """Writes signed reviews to the chart; whoever asks has claimed the review for it."""

    store: ReviewStore
    jobs: Jobs
    clock: Callable[[], datetime]

    def start(self, key: ReviewKey, claim: str, client: FHIRClient) -> None:
        """In the background."""
        self.jobs.submit(lambda: self._write(key, claim, client), lambda: self._beat(claim))

    def write(self, key: ReviewKey, claim: str, client: FHIRClient) -> None:
        """Here and now; may take as long as the EHR does."""
        with self.jobs.beating(lambda: self._beat(claim)):
            self._write(key, claim, client)

    def _write(self, key: ReviewKey, claim: str, client: FHIRClient) -> None:
        review = self.store.review(key)
        kept = keep_written(review.receipt, self._send(review, Chart.from_json(self.store.chart(key)), client))
        try:
            with self.store.change(key, self.clock(), claim) as draft:
                draft.set_receipt(kept)
                draft.set_status(outcome(kept))
                draft.release()
        except ClaimLost:
            return  # another took over while this one seemed dead, and tells what became of it

    def _send(self, review: Review, chart: Chart, client: FHIRClient) -> tuple[WrittenResource, ...]:
        accepted = review.accepted()
        assert review.attestation is not None  # a claim for writing is only given after the signature
        try:
            return write_back(client, review.key, accepted, review.attestation, review.model_revision, chart=chart)
        except SessionExpired:
            reason = SESSION_ENDED
        except ChartsideError as error:
            reason = in_words(error)
        except Exception as error:
            log_without_words("writing to a chart failed", error)
            reason = BROKEN
        return tuple(
            WrittenResource(line.resource, line.purpose, "failed", None, reason)
            if line.will_write
            else WrittenResource(line.resource, line.purpose, "not-written", None, line.detail)
            for line in plan(chart, accepted)
        )

    def _beat(self, claim: str) -> None:
        self.store.beat(claim, self.clock())


def keep_written(before: Sequence[WrittenResource], now: Sequence[WrittenResource]) -> tuple[WrittenResource, ...]:
    """The receipt over all attempts: what one of them wrote or found stays told, unless a later one wrote it anew."""
    known = {(w.resource, w.purpose): w for w in before if w.outcome in IN_THE_CHART}
    return tuple(line if line.outcome == "written" else known.get((line.resource, line.purpose), line) for line in now)


def outcome(receipt: Sequence[WrittenResource]) -> ReviewStatus:
    """Written, partly written, or still only signed; what was left out on purpose is no failure."""
    if not any(line.outcome == "failed" for line in receipt):
        return ReviewStatus.WRITTEN
    return ReviewStatus.PARTLY_WRITTEN if any(line.reference for line in receipt) else ReviewStatus.SIGNED
