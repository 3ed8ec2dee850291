"""Sign-offs against an EHR that fails at random, by the real use cases, and what must hold of each in the end."""

import random
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from coding_bench import ANA, KEY, Clock, FakeCodeBook, PredictorInProcess
from faulty_ehr import LATE_AT_MOST, FaultyEHR
from fhir_server import FakeFHIRServer, answers
from sample_chart import visit

from launch.vault import Vault
from smartapp.coding import Coding
from smartapp.fhir.chart import read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import SINGLE_WRITES, Choice, Ladder
from smartapp.jobs import Jobs
from smartapp.reviews import Action, Review, ReviewKey, ReviewStatus, Rung
from smartapp.reviews import Choice as Standing
from smartapp.store import ReviewStore, connect, migrate

CODES = ("I10", "E11.9")
ENDS = frozenset({ReviewStatus.WRITTEN, ReviewStatus.PARTLY_WRITTEN, ReviewStatus.REFUSED})
MENDABLE = frozenset({"pending", "sent", "failed"})
OURS = "urn:ietf:rfc:3986"


def on(rung: Rung) -> Ladder:
    """Everything by this rung; JSON Patch is for the encounter, the rest then goes one by one."""
    others = Rung.SINGLE_WRITES if rung is Rung.JSON_PATCH else rung
    names = ("Condition", "Encounter", "Claim", "Provenance")
    choices = tuple(Choice(name, rung if name == "Encounter" else others) for name in names)
    if rung in (Rung.DOCUMENT, Rung.MESSAGE):
        choices = (*(Choice(name, rung) for name in names[:3]), Choice("Provenance", Rung.SINGLE_WRITES))
    return replace(SINGLE_WRITES, choices=choices, message="Communication", billing_pool="Group/billing")


@dataclass
class Ended:
    """One sign-off: where it stands, how often somebody pressed, what went wrong on the way."""

    seed: int
    rung: Rung
    review: Review
    presses: int
    ehr: FaultyEHR
    choices: list[Standing]

    def complaints(self) -> list[str]:
        """Whatever does not hold; empty when all is well."""
        return [f"seed {self.seed} ({self.rung}): {what}" for what in _Check(self).all()]


class Office:
    """One process of Chartside and its database; each sign-off has an EHR of its own."""

    def __init__(self, folder: Path) -> None:
        self._engine = connect(f"sqlite:///{folder / 'chartside.db'}")
        migrate(self._engine)
        self._store = ReviewStore(self._engine, Vault([KEY]))
        self._jobs, self._clock = Jobs(), Clock()

    def close(self) -> None:
        self._jobs.stop()
        self._engine.dispose()

    def sign_off(self, seed: int, rate: float = 0.2) -> Ended:
        rng = random.Random(seed)
        rung = rng.choice([Rung.SINGLE_WRITES, Rung.TRANSACTION, Rung.JSON_PATCH, Rung.DOCUMENT, Rung.MESSAGE])
        ehr = self._ehr(rng, seed)
        base = f"http://ehr-{seed}.test/fhir"
        key = ReviewKey(base, "p1", "e1")
        coding = Coding(self._store, PredictorInProcess(), FakeCodeBook(), self._jobs, self._clock, lambda _: on(rung))
        self._prepare(key, ehr)
        review = self._store.review(key)
        for code in CODES:
            review = coding.decide(key, review.version, Action.ADD, code, None, ANA)
        ehr.rate = rate
        if rng.random() < 0.1:
            ehr.somebody_lists_a_diagnosis()
        choices: list[Standing] = []
        review = coding.sign_off(key, review.version, ANA, self._launch(base, ehr))
        for press in range(2, 16):
            if review.status is ReviewStatus.WRITTEN or (not ehr.rate and _is_settled(review)):
                break
            ehr.rate = rate if press < 7 else 0.0
            self._wait(rng, ehr, press)
            conflict = next((w.conflict for w in review.receipt if w.outcome == "conflict"), None)
            client = self._launch(base, ehr)
            if conflict:
                choices.append(rng.choice(list(Standing)))
                review = coding.choose(key, review.version, choices[-1], conflict.seen, ANA, client)
            else:
                review = coding.finish(key, client)
        return Ended(seed, rung, review, press, ehr, choices)

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

    def _prepare(self, key: ReviewKey, ehr: FaultyEHR) -> None:
        """As if the chart had been read and coded."""
        chart = read_chart(self._launch(key.iss, ehr), key.patient, key.encounter, lambda _: None)
        self._store.create(key, self._clock())
        with self._store.change(key, self._clock()) as draft:
            draft.set_chart(chart.to_json())
            draft.set_status(ReviewStatus.READY)

    def _launch(self, base: str, ehr: FaultyEHR) -> FHIRClient:
        """A new launch has a new session; a fault may end it."""
        ehr.session_over = False
        client = FHIRClient(base, lambda _: "good-token", patient="p1", sleep=lambda _: None)
        client.mount(ehr)
        return client

    def _wait(self, rng: random.Random, ehr: FaultyEHR, press: int) -> None:
        """Some press again at once, some after a minute; by then nothing is under way any more."""
        if press >= 7 or rng.random() < 0.5:
            ehr.arrive()
            self._clock.now += LATE_AT_MOST + timedelta(seconds=1)
        else:
            self._clock.now += timedelta(seconds=5)


