"""Attachments to text: plain, HTML, XHTML, RTF, PDF and CDA, with the charset mended where it is wrong."""

import codecs
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from email.message import Message

import charset_normalizer
from lxml import etree
from striprtf.striprtf import rtf_to_text

from smartapp.fhir import pdf_reader
from smartapp.fhir.markup import TooDeep, cda_text, html_text, is_cda, xhtml_text

_rtf_to_text: Callable[..., str] = rtf_to_text  # published without types

NOTE_BYTES = 2 * 1024 * 1024
TOO_LARGE = "The note is larger than 2 MB."
_PDF_SECONDS = 30  # of the processor; a note takes one or two
_PDF_WAIT = 90.0  # seconds; on a busy machine those of the processor come late
_PDF_TOO_MUCH = "Reading the PDF takes too much time or memory."
_NO_PDF = {
    pdf_reader.LOCKED: "The PDF is protected by a password.",
    pdf_reader.TOO_MANY_PAGES: f"The PDF has more than {pdf_reader.PAGES} pages.",
    pdf_reader.DAMAGED: "The PDF is damaged or of a kind that cannot be read.",
}

# Only true character sets: Python's list also holds transformations such as unicode_escape.
_CHARSETS = ("utf-8", "utf-16", "utf-32", "ascii", "iso8859", "cp", "mac", "koi8", "gb", "big5", "shift_jis", "euc")
# One for each script: with several for the Latin one, the rarer wins as often as not.
_LIKELY = ["cp1252", "cp1251", "cp1255", "cp1256", "utf_16_le", "utf_16_be"]


class Unreadable(Exception):
    """The attachment cannot be read; the message is one plain sentence for the page."""


def media_type(content_type: str | None) -> tuple[str, str | None]:
    """`text/plain; charset=utf-8` as its type and its charset."""
    message = Message()
    message["Content-Type"] = content_type or ""
    charset = message.get_param("charset")
    # Not get_content_type(): what it cannot parse it calls text/plain.
    stated = (content_type or "").partition(";")[0].split()
    type = stated[0].lower() if stated and "/" in stated[0] else ""
    return type, charset if isinstance(charset, str) else None


# How well a form keeps the words, best first; a note often comes in several.
_RANK = (
    "text/plain", "text/html", "application/xhtml+xml", "application/rtf", "text/rtf", "text/richtext",
    "application/cda+xml", "text/xml", "application/xml", "application/hl7-cda+xml", "application/hl7-sda+xml",
    "application/pdf", "", "application/octet-stream",
)  # fmt: skip


def rank(content_type: str | None) -> int:
    """Smaller is better; the last rank is for what cannot be read."""
    type, _ = media_type(content_type)
    return _RANK.index(type) if type in _RANK else len(_RANK)


def to_text(data: bytes, content_type: str | None, served_charset: str | None = None) -> str:
    """The note's text: exactly what is shown, coded and hashed. Raises Unreadable."""
    if len(data) > NOTE_BYTES:
        raise Unreadable(TOO_LARGE)
    if not data.strip(b" \t\r\n\0"):
        raise Unreadable("The note is empty.")
    type, charset = media_type(content_type)
    if rank(content_type) == len(_RANK):
        raise Unreadable(f"The note is of the kind {type[:60]}, which Chartside cannot read.")
    try:
        text = normalized(_reader(type, data)(data, charset or served_charset))
    except TooDeep:
        raise Unreadable("The note's markup is nested too deeply to be read in full.") from None
    if not text.strip():
        raise Unreadable("The note holds no text.")
    if len(text.encode("utf-8")) > NOTE_BYTES:
        raise Unreadable(TOO_LARGE)
    return text


