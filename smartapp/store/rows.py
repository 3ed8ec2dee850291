"""What is stored as the frozen values of a review, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from launch.vault import BrokenSeal
from model.prediction import Prediction
from smartapp.reviews import (
    Action,
    Attestation,
    ChartHeader,
    Choice,
    Conflict,
    Correction,
    Decision,
    GivenReason,
    Note,
    NotesSince,
    Particulars,
    Review,
    Reviewer,
    ReviewKey,
    ReviewStatus,
    Rung,
    Viewing,
    WrittenResource,
)
from smartapp.store.tables import AttestationRow, CorrectionRow, DecisionRow, OutboxRow, ReviewRow
from smartapp.suggestions import suggestions_of, why_not_of


def key_of(row: ReviewRow) -> ReviewKey:
    return ReviewKey(row.iss, row.patient, row.encounter)


def read_review(row: ReviewRow, told: Mapping[str, Any] | None = None) -> Review:
    """The frozen value of what is stored; `told`: what its chart and prediction say, where that is known."""
    return Review(
        key=key_of(row),
        version=row.version,
        status=ReviewStatus(row.status),
        stage=row.stage,
        failure=row.failure,
        decisions=tuple(_decision(d) for d in row.decisions),
        attestation=next((_attestation(a) for a in row.attestations if a.number == row.number), None),
        receipt=tuple(map(written, current(row))),
        model_revision=row.model_revision,
        code_set_edition=row.code_set_edition,
        since=NotesSince(row.look.arrived, row.look.changed, row.look.gone) if row.look else NotesSince(),
        viewings=tuple(Viewing(v.code, Reviewer(v.fhir_user, v.name), v.at) for v in row.viewings),
        corrections=tuple(_correction(row, c) for c in row.corrections if not _was_cancelled(row, c)),
        **(told or told_of(row)),
    )


def told_of(row: ReviewRow) -> dict[str, Any]:
    chart = row.chart or {}
    if chart and ReviewKey(**chart["key"]) != key_of(row):
        raise BrokenSeal("a chart's seal is worth nothing on the review of another encounter")
    notes = tuple(map(Note.from_json, chart.get("notes", ())))
    prediction = Prediction.from_json(row.prediction) if row.prediction else None
    return {
        "header": ChartHeader.from_json(chart["header"]) if chart else None,
        "notes": notes,
        "suggestions": suggestions_of(prediction, notes) if prediction else (),
        "why_not": why_not_of(prediction, notes) if prediction else (),
        "gaps": tuple(chart.get("gaps", ())),
        "ehr_said": tuple(chart.get("ehr_said", ())),
    }


def current(row: ReviewRow) -> list[OutboxRow]:
    return [line for line in row.outbox if line.number == row.number]


def _correction(row: ReviewRow, correction: CorrectionRow) -> Correction:
    by, number = Reviewer(correction.fhir_user, correction.name), correction.number
    signed = next(_attestation(a) for a in row.attestations if a.number == number)
    lines = tuple(written(line) for line in row.outbox if line.number == number)
    return Correction(by, correction.at, correction.reason, correction.offered, signed, lines)


def _was_cancelled(row: ReviewRow, correction: CorrectionRow) -> bool:
    """The signature after it is the one before it."""
    one, other = (
        next(((a.fhir_user, a.at, a.statement) for a in row.attestations if a.number == number), None)
        for number in (correction.number, correction.number + 1)
    )
    return one == other


def columns_of(line: WrittenResource) -> dict[str, Any]:
    """The line as its row keeps it."""
    return asdict(line) | {"rung": line.rung.value}


def written(row: OutboxRow) -> WrittenResource:
    return WrittenResource(
        row.resource, row.purpose, row.outcome, row.reference, row.detail,
        Rung(row.rung), row.attempts, row.sent_at, _conflict(row.conflict) if row.conflict else None,
    )  # fmt: skip


def _conflict(value: Mapping[str, Any]) -> Conflict:
    lists = {name: tuple(value[name]) for name in ("reviewed", "theirs", "signed")}
    return Conflict(**{**value, **lists, "choice": Choice(value["choice"]) if value["choice"] else None})


def _decision(row: DecisionRow) -> Decision:
    by = Reviewer(row.fhir_user, row.name)
    particulars = Particulars.from_json(row.particulars)
    return Decision(row.id, Action(row.action), row.code, row.title, row.reason, by, row.at, particulars)


def _attestation(row: AttestationRow) -> Attestation:
    reasons = tuple(GivenReason(**{**given, "codes": tuple(given["codes"])}) for given in row.reasons or ())
    return Attestation(Reviewer(row.fhir_user, row.name), row.at, row.statement, reasons)
