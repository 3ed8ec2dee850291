"""The use cases: read the chart, suggest, decide, sign off. No web, no HTTP, no model."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from model.codebook import CodeBook, OpenBook
from smartapp.attending import UNATTENDED, WORKING, Attending, Queue
from smartapp.audit import Entry, Kind
from smartapp.checks import Remark, remarks_if_accepted, remarks_on
from smartapp.claims import claim
from smartapp.deciding import check, is_own_word, is_repeated, not_billable
from smartapp.errors import (
    ChartRemoved,
    ChartsideError,
    NoReason,
    NotSigned,
    ReviewChanged,
    ReviewClosed,
    UnknownCode,
)
from smartapp.exports import Export, export
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import Ladder
from smartapp.fhir.since import notes_since
from smartapp.inference import PredictorClient
from smartapp.jobs import Jobs
from smartapp.reading import Listed, Reading
from smartapp.reviews import (
    CORRECTION_REASONS,
    NO_PARTICULARS,
    Action,
    Choice,
    Particulars,
    Review,
    Reviewer,
    ReviewKey,
    ReviewStatus,
)
from smartapp.signing import LONGEST_REASON, OPEN, UNFINISHED, WRITING, Signing, Summary, check_open
from smartapp.store import ReviewStore

CLOSED: Final = UNFINISHED | {ReviewStatus.WRITTEN}

REMARKS_KEPT: Final = 32  # versions of reviews of which a process keeps what the rules say

LOOK_EVERY: Final = timedelta(minutes=1)  # how often the EHR is asked, at most, whether notes came in since


class Coding:
    """The application between the pages, the EHR, the predictor and the store."""

    def __init__(
        self,
        store: ReviewStore,
        predictor: PredictorClient,
        codebook: CodeBook,
        jobs: Jobs,
        clock: Callable[[], datetime],
        ladder_for: Callable[[FHIRClient], Ladder],
        listed: Listed = lambda _: {},
        queue: Queue | None = None,
    ) -> None:
        self._store, self._codebook, self._clock, self._ladder_for = store, codebook, clock, ladder_for
        self._remarks: dict[tuple[ReviewKey, int], tuple[Remark, ...]] = {}  # by version: rules look at nothing else
        self._signing = Signing(store, jobs, clock, ladder_for, codebook)
        reading = Reading(store, predictor, jobs, clock, listed)
        self.attending = Attending(store, reading, self._signing, clock, queue)

    def open(self, key: ReviewKey, client: FHIRClient, by: Reviewer | None = None) -> Review:
        """The review as it stands. Begins, or goes on with, what is to be done in the background. Raises TooBusy."""
        review = self._store.find(key)
        if review is None:
            self._store.create(key, self._clock())
        elif review.status not in UNATTENDED:
            return review
        self.attending.begin(key, client, by)
        return self._store.review(key)

    def viewed(self, key: ReviewKey, page: str, by: Reviewer) -> None:
        """Somebody sees the chart on that page."""
        self._store.tell(Entry(Kind.VIEWED, {"page": page}, key, by))

    def review(self, key: ReviewKey) -> Review:
        """Raises UnknownReview for an encounter that was never opened."""
        return self._store.review(key)

    def look(self, key: ReviewKey, client: FHIRClient) -> Review:
        """The review, with what became of the EHR's notes since they were read; asks at most once in `LOOK_EVERY`.

        A look that fails is silent: the next one may do.
        """
        chart, now = self._store.chart(key), self._clock()
        working = self._store.review(key).status in WORKING
        if chart and not working and self._store.begin_look(key, now, now - LOOK_EVERY):
            try:
                since = notes_since(client, Chart.from_json(chart))
            except ChartsideError:
                since = None
            if since is not None:
                self._store.end_look(key, now, since)
        return self._store.review(key)

    def retry(self, key: ReviewKey, client: FHIRClient, by: Reviewer | None = None) -> Review:
        """Reads and codes the chart anew; decisions stay. Of a signed review it finishes the write-back."""
        if self._store.review(key).status in UNFINISHED:
            return self.finish(key, client)
        if held := claim(self._store, key, WORKING | OPEN, self._clock):
            with self._store.change(key, self._clock(), held) as draft:
                draft.set_status(ReviewStatus.READING)
                draft.release()
            self.attending.begin(key, client, by)
        return self._store.review(key)

    def stop(self, key: ReviewKey, by: Reviewer) -> Review:
        """Reads and codes no further: whoever is at it finds its claim gone at its next step, and keeps nothing."""
        with self._store.change(key, self._clock()) as draft:
            if draft.review.status in WORKING:
                draft.stop(by)
        return self._store.review(key)

    def decide(
        self,
        key: ReviewKey,
        version: int,
        action: Action,
        code: str,
        reason: str | None,
        by: Reviewer,
        particulars: Particulars = NO_PARTICULARS,
    ) -> Review:
        """One act on one code. Raises ReviewChanged, ReviewClosed, UnknownCode; a repeated click changes nothing."""
        with self._store.change(key, self._clock()) as draft:
            review, code = draft.review, code.strip().upper()
            if review.status in CLOSED:
                raise ReviewClosed
            if is_repeated(review, version, action, code, reason, by, particulars):
                return review
            check_open(review, review.version if is_own_word(review, action, code, by) else version)
            title = self._title(review, action, code)
            check(review, action, code, particulars)
            draft.add_decision(action, code, title, reason, by, self._clock(), particulars)
        return draft.review

    def accept_viewed(self, key: ReviewKey, version: int, by: Reviewer) -> Review:
        """Accepts each undecided suggestion whose evidence that person has viewed; one decision each."""
        with self._store.change(key, self._clock()) as draft:
            review = draft.review
            if review.status in CLOSED:
                raise ReviewClosed
            check_open(review, version)
            for suggestion in review.to_accept(by):
                title = self._title(review, Action.ACCEPT, suggestion.code)
                draft.add_decision(Action.ACCEPT, suggestion.code, title, None, by, self._clock())
        return draft.review

    def saw(self, key: ReviewKey, codes: Collection[str], by: Reviewer) -> Review:
        """The person had the evidence for these codes before their eyes; of one not suggested it is no news."""
        with self._store.change(key, self._clock()) as draft:
            review = draft.review
            seen = () if review.status in CLOSED else (s.code for s in review.suggestions if s.code in codes)
            for code in seen:
                draft.add_viewing(code, by, self._clock())
        return draft.review

    def remarks(self, review: Review) -> tuple[Remark, ...]:
        """What the rules say of the claim as it stands, then what they would say of what is undecided.

        It is kept for a while: the next decision asks it again, to tell what it changes.
        """
        said = self._remarks.get((review.key, review.version))
        if said is None:
            said = (*remarks_on(review, self._codebook), *remarks_if_accepted(review, self._codebook))
            self._remarks[review.key, review.version] = said
            for oldest in list(self._remarks)[:-REMARKS_KEPT]:
                self._remarks.pop(oldest, None)
        return said

    def book(self, review: Review) -> OpenBook:
        """The code book as it is on the encounter's date of service."""
        return OpenBook(self._codebook, _day(review))

    def summary(self, key: ReviewKey, client: FHIRClient, by: Reviewer) -> Summary:
        """What signing would do for that person, and what the rules say. Raises EHRUnavailable."""
        return self._signing.summary(key, client, by)

    def export(self, key: ReviewKey, kind: str) -> Export:
        """A file of what was signed. Raises NotSigned before that, ChartRemoved long after."""
        review, chart = self._store.review(key), self._store.chart(key)
        if review.attestation is None:
            raise NotSigned
        if chart is None:
            raise ChartRemoved
        return export(kind, review, Chart.from_json(chart), self._clock())

    def sign_off(
        self, key: ReviewKey, version: int, by: Reviewer, client: FHIRClient, reasons: Mapping[str, str] | None = None
    ) -> Review:
        """Keeps the attestation and the outbox of what it stands for, then writes to the chart, line by line.

        `reasons`: by the id of each warning, why it is signed in spite of it. Raises NothingAccepted, NotSignable,
        ReviewChanged, and ReviewClosed when somebody else signed. Whatever the EHR does then is told by the review.
        """
        held = self._signing.attest(key, version, by, client, reasons or {})
        if held is None:  # pressed twice, or again after something went wrong
            return self.finish(key, client)
        self._write(key, held, client)
        return self._store.review(key)

    def correct(
        self, key: ReviewKey, version: int, reason: str, by: Reviewer, client: FHIRClient, text: str = ""
    ) -> Review:
        """Takes a signed review up again: decisions stay, the chart is read anew, and somebody signs once more.

        `reason`: one of CORRECTION_REASONS; "other" wants `text`. Raises NoReason, ReviewChanged, StillWriting.
        """
        offered = reason in CORRECTION_REASONS and reason != "other"
        words = CORRECTION_REASONS[reason] if offered else text.strip()[:LONGEST_REASON]
        if not words:
            raise NoReason
        self._signing.take_up(key, version, words, offered, by)
        return self.open(key, client, by)

    def cancel_correction(self, key: ReviewKey, by: Reviewer) -> Review:
        """Closes a correction that was opened by mistake. Raises ReviewChanged, DecidedSince."""
        self._signing.cancel(key, by)
        return self._store.review(key)

    def finish(self, key: ReviewKey, client: FHIRClient) -> Review:
        """Goes on with a write-back that was cut short; nothing is written twice, and nothing while another writes."""
        if held := claim(self._store, key, UNFINISHED, self._clock):
            with self._store.change(key, self._clock(), held) as draft:
                draft.set_status(ReviewStatus.SIGNED, WRITING)
            self._write(key, held, client)
        return self._store.review(key)

    def _write(self, key: ReviewKey, held: str, client: FHIRClient) -> None:
        """Whoever signed sees at once what became of it; should this process die meanwhile, a worker goes on."""
        self.attending.follow_up(client)
        self._signing.write(key, held, client)

    def choose(
        self, key: ReviewKey, version: int, choice: Choice, seen: str, by: Reviewer, client: FHIRClient
    ) -> Review:
        """Between the encounter's diagnoses as signed and as somebody else changed them; then the write-back goes on.

        Raises ReviewChanged where there is nothing to choose any more, or the list of the others is no longer the one
        that was `seen`; the same click once more goes on.
        """
        with self._store.change(key, self._clock()) as draft:
            review = draft.review
            lines = list(review.receipt)
            if not any(w.conflict and (w.conflict.choice, w.conflict.by) == (choice, by.name) for w in lines):
                place = next((n for n, w in enumerate(lines) if w.outcome == "conflict"), None)
                conflict = lines[place].conflict if place is not None else None
                if place is None or conflict is None or (review.version, conflict.seen) != (version, seen):
                    raise ReviewChanged
                chosen = replace(conflict, choice=choice, by=by.name)
                lines[place] = replace(lines[place], outcome="pending", detail="", conflict=chosen)
                draft.set_receipt(lines, by)
        return self.finish(key, client)

    def _title(self, review: Review, action: Action, code: str) -> str:
        """Of the code, when the action may be taken on it; else UnknownCode."""
        if action is Action.UNDO:
            standing = review.latest_on(code)
            if standing is None:
                raise ReviewChanged("There is no decision on this code to undo.")
            return standing.title
        if action in (Action.ACCEPT, Action.REJECT) and code not in {s.code for s in review.suggestions}:
            raise UnknownCode("Only a suggested code can be accepted or rejected.")
        entry = self._codebook.get(code, _day(review))
        if entry is None or (not entry.billable and action is not Action.REJECT):
            raise UnknownCode(not_billable(code, _day(review)))
        return entry.title


def _day(review: Review) -> date | None:
    return review.header.date_of_service if review.header else None
