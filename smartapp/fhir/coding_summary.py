"""The coding summary: what was attested, in words, for EHRs that take a document or a message but no diagnoses.

It says of itself that it is no claim. Text and PDF say the same; both are the same bytes on every attempt.
"""

import base64
import html
from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from reportlab import __file__ as reportlab_file
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate

from model.document import Setting
from smartapp.fhir.chart import Chart
from smartapp.fhir.elements import words
from smartapp.fhir.identifiers import URI_SYSTEM, document_id, message_id
from smartapp.fhir.ladder import Ladder
from smartapp.fhir.references import Resource
from smartapp.fhir.resources import iso_instant, labelled, person, suggested, validated
from smartapp.fhir.vendors import ONE_ATTACHMENT
from smartapp.reviews import AcceptedCode, Attestation, Note, NoteEvidence

TITLE = "Coding summary"
NO_CLAIM = "This is not a claim and no charge. It says which codes a person attested for this encounter, and why."
_FONT = "Vera"  # comes with reportlab and holds more than Latin-1
_LOINC = {"system": "http://loinc.org", "code": "51851-4", "display": "Administrative note"}


def write_summary(
    chart: Chart, accepted: Sequence[AcceptedCode], attestation: Attestation, model_revision: str | None
) -> str:
    """The words: codes in the order of the claim, the quotes that prove each, who attested it and when."""
    first = "principal diagnosis" if chart.setting is Setting.INPATIENT else "first-listed diagnosis"
    notes = {note.id: note for note in chart.notes}
    lines = [TITLE.upper(), NO_CLAIM, "", *_whose(chart), "", "Codes (ICD-10-CM), in the order of the claim"]
    for code in accepted:
        lines.append(f"{code.rank}. {code.code} {code.title}{f' ({first})' if code.rank == 1 else ''}")
        lines += [f"   {_quoted(evidence, notes)}" for evidence in code.evidence]
        if not code.evidence:
            lines.append(f"   Added by hand by {code.decision.by.name}; no words of the notes are attached.")
    lines += ["", "Attestation", attestation.statement, f"{attestation.by.name}, {_moment(attestation.at)}"]
    lines += ["", f"Prepared with Chartside{f', predictor {model_revision}' if model_revision else ''}."]
    if any(map(suggested, accepted)):
        lines.append("An artificial intelligence suggested codes; a person decided on each of them.")
    return "\n".join(lines)


def _whose(chart: Chart) -> list[str]:
    header = chart.header
    born = f", born {header.birth_date}" if header.birth_date else ""
    number = f", MRN {header.mrn}" if header.mrn else ""
    day = f", {header.date_of_service.isoformat()}" if header.date_of_service else ""
    return [f"Patient: {header.patient_name}{born}{number}", f"Encounter: {header.encounter_title}{day}"]


def _quoted(evidence: NoteEvidence, notes: dict[str, Note]) -> str:
    note = notes.get(evidence.note_id)
    day = note.date.date().isoformat() if note and note.date else None
    source = ", ".join(filter(None, (note.title, day, note.author))) if note else ""
    return f'"{" ".join(evidence.quote.split())}"{f" - {source}" if source else ""}'


def _moment(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{aware.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def as_pdf(summary: str) -> bytes:
    """The same words on letter pages."""
    if _FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(_FONT, str(Path(reportlab_file).parent / "fonts" / "Vera.ttf")))
    style = ParagraphStyle("plain", fontName=_FONT, fontSize=9.5, leading=14)
    out = BytesIO()
    document = SimpleDocTemplate(out, pagesize=LETTER, title=TITLE, author="Chartside", invariant=1)
    indented = (line.replace("   ", "\N{NO-BREAK SPACE}" * 6) for line in summary.splitlines())
    document.build([Paragraph(html.escape(line) or "\N{NO-BREAK SPACE}", style) for line in indented])
    return out.getvalue()


def build_document(
    chart: Chart,
    accepted: Sequence[AcceptedCode],
    attestation: Attestation,
    model_revision: str | None,
    ladder: Ladder,
) -> Resource:
    """The summary as a document of the encounter, text first; the PDF beside it where the EHR takes two."""
    summary, when = write_summary(chart, accepted, attestation, model_revision), iso_instant(attestation.at)
    forms = {"text/plain; charset=utf-8": summary.encode()}
    if not ladder.vendor.asks(ONE_ATTACHMENT):
        forms["application/pdf"] = as_pdf(summary)
    context: Resource = {"encounter": [{"reference": f"Encounter/{chart.key.encounter}"}]}
    period = {name: said for name in ("start", "end") if (said := words(chart.encounter, "period", name))}
    document: Resource = {
        "resourceType": "DocumentReference",
        "identifier": [{"system": URI_SYSTEM, "value": document_id(chart.key)}],
        "status": "current",
        "docStatus": "final",
        "type": {"coding": [_LOINC], "text": TITLE},
        "category": [{"coding": [_LOINC]}],
        "subject": {"reference": f"Patient/{chart.key.patient}"},
        "date": when,
        "author": [person(attestation.by)],
        "description": f"{TITLE}. {NO_CLAIM}",
        "content": [
            {
                "attachment": {
                    "contentType": kind,
                    "data": base64.b64encode(data).decode(),
                    "title": TITLE,
                    "creation": when,
                }
            }
            for kind, data in forms.items()
        ],
        "context": context | ({"period": period} if period else {}),
    }
    return validated(labelled(document, ladder.ai_label and any(map(suggested, accepted))))


def build_message(
    chart: Chart,
    accepted: Sequence[AcceptedCode],
    attestation: Attestation,
    model_revision: str | None,
    ladder: Ladder,
) -> Resource:
    """The summary as a Communication to those who bill, or as a Task for them, as the ladder says."""
    summary, when = write_summary(chart, accepted, attestation, model_revision), iso_instant(attestation.at)
    patient, pool = {"reference": f"Patient/{chart.key.patient}"}, {"reference": ladder.billing_pool}
    identifier = [{"system": URI_SYSTEM, "value": message_id(chart.key)}]
    encounter = {"reference": f"Encounter/{chart.key.encounter}"}
    message: Resource = {"resourceType": ladder.message, "identifier": identifier, "encounter": encounter}
    if ladder.message == "Task":
        message |= {
            "status": "requested",
            "intent": "order",
            "code": {"text": TITLE},
            "description": NO_CLAIM,
            "for": patient,
            "authoredOn": when,
            "requester": person(attestation.by),
            "owner": pool,
            "input": [{"type": {"text": TITLE}, "valueString": summary}],
        }
    else:
        message |= {
            "status": "completed",
            "subject": patient,
            "topic": {"text": TITLE},
            "sent": when,
            "sender": person(attestation.by),
            "recipient": [pool],
            "payload": [{"contentString": summary}],
        }
    return validated(labelled(message, ladder.ai_label and any(map(suggested, accepted))))
