"""The rungs of the ladder in words for a coder."""

from typing import Final

from smartapp.fhir.plan import CLAIM, ORDER, ORIGIN
from smartapp.reviews import Rung, WrittenResource

# What becomes of it, on the summary and on the receipt.
HOW: Final = {
    Rung.TRANSACTION: "Chartside writes it into the chart now, all at once",
    Rung.SINGLE_WRITES: "Chartside writes it into the chart now",
    Rung.JSON_PATCH: "Chartside changes it in the chart now",
    Rung.CDS_SUGGESTION: "Your EHR takes it when you press Accept on its card",
    Rung.DOCUMENT: "Goes as a document among the notes",
    Rung.MESSAGE: "Goes as a message to those who bill",
    Rung.EXPORT: "Nobody writes it: download it",
}
# What was passed over.
NAMES: Final = {
    Rung.TRANSACTION: "All at once",
    Rung.SINGLE_WRITES: "Written into the chart",
    Rung.JSON_PATCH: "Changed in place",
    Rung.CDS_SUGGESTION: "By a card in your EHR",
    Rung.DOCUMENT: "As a document",
    Rung.MESSAGE: "As a message",
}
# Where to look for what is not in the chart as such.
INSTEAD: Final = {
    Rung.CDS_SUGGESTION: "Not in the chart until you accept the card",
    Rung.DOCUMENT: "In the coding summary only",
    Rung.MESSAGE: "In the message only",
    Rung.EXPORT: "Not in the chart",
}
# What was left out on purpose; of a withdrawal the purpose itself says enough.
LEFT_OUT: Final = {CLAIM: "claim", ORDER: "order of the diagnoses", ORIGIN: "record of who signed"}
CARRIERS: Final = frozenset({"DocumentReference", "Communication", "Task"})


def is_elsewhere(line: WrittenResource) -> bool:
    """Not in the chart as such, by the ladder: a card, a document, a message or a file has it."""
    return line.rung in INSTEAD and line.resource not in CARRIERS


def is_left_out(line: WrittenResource) -> bool:
    """Not in the chart and nowhere else, for a reason that the line gives: no failure, but not written either."""
    return line.outcome == "not-written" and not is_elsewhere(line)


def in_a_sentence(line: WrittenResource) -> str:
    return f"the {LEFT_OUT.get(line.purpose, line.purpose)}"