def _is_settled(review: Review) -> bool:
    return not any(line.outcome in MENDABLE | {"conflict"} for line in review.receipt)


class _Check:
    def __init__(self, ended: Ended) -> None:
        self._ended, self._review, self._server = ended, ended.review, ended.ehr.server

    def all(self) -> list[str]:
        return [*self._named(), *self._once(), *self._agrees(), *self._nothing_lost()]

    def _named(self) -> list[str]:
        lines = [f"{w.resource} {w.outcome}: {w.detail}" for w in self._review.receipt if w.outcome in MENDABLE]
        return lines if self._review.status in ENDS else [f"ended as {self._review.status}", *lines]

    def _valid(self, type: str) -> list[dict[str, Any]]:
        return [r for r in self._server.all(type) if not _is_void(r)]

    def _once(self) -> list[str]:
        found = []
        for type in ("Condition", "Claim", "DocumentReference", "Communication"):
            ids = [i["value"] for r in self._valid(type) for i in r.get("identifier", []) if i.get("system") == OURS]
            found += [f"{type} is there {ids.count(i)} times" for i in set(ids) if ids.count(i) > 1]
        listed = [d["condition"]["reference"] for d in self._listed()]
        found += [f"{r} is listed {listed.count(r)} times" for r in set(listed) if listed.count(r) > 1]
        spoken = [t["reference"].partition("/_history")[0] for p in self._server.all("Provenance") for t in p["target"]]
        return found + [f"{spoken.count(t)} Provenances speak of {t}" for t in set(spoken) if spoken.count(t) > 1]

    def _listed(self) -> list[dict[str, Any]]:
        return list(self._server.get("Encounter/e1").get("diagnosis", []))

    def _agrees(self) -> list[str]:
        """What the receipt says and what the EHR holds are the same."""
        found = []
        for line in self._review.receipt:
            there = bool(line.reference) and any(
                f"{line.resource}/{r['id']}" == line.reference for r in self._valid(line.resource)
            )
            if line.outcome in ("written", "already-there") and not there:
                found.append(f"{line.resource} is told as {line.outcome} and is not there")
            if line.outcome in ("refused", "not-written") and line.resource != "Encounter":
                ours = [r for r in self._valid(line.resource) if self._is_of(line.purpose, r)]
                found += [f"{line.resource} is told as {line.outcome} and is there"] * bool(ours)
        encounter = next(w for w in self._review.receipt if w.resource == "Encounter")
        listed = {d["condition"]["reference"] for d in self._listed()}
        ours = {w.reference for w in self._review.receipt if w.resource == "Condition" and w.outcome == "written"}
        if encounter.outcome == "written" and not ours <= listed:
            found.append("the encounter is told as written and does not list what is ours")
        return found + [f"the list leads nowhere: {r}" for r in listed if str(r).startswith("urn:")]

    def _is_of(self, purpose: str, resource: dict[str, Any]) -> bool:
        if resource["resourceType"] == "Condition":
            return bool(purpose == f"diagnosis {resource['code']['coding'][0]['code']}")
        return any(i.get("system") == OURS for i in resource.get("identifier", [])) or "target" in resource

    def _nothing_lost(self) -> list[str]:
        """Nobody's change is overwritten, but by a person's choice."""
        listed = {d["condition"]["reference"] for d in self._listed()}
        theirs = {f"Condition/theirs-{n}" for n in range(1, self._ended.ehr.others + 1)}
        kept = theirs <= listed or Standing.MINE in self._ended.choices
        return [] if kept else ["what somebody else listed is gone"]


def _is_void(resource: dict[str, Any]) -> bool:
    codings = resource.get("verificationStatus", {}).get("coding", [])
    return resource.get("status") == "entered-in-error" or any(c.get("code") == "entered-in-error" for c in codings)
