"""A prediction as one line of JSON, for files that are scored or compared."""

from typing import Any

from model.prediction import Prediction


def prediction_line(prediction: Prediction) -> dict[str, Any]:
    """Document id and codes with confidence, suggestion, first-listed mark and evidence offsets."""
    return {
        "id": prediction.document_id,
        "codes": [
            {
                "code": code.code.text,
                "confidence": code.confidence,
                "suggested": code.suggested,
                "first_listed": code.first_listed,
                "evidence": [{"start": e.span.start, "end": e.span.end} for e in code.evidence],
            }
            for code in prediction.codes
        ],
    }
