"""A review opened for change: read and written within one transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import uuid4

from launch.vault import BrokenSeal
from model.prediction import Prediction
from smartapp.audit import Entry, Kind
from smartapp.audit.wording import choice_of, notes_of, prediction_of, write_of
from smartapp.reviews import (
    Action,
    Attestation,
    ChartHeader,
    Choice,
    Conflict,
    Decision,
    Note,
    NotesSince,
    Review,
    Reviewer,
    ReviewKey,
    ReviewStatus,
    Rung,
    WrittenResource,
)
from smartapp.store.tables import AttestationRow, DecisionRow, LookRow, OutboxRow, ReviewRow
from smartapp.suggestions import suggestions_of, why_not_of


class Draft:
    """The one way to change a review: each method is one kind of change. Nothing holds before the transaction ends."""

    def __init__(self, row: ReviewRow, tell: Callable[[Entry], None]) -> None:
        self._row, self._tell = row, tell
        self.changed = False

    @property
    def review(self) -> Review:
        return read_review(self._row)

    @property
    def chart(self) -> Any:
        """As it was stored; None while it has never been read."""
        return self._row.chart

    @property
    def claimed_since(self) -> datetime | None:
        """When the job or write-back that holds the review last showed that it lives; None when nobody holds it."""
        return self._row.heartbeat if self._row.claim else None

    def set_status(self, status: ReviewStatus, stage: str = "", failure: str | None = None) -> None:
        self._row.status, self._row.stage, self._row.failure = status.value, stage, failure
        self.changed = True

    def set_chart(self, chart: Mapping[str, Any]) -> None:
        """The chart as JSON: `key`, `header`, `notes` and more. What was predicted from earlier notes goes."""
        self._row.chart = chart
        self._row.prediction = self._row.model_revision = self._row.code_set_edition = None
        self.changed = True

    def set_read(self, notes: Sequence[Note], by: Reviewer | None) -> None:
        """These notes were read from the EHR for that person; what is stored of them is apart."""
        for what in notes_of(notes):
            self._record(Kind.NOTE, what, by)

    def set_looked(self, at: datetime) -> None:
        """The EHR's notes are those of the chart: it was read at that moment."""
        self._row.look = self._row.look or LookRow()
        look = self._row.look
        look.at, look.arrived, look.changed, look.gone = at, 0, 0, 0

    def set_prediction(self, prediction: Prediction) -> None:
        self._row.prediction = prediction.to_json()
        self._row.model_revision = prediction.model_revision
        self._row.code_set_edition = prediction.code_set_edition
        whole, codes = prediction_of(prediction, self.review)
        self._record(Kind.PREDICTION, whole)
        for what in codes:
            self._record(Kind.SUGGESTION, what)
        self.changed = True

    def add_decision(
        self, action: Action, code: str, title: str, reason: str | None, by: Reviewer, at: datetime
    ) -> None:
        self._row.decisions.append(
            DecisionRow(
                action=action.value, code=code, title=title, reason=reason, fhir_user=by.fhir_user, name=by.name, at=at
            )
        )
        self._record(Kind.DECISION, {"action": action.value, "code": code}, by)  # the reason stays sealed
        self.changed = True

    def attest(self, attestation: Attestation) -> None:
        by = attestation.by
        self._row.attestation = AttestationRow(
            fhir_user=by.fhir_user, name=by.name, at=attestation.at, statement=attestation.statement
        )
        codes = [accepted.code for accepted in self.review.accepted()]
        self._record(Kind.ATTESTATION, {"codes": codes, "statement": attestation.statement}, by)
        self.changed = True

    def set_receipt(self, lines: Iterable[WrittenResource], by: Reviewer | None = None) -> None:
        """Line by line in place, so that a position never exists twice on the way."""
        rows, lines = self._row.outbox, tuple(lines)
        before = set(map(_written, rows))
        for line in lines:
            if line not in before:
                self._tell_line(line, by)
        values = [columns_of(line) for line in lines]
        del rows[len(values) :]
        for position, value in enumerate(values):
            if position == len(rows):
                rows.append(OutboxRow(position=position))
            for name, content in value.items():
                setattr(rows[position], name, content)
        self.changed = True

    def set_taken(self, purposes: Collection[str], words: str) -> None:
        """The EHR itself has made these diagnoses from our suggestions. Other lines are left to who works on them."""
        for row in self._row.outbox:
            if row.resource == "Condition" and row.purpose in purposes and row.rung == Rung.CDS_SUGGESTION:
                row.outcome, row.detail = "taken", words
                self._tell_line(_written(row), None)
                self.changed = True

    def claim(self, at: datetime) -> str:
        """Takes the review for one job or write-back; whoever held it before can no longer change it."""
        self._row.claim, self._row.heartbeat = uuid4().hex, at
        return self._row.claim

    def release(self) -> None:
        self._row.claim = self._row.heartbeat = None

    def _tell_line(self, line: WrittenResource, by: Reviewer | None) -> None:
        self._record(Kind.WRITE, write_of(line), by)
        if by and line.conflict and line.conflict.choice:
            self._record(Kind.CHOICE, choice_of(line.conflict), by)

    def _record(self, kind: Kind, what: Mapping[str, Any], by: Reviewer | None = None) -> None:
        self._tell(Entry(kind, what, key_of(self._row), by))


