"""A query in words, the same in a message, a document and on paper."""

from typing import Final

from smartapp.queries.values import Form, Query
from smartapp.reviews import ChartHeader

TITLE: Final = "Clarification of documentation"  # the same for every query: a title must not lead
CLOSING: Final = (
    "Please answer from your independent clinical judgment, in the medical record. "
    "That this is asked does not mean that any particular answer is wanted or expected."
)


def write_query(query: Query, header: ChartHeader) -> str:
    """For the eyes of the physician; nothing of codes, and nothing of what becomes of the answer."""
    wording = query.wording
    lines = [TITLE.upper(), "", *_whose(header)]
    lines += [f"To: {wording.recipient.name}"] if wording.recipient else []
    lines += [f"From: {(query.sent_by or query.by).name}", "", "Clinical indicators"]
    for indicator in wording.indicators:
        source = ", ".join(filter(None, (indicator.note, indicator.day, indicator.author)))
        lines.append(f'- "{indicator.quote}" ({source})')
    lines += ["", f'The documentation says "{wording.subject}".', wording.question, ""]
    if wording.form is Form.OPEN:
        lines += ["Answer:", "If this cannot be determined, please say so.", ""]
    else:
        lines += [f"[ ] {option}" for option in wording.offered]
        lines += [""]
    return "\n".join([*lines, CLOSING])


def _whose(header: ChartHeader) -> list[str]:
    born = f", born {header.birth_date}" if header.birth_date else ""
    number = f", MRN {header.mrn}" if header.mrn else ""
    day = f", {header.date_of_service.isoformat()}" if header.date_of_service else ""
    return [f"Patient: {header.patient_name}{born}{number}", f"Encounter: {header.encounter_title}{day}"]
