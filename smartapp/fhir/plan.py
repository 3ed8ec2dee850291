"""What signing will bring about, before anything is sent: one line for each thing, its rung, and why no better one."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from smartapp.errors import EHRRefused
from smartapp.fhir.chart import Chart
from smartapp.fhir.coding_summary import write_summary
from smartapp.fhir.diagnoses import Diagnosis
from smartapp.fhir.elements import items
from smartapp.fhir.identifiers import document_id, message_id
from smartapp.fhir.ladder import DIRECT, SINGLE_WRITES, Ladder
from smartapp.fhir.resources import (
    build_claim,
    build_condition,
    build_provenance,
    claim_id,
    condition_id,
    diagnosis_use,
    merge_diagnoses,
    token,
)
from smartapp.fhir.vendors import IN_ORDER
from smartapp.reviews import AcceptedCode, Attestation, PlannedWrite, ReviewKey, Rung

ORDER = "order of diagnoses"
CLAIM = "draft claim"
ORIGIN = "who signed, and from which notes"
SUMMARY = "coding summary"
MESSAGE = "message to those who bill"
WITHDRAWAL = "withdrawal of "
NO_COVERAGE = "The chart has no active coverage that Chartside can read, and a claim needs one. A biller can add it."
# What becomes of something that is not in the chart as such.
_INSTEAD: Final = {
    Rung.CDS_SUGGESTION: "Your EHR makes it when you press Accept on Chartside's card there; until then it is not in "
    "the chart as a diagnosis.",
    Rung.DOCUMENT: "It stands in the coding summary among the notes, and nowhere else in the chart.",
    Rung.MESSAGE: "It stands in the message to those who bill, and nowhere in the chart.",
    Rung.EXPORT: "It will not be in the chart: download it from the receipt.",
}


@dataclass(frozen=True, slots=True)
class WritePlan:
    """The lines in the order in which they are sent, and the ladder they come from; `(resource, purpose)` is unique."""

    items: tuple[PlannedWrite, ...]
    ladder: Ladder

    def __iter__(self) -> Iterator[PlannedWrite]:
        return iter(self.items)

    def __bool__(self) -> bool:
        return bool(self.items)


def purpose_of(code: str) -> str:
    return f"diagnosis {code}"


def held_already(key: ReviewKey, code: str, diagnoses: Sequence[Diagnosis]) -> Diagnosis | None:
    """The encounter diagnosis of the chart that is ours from an earlier run, or says the same."""
    ours = token(condition_id(key, code))
    return next(
        (d for d in diagnoses if ours in d.identifiers),
        next((d for d in diagnoses if d.for_encounter and d.code == code), None),
    )


def plan(
    chart: Chart,
    accepted: Sequence[AcceptedCode],
    ladder: Ladder = SINGLE_WRITES,
    rejected: Collection[str] = (),
) -> WritePlan:
    """One line for each resource; ids that the EHR will assign stand as `urn:uuid:` as in a transaction Bundle.

    Signer and time are those of the latest decision here; the attestation's replace them on signing.
    """
    if not accepted:
        return WritePlan((), ladder)
    return WritePlan(_Planner(chart, accepted, ladder).lines(rejected), ladder)


class _Planner:
    def __init__(self, chart: Chart, accepted: Sequence[AcceptedCode], ladder: Ladder) -> None:
        self._chart, self._accepted, self._ladder = chart, accepted, ladder
        self._latest = max((code.decision for code in accepted), key=lambda decision: decision.at)
        held = (held_already(chart.key, code.code, chart.diagnoses) for code in accepted)
        self._held = dict(zip((code.code for code in accepted), held, strict=True))
        self._references = [h.reference if h else condition_id(chart.key, code) for code, h in self._held.items()]

    def lines(self, rejected: Collection[str]) -> tuple[PlannedWrite, ...]:
        found = [self._condition(code) for code in self._accepted]
        doubted = {d.code: d for d in self._chart.diagnoses if d.code in rejected and d.code not in self._held}
        found += [self._withdrawal(diagnosis) for diagnosis in doubted.values()]
        found += [self._encounter(), self._claim()]
        origin = self._ladder.of("Provenance")
        waiting = {line.rung for line in found if line.rung not in DIRECT} | {origin.rung} - DIRECT
        found += [self._carrier(rung) for rung in (Rung.DOCUMENT, Rung.MESSAGE) if rung in waiting]
        return (*found, self._provenance(found))

    def _line(self, resource: str, purpose: str, detail: str, body: str | None) -> PlannedWrite:
        """By the rung of its type, with what becomes of it where that is not the chart itself."""
        choice = self._ladder.of(resource)
        will_write = choice.rung in DIRECT
        told = detail if will_write else f"{detail} {_INSTEAD[choice.rung]}"
        return PlannedWrite(resource, purpose, will_write, told, body, choice.rung, choice.passed)

    def _left_out(self, resource: str, purpose: str, why: str) -> PlannedWrite:
        """Nothing is to be done about it."""
        return PlannedWrite(resource, purpose, False, why, None)

    def _condition(self, code: AcceptedCode) -> PlannedWrite:
        name, purpose = f"{code.code} {code.title}", purpose_of(code.code)
        if self._held[code.code]:
            return self._left_out("Condition", purpose, f"{name}: already a diagnosis of this encounter.")
        body = _pretty(build_condition(self._chart.key, code, self._ladder))
        direct = self._ladder.rung("Condition") in DIRECT
        return self._line(
            "Condition", purpose, f"{name}{', as an active, confirmed encounter diagnosis' * direct}.", body
        )

    def _withdrawal(self, diagnosis: Diagnosis) -> PlannedWrite:
        """Of a diagnosis that the chart holds and a person rejected: by status, never by deletion, and only our own."""
        code = str(diagnosis.code)
        name = f"{code} {diagnosis.title}: rejected here, and in the chart as {diagnosis.reference}."
        ours = token(condition_id(self._chart.key, code)) in diagnosis.identifiers
        if ours and self._ladder.condition_updates:
            told = f"{name} Chartside wrote it earlier and marks it as entered in error; the encounter's list stays."
            return PlannedWrite("Condition", WITHDRAWAL + code, True, told, None)
        whose = "This EHR lets nobody change it from outside" if ours else "Chartside did not write it"
        told = f"{name} {whose}: change it in the EHR if it does not belong there."
        return self._left_out("Condition", WITHDRAWAL + code, told)

    def _encounter(self) -> PlannedWrite:
        encounter = self._chart.encounter
        try:
            merged = merge_diagnoses(self._chart.key.iss, encounter, self._references, self._chart.setting)
        except EHRRefused as error:
            return self._left_out("Encounter", ORDER, error.detail)
        if merged == encounter:
            return self._left_out("Encounter", ORDER, "The encounter lists these diagnoses already.")
        listed = ", ".join(code.code for code in self._accepted)
        if self._ladder.rung("Encounter") not in DIRECT:
            ranked = self._ladder.vendor.asks(IN_ORDER) and self._ladder.rung("Condition") in DIRECT
            by_itself = f" {self._ladder.vendor.name} lists new diagnoses in the order in which it gets them." * ranked
            return self._line("Encounter", ORDER, f"{listed}, in this order.{by_itself}", None)
        before = len(items(encounter, "diagnosis"))
        kept = f" The {before} listed before stay as they are." if before else ""
        told = f"{listed}, in this order, with the use {diagnosis_use(self._chart.setting)[1].lower()}.{kept}"
        return self._line("Encounter", ORDER, told, _pretty({"diagnosis": merged["diagnosis"]}))

    def _claim(self) -> PlannedWrite:
        count = f"{len(self._accepted)} {'diagnosis' if len(self._accepted) == 1 else 'diagnoses'}"
        if self._ladder.rung("Claim") not in DIRECT:
            return self._line("Claim", CLAIM, f"The {count} that a biller needs for the claim.", None)
        if self._chart.coverage is None:
            return self._left_out("Claim", CLAIM, NO_COVERAGE)
        try:
            latest = self._latest
            claim = build_claim(self._chart, self._accepted, latest.by, latest.at, self._ladder)
        except EHRRefused as error:
            return self._left_out("Claim", CLAIM, error.detail)
        kind = claim["type"]["coding"][0]["display"].lower()
        provider = claim["provider"].get("display") or self._latest.by.name
        told = f"A draft {kind} claim with {count} and no charges, for a biller to complete. Provider: {provider}."
        return self._line("Claim", CLAIM, told, _pretty(claim))

    def _carrier(self, rung: Rung) -> PlannedWrite:
        """What is sent for all that is not in the chart as such; the page shows its words."""
        words = write_summary(self._chart, self._accepted, self._unsigned(), None)
        if rung is Rung.DOCUMENT:
            told = "A document among the notes of this encounter. It says that it is no claim."
            return PlannedWrite("DocumentReference", SUMMARY, True, told, words, rung)
        told = f"The coding summary, to {self._ladder.billing_pool}. It says that it is no claim."
        return PlannedWrite(self._ladder.message or "Communication", MESSAGE, True, told, words, rung)

    def _provenance(self, lines: Sequence[PlannedWrite]) -> PlannedWrite:
        if self._ladder.rung("Provenance") not in DIRECT:
            return self._line("Provenance", ORIGIN, self._origin(), None)
        targets = self._targets(lines)
        if not targets:
            return self._left_out("Provenance", ORIGIN, "Nothing will be written that it could speak of.")
        provenance = build_provenance(self._chart, targets, self._unsigned(), None)
        return self._line("Provenance", ORIGIN, self._origin(), _pretty(provenance))

    def _targets(self, lines: Sequence[PlannedWrite]) -> list[str]:
        key = self._chart.key
        places = {
            "Encounter": f"Encounter/{key.encounter}",
            "Claim": claim_id(key),
            "DocumentReference": document_id(key),
            "Communication": message_id(key),
            "Task": message_id(key),
        }
        written = [line for line in lines if line.will_write and not line.purpose.startswith(WITHDRAWAL)]
        conditions = [reference for reference in self._references if reference.startswith("urn:")]
        targets = conditions if any(line.resource == "Condition" for line in written) else []
        return targets + [places[line.resource] for line in written if line.resource != "Condition"]

    def _origin(self) -> str:
        sources = sum(note.text is not None for note in self._chart.notes)
        count = f"{sources} {'note' if sources == 1 else 'notes'}"
        return f"Signed by {self._latest.by.name}, prepared by Chartside from {count}."

    def _unsigned(self) -> Attestation:
        return Attestation(self._latest.by, self._latest.at, "To be signed.")


def _pretty(resource: object) -> str:
    return json.dumps(resource, indent=2, ensure_ascii=False)
