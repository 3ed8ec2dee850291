"""The use cases: read the chart, suggest, decide, sign off. No web, no HTTP, no model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from model.codebook import CodeBook, SearchResult
from smartapp.audit import Entry, Kind
from smartapp.claims import claim
from smartapp.errors import (
    ChartRemoved,
    ChartsideError,
    EncounterVoid,
    NothingAccepted,
    NotSigned,
    ReviewChanged,
    ReviewClosed,
    UnknownCode,
)
from smartapp.exports import Export, export
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import SINGLE_WRITES, Ladder
from smartapp.fhir.outbox import planned
from smartapp.fhir.plan import WritePlan, plan
from smartapp.fhir.since import notes_since
from smartapp.inference import PredictorClient
from smartapp.jobs import Jobs
from smartapp.reading import Listed, Reading
from smartapp.reviews import (
    AcceptedCode,
    Action,
    Attestation,
    Choice,
    Review,
    Reviewer,
    ReviewKey,
    ReviewStatus,
)
from smartapp.signing import UNFINISHED, Signing
from smartapp.store import ReviewStore

WORKING: Final = frozenset({ReviewStatus.READING, ReviewStatus.CODING})
UNATTENDED: Final = WORKING | {ReviewStatus.SIGNED}  # a process works on these, or has died at it
OPEN: Final = frozenset({ReviewStatus.READY, ReviewStatus.FAILED})
CLOSED: Final = UNFINISHED | {ReviewStatus.WRITTEN}

LOOK_EVERY: Final = timedelta(minutes=1)  # how often the EHR is asked, at most, whether notes came in since


@dataclass(frozen=True, slots=True)
class Summary:
    """What signing would do, before anybody signs."""

    accepted: tuple[AcceptedCode, ...]
    planned: WritePlan
    statement: str  # the sentence that is signed


class Coding:
    """The application between the pages, the EHR, the predictor and the store."""

    def __init__(
        self,
        store: ReviewStore,
        predictor: PredictorClient,
        codebook: CodeBook,
        jobs: Jobs,
        clock: Callable[[], datetime],
        ladder_for: Callable[[FHIRClient], Ladder] = lambda _: SINGLE_WRITES,
        listed: Listed = lambda _: {},
    ) -> None:
        self._store, self._codebook, self._clock, self._ladder_for = store, codebook, clock, ladder_for
        self._reading = Reading(store, predictor, jobs, clock, listed)
        self._signing = Signing(store, jobs, clock, ladder_for)

    def open(self, key: ReviewKey, client: FHIRClient, by: Reviewer | None = None) -> Review:
        """The review as it stands. Begins to read in the background, or goes on where a process died at work."""
        review = self._store.find(key)
        if review is None:
            self._store.create(key, self._clock())
        elif review.status not in UNATTENDED:
            return review
        held = claim(self._store, key, UNATTENDED, self._clock)
        review = self._store.review(key)
        if held:
            if review.status is ReviewStatus.SIGNED:
                self._signing.start(key, held, client)
            else:
                self._reading.start(key, held, client, by)
        return review

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
            self._reading.start(key, held, client, by)
        return self._store.review(key)

    def decide(
        self, key: ReviewKey, version: int, action: Action, code: str, reason: str | None, by: Reviewer
    ) -> Review:
        """One act on one code. Raises ReviewChanged, ReviewClosed, UnknownCode; a repeated click changes nothing."""
        with self._store.change(key, self._clock()) as draft:
            review, code = draft.review, code.strip().upper()
            if review.status in CLOSED:
                raise ReviewClosed
            if _is_repeated(review, version, action, code, reason, by):
                return review
            if review.header and review.header.void:
                raise EncounterVoid
            if review.version != version or not _is_open(review):
                raise ReviewChanged
            title = self._title(review, action, code)
            draft.add_decision(action, code, title, reason, by, self._clock())
        return self._store.review(key)

    def search(self, key: ReviewKey, words: str, limit: int = 10) -> tuple[SearchResult, ...]:
        """Billable codes in force on the encounter's date of service."""
        return tuple(self._codebook.search(words, _day(self._store.review(key)), limit))

    def summary(self, key: ReviewKey, client: FHIRClient) -> Summary:
        """What signing would do, with all that is accepted now. Raises EHRUnavailable when the EHR cannot be asked."""
        review = self._store.review(key)
        accepted, chart = review.accepted(), Chart.from_json(self._store.chart(key))
        planned = plan(chart, accepted, self._ladder_for(client), review.rejected())
        return Summary(accepted, planned, statement(accepted))

    def export(self, key: ReviewKey, kind: str) -> Export:
        """A file of what was signed. Raises NotSigned before that, ChartRemoved long after."""
        review, chart = self._store.review(key), self._store.chart(key)
        if review.attestation is None:
            raise NotSigned
        if chart is None:
            raise ChartRemoved
        return export(kind, review, Chart.from_json(chart), self._clock())

    def sign_off(self, key: ReviewKey, version: int, by: Reviewer, client: FHIRClient) -> Review:
        """Keeps the attestation and the outbox of what it stands for, then writes to the chart, line by line.

        Raises NothingAccepted, ReviewChanged, UnknownCode, and ReviewClosed when somebody else signed.
        Whatever the EHR does then is told by the returned review.
        """
        held = self._attest(key, version, by, client)
        if held is None:  # pressed twice, or again after something went wrong
            return self.finish(key, client)
        self._signing.write(key, held, client)
        return self._store.review(key)

    def finish(self, key: ReviewKey, client: FHIRClient) -> Review:
        """Goes on with a write-back that was cut short; nothing is written twice, and nothing while another writes."""
        if held := claim(self._store, key, UNFINISHED, self._clock):
            self._signing.write(key, held, client)
        return self._store.review(key)

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

    def _attest(self, key: ReviewKey, version: int, by: Reviewer, client: FHIRClient) -> str | None:
        """Signs and, in the same transaction, fills the outbox and claims it; None when the same person has signed."""
        ladder = self._ladder_for(client)
        with self._store.change(key, self._clock()) as draft:
            review = draft.review
            if review.attestation is not None:
                if review.attestation.by != by:
                    raise ReviewClosed
                return None
            self._check_signable(review, version)
            accepted = review.accepted()
            draft.attest(Attestation(by, self._clock(), statement(accepted)))
            draft.set_receipt(planned(plan(Chart.from_json(draft.chart), accepted, ladder, review.rejected())), by)
            draft.set_status(ReviewStatus.SIGNED, "Writing to the chart")
            return draft.claim(self._clock())

    def _title(self, review: Review, action: Action, code: str) -> str:
        """Of the code, when the action may be taken on it; else UnknownCode."""
        if action is Action.UNDO:
            standing = review.decision_on(code)
            if standing is None:
                raise ReviewChanged("There is no decision on this code to undo.")
            return standing.title
        if action is Action.LEAD and code not in {a.code for a in review.accepted()}:
            raise ReviewChanged("Only an accepted code can be listed first.")
        if action in (Action.ACCEPT, Action.REJECT) and code not in {s.code for s in review.suggestions}:
            raise UnknownCode("Only a suggested code can be accepted or rejected.")
        entry = self._codebook.get(code, _day(review))
        if entry is None or (not entry.billable and action is not Action.REJECT):
            raise UnknownCode(_not_billable(code, _day(review)))
        return entry.title

    def _check_signable(self, review: Review, version: int) -> None:
        accepted = review.accepted()
        if not accepted:
            raise NothingAccepted
        if review.header and review.header.void:
            raise EncounterVoid
        if review.version != version or not _is_open(review):
            raise ReviewChanged
        for code in accepted:  # the date of service may have changed since, or the edition
            if not self._codebook.is_billable(code.code, _day(review)):
                raise UnknownCode(_not_billable(code.code, _day(review)))


