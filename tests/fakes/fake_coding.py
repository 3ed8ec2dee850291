"""The use cases in memory, with the signatures of smartapp.coding.Coding, so that pages need no store."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from ladders import chart

from smartapp.errors import NothingAccepted, NotSigned, ReviewChanged, ReviewClosed, UnknownCode
from smartapp.exports import Export
from smartapp.fhir.ladder import Ladder
from smartapp.fhir.plan import plan
from smartapp.reviews import (
    AcceptedCode,
    Action,
    Attestation,
    Choice,
    Decision,
    PlannedWrite,
    Review,
    Reviewer,
    ReviewKey,
    ReviewStatus,
    WrittenResource,
)

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


@dataclass(frozen=True)
class FakeSummary:
    accepted: tuple[AcceptedCode, ...]
    planned: tuple[PlannedWrite, ...]
    statement: str


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

    def retry(self, key: ReviewKey, client: Any, by: Reviewer | None = None) -> Review:
        return self._keep(status=ReviewStatus.READING, stage="opening the chart", failure=None)

    def decide(
        self, key: ReviewKey, version: int, action: Action, code: str, reason: str | None, by: Reviewer
    ) -> Review:
        review = self.review(key)
        if review.attestation:
            raise ReviewClosed()
        if version != review.version or review.status in (ReviewStatus.READING, ReviewStatus.CODING):
            raise ReviewChanged()
        if action is Action.LEAD and code not in {a.code for a in review.accepted()}:
            raise ReviewChanged()
        title = {**CODES, **{s.code: s.title for s in review.suggestions}}.get(code)
        if title is None:
            raise UnknownCode("The code is not in the code book of the date of service.")
        decision = Decision(len(review.decisions) + 1, action, code, title, reason, by, NOW)
        return self._keep(decisions=(*review.decisions, decision))

    def search(self, key: ReviewKey, words: str, limit: int = 10) -> tuple[Any, ...]:
        self.review(key)
        wanted = words.lower().split()
        known = CODES | {s.code: s.title for s in self.review_now.suggestions}
        found = [c for c in known.items() if all(w in " ".join(c).lower() for w in wanted)]
        return tuple(SimpleNamespace(code=code, title=title, score=1.0) for code, title in found[:limit])

    def summary(self, key: ReviewKey, client: Any) -> FakeSummary:
        accepted = self.review(key).accepted()
        if not accepted:
            raise NothingAccepted()
        if self.ladder is not None:
            return FakeSummary(accepted, tuple(plan(chart(), accepted, self.ladder)), STATEMENT)
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
        return FakeSummary(accepted, tuple(planned), STATEMENT)

    def export(self, key: ReviewKey, kind: str) -> Export:
        if self.review(key).attestation is None:
            raise NotSigned()
        return Export("chartside-codes.txt", "text/plain", b"the codes")

    def sign_off(self, key: ReviewKey, version: int, by: Reviewer, client: Any) -> Review:
        review = self.review(key)
        if review.attestation:
            return review
        if version != review.version:
            raise ReviewChanged()
        if not review.accepted():
            raise NothingAccepted()
        self.signed += 1
        self._keep(status=ReviewStatus.SIGNED, attestation=Attestation(by, NOW, STATEMENT))
        return self.finish(key, client)

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