def key_of(row: ReviewRow) -> ReviewKey:
    return ReviewKey(row.iss, row.patient, row.encounter)


def read_review(row: ReviewRow) -> Review:
    """The frozen value of what is stored."""
    key = key_of(row)
    if row.chart and ReviewKey(**row.chart["key"]) != key:
        raise BrokenSeal("a chart's seal is worth nothing on the review of another encounter")
    notes = tuple(map(Note.from_json, row.chart["notes"])) if row.chart else ()
    prediction = Prediction.from_json(row.prediction) if row.prediction else None
    return Review(
        key=key,
        version=row.version,
        status=ReviewStatus(row.status),
        stage=row.stage,
        failure=row.failure,
        header=ChartHeader.from_json(row.chart["header"]) if row.chart else None,
        notes=notes,
        suggestions=suggestions_of(prediction, notes) if prediction else (),
        why_not=why_not_of(prediction, notes) if prediction else (),
        decisions=tuple(_decision(d) for d in row.decisions),
        attestation=_attestation(row.attestation) if row.attestation else None,
        receipt=tuple(_written(line) for line in row.outbox),
        model_revision=row.model_revision,
        code_set_edition=row.code_set_edition,
        gaps=tuple(row.chart.get("gaps", ())) if row.chart else (),
        ehr_said=tuple(row.chart.get("ehr_said", ())) if row.chart else (),
        since=NotesSince(row.look.arrived, row.look.changed, row.look.gone) if row.look else NotesSince(),
    )


def columns_of(line: WrittenResource) -> dict[str, Any]:
    """The line as its row keeps it."""
    return asdict(line) | {"rung": line.rung.value}


def _written(row: OutboxRow) -> WrittenResource:
    return WrittenResource(
        row.resource, row.purpose, row.outcome, row.reference, row.detail,
        Rung(row.rung), row.attempts, row.sent_at, _conflict(row.conflict) if row.conflict else None,
    )  # fmt: skip


def _conflict(value: Mapping[str, Any]) -> Conflict:
    lists = {name: tuple(value[name]) for name in ("reviewed", "theirs", "signed")}
    return Conflict(**{**value, **lists, "choice": Choice(value["choice"]) if value["choice"] else None})


def _decision(row: DecisionRow) -> Decision:
    by = Reviewer(row.fhir_user, row.name)
    return Decision(row.id, Action(row.action), row.code, row.title, row.reason, by, row.at)


def _attestation(row: AttestationRow) -> Attestation:
    return Attestation(Reviewer(row.fhir_user, row.name), row.at, row.statement)
