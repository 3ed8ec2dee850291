"""A review opened for change: read and written within one transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from model.prediction import Prediction
from smartapp.audit import Entry, Kind
from smartapp.audit.events import hash_of
from smartapp.audit.wording import choice_of, correction_of, decision_of, notes_of, prediction_of, reasons_of, write_of
from smartapp.reviews import (
    NO_PARTICULARS,
    TAKES,
    Action,
    Attestation,
    Note,
    Particulars,
    Review,
    Reviewer,
    ReviewStatus,
    Rung,
    WrittenResource,
)
from smartapp.store.rows import columns_of, current, key_of, read_review, told_of, written
from smartapp.store.tables import (
    AttestationRow,
    Base,
    CorrectionRow,
    DecisionRow,
    LookRow,
    OutboxRow,
    ReviewRow,
    ViewingRow,
)

Row = TypeVar("Row", bound=Base)
QUEUED = "queued"  # in the place of a claim; no claim is spelt so


class Draft:
    """The one way to change a review: each method is one kind of change. Nothing holds before the transaction ends."""

    def __init__(self, row: ReviewRow, tell: Callable[[Entry], None]) -> None:
        self._row, self._tell = row, tell
        self._told: Mapping[str, Any] | None = None  # None: not read yet, or another chart or prediction since
        self.changed = False

    @property
    def review(self) -> Review:
        """With what was changed; once the transaction has ended, as it was kept."""
        self._told = self._told or told_of(self._row)
        return read_review(self._row, self._told)

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

    def stop(self, by: Reviewer) -> None:
        """Whoever reads or codes it can no longer change it."""
        self.set_status(ReviewStatus.FAILED, failure=f"{by.name} stopped it.")
        self.release()
        self._record(Kind.STOP, {}, by)

    def set_chart(self, chart: Mapping[str, Any]) -> None:
        """The chart as JSON: `key`, `header`, `notes` and more. What was predicted from earlier notes goes."""
        self._told, self._row.chart = None, chart
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
        self._told, self._row.prediction = None, prediction.to_json()
        self._row.model_revision = prediction.model_revision
        self._row.code_set_edition = prediction.code_set_edition
        whole, codes = prediction_of(prediction, self.review)
        self._record(Kind.PREDICTION, whole)
        for what in codes:
            self._record(Kind.SUGGESTION, what)
        self.changed = True

    def add_decision(
        self,
        action: Action,
        code: str,
        title: str,
        reason: str | None,
        by: Reviewer,
        at: datetime,
        particulars: Particulars = NO_PARTICULARS,
    ) -> None:
        row = DecisionRow(action=action.value, code=code, title=title, reason=reason, at=at)
        row.fhir_user, row.name = by.fhir_user, by.name
        row.instead_of, row.particulars = particulars.instead_of, particulars.to_json()
        self._row.decisions.append(row)
        notes = self.review.notes if particulars.evidence else ()  # opening them takes a while
        what = decision_of(action, code, particulars, notes)
        if action in TAKES | {Action.REJECT} and (viewed := self._viewed(particulars.instead_of or code, by)):
            what |= {"seconds_since_viewed": int((at - viewed).total_seconds())}
        self._record(Kind.DECISION, what, by)
        self.changed = True

    def _viewed(self, code: str, by: Reviewer) -> datetime | None:
        """When the person first had the evidence for the code before their eyes."""
        return next((v.at for v in self._row.viewings if (v.code, v.fhir_user) == (code, by.fhir_user)), None)

    def add_viewing(self, code: str, by: Reviewer, at: datetime) -> None:
        """The person has the evidence before their eyes. It decides nothing: the review's version stays."""
        if self._viewed(code, by) is None:
            self._row.viewings.append(ViewingRow(code=code, fhir_user=by.fhir_user, name=by.name, at=at))
            self._record(Kind.VIEWED, {"page": "evidence", "code": code}, by)

    def attest(self, attestation: Attestation) -> None:
        by = attestation.by
        self._row.attestations.append(AttestationRow(
            number=self._row.number, fhir_user=by.fhir_user, name=by.name, at=attestation.at,
            statement=attestation.statement, reasons=[asdict(given) for given in attestation.reasons] or None,
        ))  # fmt: skip
        codes = [accepted.code for accepted in self.review.accepted()]
        # The sentence names the person, so the log holds its hash; the attestation keeps the words.
        signed = hash_of(attestation.statement)
        what = {"codes": codes, "statement_sha256": signed, "warnings": reasons_of(attestation)}
        self._record(Kind.ATTESTATION, what, by)
        self.changed = True

    def correct(self, reason: str, offered: bool, by: Reviewer, at: datetime) -> None:
        """Takes the signed review up again, to be decided and signed anew; its receipt stays as it is."""
        row = CorrectionRow(number=self._row.number, reason=reason, offered=offered, at=at)
        row.fhir_user, row.name = by.fhir_user, by.name
        self._record(Kind.CORRECTION, correction_of(self._row.number, reason if offered else None), by)
        self._row.corrections.append(row)
        self.changed = True

    def cancel_correction(self, by: Reviewer) -> None:
        """What was signed stands again: the same signature with its receipt, under the number that would come next."""
        before = self._row.number - 1
        signed = next(row for row in self._row.attestations if row.number == before)
        self._row.attestations.append(_again(signed, number=self._row.number))
        lines = [row for row in self._row.outbox if row.number == before]
        self._row.outbox.extend(_again(line, number=self._row.number) for line in lines)
        self._record(Kind.CORRECTION, correction_of(before, None) | {"cancelled": True}, by)
        self.changed = True

    def set_receipt(self, lines: Iterable[WrittenResource], by: Reviewer | None = None) -> None:
        """Of the attestation that stands, line by line in place, so that a position never exists twice on the way."""
        number, lines = self._row.number, tuple(lines)
        rows = [row for row in self._row.outbox if row.number == number]
        before = set(map(written, rows))
        for line in lines:
            if line not in before:
                self._tell_line(line, by)
        values = [columns_of(line) for line in lines]
        for row in rows[len(values) :]:
            self._row.outbox.remove(row)
        for position, value in enumerate(values):
            if position == len(rows):
                rows.append(OutboxRow(number=number, position=position))
                self._row.outbox.append(rows[position])
            for name, content in value.items():
                setattr(rows[position], name, content)
        self.changed = True

    def set_taken(self, purposes: Collection[str], words: str) -> None:
        """The EHR itself has made these diagnoses from our suggestions. Other lines are left to who works on them."""
        for row in current(self._row):
            if row.resource == "Condition" and row.purpose in purposes and row.rung == Rung.CDS_SUGGESTION:
                row.outcome, row.detail = "taken", words
                self._tell_line(written(row), None)
                self.changed = True

    def claim(self, at: datetime) -> str:
        """Takes the review for one job or write-back; whoever held it before can no longer change it."""
        self._row.claim, self._row.heartbeat = uuid4().hex, at
        return self._row.claim

    @property
    def queued(self) -> bool:
        """It waits for a worker: nobody holds it yet, and `claimed_since` is when it was put into the queue."""
        return self._row.claim == QUEUED

    def queue(self, at: datetime) -> None:
        """Marks it as waiting for a worker; whoever held it before can no longer change it."""
        self._row.claim, self._row.heartbeat = QUEUED, at

    def release(self) -> None:
        self._row.claim = self._row.heartbeat = None

    def _tell_line(self, line: WrittenResource, by: Reviewer | None) -> None:
        self._record(Kind.WRITE, write_of(line), by)
        if by and line.conflict and line.conflict.choice:
            self._record(Kind.CHOICE, choice_of(line.conflict), by)

    def _record(self, kind: Kind, what: Mapping[str, Any], by: Reviewer | None = None) -> None:
        self._tell(Entry(kind, what, key_of(self._row), by))


def _again(row: Row, **changed: object) -> Row:
    """Another row that says the same, but for what is changed."""
    columns = {column.key: getattr(row, column.key) for column in type(row).__mapper__.column_attrs}
    return type(row)(**columns | changed)
