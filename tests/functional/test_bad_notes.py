"""Notes as bad as they come: shown as text, coded at the right characters, or named as not read; never run."""

import html
import io
import re
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas
from sample_chart import encoded, note
from whole_site import Site

from smartapp.inference import LONGEST_TEXT

PHRASE = "Essential hypertension"
NOT_READ = "This note was not read."
LIMIT = 2 * 1024 * 1024


def shown_notes(page: str) -> list[str]:
    """The text of each note on the page, as a reader sees it."""
    texts = re.findall(r'<div [^>]*class="text"[^>]*>(.*?)</div>', page, re.DOTALL)
    return [html.unescape(re.sub(r"</?(?:b|mark|a)\b[^>]*>", "", text)) for text in texts]


def marked(page: str, code: str) -> list[str]:
    """The words of the notes that are marked for the code."""
    marks = re.findall(rf'<mark [^>]*data-codes="[^"]*{re.escape(code)}[^"]*"[^>]*>(.*?)</mark>', page, re.DOTALL)
    return [html.unescape(re.sub(r"<[^>]+>", "", words)) for words in marks]


def pdf(text: str) -> bytes:
    kept = io.BytesIO()
    canvas = Canvas(kept)
    canvas.drawString(72, 720, text)
    canvas.save()
    return kept.getvalue()


def padded(size: int) -> bytes:
    return f"{PHRASE}.\n".encode().ljust(size, b".")


CDA = (
    f'<ClinicalDocument xmlns="urn:hl7-org:v3"><component><structuredBody><component><section><title>Plan</title>'
    f"<text>{PHRASE}</text></section></component></structuredBody></component></ClinicalDocument>"
).encode()


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (f"<html><body><p>{PHRASE}</p></body></html>".encode(), "text/html"),
        (f'<?xml version="1.0"?><div xmlns="http://www.w3.org/1999/xhtml">{PHRASE}</div>'.encode(), "text/html"),
        (f'<div xmlns="http://www.w3.org/1999/xhtml">{PHRASE}</div>'.encode(), "application/xhtml+xml"),
        (rf"{{\rtf1\ansi {PHRASE}\par}}".encode(), "application/rtf"),
        (pdf(PHRASE), "application/pdf"),
        (CDA, "text/xml"),
        (f"{PHRASE}.".encode(), ""),
        (f"{PHRASE}.".encode(), "text/plain; charset=no-such-charset"),
        (f"\ufeff{PHRASE}.".encode("utf-16"), "text/plain"),
    ],
)
def test_kinds_of_notes(site: Site, data: bytes, content_type: str) -> None:
    """Every kind of note that is read becomes text in which the evidence is marked."""
    page = site.open(site.visit(note(text=data, content_type=content_type))).page.text
    assert marked(page, "I10") == [PHRASE]


@pytest.mark.parametrize(
    ("data", "content_type", "reason"),
    [
        (b"", "text/plain", "The note"),
        (b" \r\n\t", "text/plain", "The note is empty."),
        (b"\0\0\0", "text/plain", "The note is empty."),
        (padded(LIMIT + 1), "text/plain", "The note is larger than 2 MB."),
        (padded(4 * LIMIT), "text/plain", "The note is larger than 2 MB."),
        (pdf(PHRASE)[:300], "application/pdf", "The PDF is damaged"),
        (b"%PDF-1.7 nonsense", "application/pdf", "The PDF is damaged"),
        (b"no pdf at all", "application/pdf", "The PDF is damaged"),
        (pdf(""), "application/pdf", "The PDF holds no text"),
        (b"{\\rtf1 \\'", "text/rtf", "The note"),
        (b"no rtf", "text/rtf", "says that it is RTF, but it is not"),
        (b"<ClinicalDocument>", "text/xml", "no clinical document"),
        (b"<html><body><script>alert(1)</script></body></html>", "text/html", "The note holds no text."),
        (b"PK\x03\x04", "application/x-<script>alert(1)</script>", "which Chartside cannot read"),
        (b"\x89PNG", "image/png", "of the kind image/png"),
    ],
)
def test_a_note_that_cannot_be_read(site: Site, data: bytes, content_type: str, reason: str) -> None:
    """It is named with the reason on the page, the readable one beside it is coded, and the chart can be signed."""
    bad = note("n2", data, content_type, description="The bad one")
    opened = site.open(site.visit(note("n1"), bad))
    page = opened.page.text
    assert page.count(NOT_READ) == 1
    assert reason in html.unescape(page)
    assert "<script>alert" not in page
    assert opened.states() == {"E11.9": "undecided", "I10": "undecided"}
    assert "Written to the chart" in opened.accept("I10").sign().text


