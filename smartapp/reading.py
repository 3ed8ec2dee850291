"""The background job of a review: reads the chart, has it coded, and says at every step how far it is."""

import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from model.prediction import Policy, Prediction
from smartapp.errors import ChartsideError, ForeignResource, PredictorBusy
from smartapp.fhir.chart import Chart, read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.since import mark_changed
from smartapp.inference import PredictorClient
from smartapp.jobs import Jobs, log_without_words
from smartapp.reviews import Reviewer, ReviewKey, ReviewStatus
from smartapp.store import ClaimLost, ReviewStore
from smartapp.suggestions import join_notes

Listed = Callable[[str], Mapping[str, Collection[str]]]  # of an iss: the search parameters it lists for each type

BUSY = "Other charts come first; this one is asked for again by itself."
BUSY_PAUSES = (1, 2, 4, 8, 15)  # seconds; after these a person decides whether to wait
BROKEN = "Something went wrong while the chart was read and coded. Press Try again."


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads and codes charts; whoever asks has claimed the review for it."""

    store: ReviewStore
    predictor: PredictorClient
    jobs: Jobs
    clock: Callable[[], datetime]
    listed: Listed = lambda _: {}

    def start(self, key: ReviewKey, claim: str, client: FHIRClient, by: Reviewer | None = None) -> None:
        """Returns at once. Every end of the job is a state of the review, but for the process's own."""
        self.jobs.submit(lambda: self._run(key, claim, client, by), lambda: self.store.beat(claim, self.clock()))

    def read(self, key: ReviewKey, claim: str, client: FHIRClient, by: Reviewer | None = None) -> None:
        """Here and now; may take as long as EHR and predictor do."""
        with self.jobs.beating(lambda: self.store.beat(claim, self.clock())):
            self._run(key, claim, client, by)

    def _run(self, key: ReviewKey, claim: str, client: FHIRClient, by: Reviewer | None) -> None:
        try:
            self._read_and_code(key, claim, client, by)
        except ClaimLost:
            return  # another took over while this one seemed dead
        except ChartsideError as error:
            self._end(key, claim, ReviewStatus.FAILED, in_words(error))
        except Exception as error:
            log_without_words("reading a chart failed", error)
            self._end(key, claim, ReviewStatus.FAILED, BROKEN)

    def _read_and_code(self, key: ReviewKey, claim: str, client: FHIRClient, by: Reviewer | None) -> None:
        def progress(stage: str) -> None:
            with self.store.change(key, self.clock(), claim) as draft:
                draft.set_status(ReviewStatus.READING, stage)

        began = self.clock()
        read = read_chart(client, key.patient, key.encounter, progress, self._listed(key.iss))
        if read.key != key:
            raise ForeignResource
        before = self.store.chart(key)
        chart = mark_changed(read, Chart.from_json(before) if before else None, began)
        with self.store.change(key, self.clock(), claim) as draft:
            if draft.review.model_revision is None:  # what was suggested before stays, with its notes, until then
                draft.set_chart(chart.to_json())
            draft.set_read(chart.notes, by)
            count = len(chart.notes)
            draft.set_status(ReviewStatus.CODING, f"in {count} {'note' if count == 1 else 'notes'}")
        prediction = self._predict(chart, lambda: self._tell_busy(key, claim))
        with self.store.change(key, self.clock(), claim) as draft:
            draft.set_chart(chart.to_json())
            draft.set_looked(began)
            if prediction is not None:
                draft.set_prediction(prediction)
        self._end(key, claim, ReviewStatus.READY)

    def _listed(self, iss: str) -> Mapping[str, Collection[str]]:
        try:
            return self.listed(iss)
        except ChartsideError:
            return {}  # an EHR that does not say what it offers is tried

    def _predict(self, chart: Chart, tell_busy: Callable[[], None]) -> Prediction | None:
        """None when no note has words: each note says why, and coding by hand is open. Asks again where it is busy."""
        document = join_notes(chart.key.encounter, chart.notes, chart.setting, chart.date_of_service)
        if document is None:
            return None
        for pause in BUSY_PAUSES:
            try:
                return self.predictor.predict(document, Policy.ENCOUNTER)
            except PredictorBusy:
                tell_busy()
                time.sleep(pause * (0.5 + random.random()))  # noqa: S311 - so that many do not ask at one moment
        return self.predictor.predict(document, Policy.ENCOUNTER)

    def _tell_busy(self, key: ReviewKey, claim: str) -> None:
        with self.store.change(key, self.clock(), claim) as draft:
            draft.set_status(ReviewStatus.CODING, BUSY)

    def _end(self, key: ReviewKey, claim: str, status: ReviewStatus, failure: str | None = None) -> None:
        try:
            with self.store.change(key, self.clock(), claim) as draft:
                draft.set_status(status, failure=failure)
                draft.release()
        except ClaimLost:
            return


def in_words(error: ChartsideError) -> str:
    """What happened and what to do, as the page shows it; `detail` may quote the EHR."""
    detail = f": {error.detail}" if error.detail else "."
    return f"{error.title}{detail if detail.endswith('.') else detail + '.'} {error.advice}"