def normalized(text: str) -> str:
    """One kind of newline, no NUL and no form feed (notes are joined by one), no half of an emoji; nothing else is
    changed."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # RTF writes an emoji as two halves
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\f", "\n").replace("\v", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}")


Reader = Callable[[bytes, str | None], str]


def _reader(type: str, data: bytes) -> Reader:
    known: Mapping[str, Reader] = {
        "text/plain": decoded,
        "text/html": lambda d, c: html_text(decoded(d, c or _charset_in_html(d))),
        "application/xhtml+xml": _read_xhtml,
        "application/rtf": _read_rtf,
        "text/rtf": _read_rtf,
        "text/richtext": _read_rtf,
        "application/pdf": _read_pdf,
    }
    if type in known:
        return known[type]
    return _read_xml if "xml" in type else known.get(_sniffed(data), _read_xml)


def _sniffed(data: bytes) -> str:
    """The kind of an attachment that does not tell, by how it begins."""
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"%pdf-"):
        return "application/pdf"
    if start.startswith(b"{\\rtf"):
        return "application/rtf"
    if start.startswith((b"<!doctype html", b"<html", b"<div", b"<p>", b"<body")):
        return "text/html"
    if start.startswith(b"<?xml") or b"<clinicaldocument" in start:
        return "application/xml"
    if data.count(b"\0") > len(data) // 3 and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable("The note does not say of what kind it is, and it is not text.")
    return "text/plain"


def decoded(data: bytes, charset: str | None) -> str:
    """Characters by byte order mark, by the declared charset when it fits, else by what the bytes look like."""
    for mark, unicode in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            return data.decode(unicode, "replace")
    name = _known(charset)
    if name and not name.startswith(("iso8859", "cp12", "ascii")):
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            pass
    try:
        # Bytes beyond ASCII that are valid UTF-8 are UTF-8, also where Latin-1 is declared.
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _single_bytes(data, name)


def _single_bytes(data: bytes, name: str | None) -> str:
    if name in ("iso8859-1", "ascii"):
        name = "cp1252"  # as browsers do: what is called Latin-1 holds Windows' quotation marks and dashes
    if name and name.startswith(("iso8859", "cp")):
        try:
            return data.decode(name)
        except UnicodeDecodeError:
            pass
    try:
        text = data.decode("cp1252")
        if len(data) < 400:  # too little to guess by letter frequencies: the common one of US systems
            return text
    except UnicodeDecodeError:
        pass
    best = charset_normalizer.from_bytes(data, cp_isolation=_LIKELY).best()
    return str(best) if best else data.decode("cp1252", "replace")


def _known(charset: str | None) -> str | None:
    try:
        name = codecs.lookup(charset or "").name
    except (LookupError, ValueError):
        return None
    return name if name.startswith(_CHARSETS) else None


def _charset_in_html(data: bytes) -> str | None:
    match = re.search(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([A-Za-z0-9_-]{2,30})", data[:4096], re.IGNORECASE)
    return match[1].decode("ascii") if match else None


def _read_xhtml(data: bytes, charset: str | None) -> str:
    try:
        return xhtml_text(data)
    except etree.XMLSyntaxError:
        return html_text(decoded(data, charset or _charset_in_html(data)))


def _read_xml(data: bytes, charset: str | None) -> str:
    del charset  # XML says it itself
    try:
        if is_cda(data):
            return cda_text(data)
        return xhtml_text(data, only_html=True)
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable("The note is XML, but no clinical document that Chartside can read.") from None


def _read_rtf(data: bytes, charset: str | None) -> str:
    del charset  # RTF is ASCII and says the code page itself
    if not data.lstrip().startswith(b"{\\rtf"):
        raise Unreadable("The note says that it is RTF, but it is not.")
    try:
        return _rtf_to_text(data.decode("latin-1"), errors="replace")
    except (ValueError, LookupError, IndexError) as error:
        raise Unreadable("The RTF of the note is damaged.") from error


def _read_pdf(data: bytes, charset: str | None) -> str:
    """In a process of its own, which is ended where it takes too much; see there."""
    del charset
    command = [sys.executable, "-I", pdf_reader.__file__, str(_PDF_SECONDS)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=_PDF_WAIT)  # noqa: S603 - our own words
    except subprocess.TimeoutExpired:
        raise Unreadable(_PDF_TOO_MUCH) from None
    if done.returncode < 0:
        raise Unreadable(_PDF_TOO_MUCH)
    if done.returncode:
        raise Unreadable(_NO_PDF.get(done.returncode, _NO_PDF[pdf_reader.DAMAGED]))
    text = done.stdout.decode("utf-8", "replace")
    if not text.strip():
        raise Unreadable("The PDF holds no text; it may be a scan.")
    return text
