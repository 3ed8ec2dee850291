"""The coding summary: what was attested, in words, for EHRs that take a document or a message but no diagnoses.

It says of itself that it is no claim. Text and PDF say the same; both are the same bytes on every attempt.
"""

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO

from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate

from model.document import Setting
from smartapp.fhir.chart import Chart
from smartapp.fhir.earlier import earlier_of
from smartapp.fhir.elements import words
from smartapp.fhir.identifiers import URI_SYSTEM, document_id, message_id
from smartapp.fhir.ladder import Ladder
from smartapp.fhir.pdf_letters import BOLD, EXPLAINED, LACKING, PLAIN, as_markup, register_fonts
from smartapp.fhir.references import Resource
from smartapp.fhir.resources import iso_instant, labelled, person, suggested, validated
from smartapp.fhir.vendors import ONE_ATTACHMENT
from smartapp.reviews import AcceptedCode, Attestation, Correction, Note, NoteEvidence, ReviewKey

TITLE = "Coding summary"
NO_CLAIM = "This is not a claim and no charge. It says which codes a person attested for this encounter, and why."
CODES, ATTESTED = "Codes (ICD-10-CM), in the order of the claim", "Attestation"
_MARGIN = 54  # points
_LOINC = {"system": "http://loinc.org", "code": "51851-4", "display": "Administrative note"}


def write_summary(
    chart: Chart,
    accepted: Sequence[AcceptedCode],
    attestation: Attestation,
    model_revision: str | None,
    corrections: Sequence[Correction] = (),
) -> str:
    """The words: codes in the order of the claim, the quotes that prove each, who attested it and when."""
    first = "principal diagnosis" if chart.setting is Setting.INPATIENT else "first-listed diagnosis"
    notes = {note.id: note for note in chart.notes}
    lines = [TITLE.upper(), NO_CLAIM, *_corrects(corrections), "", *_whose(chart), "", CODES]
    for code in accepted:
        lines.append(f"{code.rank}. {code.code} {code.title}{f' ({first})' if code.rank == 1 else ''}")
        if code.poa:
            lines.append(f"   Present on admission: {code.poa.value}")
        lines += [f"   {_quoted(evidence, notes)}" for evidence in code.evidence]
        if not code.evidence:
            lines.append(f"   Added by hand by {code.decision.by.name}; no words of the notes are attached.")
    if not accepted:
        lines.append("None: all codes that were signed before are withdrawn.")
    lines += ["", ATTESTED, attestation.statement, f"{attestation.by.name}, {_moment(attestation.at)}"]
    lines += ["", f"Prepared with Chartside{f', predictor {model_revision}' if model_revision else ''}."]
    if any(map(suggested, accepted)):
        lines.append("An artificial intelligence suggested codes; a person decided on each of them.")
    return "\n".join(lines)


def _corrects(corrections: Sequence[Correction]) -> list[str]:
    if not corrections:
        return []
    before = corrections[-1].attestation
    signed = f"signed by {before.by.name}, {_moment(before.at)}"
    return ["", f"CORRECTION. This takes the place of the coding summary {signed}. Reason: {corrections[-1].reason}"]


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
    """The same words on letter pages, each with its number."""
    register_fonts()
    plain = ParagraphStyle("plain", fontName=PLAIN, fontSize=9.5, leading=14)
    quoted = ParagraphStyle("quoted", plain, leftIndent=18, textColor="#333333")
    headings = {
        TITLE.upper(): ParagraphStyle("title", plain, fontName=BOLD, fontSize=14, leading=20),
        CODES: ParagraphStyle("heading", plain, fontName=BOLD, keepWithNext=True),
    }
    headings[ATTESTED] = headings[CODES]
    out = BytesIO()
    margins = dict.fromkeys(("leftMargin", "rightMargin", "topMargin", "bottomMargin"), _MARGIN)
    document = SimpleDocTemplate(
        out, pagesize=LETTER, title=TITLE, author="Chartside", lang="en", invariant=1, **margins
    )
    lines = [(line, headings.get(line, quoted if line.startswith("   ") else plain)) for line in summary.splitlines()]
    story = [Paragraph(as_markup(line.strip()) or "\N{NO-BREAK SPACE}", style) for line, style in lines]
    if any(LACKING in as_markup(line) for line, _ in lines):
        story.append(Paragraph(EXPLAINED, quoted))
    document.build(story, onFirstPage=_number, onLaterPages=_number)
    return out.getvalue()


def _number(canvas: Canvas, document: SimpleDocTemplate) -> None:
    canvas.setFont(PLAIN, 8)
    canvas.drawRightString(LETTER[0] - _MARGIN, _MARGIN / 2, f"{TITLE}, page {document.page}")


def build_document(
    chart: Chart,
    accepted: Sequence[AcceptedCode],
    attestation: Attestation,
    model_revision: str | None,
    ladder: Ladder,
    corrections: Sequence[Correction] = (),
) -> Resource:
    """The summary as a document of the encounter, text first; the PDF beside it where the EHR takes two."""
    summary = write_summary(chart, accepted, attestation, model_revision, corrections)
    when = iso_instant(attestation.at)
    forms = {"text/plain; charset=utf-8": summary.encode()}
    if not ladder.vendor.asks(ONE_ATTACHMENT):
        forms["application/pdf"] = as_pdf(summary)
    context: Resource = {"encounter": [{"reference": f"Encounter/{chart.key.encounter}"}]}
    period = {name: said for name in ("start", "end") if (said := words(chart.encounter, "period", name))}
    document: Resource = {
        "resourceType": "DocumentReference",
        "identifier": _identifiers(document_id, chart, corrections),
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
    if before := earlier_of(corrections).others.get("DocumentReference"):
        document["relatesTo"] = [{"code": "replaces", "target": {"reference": before}}]
    return validated(labelled(document, ladder.ai_label and any(map(suggested, accepted))))


def build_message(
    chart: Chart,
    accepted: Sequence[AcceptedCode],
    attestation: Attestation,
    model_revision: str | None,
    ladder: Ladder,
    corrections: Sequence[Correction] = (),
) -> Resource:
    """The summary as a Communication to those who bill, or as a Task for them, as the ladder says."""
    summary = write_summary(chart, accepted, attestation, model_revision, corrections)
    when = iso_instant(attestation.at)
    patient, pool = {"reference": f"Patient/{chart.key.patient}"}, {"reference": ladder.billing_pool}
    identifier = _identifiers(message_id, chart, corrections)
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


def _identifiers(
    named: Callable[[ReviewKey, int], str], chart: Chart, corrections: Sequence[Correction]
) -> list[Resource]:
    """The first says what it is, of whichever signature; a correction has one of its own beside it."""
    numbers = [0, len(corrections)] if corrections else [0]
    return [{"system": URI_SYSTEM, "value": named(chart.key, number)} for number in numbers]
