"""DiagnosticReports as the notes they are: the written report of a radiologist, a pathologist, a cardiologist."""

from collections.abc import Collection, Iterable

from smartapp.fhir.elements import items, words
from smartapp.fhir.references import Resource, resolve

_NOT_A_REPORT = frozenset({"entered-in-error", "cancelled"})


def as_documents(base: str, reports: Iterable[Resource], notes: Collection[Resource]) -> list[Resource]:
    """Reports with a written form, in the shape of a DocumentReference.

    US Core has EHRs show the same report in both resources, by the same attachment: then the note stands.
    """
    known = {url for note in notes for content in items(note, "content") if (url := _url(base, content))}
    documents = [_as_document(r) for r in reports if words(r, "status") not in _NOT_A_REPORT]
    return [d for d in documents if d["content"] and not known & {_url(base, content) for content in d["content"]}]


def _as_document(report: Resource) -> Resource:
    said = {"type": report.get("code"), "date": _date(report), "meta": report.get("meta")}
    return {name: value for name, value in said.items() if value} | {
        "resourceType": "DiagnosticReport",
        "id": report["id"],
        "status": "current",
        "author": items(report, "resultsInterpreter") or items(report, "performer"),
        "content": [{"attachment": form} for form in items(report, "presentedForm")],
    }


def _date(report: Resource) -> str | None:
    stated = (words(report, "effectiveDateTime"), words(report, "effectivePeriod", "start"), words(report, "issued"))
    return next((text for text in stated if text), None)


def _url(base: str, content: Resource) -> str | None:
    url = words(content, "attachment", "url")
    return resolve(base, url) if url else None