def test_a_note_of_exactly_2_mb(site: Site) -> None:
    """The largest note that is read is shown whole and can be coded; that it is too long for suggestions is said."""
    opened = site.open(site.visit(note(text=padded(LIMIT))))
    page = opened.page.text
    assert len(shown_notes(page)[0]) == LIMIT
    assert "The notes are too long for suggestions" in page
    assert opened.decide("add", "I10").status_code == 303
    assert "Written to the chart" in opened.sign().text


def test_notes_of_as_much_as_the_predictor_reads(site: Site) -> None:
    """The longest notes that are coded are coded at their end, too."""
    page = site.open(site.visit(note(text=f"{PHRASE}.".encode().rjust(LONGEST_TEXT, b".")))).page.text
    assert marked(page, "I10") == [PHRASE]
    assert len(shown_notes(page)[0]) == LONGEST_TEXT


@pytest.mark.parametrize("charset", ["utf-8", "us-ascii", "iso-8859-1", ""])
def test_latin_1_whatever_is_declared(site: Site, charset: str) -> None:
    """A note in Latin-1 keeps its accents where another charset is declared."""
    text = f"Señora Müller, fièvre à 38°. {PHRASE}."
    content_type = f"text/plain; charset={charset}" if charset else "text/plain"
    page = site.open(site.visit(note(text=text.encode("latin-1"), content_type=content_type))).page.text
    assert shown_notes(page) == [text]
    assert marked(page, "I10") == [PHRASE]


HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</pre></div></article></body><h1>Owned</h1>",
    "<svg/onload=alert(1)>",
    "<!-- \" ' & &amp; &lt;script&gt; -->",
    "{{ 7*7 }}{% raw %}",
    '<mark data-codes="I10">no evidence</mark>',
    '" hx-get="/logout" hx-trigger="load',
)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_markup_in_a_plain_note_is_text(site: Site, hostile: str) -> None:
    """What looks like markup stands on the page as it was written, before and inside the evidence's line."""
    text = f"{hostile} {PHRASE} {hostile}\nPlan: {hostile}"
    opened = site.open(site.visit(note(text=text)))
    page = opened.page.text
    assert shown_notes(page) == [text]
    assert marked(page, "I10") == [PHRASE]
    for made in (page, opened.browser.get(opened.path + "progress").text):
        assert hostile not in made or not set(hostile) & set('<>"')


@pytest.mark.parametrize("hostile", HOSTILE[:4])
def test_markup_in_names_is_text(site: Site, hostile: str) -> None:
    """The same for titles, authors, patients, encounters and diagnoses that the EHR sends."""
    names: dict[str, Any] = {"description": hostile, "type": {"text": hostile}, "author": [{"display": hostile}]}
    visit = site.visit(note(**names), note("n2", **names), name=[{"text": hostile}])
    record = site.fhir.get(f"Encounter/{visit.encounter}")
    site.fhir.put(record | {"type": [{"text": hostile}], "reasonCode": [{"text": hostile}]})
    opened = site.open(visit).accept("I10")
    for page in (opened.show(), opened.browser.get(opened.path + "summary"), opened.sign()):
        assert page.status_code == 200
        assert hostile not in page.text
    assert html.escape(hostile, quote=False) in opened.show().text.replace("&#34;", '"').replace("&#39;", "'")


