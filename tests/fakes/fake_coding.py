"""The use cases in memory, with the signatures of smartapp.coding.Coding, so that pages need no store."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from ladders import chart

from model.codebook import CodeBook, OpenBook
from smartapp.attending import WORKING
from smartapp.checks import Level, Remark, remarks_if_accepted, remarks_on
from smartapp.deciding import check, is_own_word
from smartapp.errors import NothingAccepted, NotSigned, ReviewChanged, ReviewClosed, UnknownCode
from smartapp.exports import Export
from smartapp.fhir.ladder import Ladder
from smartapp.fhir.plan import plan
from smartapp.reviews import (
    CORRECTION_REASONS,
    NO_PARTICULARS,
    AcceptedCode,
    Action,
    Attestation,
    Choice,
    Correction,
    Decision,
    Particulars,
    PlannedWrite,
    Review,
    Reviewer,
    ReviewKey,
    ReviewStatus,
    Viewing,
    WrittenResource,
)
from smartapp.signing import answered

CODES = {
    "J44.1": "Chronic obstructive pulmonary disease with (acute) exacerbation",
    "J44.9": "Chronic obstructive pulmonary disease, unspecified",
    "J45.901": "Unspecified asthma with (acute) exacerbation",
    "K21.9": "Gastro-esophageal reflux disease without esophagitis",
    "E78.5": "Hyperlipidemia, unspecified",
    "E66.01": "Morbid (severe) obesity due to excess calories",
    "Z79.4": "Long term (current) use of insulin",
}
STATEMENT = "I have read the documentation of this encounter and the codes above are supported by it."
NOW = datetime(2026, 3, 12, 16, 5, tzinfo=UTC)


@cache
def real_book() -> CodeBook:
    """The committed code book, read once."""
    return CodeBook.load(Path(__file__).parents[2] / "model" / "artifact" / "codebook")


@dataclass(frozen=True)
class FakeSummary:
    accepted: tuple[AcceptedCode, ...]
    planned: tuple[PlannedWrite, ...]
    statement: str
    remarks: tuple[Remark, ...]

    @property
    def signable(self) -> bool:
        return all(remark.level is not Level.ERROR for remark in self.remarks)


class FakeCoding:
    """Holds one review; tests set `review_now` to what they need, and `fails` to what should go wrong."""

    def __init__(self, review: Review) -> None:
        self.review_now = review
        self.fails: Exception | None = None
        self.outcomes: tuple[WrittenResource, ...] | None = None  # None: everything is written
        self.ladder: Ladder | None = None  # by which the summary plans; None: a few lines as from a plain EHR
        self.signed = 0
        self.seen: list[tuple[str, str]] = []
        self.chosen: tuple[Choice, str] | None = None
        self._said: list[tuple[Review, tuple[Remark, ...]]] = []  # what the rules say of the reviews asked about last

    def open(self, key: ReviewKey, client: Any, by: Reviewer | None = None) -> Review:
        return self.review(key)

    def viewed(self, key: ReviewKey, page: str, by: Reviewer) -> None:
        self.seen.append((page, by.fhir_user))

    def review(self, key: ReviewKey) -> Review:
        if self.fails:
            raise self.fails
        return self.review_now

    def look(self, key: ReviewKey, client: Any) -> Review:
        return self.review(key)

    def stop(self, key: ReviewKey, by: Reviewer) -> Review:
        if self.review(key).status not in WORKING:
            return self.review(key)
        return self._keep(status=ReviewStatus.FAILED, failure=f"{by.name} stopped it.")

    def retry(self, key: ReviewKey, client: Any, by: Reviewer | None = None) -> Review:
        return self._keep(status=ReviewStatus.READING, stage="opening the chart", failure=None)

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
        review = self.review(key)
        if review.attestation:
            raise ReviewClosed()
        behind = version != review.version and not is_own_word(review, action, code, by)
        if behind or review.status in (ReviewStatus.READING, ReviewStatus.CODING):
            raise ReviewChanged()
        check(review, action, code, particulars)
        title = {**CODES, **{s.code: s.title for s in review.suggestions}}.get(code)
        if title is None and real_book().is_billable(code):
            title = real_book().title(code)
        if title is None:
            raise UnknownCode("The code is not in the code book of the date of service.")
        decision = Decision(len(review.decisions) + 1, action, code, title, reason, by, NOW, particulars)
        return self._keep(decisions=(*review.decisions, decision))

    def accept_viewed(self, key: ReviewKey, version: int, by: Reviewer) -> Review:
        review = self.review(key)
        for suggestion in review.to_accept(by):
            review = self.decide(key, review.version, Action.ACCEPT, suggestion.code, None, by)
        return review

    def remarks(self, review: Review) -> tuple[Remark, ...]:
        """Worked out once a version, as by the real ones."""
        said = next((said for of, said in self._said if of == review), None)
        if said is None:
            said = (*remarks_on(review, real_book()), *remarks_if_accepted(review, real_book()))
            self._said = [*self._said[-3:], (review, said)]
        return said

    def saw(self, key: ReviewKey, codes: Collection[str], by: Reviewer) -> Review:
        review = self.review(key)
        new = (Viewing(code, by, NOW) for code in codes if code not in review.viewed_by(by))
        self.review_now = replace(review, viewings=(*review.viewings, *new))
        return self.review_now

    def book(self, review: Review) -> OpenBook:
        return OpenBook(real_book(), review.header.date_of_service if review.header else None)

    def summary(self, key: ReviewKey, client: Any, by: Reviewer | None = None) -> FakeSummary:
        accepted = self.review(key).accepted()
        if not accepted:
            raise NothingAccepted()
        remarks = remarks_on(self.review_now, real_book())
        if self.ladder is not None:
            return FakeSummary(accepted, tuple(plan(chart(), accepted, self.ladder)), STATEMENT, remarks)
        planned = [
            PlannedWrite(
                "Condition",
                f"diagnosis {a.code}",
                True,
                f"{a.title}, active, confirmed, linked to this encounter",
                json.dumps({"resourceType": "Condition", "code": {"coding": [{"code": a.code}]}}, indent=2),
            )
            for a in accepted
        ]
        planned.append(PlannedWrite("Encounter", "order of diagnoses", True, "The diagnoses in this order", "{}"))
        planned.append(
            PlannedWrite("Claim", "draft claim", False, "The EHR did not grant the right to create claims.", None)
        )
        return FakeSummary(accepted, tuple(planned), STATEMENT, remarks)

    def export(self, key: ReviewKey, kind: str) -> Export:
        if self.review(key).attestation is None:
            raise NotSigned()
        return Export("chartside-codes.txt", "text/plain", b"the codes")

    def sign_off(
        self, key: ReviewKey, version: int, by: Reviewer, client: Any, reasons: dict[str, str] | None = None
    ) -> Review:
        review = self.review(key)
        if review.attestation:
            return review
        if version != review.version:
            raise ReviewChanged()
        if not review.accepted():
            raise NothingAccepted()
        given = answered(remarks_on(review, real_book()), reasons or {})
        self.signed += 1
        self._keep(status=ReviewStatus.SIGNED, attestation=Attestation(by, NOW, STATEMENT, given))
        return self.finish(key, client)

    def correct(self, key: ReviewKey, version: int, reason: str, by: Reviewer, client: Any, text: str = "") -> Review:
        review = self.review(key)
        if review.attestation is None or version != review.version:
            raise ReviewChanged()
        said = CORRECTION_REASONS.get(reason, text)
        correction = Correction(by, NOW, said, True, review.attestation, review.receipt)
        return self._keep(
            status=ReviewStatus.READY, attestation=None, receipt=(), corrections=(*review.corrections, correction)
        )

    def cancel_correction(self, key: ReviewKey, by: Reviewer) -> Review:
        """Nobody decides anything in between."""
        review = self.review(key)
        if not review.corrections or review.attestation is not None:
            raise ReviewChanged()
        *before, last = review.corrections
        return self._keep(
            status=ReviewStatus.SIGNED, attestation=last.attestation, receipt=last.receipt, corrections=tuple(before)
        )

    def finish(self, key: ReviewKey, client: Any) -> Review:
        review = self.review(key)
        receipt = self.outcomes
        if receipt is None:
            receipt = tuple(
                WrittenResource("Condition", f"diagnosis {a.code}", "written", f"Condition/{a.rank}", "")
                for a in review.accepted()
            )
        good = all(w.outcome in ("written", "already-there", "not-written") for w in receipt)
        return self._keep(status=ReviewStatus.WRITTEN if good else ReviewStatus.PARTLY_WRITTEN, receipt=receipt)

    def choose(self, key: ReviewKey, version: int, choice: Choice, seen: str, by: Reviewer, client: Any) -> Review:
        if version != self.review(key).version:
            raise ReviewChanged()
        self.chosen = (choice, seen)
        self.outcomes = None
        return self.finish(key, client)

    def _keep(self, **changes: Any) -> Review:
        self.review_now = replace(self.review_now, version=self.review_now.version + 1, **changes)
        return self.review_now
