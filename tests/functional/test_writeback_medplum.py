"""Writing back to a server by others that carries out no transaction as one: @medplum/fhir-router in memory."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sample_chart import accepted, attestation, corrected, outbox, visit

from smartapp.fhir.chart import read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.fhir.writeback import write_back
from smartapp.reviews import ReviewKey, Rung, WrittenResource

pytestmark = [pytest.mark.validator, pytest.mark.xdist_group("medplum")]

HOME = Path(__file__).resolve().parents[1] / "ehrs"
CODES = ("I10", "E11.9")
Resource = dict[str, Any]


@pytest.fixture(scope="module", params=["transactions", "batch"])
def base(request: pytest.FixtureRequest, need: Callable[[bool, str], None]) -> Iterator[str]:
    """The server, which says that it carries out transactions as one, or takes them as batches."""
    there = shutil.which("node") is not None and (HOME / "node_modules" / "@medplum" / "fhir-router").is_dir()
    need(there, "Node with the packages of tests/ehrs (npm ci --prefix tests/ehrs)")
    with subprocess.Popen(["node", "medplum.mjs", request.param], cwd=HOME, stdout=subprocess.PIPE, text=True) as node:
        assert node.stdout is not None
        yield f"http://127.0.0.1:{node.stdout.readline().strip()}/fhir"
        node.terminate()


class Here:
    """The sample visit on the server, under ids of the test's own."""

    def __init__(self, base: str, name: str) -> None:
        self.base, self.name = base, name
        for resource in visit():
            self.put(resource)
        self.key = ReviewKey(base, self.id("p1"), self.id("e1"))

    def id(self, id: str) -> str:
        return f"{id}-{self.name}"

    def put(self, resource: Resource) -> None:
        text = json.dumps(resource)
        for id in ("p1", "e1", "n1", "v1"):
            text = text.replace(f'{id}"', f'{self.id(id)}"')
        mine: Resource = json.loads(text)
        requests.put(f"{self.base}/{mine['resourceType']}/{mine['id']}", json=mine, timeout=20).raise_for_status()

    def get(self, type: str) -> list[Resource]:
        """All of the type that belong to the patient, or speak of what does."""
        found = requests.get(f"{self.base}/{type}?_count=1000", timeout=20).json().get("entry", [])
        return [e["resource"] for e in found if self.name in str(e["resource"])]

    def encounter(self) -> Resource:
        found: Resource = requests.get(f"{self.base}/Encounter/{self.key.encounter}", timeout=20).json()
        return found

    def sign(
        self,
        rung: Rung,
        client: type[FHIRClient] = FHIRClient,
        codes: tuple[str, ...] = CODES,
        before: tuple[WrittenResource, ...] = (),
    ) -> tuple[WrittenResource, ...]:
        """`before`: the receipt of a signature that this one corrects."""
        later, correction = corrected(before)
        corrections = (correction,) if before else ()
        with client(self.base, lambda _: "token", patient=self.key.patient, sleep=lambda _: None) as speaking:
            chart = read_chart(speaking, self.key.patient, self.key.encounter, lambda _: None)
            out = outbox(chart, *codes, rung=None if before else rung, corrections=corrections)
            return write_back(
                speaking, self.key, accepted(*codes), later if before else attestation(), "rev-1",
                chart=chart, outbox=out, ladder=SINGLE_WRITES, corrections=corrections,
            )  # fmt: skip

    def counts(self) -> dict[str, int]:
        return {type: len(self.get(type)) for type in ("Condition", "Claim", "Provenance")}


ONCE = {"Condition": 2, "Claim": 1, "Provenance": 1}
RUNGS = [Rung.TRANSACTION, Rung.SINGLE_WRITES, Rung.JSON_PATCH]


@pytest.mark.parametrize("rung", RUNGS)
def test_written_once(base: str, rung: Rung) -> None:
    """Everything is there once and read back; a second run finds it, although no search by system and value does."""
    here = Here(base, f"once-{rung.value}")
    assert {line.outcome for line in here.sign(rung)} == {"written"}
    assert here.counts() == ONCE
    assert {line.outcome for line in here.sign(rung)} == {"already-there"}
    assert here.counts() == ONCE
    listed = [d["condition"]["reference"] for d in here.encounter()["diagnosis"]]
    assert sorted(listed) == sorted(f"Condition/{c['id']}" for c in here.get("Condition"))


def test_a_correction(base: str) -> None:
    """One code in the place of another: the withdrawn Condition stays and says so, and is off list and claim."""
    here = Here(base, "corrected")
    first = here.sign(Rung.SINGLE_WRITES)
    lines = here.sign(Rung.SINGLE_WRITES, codes=("E11.9", "J06.9"), before=first)
    assert {line.outcome for line in lines} == {"written", "already-there"}, lines
    status = {code_of(c["code"]): c["verificationStatus"]["coding"][0]["code"] for c in here.get("Condition")}
    assert status == {"I10": "entered-in-error", "E11.9": "confirmed", "J06.9": "confirmed"}
    listed = [e["condition"]["reference"] for e in here.encounter()["diagnosis"]]
    assert listed == [line.reference for line in lines[:2]]
    (claim,) = here.get("Claim")
    assert [code_of(d["diagnosisCodeableConcept"]) for d in claim["diagnosis"]] == ["E11.9", "J06.9"]


def code_of(concept: Resource) -> str:
    return str(concept["coding"][0]["code"])


class Interrupted(FHIRClient):
    """Somebody else changes the encounter between our reading it and our first write to it."""

    changed = False

    def _interrupt(self) -> None:
        if not self.changed:
            self.changed = True
            id = self.patient.replace("p1", "e1")
            current = requests.get(f"{self.base_url}/Encounter/{id}", timeout=20).json()
            changed = current | {"reasonCode": [{"text": "Added by somebody else"}]}
            requests.put(f"{self.base_url}/Encounter/{id}", json=changed, timeout=20).raise_for_status()

    def transaction(self, bundle: Resource) -> Resource:
        self._interrupt()
        return super().transaction(bundle)

    def update(self, resource: Resource) -> None:
        self._interrupt()
        super().update(resource)

    def patch(self, before: Resource, operations: Any) -> None:
        self._interrupt()
        super().patch(before, operations)


@pytest.mark.parametrize("rung", RUNGS)
def test_changed_between_reading_and_writing(base: str, rung: Rung) -> None:
    """412, with the rest of the transaction left behind; or If-Match ignored: both changes stand, nothing is twice."""
    here = Here(base, f"changed-{rung.value}")
    lines = here.sign(rung, Interrupted)
    assert {line.outcome for line in lines} == {"written"}, lines
    assert here.counts() == ONCE
    encounter = here.encounter()
    assert encounter["reasonCode"][0]["text"] == "Added by somebody else"
    listed = [d["condition"]["reference"] for d in encounter["diagnosis"]]
    assert sorted(listed) == sorted(f"Condition/{c['id']}" for c in here.get("Condition"))
    if rung is Rung.TRANSACTION:
        assert any("did not carry out the transaction as one" in line.detail for line in lines)
