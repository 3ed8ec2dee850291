"""What follows a signature: the write-back, exactly once at a time, until the chart holds what was signed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from smartapp.errors import ChartsideError, SessionExpired
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import Ladder
from smartapp.fhir.outbox import IN_THE_CHART, Outbox
from smartapp.fhir.writeback import write_back
from smartapp.jobs import Jobs, log_without_words
from smartapp.reading import in_words
from smartapp.reviews import Review, ReviewKey, ReviewStatus, WrittenResource
from smartapp.store import ClaimLost, ReviewStore

BROKEN = "Something went wrong while writing. What was signed is kept. Press Finish writing."
SESSION_ENDED = "The session with the EHR ended. Open Chartside again from the chart; then it is written."
UNFINISHED: Final = frozenset({ReviewStatus.SIGNED, ReviewStatus.PARTLY_WRITTEN, ReviewStatus.REFUSED})


@dataclass(frozen=True, slots=True)
class Signing:
    """Writes signed reviews to the chart; whoever asks has claimed the review for it."""

    store: ReviewStore
    jobs: Jobs
    clock: Callable[[], datetime]
    ladder_for: Callable[[FHIRClient], Ladder]

    def start(self, key: ReviewKey, claim: str, client: FHIRClient) -> None:
        """In the background."""
        self.jobs.submit(lambda: self._write(key, claim, client), lambda: self._beat(claim))

    def write(self, key: ReviewKey, claim: str, client: FHIRClient) -> None:
        """Here and now; may take as long as the EHR does."""
        with self.jobs.beating(lambda: self._beat(claim)):
            self._write(key, claim, client)

    def _write(self, key: ReviewKey, claim: str, client: FHIRClient) -> None:
        review = self.store.review(key)
        outbox = Outbox(review.receipt, partial(self.store.keep_line, claim), self.clock)
        try:
            self._send(review, Chart.from_json(self.store.chart(key)), client, outbox)
            with self.store.change(key, self.clock(), claim) as draft:
                draft.set_status(outcome(outbox.lines))
                draft.release()
        except ClaimLost:
            return  # another took over while this one seemed dead, and tells what became of it

    def _send(self, review: Review, chart: Chart, client: FHIRClient, outbox: Outbox) -> None:
        assert review.attestation is not None  # a claim for writing is only given after the signature
        try:
            write_back(
                client, review.key, review.accepted(), review.attestation, review.model_revision,
                chart=chart, outbox=outbox, ladder=self.ladder_for(client),
            )  # fmt: skip
        except ClaimLost:
            raise
        except SessionExpired:
            reason = SESSION_ENDED
        except ChartsideError as error:
            reason = in_words(error)
        except Exception as error:
            log_without_words("writing to a chart failed", error)
            reason = BROKEN
        else:
            return
        for place in outbox.unfinished():
            outbox.tell(place, "failed", None, reason)

    def _beat(self, claim: str) -> None:
        self.store.beat(claim, self.clock())


def outcome(receipt: Sequence[WrittenResource]) -> ReviewStatus:
    """What has become of the signature as a whole; what was left out on purpose is no failure."""
    open = [line for line in receipt if line.outcome not in IN_THE_CHART | {"not-written", "taken"}]
    if not open:
        return ReviewStatus.WRITTEN
    if any(line.reference and line.outcome in IN_THE_CHART | {"failed", "stray"} for line in receipt):
        return ReviewStatus.PARTLY_WRITTEN
    return ReviewStatus.REFUSED if all(line.outcome in ("refused", "undone") for line in open) else ReviewStatus.SIGNED
