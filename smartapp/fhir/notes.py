"""DocumentReferences to Notes: which of them count, and the text of each or the reason why there is none."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from smartapp.errors import ChartsideError, SessionExpired
from smartapp.fhir.answers import as_resource
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.connection import FHIR_JSON
from smartapp.fhir.elements import at, instant, items, title, words
from smartapp.fhir.errors import EHRAnswered, TooLarge
from smartapp.fhir.identifiers import document_id
from smartapp.fhir.references import Resource, literal, resolve
from smartapp.fhir.text import NOTE_BYTES, TOO_LARGE, Unreadable, media_type, rank, to_text
from smartapp.reviews import Note, ReviewKey

_BASE64_BYTES = NOTE_BYTES * 4 // 3 + 64 * 1024  # a JSON Binary around the largest note
_ERROR = "entered-in-error"


@dataclass(frozen=True, slots=True)
class Standing:
    """A document that counts, with what it has to do with others."""

    document: Resource
    replaces: tuple[str, ...] = ()  # ids of the documents in whose place it stands
    appends: str | None = None  # id of the document it is an addendum to


def without_summaries(key: ReviewKey, documents: Sequence[Resource]) -> list[Resource]:
    """Without the coding summary that Chartside itself files among the notes: what it says proves nothing."""
    ours = document_id(key)
    return [d for d in documents if ours not in {words(i, "value") for i in items(d, "identifier")}]


def standing(base: str, documents: Sequence[Resource]) -> list[Standing]:
    """Without those entered in error or replaced by a newer note of the encounter; oldest first, addenda behind theirs.

    `superseded` alone says nothing: EHRs publish most notes so. It counts only where the newer note is here.
    """
    valid = {str(d["id"]): d for d in documents if _ERROR not in (d.get("status"), d.get("docStatus"))}
    replaced = _replaced(base, valid)
    kept = {id: d for id, d in valid.items() if id not in replaced}

    def stands(id: str, document: Resource) -> Standing:
        older = tuple(o for o in valid if id in _upwards(o, replaced)[1:])
        originals = (_upwards(a, replaced)[-1] for a in _related(base, document, "appends"))
        return Standing(document, older, next((a for a in originals if a in kept and a != id), None))

    def place(one: Standing) -> tuple[Any, ...]:
        original = kept[one.appends] if one.appends else one.document
        return _place(original), one.appends is not None, _place(one.document)

    return sorted((stands(id, d) for id, d in kept.items()), key=place)


def _replaced(base: str, valid: Mapping[str, Resource]) -> dict[str, str]:
    """Each replaced document's id with that of the one in its place; where they go round, one stands."""
    replaced: dict[str, str] = {}
    for newer, document in sorted(valid.items(), key=lambda one: _place(one[1]), reverse=True):
        said = [older for older in _related(base, document, "replaces") if older in valid]
        beside = _related(base, document, "appends")
        seen = [older for older, d in valid.items() if older not in beside and _supersedes(document, d)]
        for older in (*said, *seen):
            if older not in _upwards(newer, replaced):
                replaced.setdefault(older, newer)
    return replaced


def _upwards(id: str, replaced: Mapping[str, str]) -> list[str]:
    """The document, the one in its place, the one in that one's place ..."""
    chain = [id]
    while chain[-1] in replaced:
        chain.append(replaced[chain[-1]])
    return chain


def _related(base: str, document: Resource, code: str) -> list[str]:
    """The ids of the documents that it says it replaces or appends; never its own."""
    targets = (literal(base, r.get("target")) for r in items(document, "relatesTo") if r.get("code") == code)
    return [t.id for t in targets if t and t.type == "DocumentReference" and t.id != document["id"]]


def _place(document: Resource) -> tuple[datetime, str]:
    return _written_at(document), str(document.get("id"))


def _supersedes(newer: Resource, older: Resource) -> bool:
    statuses = (newer.get("status"), older.get("status"))
    same_type = bool(_types(newer) & _types(older))
    return statuses == ("current", "superseded") and same_type and _written_at(newer) > _written_at(older)


def _types(document: Resource) -> set[tuple[str | None, str | None]]:
    return {(words(c, "system"), words(c, "code")) for c in items(document, "type", "coding")}


def _written_at(document: Resource) -> datetime:
    stated = instant(document.get("date")) or instant(at(document, "context", "period", "start"))
    return stated or datetime.min.replace(tzinfo=UTC)


def read_notes(
    client: FHIRClient,
    documents: Sequence[Standing],
    name: Callable[[Mapping[str, Any]], str | None],
    progress: Callable[[str], None],
) -> tuple[Note, ...]:
    """Every note with its text or its reason; one that cannot be read does not keep the others from being read."""
    notes: list[Note] = []
    for number, one in enumerate(documents, 1):
        progress(f"Reading note {number} of {len(documents)}")
        notes.append(_read_note(client, one, name))
    held = {note.sha256 for note in notes if not note.is_report}
    # The same report once more, under its other resource.
    return tuple(n for n in notes if not (n.is_report and n.text is not None and n.sha256 in held))