@pytest.mark.parametrize(
    "before",
    [
        "😀👩‍⚕️🇪🇸 ",
        "חולה עם יתר לחץ דם. ",
        "‮right-to-left override‬ ",
        "é́ combining ",
        "\r\n\r\nCR\rLF\n",
        "日本語 ",
        "\ud83d",
    ],
)
def test_offsets_beyond_ascii(site: Site, before: str) -> None:
    """Evidence after emoji, right-to-left text, combining marks and odd newlines is marked at its very words."""
    text = f"{before}{PHRASE}. Former smoker {before}"
    data = text.encode("utf-8", "surrogatepass")
    opened = site.open(site.visit(note(text=data)))
    assert marked(opened.page.text, "I10") == [PHRASE]
    assert marked(opened.page.text, "Z87.891") == ["Former smoker"]
    assert "Written to the chart" in opened.accept("I10", "Z87.891").sign().text


def attached(**attachment: Any) -> dict[str, Any]:
    return {"content": [{"attachment": attachment}]}


def test_a_note_in_a_binary(site: Site) -> None:
    """A note behind a link into the same FHIR server is fetched with the launch's token."""
    visit = site.visit(note(**attached(contentType="text/plain", url="Binary/b1")))
    visit.put({"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": encoded(f"{PHRASE}.")})
    assert marked(site.open(visit).page.text, "I10") == [PHRASE]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/note.txt",
        "//evil.example/note.txt",
        "file:///etc/passwd",
        "http://127.0.0.1:9/fhir/Binary/1",
        "../../etc/passwd",
        "http://[::1",
        "Binary/not-there",
    ],
)
def test_a_note_kept_elsewhere(site: Site, url: str) -> None:
    """A note that lies outside the EHR's FHIR server, or is not there, is not fetched; the others are read."""
    elsewhere = note("n2", **attached(contentType="text/plain", url=url))
    opened = site.open(site.visit(note("n1"), elsewhere))
    assert opened.page.text.count(NOT_READ) == 1
    assert opened.states() == {"E11.9": "undecided", "I10": "undecided"}


def test_all_notes_unreadable(site: Site) -> None:
    """Nothing to suggest from: both are named, and coding by hand works."""
    opened = site.open(site.visit(note("n1", b"", "text/plain"), note("n2", b"x", "image/png")))
    assert opened.page.text.count(NOT_READ) == 2
    assert "No code is suggested" in opened.page.text
    assert opened.decide("add", "I10").status_code == 303
    assert "Written to the chart" in opened.sign().text


def test_no_notes_at_all(site: Site) -> None:
    """An encounter without notes says so, and coding by hand works."""
    visit = site.visit()
    site.fhir.put(visit.own(note()) | {"status": "entered-in-error"})
    opened = site.open(visit)
    assert "No notes" in opened.page.text
    assert opened.decide("add", "I10").status_code == 303


@pytest.mark.parametrize(
    "more",
    [
        {"content": []},
        {"content": [{}]},
        {"content": [{"attachment": None}]},
        {"content": "none"},
        {"content": [{"attachment": {"contentType": "text/plain", "data": "%%%"}}]},
        {"content": [{"attachment": {"contentType": 7, "data": 7, "size": "x"}}]},
        {"content": [{"attachment": {"contentType": "text/plain", "data": encoded("cut"), "size": 99}}]},
        {"content": [{"attachment": {"contentType": "text/plain", "data": encoded("cut"), "hash": "AAAA"}}]},
        {"date": "yesterday", "author": "me", "content": None},
    ],
)
def test_a_malformed_note(site: Site, more: dict[str, Any]) -> None:
    """A DocumentReference that breaks FHIR's rules is named as not read and stops nothing."""
    opened = site.open(site.visit(note("n1"), note("n2", **more)))
    assert opened.page.text.count(NOT_READ) == 1
    assert opened.states() == {"E11.9": "undecided", "I10": "undecided"}


def test_many_notes(site: Site) -> None:
    """Fifty notes: each is on the page, and evidence is marked in the right one."""
    notes = [note(f"n{n}", f"Number {n}." + (f" {PHRASE}." if n == 37 else "")) for n in range(50)]
    page = site.open(site.visit(*notes)).page.text
    assert len(shown_notes(page)) == 50
    (with_mark,) = [text for text in page.split('<article class="note"') if "<mark" in text]
    assert "Number 37." in with_mark
