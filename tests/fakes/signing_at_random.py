"""Sign-offs and corrections against an EHR that fails at random, by the real use cases."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from coding_bench import ANA, BEN, KEY, Clock, FakeCodeBook, PredictorInProcess
from faulty_ehr import LATE_AT_MOST, FaultyEHR
from fhir_server import FakeFHIRServer, answers
from sample_chart import visit

from launch.vault import Vault
from smartapp.coding import Coding
from smartapp.errors import StillWriting
from smartapp.fhir.chart import read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import SINGLE_WRITES, Choice, Ladder
from smartapp.jobs import Jobs
from smartapp.reviews import Action, Particulars, Review, ReviewKey, ReviewStatus, Rung
from smartapp.reviews import Choice as Standing
from smartapp.store import ReviewStore, connect, migrate

CODES = ("I10", "E11.9")
POOL = (*CODES, "J06.9", "M54.50")
RUNGS = (Rung.SINGLE_WRITES, Rung.TRANSACTION, Rung.JSON_PATCH, Rung.DOCUMENT, Rung.MESSAGE)
ENDS = frozenset({ReviewStatus.WRITTEN, ReviewStatus.PARTLY_WRITTEN, ReviewStatus.REFUSED})
MENDABLE = frozenset({"pending", "sent", "failed"})


def on(rung: Rung) -> Ladder:
    """Everything by this rung; JSON Patch is for the encounter, the rest then goes one by one."""
    others = Rung.SINGLE_WRITES if rung is Rung.JSON_PATCH else rung
    names = ("Condition", "Encounter", "Claim", "Provenance")
    choices = tuple(Choice(name, rung if name == "Encounter" else others) for name in names)
    if rung in (Rung.DOCUMENT, Rung.MESSAGE):
        choices = (*(Choice(name, rung) for name in names[:3]), Choice("Provenance", Rung.SINGLE_WRITES))
    return replace(SINGLE_WRITES, choices=choices, message="Communication", billing_pool="Group/billing")


class AtOnce(Jobs):
    """Does in the caller's own thread what is submitted, so that a seed tells everything."""

    def submit(self, work: Callable[[], None], beat: Callable[[], None]) -> None:
        work()


@dataclass
class Story:
    """One review from its first signature to its last: what went wrong on the way, and where it stands."""

    seed: int
    rung: Rung
    ehr: FaultyEHR
    coding: Coding
    key: ReviewKey
    rng: random.Random
    clock: Clock
    rate: float
    review: Review
    presses: int = 0  # of Sign and Finish writing
    choices: list[Standing] = field(default_factory=list)

    def decide(self, action: Action, code: str, instead_of: str | None = None) -> None:
        version, particulars = self.review.version, Particulars(instead_of=instead_of)
        self.review = self.coding.decide(self.key, version, action, code, None, ANA, particulars)

    def sign(self) -> None:
        """Signs, and presses Finish writing until nothing more is to be done; at last the EHR is well again."""
        self.ehr.rate = self.rate
        self.clock.forward(1)
        self.review = self.coding.sign_off(self.key, self.review.version, ANA, launched(self.key, self.ehr))
        for press in range(2, 16):
            if self.review.status is ReviewStatus.WRITTEN or (not self.ehr.rate and _is_settled(self.review)):
                break
            self.ehr.rate = self.rate if press < 7 else 0.0
            self._wait(press)
            self.review = self._go_on()
        self.presses += press - 1

    def _go_on(self) -> Review:
        conflict = next((w.conflict for w in self.review.receipt if w.outcome == "conflict"), None)
        if not conflict:
            return self.coding.finish(self.key, launched(self.key, self.ehr))
        self.choices.append(self.rng.choice(list(Standing)))
        version, chosen = self.review.version, self.choices[-1]
        return self.coding.choose(self.key, version, chosen, conflict.seen, ANA, launched(self.key, self.ehr))

    def correct(self) -> None:
        """Takes the signed review up again, sooner or later; some decide on a chart that could not be read anew."""
        self.ehr.rate = self.rate
        if self.rng.random() < 0.5:
            self._settle()
        try:
            self.take_up()
        except StillWriting:
            self._settle()
            self.take_up()
        for attempt in range(4):
            if self.review.status is ReviewStatus.READY or (self.review.header and self.rng.random() < 0.3):
                break
            self.ehr.rate = self.rate if attempt < 2 else 0.0
            self.review = self.coding.retry(self.key, launched(self.key, self.ehr), ANA)
        self._decide_anew()

    def take_up(self) -> None:
        """Whoever found the error; the chart is read anew."""
        self.review = self.coding.correct(
            self.key, self.review.version, "wrong-code", BEN, launched(self.key, self.ehr)
        )

    def _decide_anew(self) -> None:
        """Most exchange one code for another, which may be one that was withdrawn before."""
        claim = [a.code for a in self.review.accepted()]
        others = [code for code in POOL if code not in claim]
        match self.rng.choice(["exchange", "exchange", "exchange", "edit", "withdraw", "order", "none is left"]):
            case "exchange" if claim:
                self.decide(Action.ADD, self.rng.choice(others))
                self.withdraw(self.rng.choice(claim))
            case "edit" if claim:
                self.decide(Action.EDIT, self.rng.choice(others), instead_of=self.rng.choice(claim))
            case "withdraw" if claim:
                self.withdraw(self.rng.choice(claim))
            case "order" if claim:
                self.decide(Action.LEAD, claim[-1])
            case "none is left" if claim:
                while left := self.review.accepted():
                    self.withdraw(left[0].code)
            case _:
                self.decide(Action.ADD, self.rng.choice(others))

    def withdraw(self, code: str) -> None:
        """By a no to what is suggested, or act by act until nobody stands for it."""
        if code in {s.code for s in self.review.suggestions} and self.rng.random() < 0.3:
            self.decide(Action.REJECT, code)
        while code in {a.code for a in self.review.accepted()}:
            self.decide(Action.UNDO, code)

    def _wait(self, press: int) -> None:
        """Some press again at once, some after a minute."""
        if press >= 7 or self.rng.random() < 0.5:
            self._settle()
        else:
            self.clock.forward(5)

    def _settle(self) -> None:
        """Nothing is under way any more."""
        self.ehr.arrive()
        self.clock.now += LATE_AT_MOST + timedelta(seconds=1)