def statement(accepted: Sequence[AcceptedCode]) -> str:
    """The attestation: names the codes in their order and says who decided."""
    codes = ", ".join(a.code for a in accepted)
    these = "this code is" if len(accepted) == 1 else f"these {len(accepted)} codes, in this order, are"
    return (
        f"I have reviewed the documentation of this encounter and confirm that {these} supported by it: {codes}. "
        "Each was decided by a person; Chartside only suggests."
    )


def _is_open(review: Review) -> bool:
    """Decisions can be taken: nobody works on the review, and its chart has been read."""
    return review.status in OPEN and review.header is not None


def _day(review: Review) -> date | None:
    return review.header.date_of_service if review.header else None


def _is_repeated(review: Review, version: int, action: Action, code: str, reason: str | None, by: Reviewer) -> bool:
    """The same click once more: the last act on the code was this one, and nothing has been asked for since.

    An UNDO that saw the newest version is a further step back, not a repetition. A LEAD is repeated while its code
    still leads, whatever else was decided: another code may have been put before it since.
    """
    if action is Action.LEAD:
        claim = review.accepted()
        return bool(claim) and claim[0].code == code
    last = next((d for d in reversed(review.decisions) if d.code == code), None)
    if last is None or (last.action, last.reason, last.by) != (action, reason, by):
        return False
    return action is not Action.UNDO or version != review.version


def _not_billable(code: str, day: date | None) -> str:
    when = f" on {day.isoformat()}" if day else ""
    return f"{code[:8]} is not a billable ICD-10-CM code{when}."
