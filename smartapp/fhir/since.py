"""Whether the EHR's notes are still those that were read, and which of them read otherwise when read again."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.finding import Visit, search_by
from smartapp.fhir.notes import stamp, standing, without_summaries
from smartapp.reviews import Note, NotesSince


def notes_since(client: FHIRClient, chart: Chart) -> NotesSince | None:
    """One search, as it was asked when the chart was read; None where the answer is not whole. Reports are not asked
    for."""
    visit = Visit.of(chart.key.iss, chart.key.patient, chart.encounter)
    query = visit.query(chart.way, "DocumentReference", client.vendor)
    if query is None:
        return None
    found = search_by(client.brief(), "DocumentReference", visit, chart.way, query)
    if found.missing:
        return None
    read = {note.id: note for note in chart.notes if not note.is_report}
    # A chart that was read before stamps were kept tells nothing of changes.
    documents = without_summaries(chart.key, found.documents)
    now = {str(s.document["id"]): s for s in standing(client.base_url, documents)}
    arrived = [s for id, s in now.items() if id not in read and not set(s.replaces) & read.keys()]
    amended = [s for id, s in now.items() if id not in read and set(s.replaces) & read.keys()]
    changed = [s for id, s in now.items() if id in read and read[id].stamp not in ("", stamp(s.document))]
    taken_over = {id for s in amended for id in s.replaces}
    gone = read.keys() - now.keys() - taken_over
    return NotesSince(len(arrived), len(changed) + len(amended), len(gone))


def mark_changed(chart: Chart, before: Chart | None, at: datetime) -> Chart:
    """The chart with the moment at each note whose text is another than when it, or the one it replaces, was read."""
    known = {note.id: note for note in before.notes} if before else {}
    return replace(chart, notes=tuple(_marked(note, known, at) for note in chart.notes))


def _marked(note: Note, known: Mapping[str, Note], at: datetime) -> Note:
    earlier = [known[id] for id in (note.id, *note.replaces) if id in known and known[id].text is not None]
    if not earlier:
        return note
    same = next((e for e in earlier if e.sha256 == note.sha256), None)
    return replace(note, changed_at=same.changed_at if same else at)