def launched(key: ReviewKey, ehr: FaultyEHR) -> FHIRClient:
    """A new launch has a new session; a fault may end it."""
    ehr.session_over = False
    client = FHIRClient(key.iss, lambda _: "good-token", patient=key.patient, sleep=lambda _: None)
    client.mount(ehr)
    return client


class Office:
    """One process of Chartside and its database; each review has an EHR of its own."""

    def __init__(self, folder: Path) -> None:
        self._engine = connect(f"sqlite:///{folder / 'chartside.db'}")
        migrate(self._engine)
        self._store = ReviewStore(self._engine, Vault([KEY]))
        self._jobs, self._clock = AtOnce(), Clock()

    def close(self) -> None:
        self._jobs.stop()
        self._engine.dispose()

    def sign_off(self, seed: int, rate: float = 0.2) -> Story:
        """One review, signed; two in three are corrected afterwards, some of these twice."""
        rng = random.Random(seed)
        rung = rng.choice(RUNGS)
        ehr = self._ehr(rng, seed)
        story = self.begin(seed, rung, ehr, rng, rate)
        if rng.random() < 0.1:
            ehr.somebody_lists_a_diagnosis()
        story.sign()
        for _ in range(rng.choice([0, 0, 1, 1, 1, 2])):
            story.correct()
            story.sign()
        return story

    def begin(self, seed: int, rung: Rung, ehr: FaultyEHR, rng: random.Random, rate: float) -> Story:
        """Read, with two codes decided on, and not signed."""
        key = ReviewKey(f"http://ehr-{seed}.test/fhir", "p1", "e1")
        coding = Coding(self._store, PredictorInProcess(), FakeCodeBook(), self._jobs, self._clock, lambda _: on(rung))
        review = self._prepared(key, ehr)
        story = Story(seed, rung, ehr, coding, key, rng, self._clock, rate, review)
        for code in CODES:
            story.decide(Action.ADD, code)
        return story

    def _ehr(self, rng: random.Random, seed: int) -> FaultyEHR:
        server = FakeFHIRServer(served=False, transactions=rng.choice(["atomic", "atomic", "batch", "half-done"]))
        server.knows_if_none_exist, server.patches_blindly = rng.random() < 0.5, rng.random() < 0.3
        server.put(*visit())
        ehr = FaultyEHR(server, seed, 0.0)
        if rng.random() < 0.2:
            refused = rng.choice(["Condition", "Encounter", "Claim", "Provenance", "DocumentReference"])
            ehr.refused = {refused: rng.choice([403, 422])}
            server.fail("POST", f"entry:{refused}", answers(422, "Not in this EHR."), times=99)
        elif rng.random() < 0.3:
            server.fail("POST", f"entry:{rng.choice(['Condition', 'Encounter', 'Claim'])}", answers(412, "Changed."))
        return ehr

    def _prepared(self, key: ReviewKey, ehr: FaultyEHR) -> Review:
        """As if the chart had been read and coded."""
        chart = read_chart(launched(key, ehr), key.patient, key.encounter, lambda _: None)
        self._store.create(key, self._clock())
        with self._store.change(key, self._clock()) as draft:
            draft.set_chart(chart.to_json())
            draft.set_status(ReviewStatus.READY)
        return self._store.review(key)


def _is_settled(review: Review) -> bool:
    return not any(line.outcome in MENDABLE | {"conflict"} for line in review.receipt)
