"""What signing will bring about, before anything is sent: one line for each thing, its rung, and why no better one."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from smartapp.errors import EHRRefused
from smartapp.fhir.chart import Chart
from smartapp.fhir.claim import build_claim, claim_id
from smartapp.fhir.coding_summary import write_summary
from smartapp.fhir.diagnoses import Diagnosis
from smartapp.fhir.earlier import DIAGNOSIS, earlier_of
from smartapp.fhir.earlier import WITHDRAWAL as WITHDRAWAL
from smartapp.fhir.elements import items
from smartapp.fhir.identifiers import document_id, message_id
from smartapp.fhir.ladder import DIRECT, Ladder
from smartapp.fhir.listing import Listing
from smartapp.fhir.resources import (
    build_condition,
    build_provenance,
    condition_id,
    diagnosis_use,
    token,
)
from smartapp.fhir.vendors import IN_ORDER
from smartapp.reviews import AcceptedCode, Attestation, Choice, Correction, Decision, PlannedWrite, ReviewKey, Rung

ORDER = "order of diagnoses"
CLAIM = "draft claim"
ORIGIN = "who signed, and from which notes"
SUMMARY = "coding summary"
MESSAGE = "message to those who bill"
NO_COVERAGE = "The chart has no active coverage that Chartside can read, and a claim needs one. A biller can add it."
NO_CLAIM_UPDATES = (
    "This EHR lets nobody change the draft claim that was written before. Tell those who bill what is corrected."
)
NO_CODES = "No code stands that could be claimed."
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
    return f"{DIAGNOSIS}{code}"


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
    ladder: Ladder,
    rejected: Collection[str] = (),
    corrections: Sequence[Correction] = (),
) -> WritePlan:
    """One line for each resource; ids that the EHR will assign stand as `urn:uuid:` as in a transaction Bundle.

    Signer and time are those of the latest decision here; the attestation's replace them on signing.
    """
    if not accepted and not corrections:
        return WritePlan((), ladder)
    if corrections:
        ladder = ladder.one_by_one()
    return WritePlan(_Planner(chart, accepted, ladder, corrections).lines(rejected), ladder)


class _Planner:
    def __init__(
        self, chart: Chart, accepted: Sequence[AcceptedCode], ladder: Ladder, corrections: Sequence[Correction]
    ) -> None:
        self._chart, self._accepted, self._ladder, self._corrections = chart, accepted, ladder, corrections
        self._earlier = earlier_of(corrections)
        acts: list[Decision | Correction] = [code.decision for code in accepted]
        self._latest = max(acts or corrections[-1:], key=lambda act: act.at)  # a correction may leave no code
        held = (held_already(chart.key, code.code, chart.diagnoses) for code in accepted)
        self._held = dict(zip((code.code for code in accepted), held, strict=True))
        self._references = [h.reference if h else condition_id(chart.key, code) for code, h in self._held.items()]

    def lines(self, rejected: Collection[str]) -> tuple[PlannedWrite, ...]:
        found = [self._condition(code) for code in self._accepted]
        doubted = self._doubted(rejected)
        withdrawals = [self._withdrawal(diagnosis, diagnosis.code in rejected) for diagnosis in doubted]
        found += withdrawals
        off_the_list = {d.reference for d in doubted if self._is_ours(d)} | self._earlier.withdrawn_but(self._held)
        found += [self._encounter(off_the_list), self._claim()]
        origin = self._ladder.of("Provenance")
        waiting = {line.rung for line in found if line.rung not in DIRECT} | {origin.rung} - DIRECT
        found += [self._carrier(rung) for rung in (Rung.DOCUMENT, Rung.MESSAGE) if rung in waiting]
        marked = [d.reference for d, line in zip(doubted, withdrawals, strict=True) if line.will_write]
        return (*found, self._provenance(found, marked if self._corrections else []))

    def _doubted(self, rejected: Collection[str]) -> list[Diagnosis]:
        """What the chart holds and nobody stands for any more: rejected, or signed earlier and left out since. What a
        receipt tells of counts where the chart as it was read does not show it."""
        codes = (set(rejected) | self._earlier.signed) - set(self._held)
        found = {d.code: d for d in self._chart.diagnoses if d.code in codes}
        for code, reference in self._earlier.written.items():
            if code in codes and code not in found:
                ours = (token(condition_id(self._chart.key, code)),)
                found[code] = Diagnosis(reference, code, "", ours, True)
        return list(found.values())

    def _is_ours(self, diagnosis: Diagnosis) -> bool:
        return token(condition_id(self._chart.key, str(diagnosis.code))) in diagnosis.identifiers

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

    def _withdrawal(self, diagnosis: Diagnosis, rejected: bool) -> PlannedWrite:
        """Of a diagnosis that the chart holds and nobody stands for: by status, never by deletion, and only our own."""
        code, why = str(diagnosis.code), "rejected here" if rejected else "signed earlier and left out now"
        name = f"{code} {diagnosis.title}".strip() + f": {why}, and in the chart as {diagnosis.reference}."
        ours = self._is_ours(diagnosis)
        if ours and self._ladder.condition_updates:
            told = f"{name} Chartside wrote it earlier and marks it as entered in error."
            return PlannedWrite("Condition", WITHDRAWAL + code, True, told, None)
        whose = "This EHR lets nobody change it from outside" if ours else "Chartside did not write it"
        told = f"{name} {whose}: change it in the EHR if it does not belong there."
        return self._left_out("Condition", WITHDRAWAL + code, told)

    def _encounter(self, withdrawn: Collection[str]) -> PlannedWrite:
        encounter, held = self._chart.encounter, list(self._held.values())
        named = zip(self._references, held, strict=True)
        ours = [reference for reference, h in named if h is None or self._is_ours(h)]
        placed = ours if self._corrections else []
        listing = Listing(self._chart.key.iss, encounter, encounter, frozenset(ours), (), withdrawn, placed)
        try:
            merged = listing.target(self._references, self._chart.setting, Choice.BOTH)
        except EHRRefused as error:
            return self._left_out("Encounter", ORDER, error.detail)
        if merged == encounter:
            return self._left_out("Encounter", ORDER, "The encounter lists these diagnoses already.")
        listed = ", ".join(code.code for code in self._accepted) or "None of what was signed"
        if self._ladder.rung("Encounter") not in DIRECT:
            ranked = self._ladder.vendor.asks(IN_ORDER) and self._ladder.rung("Condition") in DIRECT
            by_itself = f" {self._ladder.vendor.name} lists new diagnoses in the order in which it gets them." * ranked
            return self._line("Encounter", ORDER, f"{listed}, in this order.{by_itself}", None)
        taken = [e for e in items(encounter, "diagnosis") if listing.names(e) in withdrawn]
        before = len(items(encounter, "diagnosis")) - len(taken)
        kept = f" The {before} listed before stay as they are." if before and not self._corrections else ""
        kept += f" {len(taken)} withdrawn here {'leaves' if len(taken) == 1 else 'leave'} the list." if taken else ""
        use = f", in this order, with the use {diagnosis_use(self._chart.setting)[1].lower()}" if self._accepted else ""
        told = f"{listed}{use}.{kept}"
        return self._line("Encounter", ORDER, told, _pretty({"diagnosis": merged.get("diagnosis", [])}))

    def _claim(self) -> PlannedWrite:
        count = f"{len(self._accepted)} {'diagnosis' if len(self._accepted) == 1 else 'diagnoses'}"
        if self._ladder.rung("Claim") not in DIRECT:
            return self._line("Claim", CLAIM, f"The {count} that a biller needs for the claim.", None)
        if self._chart.coverage is None:
            return self._left_out("Claim", CLAIM, NO_COVERAGE)
        changes = "Claim" in self._earlier.others
        if changes and not self._ladder.claim_updates:
            return self._left_out("Claim", CLAIM, NO_CLAIM_UPDATES)
        if not self._accepted:
            return self._claim_withdrawn(changes)
        try:
            latest = self._latest
            claim = build_claim(self._chart, self._accepted, latest.by, latest.at, self._ladder)
        except EHRRefused as error:
            return self._left_out("Claim", CLAIM, error.detail)
        kind = claim["type"]["coding"][0]["display"].lower()
        provider = claim["provider"].get("display") or self._latest.by.name
        told = "The draft that was written before is changed, unless a biller has taken it on. " * changes
        told += f"A draft {kind} claim with {count} and no charges, for a biller to complete. Provider: {provider}."
        return self._line("Claim", CLAIM, told, _pretty(claim))

    def _claim_withdrawn(self, written: bool) -> PlannedWrite:
        if not written:
            return self._left_out("Claim", CLAIM, NO_CODES)
        told = "The draft that was written before is marked as entered in error, unless a biller has taken it on."
        return self._line("Claim", CLAIM, told, None)

    def _carrier(self, rung: Rung) -> PlannedWrite:
        """What is sent for all that is not in the chart as such; the page shows its words."""
        words = write_summary(self._chart, self._accepted, self._unsigned(), None, self._corrections)
        if rung is Rung.DOCUMENT:
            told = "A document among the notes of this encounter. It says that it is no claim."
            return PlannedWrite("DocumentReference", SUMMARY, True, told, words, rung)
        told = f"The coding summary, to {self._ladder.billing_pool}. It says that it is no claim."
        return PlannedWrite(self._ladder.message or "Communication", MESSAGE, True, told, words, rung)

    def _provenance(self, lines: Sequence[PlannedWrite], withdrawn: Sequence[str]) -> PlannedWrite:
        if self._ladder.rung("Provenance") not in DIRECT:
            return self._line("Provenance", ORIGIN, self._origin(), None)
        targets = [*self._targets(lines), *withdrawn]
        if not targets:
            return self._left_out("Provenance", ORIGIN, "Nothing will be written that it could speak of.")
        provenance = build_provenance(self._chart, targets, self._unsigned(), None, self._corrections)
        return self._line("Provenance", ORIGIN, self._origin(), _pretty(provenance))

    def _targets(self, lines: Sequence[PlannedWrite]) -> list[str]:
        key = self._chart.key
        places = {
            "Encounter": f"Encounter/{key.encounter}",
            "Claim": claim_id(key),
            "DocumentReference": document_id(key, len(self._corrections)),
            "Communication": message_id(key, len(self._corrections)),
            "Task": message_id(key, len(self._corrections)),
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
