"""The use cases of queries to the physician: draft, edit, send, record the answer, withdraw."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from smartapp.errors import ChartRemoved, ReviewChanged, UnknownCode
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import Choice, Ladder
from smartapp.fhir.outbox import IN_THE_CHART, Outbox
from smartapp.fhir.query import recipients, send_query, way_to_ask, withdraw_query
from smartapp.queries import Query, QueryState, Recipient, Wording, check, draft_of
from smartapp.reviews import Reviewer, ReviewKey, Rung, WrittenResource
from smartapp.store import ClaimLost, QueryStore, ReviewStore

BY_HAND = "This EHR takes no query from here. Print it, or copy it, and hand it over."
LONGEST_ANSWER = 2000  # characters


@dataclass(frozen=True, slots=True)
class Ways:
    """How a query would reach the physician of the encounter."""

    recipients: tuple[Recipient, ...]
    choice: Choice


@dataclass(frozen=True, slots=True)
class Asking:
    """Works on one query at a time; each is found only within its own review."""

    reviews: ReviewStore
    store: QueryStore
    clock: Callable[[], datetime]
    ladder_for: Callable[[FHIRClient], Ladder]

    def queries(self, key: ReviewKey) -> tuple[Query, ...]:
        """All of the review, oldest first."""
        return self.store.of(key)

    def query(self, key: ReviewKey, id: int) -> Query:
        """Raises UnknownQuery."""
        return self.store.query(key, id)

    def begin(self, key: ReviewKey, code: str, by: Reviewer) -> Query:
        """A draft from the evidence for the code; the one there is, where there is one. Raises UnknownCode."""
        wording = draft_of(self.reviews.review(key), code)
        if wording is None:
            raise UnknownCode("A query begins from words of the notes: from a suggestion, or from a mention.")
        return self.store.create(key, code, wording, by, self.clock())

    def ways(self, key: ReviewKey, client: FHIRClient) -> Ways:
        """Raises ChartRemoved, EHRUnavailable."""
        ladder = self.ladder_for(client)
        found = recipients(self._chart(key), ladder)
        return Ways(found, way_to_ask(ladder, bool(found)))

    def save(self, key: ReviewKey, id: int, version: int, wording: Wording, by: Reviewer) -> Query:
        """Keeps what was edited. What is quoted can only be left out. Raises ReviewChanged."""
        with self.store.change(key, id, version, "edited", by, self.clock()) as draft:
            before = draft.query
            if before.state is not QueryState.DRAFT:
                raise ReviewChanged
            if (
                not set(wording.indicators) <= set(before.wording.indicators)
                or wording.subject != before.wording.subject
            ):
                raise ReviewChanged("What is quoted from the notes cannot be changed here.")
            draft.row.wording = wording.to_json()
        return self.store.query(key, id)

    def send(self, key: ReviewKey, id: int, version: int, by: Reviewer, client: FHIRClient) -> Query:
        """Brings a draft without findings to the EHR by its rung; a repeated click goes on with what is unfinished.

        Raises ReviewChanged, ChartRemoved, EHRUnavailable.
        """
        query = self.store.query(key, id)
        if query.state is QueryState.SENT:
            return self.finish(key, id, by, client)
        ways = self.ways(key, client)
        asked = {recipient.reference for recipient in ways.recipients}
        to = query.wording.recipient
        if check(query.wording) or (ways.choice.rung is Rung.MESSAGE and (to is None or to.reference not in asked)):
            raise ReviewChanged("The query is not ready to be sent.")
        with self.store.change(key, id, version, "sent", by, self.clock()) as draft:
            if draft.query.state is not QueryState.DRAFT:
                raise ReviewChanged
            draft.row.state, draft.row.sent_by, draft.row.sent_name = QueryState.SENT.value, by.fhir_user, by.name
            draft.set_line(_planned(ways.choice, id))
            claim = draft.claim(self.clock())
        if claim and ways.choice.rung is not Rung.EXPORT:
            self._deliver(key, id, claim, by, client)
        return self.store.query(key, id)

    def finish(self, key: ReviewKey, id: int, by: Reviewer, client: FHIRClient) -> Query:
        """Goes on with a delivery that was cut short; nothing is sent twice, and nothing while another sends."""
        line = self.store.query(key, id).line
        unfinished = line and line.outcome in ("pending", "sent", "failed", "refused")
        if unfinished and (claim := self.store.claim(key, id, self.clock())):
            self._deliver(key, id, claim, by, client)
        return self.store.query(key, id)

    def answer(self, key: ReviewKey, id: int, version: int, answer: str, by: Reviewer) -> Query:
        """Records what the physician answered, in the words of whoever read it. Raises ReviewChanged."""
        with self.store.change(key, id, version, "answered", by, self.clock()) as draft:
            if draft.query.state is not QueryState.SENT:
                raise ReviewChanged
            draft.row.state, draft.row.answer = QueryState.ANSWERED.value, answer[:LONGEST_ANSWER]
        return self.store.query(key, id)

    def withdraw(self, key: ReviewKey, id: int, version: int, by: Reviewer, client: FHIRClient) -> Query:
        """A draft is put away; what the EHR holds is marked as entered in error there. Raises ReviewChanged."""
        claim = None
        with self.store.change(key, id, version, "withdrawn", by, self.clock()) as draft:
            if draft.query.state not in (QueryState.DRAFT, QueryState.SENT):
                raise ReviewChanged
            line = draft.query.line
            draft.row.state = QueryState.WITHDRAWN.value
            if line and line.outcome in IN_THE_CHART:
                claim = draft.claim(self.clock())
        if claim:
            query = self.store.query(key, id)
            self._with_outbox(query, claim, by, partial(withdraw_query, query, client))
        return self.store.query(key, id)

    def _deliver(self, key: ReviewKey, id: int, claim: str, by: Reviewer, client: FHIRClient) -> None:
        query = self.store.query(key, id)
        self._with_outbox(
            query, claim, by, partial(send_query, query, self._chart(key), client, self.ladder_for(client))
        )

    def _with_outbox(self, query: Query, claim: str, by: Reviewer, work: Callable[[Outbox], None]) -> None:
        assert query.line is not None  # it is set before a claim is given
        keep = partial(self.store.keep_line, query.key, query.id, claim, by)
        try:
            work(Outbox([query.line], lambda _, line: keep(line), self.clock))
        except ClaimLost:
            return  # another took over while this one seemed dead
        finally:
            self.store.release(query.key, query.id, claim)

    def _chart(self, key: ReviewKey) -> Chart:
        chart = self.reviews.chart(key)
        if chart is None:
            raise ChartRemoved
        return Chart.from_json(chart)


def _planned(choice: Choice, id: int) -> WrittenResource:
    line = WrittenResource(choice.resource or "Paper", f"query {id}", "pending", None, "", choice.rung)
    return replace(line, outcome="not-written", detail=BY_HAND) if choice.rung is Rung.EXPORT else line