def _read_note(client: FHIRClient, one: Standing, name: Callable[[Mapping[str, Any]], str | None]) -> Note:
    document = one.document
    text: str | None = None
    reason: str | None = None
    try:
        text = _text_of(client, document)
    except Unreadable as error:
        reason = str(error)
    authors = [found for author in items(document, "author") if (found := name(author))]
    return Note(
        id=note_id(document),
        version_id=words(document, "meta", "versionId"),
        title=_title(document),
        date=instant(document.get("date")),
        author=", ".join(authors) or None,
        text=text,
        unreadable=reason,
        sha256=hashlib.sha256(text.encode("utf-8")).hexdigest() if text is not None else None,
        stamp=stamp(document),
        addendum_to=one.appends,
        replaces=one.replaces,
    )


def note_id(document: Resource) -> str:
    """A DocumentReference's id as it is; of any other resource with its type, so that both can be on one page."""
    type, id = document["resourceType"], str(document["id"])
    return id if type == "DocumentReference" else f"{type}/{id}"


def stamp(document: Resource) -> str:
    """Changes whenever the note may read otherwise: by its content where that is told, else by the EHR's version."""
    attached = [content.get("attachment") for content in items(document, "content")]
    told = [words(a, "hash") or at(a, "data") for a in attached]
    version = words(document, "meta", "versionId") or words(document, "meta", "lastUpdated")
    basis: object = told if told and all(told) else version or [attached, document.get("date")]
    return hashlib.sha256(json.dumps([basis, document.get("docStatus")], sort_keys=True).encode()).hexdigest()


def _title(document: Resource) -> str:
    attached = [words(content, "attachment", "title") for content in items(document, "content")]
    said = [title(document.get("type")), words(document, "description"), *attached]
    return next((text for text in said if text), "Note")


def _text_of(client: FHIRClient, document: Resource) -> str:
    attachments = [content.get("attachment") or {} for content in items(document, "content")]
    reasons: list[str] = []
    for attachment in sorted(attachments, key=lambda a: rank(words(a, "contentType"))):
        try:
            return _attachment_text(client, attachment)
        except Unreadable as error:
            reasons.append(str(error))
        except SessionExpired:
            raise
        except TooLarge:
            reasons.append(TOO_LARGE)
        except ChartsideError as error:
            reasons.append(error.detail)
    raise Unreadable(reasons[0] if reasons else "The note has no content.")


def _attachment_text(client: FHIRClient, attachment: object) -> str:
    content_type, served_charset = words(attachment, "contentType"), None
    inline, url = at(attachment, "data"), words(attachment, "url")
    if isinstance(inline, str):
        data = _from_base64(inline)
    elif url:
        data, served = _fetch(client, url, content_type)
        content_type = content_type or served
        served_charset = media_type(served)[1]
    else:
        raise Unreadable("The note has no content.")
    _check(data, attachment)
    return to_text(data, content_type, served_charset)


def _fetch(client: FHIRClient, url: str, content_type: str | None) -> tuple[bytes, str | None]:
    """The bytes behind an attachment's URL: raw, or out of a JSON Binary where the EHR gives it in a resource only."""
    inside = resolve(client.base_url, url)
    if inside is None:
        raise Unreadable("The note is held elsewhere, outside the EHR's FHIR server; open it in the EHR.")
    wanted = media_type(content_type)[0] or "*/*"
    try:
        answer = client.fetch(inside, wanted, what="Binary.r", limit=_BASE64_BYTES)
        raw = "fhir+xml" not in media_type(answer.content_type)[0]  # that is a Binary around the note
    except EHRAnswered as error:
        # sekmet-fhir among others: 406 for a raw Binary, https://hl7.org/fhir/R4/binary.html#rest
        if error.http_status != 406:
            raise
        raw = False
    if not raw:
        answer = client.fetch(inside, FHIR_JSON, what="Binary.r", limit=_BASE64_BYTES)
    if "json" not in media_type(answer.content_type)[0]:
        return answer.body, answer.content_type
    binary = as_resource(answer, "Binary")
    return _from_base64(str(binary.get("data", ""))), words(binary, "contentType")


def _from_base64(text: str) -> bytes:
    if len(text) > _BASE64_BYTES:
        raise Unreadable(TOO_LARGE)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("The note's content is damaged: it cannot be decoded.") from None


def _check(data: bytes, attachment: object) -> None:
    """Size and checksum as the EHR states them (https://hl7.org/fhir/R4/datatypes.html#Attachment: SHA-1, base64)."""
    size, stated = at(attachment, "size"), words(attachment, "hash")
    if isinstance(size, int) and size != len(data):
        raise Unreadable("The note is not complete: its length is not the one the EHR states.")
    if not stated:
        return
    digests = [hashlib.new(name, data, usedforsecurity=False) for name in ("sha1", "sha256")]
    if stated not in {w for d in digests for w in (base64.b64encode(d.digest()).decode(), d.hexdigest())}:
        raise Unreadable("The note is not what the EHR stored: its checksum does not match.")
