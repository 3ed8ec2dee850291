"""The signature, and what follows it: the write-back, once at a time, until the chart holds what was signed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from smartapp.checks import Level, Remark, remarks_on
from smartapp.checks.case import Book
from smartapp.claims import is_attended
from smartapp.errors import (
    ChartsideError,
    DecidedSince,
    EncounterVoid,
    NothingAccepted,
    NotSignable,
    ReviewChanged,
    ReviewClosed,
    SessionExpired,
    StillWriting,
)
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.earlier import DIAGNOSIS
from smartapp.fhir.ladder import Ladder
from smartapp.fhir.outbox import IN_THE_CHART, Outbox, may_arrive, planned
from smartapp.fhir.plan import WritePlan, plan
from smartapp.fhir.writeback import write_back
from smartapp.jobs import Jobs, log_without_words
from smartapp.reading import in_words
from smartapp.reviews import (
    AcceptedCode,
    Attestation,
    GivenReason,
    PresentOnAdmission,
    Review,
    Reviewer,
    ReviewKey,
    ReviewStatus,
    WrittenResource,
)
from smartapp.reviews.decisions import claim_of, standing
from smartapp.store import ClaimLost, ReviewStore

BROKEN = "Something went wrong while writing. What was signed is kept. Press Finish writing."
WRITING: Final = "Writing to the chart"  # the stage while somebody is at it
SESSION_ENDED = "The session with the EHR ended. Open Chartside again from the chart; then it is written."
UNFINISHED: Final = frozenset({ReviewStatus.SIGNED, ReviewStatus.PARTLY_WRITTEN, ReviewStatus.REFUSED})
OPEN: Final = frozenset({ReviewStatus.READY, ReviewStatus.FAILED})
LONGEST_REASON: Final = 500  # characters


@dataclass(frozen=True, slots=True)
class Summary:
    """What signing would do, before anybody signs."""

    accepted: tuple[AcceptedCode, ...]
    planned: WritePlan
    statement: str  # the sentence that is signed
    remarks: tuple[Remark, ...] = ()  # what the rules say

    @property
    def signable(self) -> bool:
        """No rule stops the signature."""
        return all(remark.level is not Level.ERROR for remark in self.remarks)


@dataclass(frozen=True, slots=True)
class Signing:
    """Takes signatures and writes signed reviews to the chart; whoever asks to write has claimed the review for it."""

    store: ReviewStore
    jobs: Jobs
    clock: Callable[[], datetime]
    ladder_for: Callable[[FHIRClient], Ladder]
    book: Book

    def summary(self, key: ReviewKey, client: FHIRClient, by: Reviewer) -> Summary:
        """What signing would do for that person. Raises EHRUnavailable when the EHR cannot be asked."""
        review = self.store.review(key)
        accepted, chart = review.accepted(), Chart.from_json(self.store.chart(key))
        lines = plan(chart, accepted, self.ladder_for(client), review.rejected(), review.corrections)
        return Summary(accepted, lines, statement(review, by), remarks_on(review, self.book))

    def attest(
        self, key: ReviewKey, version: int, by: Reviewer, client: FHIRClient, reasons: Mapping[str, str]
    ) -> str | None:
        """Signs and, in the same transaction, fills the outbox and claims it; None when the same person has signed.

        `reasons` by the ids of the warnings. Raises NothingAccepted, NotSignable, ReviewChanged, ReviewClosed.
        """
        ladder = self.ladder_for(client)
        with self.store.change(key, self.clock()) as draft:
            review = draft.review
            if review.attestation is not None:
                if review.attestation.by != by:
                    raise ReviewClosed
                return None
            accepted = review.accepted()
            if not review.has_to_sign:
                raise NothingAccepted
            check_open(review, version)
            given = answered(remarks_on(review, self.book), reasons)
            draft.attest(Attestation(by, self.clock(), statement(review, by), given))
            chart = Chart.from_json(draft.chart)
            draft.set_receipt(planned(plan(chart, accepted, ladder, review.rejected(), review.corrections)), by)
            draft.set_status(ReviewStatus.SIGNED, WRITING)
            return draft.claim(self.clock())

    def take_up(self, key: ReviewKey, version: int, reason: str, offered: bool, by: Reviewer) -> None:
        """A signed review again, to be corrected; the chart is to be read anew. Pressed twice, it is one correction.

        Raises ReviewChanged where it is not what was seen, StillWriting while a write may be under way.
        """
        with self.store.change(key, self.clock()) as draft:
            review = draft.review
            if review.being_corrected:
                return
            if review.attestation is None or review.version != version:
                raise ReviewChanged
            if is_attended(draft, self.clock) or may_arrive(review.receipt, self.clock()):
                raise StillWriting
            draft.correct(reason, offered, by, self.clock())
            draft.set_status(ReviewStatus.READING)
            draft.release()

    def cancel(self, key: ReviewKey, by: Reviewer) -> None:
        """A correction that was opened by mistake: what was signed stands again. Pressed twice, it is one.

        Raises ReviewChanged while the chart is read, DecidedSince where the claim is not what was signed.
        """
        with self.store.change(key, self.clock()) as draft:
            review, correction = draft.review, draft.review.being_corrected
            if correction is None:
                return
            if is_attended(draft, self.clock):
                raise ReviewChanged
            acts = [act for act in review.decisions if act.at <= correction.attestation.at]
            signed, lines = _signed(claim_of(standing(acts), review.suggestions)), correction.receipt
            told = [n.purpose.removeprefix(DIAGNOSIS) for n in lines if n.purpose.startswith(DIAGNOSIS)]
            now = _signed(review.accepted())  # the receipt tells the codes, whatever a clock that was set back says
            if now != signed or [code for code, _ in now] != told:
                raise DecidedSince
            draft.cancel_correction(by)
            draft.set_status(outcome(correction.receipt))

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
                chart=chart, outbox=outbox, ladder=self.ladder_for(client), corrections=review.corrections,
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


def _signed(claim: Sequence[AcceptedCode]) -> list[tuple[str, PresentOnAdmission | None]]:
    return [(code.code, code.poa) for code in claim]


def outcome(receipt: Sequence[WrittenResource]) -> ReviewStatus:
    """What has become of the signature as a whole; what was left out on purpose is no failure."""
    open = [line for line in receipt if line.outcome not in IN_THE_CHART | {"not-written", "taken"}]
    if not open:
        return ReviewStatus.WRITTEN
    if any(line.reference and line.outcome in IN_THE_CHART | {"failed", "stray"} for line in receipt):
        return ReviewStatus.PARTLY_WRITTEN
    return ReviewStatus.REFUSED if all(line.outcome in ("refused", "undone") for line in open) else ReviewStatus.SIGNED


def check_open(review: Review, version: int) -> None:
    """Decisions and the signature: nobody works on the review, its chart has been read, and this is its newest version.

    Raises EncounterVoid, ReviewChanged.
    """
    if review.header and review.header.void:
        raise EncounterVoid
    if review.version != version or review.status not in OPEN or review.header is None:
        raise ReviewChanged


def answered(remarks: Sequence[Remark], reasons: Mapping[str, str]) -> tuple[GivenReason, ...]:
    """The warnings, each with its reason. Raises NotSignable for an error, and for a warning without a reason."""
    given = []
    for remark in remarks:
        reason = reasons.get(remark.id, "").strip()[:LONGEST_REASON]
        if remark.level is Level.ERROR or (remark.level is Level.WARNING and not reason):
            raise NotSignable(f"Rule {remark.rule.number}: {remark.rule.name}.")
        if remark.level is Level.WARNING:
            offered = reason in remark.rule.reasons
            given.append(GivenReason(remark.rule.number, remark.codes, remark.text, reason, offered))
    return tuple(given)


def statement(review: Review, by: Reviewer) -> str:
    """The attestation: names the codes in their order, the principal diagnosis, the person and the role.

    The time stands beside it.
    """
    accepted = review.accepted()
    signed = f"Signed by {by.name}{f' as {by.role}' if by.role else ''}."
    if not accepted:
        return (
            "I have reviewed this encounter and withdraw all codes that were signed for it before: none of them stands."
            f" {signed}"
        )
    codes = ", ".join(a.code for a in accepted)
    these = "this code is" if len(accepted) == 1 else f"these {len(accepted)} codes, in this order, are"
    principal = f", {accepted[0].code} as the principal diagnosis" if accepted and review.inpatient else ""
    return (
        f"I have reviewed the documentation of this encounter and confirm that {these} supported by it: {codes}"
        f"{principal}. Each was decided by a person; Chartside only suggests. {signed}"
    )
