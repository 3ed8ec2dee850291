"""Queries, roles and the worklist in memory, with the signatures of Asking and WorklistStore."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from smartapp.asking import Ways
from smartapp.errors import ReviewChanged, UnknownCode, UnknownQuery
from smartapp.fhir.ladder import Choice
from smartapp.queries import Query, QueryState, Recipient, Wording, draft_of
from smartapp.reviews import Review, Reviewer, ReviewKey, Rung, WrittenResource
from smartapp.worklists import QUERY_PENDING, Listing, Pending, Row, Standing, Wanted

NOW = datetime(2026, 3, 12, 16, 5, tzinfo=UTC)
RUIZ = Recipient("Practitioner/1", "Dr. Elena Ruiz")


@dataclass
class FakeAsking:
    """Every query reaches the EHR at once."""

    review: Any  # () -> Review
    kept: dict[int, Query] = field(default_factory=dict)
    way: Choice = field(default_factory=lambda: Choice("Communication", Rung.MESSAGE))

    def clock(self) -> datetime:
        return NOW

    def queries(self, key: ReviewKey) -> tuple[Query, ...]:
        return tuple(self.kept.values())

    def query(self, key: ReviewKey, id: int) -> Query:
        if id not in self.kept:
            raise UnknownQuery
        return self.kept[id]

    def begin(self, key: ReviewKey, code: str, by: Reviewer) -> Query:
        review: Review = self.review()
        wording = draft_of(review, code)
        if wording is None:
            raise UnknownCode
        id = len(self.kept) + 1
        return self._keep(Query(id, key, 1, QueryState.DRAFT, code, wording, by, NOW, NOW))

    def ways(self, key: ReviewKey, client: Any) -> Ways:
        return Ways((RUIZ,), self.way)

    def save(self, key: ReviewKey, id: int, version: int, wording: Wording, by: Reviewer) -> Query:
        return self._change(id, version, wording=wording)

    def send(self, key: ReviewKey, id: int, version: int, by: Reviewer, client: Any) -> Query:
        line = WrittenResource(self.way.resource, f"query {id}", "written", "Communication/7", "", self.way.rung)
        return self._change(id, version, state=QueryState.SENT, sent_by=by, line=line)

    def finish(self, key: ReviewKey, id: int, by: Reviewer, client: Any) -> Query:
        return self.query(key, id)

    def answer(self, key: ReviewKey, id: int, version: int, answer: str, by: Reviewer) -> Query:
        return self._change(id, version, state=QueryState.ANSWERED, answer=answer)

    def withdraw(self, key: ReviewKey, id: int, version: int, by: Reviewer, client: Any) -> Query:
        return self._change(id, version, state=QueryState.WITHDRAWN)

    def _change(self, id: int, version: int, **changes: Any) -> Query:
        if self.kept[id].version != version:
            raise ReviewChanged
        return self._keep(replace(self.kept[id], version=version + 1, **changes))

    def _keep(self, query: Query) -> Query:
        self.kept[query.id] = query
        return query


@dataclass
class FakeWorklist:
    """One reason to wait, one role; the rows that a test gives."""

    why: Pending | None = None
    role: str | None = None
    rows: tuple[Row, ...] = ()
    seen: list[str] = field(default_factory=list)

    def opened(self, key: ReviewKey, tenant: str, by: Reviewer, at: datetime) -> None:
        pass

    def chosen_role(self, key: ReviewKey, launch: str) -> str | None:
        return self.role

    def choose_role(self, key: ReviewKey, role: str, by: Reviewer) -> None:
        self.role = role

    def pending(self, key: ReviewKey) -> Pending | None:
        return self.why

    def set_pending(self, key: ReviewKey, reason: str, note: str, by: Reviewer, at: datetime) -> None:
        self.why = Pending(reason, note, by, at)

    def end_pending(self, key: ReviewKey, by: Reviewer) -> None:
        self.why = None

    def listing(
        self, iss: str, tenant: str, fhir_user: str | None, wanted: Wanted, now: datetime, size: int = 50
    ) -> Listing:
        rows = tuple(row for row in self.rows if wanted.standing in (None, row.standing))
        return Listing(rows, len(rows), 1, wanted)

    def tell_seen(self, rows: Iterable[Row], by: Reviewer, page: str) -> None:
        self.seen += [f"{page} {row.key.encounter}" for row in rows]


def sample_rows(here: ReviewKey) -> tuple[Row, ...]:
    """The encounter of the launch, and others in each state."""

    def row(n: int, standing: Standing, name: str, *reasons: str) -> Row:
        key = here if n == 0 else replace(here, patient=f"pt-{n}9", encounter=f"enc-{n}9")
        at = NOW - timedelta(hours=7 * n)
        return Row(key, standing, reasons, at, at, name, f"MRN-00{n}", "Office visit", date(2026, 3, 12 - n))

    return (
        row(0, Standing.OPENED, "Marsh, Beatrix"),
        row(1, Standing.PENDING, "=cmd|' /C calc'!A0", "A document is missing", QUERY_PENDING),
        row(2, Standing.SIGNED, "Okonkwo, Chidi Emmanuel"),
        row(3, Standing.AMENDED, "Sørensen, Anne-Marie"),
    )
