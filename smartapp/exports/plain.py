"""The codes as text, to be copied and pasted."""

from collections.abc import Sequence
from datetime import datetime

from smartapp.fhir.chart import Chart
from smartapp.reviews import AcceptedCode, Attestation, Review

NONE = "No code stands: what was signed before is withdrawn."


def text(review: Review, _chart: Chart | None, _now: datetime) -> str:
    return lines(review.accepted(), review.attestation)


def lines(accepted: Sequence[AcceptedCode], attestation: Attestation | None) -> str:
    """One code a line in the order of the claim, then who signed, or that nobody has."""
    codes = [f"{code.rank}. {code.code} {code.title}{_admission(code)}" for code in accepted]
    if attestation is None:
        signed = "DRAFT: not signed."
    else:
        codes = codes or [NONE]
        signed = f"ICD-10-CM. Signed by {attestation.by.name}, {attestation.at:%Y-%m-%d %H:%M} UTC."
    return "\n".join([*codes, signed]) + "\n"


def _admission(code: AcceptedCode) -> str:
    return f" (present on admission: {code.poa.value})" if code.poa else ""
