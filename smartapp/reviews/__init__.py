"""A review: what was read, what was suggested, what a person decided. Frozen values; no rule lives here but their own.

One word a stage: prediction (the model) -> suggestion (shown) -> decision (a person) -> accepted code -> the chart.
"""

from smartapp.reviews.chart import (
    INPATIENT,
    UNDER_WAY,
    VOID,
    ChartHeader,
    Note,
    NotesSince,
    Reviewer,
    ReviewKey,
)
from smartapp.reviews.decisions import (
    NO_PARTICULARS,
    PLACES,
    REJECT_REASONS,
    TAKES,
    AcceptedCode,
    Action,
    Decision,
    Particulars,
    PresentOnAdmission,
    Viewing,
)
from smartapp.reviews.review import (
    Review,
    ReviewStatus,
)
from smartapp.reviews.suggestions import (
    Alternative,
    NoteEvidence,
    Reason,
    Suggestion,
    WhyNot,
)
from smartapp.reviews.writing import (
    CORRECTION_REASONS,
    Attestation,
    Choice,
    Conflict,
    Correction,
    GivenReason,
    PassedOver,
    PlannedWrite,
    Rung,
    WrittenResource,
)

__all__ = [
    "CORRECTION_REASONS",
    "INPATIENT",
    "NO_PARTICULARS",
    "PLACES",
    "REJECT_REASONS",
    "TAKES",
    "UNDER_WAY",
    "VOID",
    "AcceptedCode",
    "Action",
    "Alternative",
    "Attestation",
    "ChartHeader",
    "Choice",
    "Conflict",
    "Correction",
    "Decision",
    "GivenReason",
    "Note",
    "NoteEvidence",
    "NotesSince",
    "Particulars",
    "PassedOver",
    "PlannedWrite",
    "PresentOnAdmission",
    "Reason",
    "Review",
    "ReviewKey",
    "ReviewStatus",
    "Reviewer",
    "Rung",
    "Suggestion",
    "Viewing",
    "WhyNot",
    "WrittenResource",
]
