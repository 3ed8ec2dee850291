"""The life of a review under whatever a person does, in whatever order (hypothesis, stateful): what holds always."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from coding_bench import ANA, BEN, Bench
from fhir_server import running
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sample_chart import visit
from sqlalchemy import event

from smartapp.errors import ChartsideError, ReviewChanged, ReviewClosed
from smartapp.fhir.client import FHIRClient
from smartapp.reviews import REJECT_REASONS, TAKES, Action, Decision, Particulars, PresentOnAdmission, Review, Reviewer

BILLABLE = ("I10", "E11.9", "Z87.891", "J06.9")
CODES = st.sampled_from((*BILLABLE, "E11", "Q00.0", "NO.SUCH", " i10 "))  # a category, one expired, none, one as typed
PEOPLE = st.sampled_from((ANA, BEN))
PRESENT = st.sampled_from(PresentOnAdmission)
Claim = tuple[tuple[str, PresentOnAdmission | None], ...]


def claim_of(review: Review) -> Claim:
    """The claim in order, with what is said beside each code."""
    return tuple((accepted.code, accepted.poa) for accepted in review.accepted())


class ReviewMachine(RuleBasedStateMachine):
    """One encounter, two people, the real store; each rule is a click, taken or refused."""

    start: Callable[[], Bench]  # a bench with a review that is ready for decisions

    def __init__(self) -> None:
        super().__init__()
        self.bench = self.start()
        self.kept = self.bench.coding.review(self.bench.key)

    def teardown(self) -> None:
        self.bench.close()

    def decide(
        self, action: Action, code: str, by: Reviewer, particulars: Particulars | None = None, behind: int = 0
    ) -> Review | None:
        """The review after the click, or None where it was refused, and then nothing has happened."""
        before = self.kept
        reason = next(iter(REJECT_REASONS)) if action is Action.REJECT else None
        more = particulars or Particulars()
        try:
            after = self.bench.coding.decide(before.key, before.version - behind, action, code, reason, by, more)
        except ChartsideError as refused:
            assert self.now() == before
            assert not behind or isinstance(refused, ReviewChanged | ReviewClosed)
            return None
        self.kept = after
        assert after == self.now()
        assert not before.attestation  # nothing is decided after the signature
        assert (after.version > before.version) == (len(after.decisions) > len(before.decisions))
        assert after.decisions[: len(before.decisions)] == before.decisions  # append-only
        self.check_order(before, after)
        return after

    def check_order(self, before: Review, after: Review) -> None:
        """What the click was not about stays in its order."""
        touched = {code for decision in after.decisions[len(before.decisions) :] for code in decision.codes}
        if any(d.action is Action.UNDO for d in after.decisions[len(before.decisions) :]):
            return  # it brings back an older order: see `decide_and_undo`
        old, new = ([a.code for a in review.accepted() if a.code not in touched] for review in (before, after))
        assert old == new

    def now(self) -> Review:
        return self.bench.coding.review(self.bench.key)

    @rule(action=st.sampled_from((Action.ACCEPT, Action.ADD, Action.REJECT, Action.LEAD)), code=CODES, by=PEOPLE)
    def decide_on(self, action: Action, code: str, by: Reviewer) -> None:
        self.decide(action, code, by)

    @rule(code=CODES, before=st.none() | CODES, by=PEOPLE)
    def move(self, code: str, before: str | None, by: Reviewer) -> None:
        self.decide(Action.MOVE, code, by, Particulars(before=before))

    @rule(code=CODES, other=CODES, by=PEOPLE)
    def edit(self, code: str, other: str, by: Reviewer) -> None:
        self.decide(Action.EDIT, code, by, Particulars(instead_of=other))

    @rule(code=CODES, poa=PRESENT, by=PEOPLE)
    def say_poa(self, code: str, poa: PresentOnAdmission, by: Reviewer) -> None:
        self.decide(Action.POA, code, by, Particulars(poa=poa))

    @rule(code=CODES, text=st.text(max_size=5), by=PEOPLE)
    def note(self, code: str, text: str, by: Reviewer) -> None:
        before = claim_of(self.kept)
        self.decide(Action.NOTE, code, by, Particulars(text=text))
        assert claim_of(self.kept) == before

    @rule(code=CODES, by=PEOPLE)
    def undo(self, code: str, by: Reviewer) -> None:
        self.decide(Action.UNDO, code, by)

    @rule(
        action=st.sampled_from((Action.ACCEPT, Action.ADD, Action.REJECT, Action.LEAD, Action.EDIT, Action.POA)),
        code=CODES, other=CODES, poa=PRESENT, by=PEOPLE,
    )  # fmt: skip
    def decide_and_undo(self, action: Action, code: str, other: str, poa: PresentOnAdmission, by: Reviewer) -> None:
        """Taking back what was just done leaves the claim as it was, code by code, place by place."""
        before = self.kept
        more = Particulars(
            instead_of=other if action is Action.EDIT else None, poa=poa if action is Action.POA else None
        )
        after = self.decide(action, code, by, more)
        if after is None or after.version == before.version:
            return
        undone = self.decide(Action.UNDO, code, by)
        assert undone is not None
        assert claim_of(undone) == claim_of(before)
        assert undone.rejected() == before.rejected()

    @rule(code=CODES, by=PEOPLE)
    def see_the_evidence(self, code: str, by: Reviewer) -> None:
        """It decides nothing, whoever looks and at whatever."""
        before = self.kept
        self.bench.coding.saw(before.key, [code], by)
        self.kept = self.now()
        assert (self.kept.version, self.kept.decisions) == (before.version, before.decisions)

    @rule(by=PEOPLE)
    def accept_what_was_seen(self, by: Reviewer) -> None:
        before = self.kept
        expected = [s.code for s in before.to_accept(by)]
        try:
            self.kept = self.bench.coding.accept_viewed(before.key, before.version, by)
        except ReviewClosed:
            assert before.attestation
            return
        assert [d.code for d in self.kept.decisions[len(before.decisions) :]] == expected
        self.check_order(before, self.kept)

    @rule(action=st.sampled_from((Action.ACCEPT, Action.REJECT, Action.LEAD)), code=CODES, by=PEOPLE)
    def click_on_an_old_page(self, action: Action, code: str, by: Reviewer) -> None:
        """It is refused, unless it is the very click once more; then nothing happens."""
        decisions = self.kept.decisions
        self.decide(action, code, by, behind=1)
        assert self.kept.decisions == decisions

    @precondition(lambda self: not self.kept.attestation)
    @rule(by=PEOPLE)
    def sign(self, by: Reviewer) -> None:
        """What is signed is the claim as it stands; a claim that cannot be signed stays as it is."""
        before = self.kept
        try:
            self.kept = self.bench.coding.sign_off(before.key, before.version, by, self.bench.client)
        except ChartsideError:
            assert self.now() == before
            return
        assert self.kept.attestation and self.kept.attestation.by == by
        assert (claim_of(self.kept), self.kept.decisions) == (claim_of(before), before.decisions)
        assert self.kept.version > before.version

    @invariant()
    def every_code_comes_from_a_decision(self) -> None:
        """And from one that takes it: nothing that was only suggested, rejected or refused is on the claim."""
        taken: dict[int, Decision] = {d.id: d for d in self.kept.decisions if d.action in TAKES}
        for accepted in self.kept.accepted():
            assert taken[accepted.decision.id] == accepted.decision
            assert accepted.code in BILLABLE
            assert accepted.code not in self.kept.rejected()

    @invariant()
    def no_code_stands_twice(self) -> None:
        codes = [accepted.code for accepted in self.kept.accepted()]
        assert len(set(codes)) == len(codes)
        assert [accepted.rank for accepted in self.kept.accepted()] == list(range(1, len(codes) + 1))


def no_power_fails(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Bench]]:
    """Makes a bench of its own for each life of the review, which has been read and coded once for all of them."""
    numbers = count()
    with (
        contextmanager(running)() as server,
        FHIRClient(server.base_url, lambda _: server.token, patient="p1") as client,
    ):
        server.put(*visit())
        first = Bench(server, client, tmp_path / "first.db")
        first.ready()
        whole = tmp_path / "whole.db"  # with what still stands in the write-ahead log
        with closing(sqlite3.connect(first.database)) as connection:
            connection.execute("VACUUM INTO ?", (str(whole),))
        first.close()
        ready = whole.read_bytes()

        def another() -> Bench:
            database = tmp_path / f"{next(numbers)}.db"
            database.write_bytes(ready)
            bench = Bench(server, client, database)
            event.listen(bench.engine, "connect", no_power_fails)
            return bench

        yield another


def test_a_review_under_whatever_is_done(start: Callable[[], Bench]) -> None:
    """Twenty-five lives of a review, thirty clicks each; the same in every run."""

    ReviewMachine.start = staticmethod(start)
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        ReviewMachine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
