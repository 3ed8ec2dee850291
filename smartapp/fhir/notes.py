"""DocumentReferences to Notes: which of them count, and the text of each or the reason why there is none."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from smartapp.errors import ChartsideError, SessionExpired
from smartapp.fhir.answers import as_resource
from smartapp.fhir.client import FHIR_JSON, FHIRClient
from smartapp.fhir.elements import at, instant, items, title, words
from smartapp.fhir.errors import EHRAnswered, TooLarge
from smartapp.fhir.references import Resource, literal, resolve
from smartapp.fhir.text import NOTE_BYTES, TOO_LARGE, Unreadable, media_type, rank, to_text
from smartapp.reviews import Note

_BASE64_BYTES = NOTE_BYTES * 4 // 3 + 64 * 1024  # a JSON Binary around the largest note
_ERROR = "entered-in-error"


def standing(base: str, documents: Sequence[Resource]) -> list[Resource]:
    """Without those entered in error or replaced by a newer note of the encounter, oldest first.

    `superseded` alone says nothing: EHRs publish most notes so. It counts only where the newer note is here.
    """
    valid = [d for d in documents if _ERROR not in (d.get("status"), d.get("docStatus"))]
    replaced = {
        target.id
        for document in valid
        for relation in items(document, "relatesTo")
        if relation.get("code") == "replaces" and (target := literal(base, relation.get("target")))
    }
    kept = [d for d in valid if d.get("id") not in replaced]
    newest = [d for d in kept if not (d.get("status") == "superseded" and any(_supersedes(o, d) for o in kept))]
    return sorted(newest, key=lambda d: (_written_at(d), str(d.get("id"))))


def _supersedes(newer: Resource, older: Resource) -> bool:
    same_type = bool(_types(newer) & _types(older))
    return newer.get("status") == "current" and same_type and _written_at(newer) > _written_at(older)


def _types(document: Resource) -> set[tuple[str | None, str | None]]:
    return {(words(c, "system"), words(c, "code")) for c in items(document, "type", "coding")}


def _written_at(document: Resource) -> datetime:
    stated = instant(document.get("date")) or instant(at(document, "context", "period", "start"))
    return stated or datetime.min.replace(tzinfo=UTC)


def read_notes(
    client: FHIRClient,
    documents: Sequence[Resource],
    name: Callable[[Mapping[str, Any]], str | None],
    progress: Callable[[str], None],
) -> tuple[Note, ...]:
    """Every note with its text or its reason; one that cannot be read does not keep the others from being read."""
    notes: list[Note] = []
    for number, document in enumerate(documents, 1):
        progress(f"Reading note {number} of {len(documents)}")
        notes.append(_read_note(client, document, name))
    return tuple(notes)


def _read_note(client: FHIRClient, document: Resource, name: Callable[[Mapping[str, Any]], str | None]) -> Note:
    text: str | None = None
    reason: str | None = None
    try:
        text = _text_of(client, document)
    except Unreadable as error:
        reason = str(error)
    authors = [found for author in items(document, "author") if (found := name(author))]
    return Note(
        id=str(document["id"]),
        version_id=words(document, "meta", "versionId"),
        title=_title(document),
        date=instant(document.get("date")),
        author=", ".join(authors) or None,
        text=text,
        unreadable=reason,
        sha256=hashlib.sha256(text.encode("utf-8")).hexdigest() if text is not None else None,
    )


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
    """The bytes behind an attachment's URL: raw, or out of a JSON Binary where the EHR gives only that."""
    inside = resolve(client.base_url, url)
    if inside is None:
        raise Unreadable("The note is held elsewhere, outside the EHR's FHIR server; open it in the EHR.")
    wanted = media_type(content_type)[0] or "*/*"
    try:
        answer = client.fetch(inside, wanted, what="Binary.r", limit=_BASE64_BYTES)
    except EHRAnswered as error:
        # sekmet-fhir among others: 406 for a raw Binary, https://hl7.org/fhir/R4/binary.html#rest
        if error.http_status != 406:
            raise
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
