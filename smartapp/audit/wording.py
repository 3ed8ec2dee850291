"""What events say of notes, predictions and writes: references, offsets, hashes and codes; no words of a chart."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from model.prediction import Prediction
from smartapp.reviews import (
    Action,
    Attestation,
    Conflict,
    Note,
    NoteEvidence,
    Particulars,
    Review,
    Suggestion,
    WrittenResource,
)


def notes_of(notes: Sequence[Note]) -> Iterator[dict[str, Any]]:
    for note in notes:
        yield _note(note) | {"readable": note.text is not None}


def prediction_of(prediction: Prediction, review: Review) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The prediction as a whole, and each code of it as it is shown; the review holds both already."""
    notes = {note.id: note for note in review.notes}
    made = {
        "model_revision": prediction.model_revision,
        "code_set_edition": prediction.code_set_edition,
        "policy": prediction.policy.value,
        "thresholds": {name: decimal(value) for name, value in prediction.thresholds.items()},
        "document_sha256": prediction.document_sha256,
    }
    not_coded = [{"code": str(left.code), "rule": left.rule.id if left.rule else None} for left in prediction.not_coded]
    whole = made | {
        "notes": [_note(note) for note in review.notes if note.text],
        "codes": [suggestion.code for suggestion in review.suggestions],
        "not_coded": not_coded,
    }
    return whole, [made | _suggestion(suggestion, notes) for suggestion in review.suggestions]


def decision_of(action: Action, code: str, said: Particulars, notes: Sequence[Note]) -> dict[str, Any]:
    """Reasons, notes to self and quotes stay sealed in the review."""
    by_id = {note.id: note for note in notes}
    told = {
        "before": said.before,
        "poa": said.poa.value if said.poa else None,
        "instead_of": said.instead_of,
        "evidence": [_evidence(words, by_id[words.note_id]) for words in said.evidence],
    }
    return {"action": action.value, "code": code} | {name: value for name, value in told.items() if value}


def write_of(line: WrittenResource, changed: bool = False) -> dict[str, Any]:
    """`changed`: an earlier signature had made it, and this one changed it."""
    again = {"changed": True} if changed or line.purpose.startswith("withdrawal of ") else {}
    return again | {
        "resource": line.resource,
        "purpose": line.purpose,
        "rung": line.rung.value,
        "outcome": line.outcome,
        "reference": line.reference,
        "attempts": line.attempts,
    }


def choice_of(conflict: Conflict) -> dict[str, Any]:
    return {"between": conflict.seen, "choice": conflict.choice.value if conflict.choice else None}


def reasons_of(attestation: Attestation) -> list[dict[str, Any]]:
    """Against which warnings it was signed; a reason in the person's own words stays sealed with the review."""
    return [
        {"rule": given.rule, "codes": list(given.codes), "reason": given.reason if given.offered else None}
        for given in attestation.reasons
    ]


def correction_of(number: int, reason: str | None) -> dict[str, Any]:
    """Which signature was taken up again; a reason in the person's own words stays sealed with the review."""
    return {"corrects": number, "reason": reason}


def decimal(value: float) -> str:
    """Numbers with a fraction are told as text: their spelling in JSON differs from reader to reader."""
    return f"{value:.4f}"


def _suggestion(suggestion: Suggestion, notes: Mapping[str, Note]) -> dict[str, Any]:
    return {
        "code": suggestion.code,
        "confidence": decimal(suggestion.confidence),
        "suggested": suggestion.suggested,
        "first_listed": suggestion.first_listed,
        "rules": [{"rule": reason.rule, "citation": reason.citation} for reason in suggestion.reasons],
        "evidence": [_evidence(words, notes[words.note_id]) for words in suggestion.evidence],
    }


def _evidence(words: NoteEvidence, note: Note) -> dict[str, Any]:
    return _note(note) | {"start": words.start, "end": words.end, "assertion": words.assertion}


def _note(note: Note) -> dict[str, Any]:
    return {"note": note.reference, "version": note.version_id, "sha256": note.sha256}
