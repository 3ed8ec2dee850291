"""Attachments of every kind that notes come in, and the ways they are broken."""

import io
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from smartapp.fhir.text import NOTE_BYTES, Unreadable, normalized, rank, to_text

CDA = b"""<?xml version="1.0"?>
<ClinicalDocument xmlns="urn:hl7-org:v3"><title>Not shown</title><component><structuredBody><component><section>
<title>Assessment</title><text><paragraph>Asthma,  mild.</paragraph><list><item>one</item><item>two</item></list>
<table><tbody><tr><td>Na</td><td>140</td></tr></tbody></table></text></section></component></structuredBody></component>
</ClinicalDocument>"""


def pdf(*pages: str, password: str | None = None, owner_only: bool = False) -> bytes:
    file = io.BytesIO()
    secret = StandardEncryption("" if owner_only else password, password) if password else None
    canvas = Canvas(file, encrypt=secret)
    for page in pages:
        canvas.drawString(72, 720, page)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def test_plain_text_is_not_changed() -> None:
    """Plain text stays as it is, character by character: offsets and checksum hang on it."""
    text = "  HPI:\tcafé \N{FACE WITH THERMOMETER} שלום\n\n\n  - x \n"
    assert to_text(text.encode(), "text/plain; charset=utf-8") == text


def test_newlines_and_form_feeds() -> None:
    """There is one kind of newline, and neither NUL nor form feed, which joins notes."""
    assert to_text(b"a\r\nb\rc\fd\0e", "text/plain") == "a\nb\nc\nd\N{REPLACEMENT CHARACTER}e"


@given(st.text())
def test_normalized_twice_is_once(text: str) -> None:
    """Normalizing what is normalized changes nothing, so a stored text keeps its offsets."""
    once = normalized(text.removeprefix("\ufeff"))
    assert normalized(once.removeprefix("\ufeff")) == once.removeprefix("\ufeff")
    assert "\f" not in once and "\r" not in once and "\0" not in once


@pytest.mark.parametrize(
    ("data", "content_type", "text"),
    [
        ("café".encode("latin-1"), "text/plain; charset=iso-8859-1", "café"),
        ("café".encode("latin-1"), "text/plain; charset=utf-8", "café"),
        ("café".encode("latin-1"), "text/plain", "café"),
        ("café".encode(), "text/plain; charset=iso-8859-1", "café"),
        ("café".encode(), "text/plain; charset=us-ascii", "café"),
        ("the patient’s “bad” knee – left".encode("cp1252"), "text/plain; charset=ISO-8859-1",
         "the patient’s “bad” knee – left"),
        ("café".encode("utf-16"), "text/plain", "café"),
        ("café".encode("utf-16-le"), "text/plain; charset=utf-16le", "café"),
        ("café".encode("utf-8-sig"), "text/plain; charset=windows-1252", "café"),
        ("café".encode(), "text/plain; charset=unicode_escape", "café"),
        ("café".encode(), "text/plain; charset=no-such-thing", "café"),
        ("боль".encode("koi8-r"), "text/plain; charset=koi8-r", "боль"),
        (("Dolor torácico. El niño comió. " * 40).encode("cp1252"), "text/plain; charset=utf-8",
         "Dolor torácico. El niño comió. " * 40),
    ],
)  # fmt: skip
def test_charsets(data: bytes, content_type: str, text: str) -> None:
    """The declared charset is honoured where it fits and mended where it does not."""
    assert to_text(data, content_type) == text


def test_html() -> None:
    """Scripts and styles go, blocks become lines, tables stay readable, preformatted text keeps its spaces."""
    markup = b"""<html><head><title>T</title><style>p {color: red}</style></head><body><h1>HPI</h1>
      <p>Has   pain<br>in <b>chest</b> &lt; 1 h</p><script>alert('pwned')</script><noscript>n</noscript>
      <ul><li>a<li>b</ul><table><tr><th>Lab<th>Value</tr><tr><td>Na</td><td>140</td></tr></table><pre>  a
   b</pre> tail<!-- not shown --> end</body></html>"""
    expected = "HPI\n\nHas pain\nin chest < 1 h\n\n- a\n- b\n\nLab | Value\nNa | 140\n\n  a\n   b\n\ntail end"
    assert to_text(markup, "text/html; charset=utf-8") == expected


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>x<script>alert(1)", "x"),
        ("<p>x<svg><script>alert(1)</script></svg>y", "xy"),
        ("<p>x<!--[if IE]><script>alert(1)</script><![endif]-->y", "xy"),
        ("<p>x<scr<script>ipt>y</script>", "xipt>y"),
    ],
)
def test_scripts_never_reach_the_text(markup: str, text: str) -> None:
    """However a script is wrapped, its code is not part of the note; broken tag names do no harm."""
    assert to_text(markup.encode(), "text/html") == text


def test_script_as_words_stays_words() -> None:
    """A plain note may speak of tags: that is text."""
    assert to_text(b"<script>alert(1)</script>", "text/plain") == "<script>alert(1)</script>"


def test_xhtml_with_an_empty_script_element() -> None:
    """As XML `<script/>` hides nothing behind it."""
    data = b'<div xmlns="http://www.w3.org/1999/xhtml"><script/>Asthma &amp; more<p>plan</p></div>'
    assert to_text(data, "application/xhtml+xml") == "Asthma & more\n\nplan"
    assert to_text(b"<div>Asthma &nbsp;<br>plan</div>", "application/xhtml+xml") == "Asthma \N{NO-BREAK SPACE}\nplan"


def test_deeply_nested_html_is_refused_rather_than_cut() -> None:
    """Nesting at which the parser would drop the text is refused in words."""
    assert to_text(b"<div>" * 1500 + b"deep", "text/html") == "deep"
    with pytest.raises(Unreadable, match="nested too deeply"):
        to_text(b"<p>shown</p>" + b"<div>" * 5000 + b"dropped", "text/html")


def test_rtf() -> None:
    """RTF becomes its text, with its code page and its Unicode."""
    data = rb"{\rtf1\ansi\ansicpg1252{\fonttbl\f0 Arial;}\f0 Chest pain\par caf\'e9 \u8211? x\par}"
    assert to_text(data, "application/rtf").split("\n")[:2] == ["Chest pain", "café – x"]
    with pytest.raises(Unreadable, match="says that it is RTF"):
        to_text(b"plain", "text/rtf")


def test_pdf() -> None:
    """A PDF becomes the text of its pages; one locked only against changes is read."""
    words = to_text(pdf("Page one: asthma.", "Page two."), "application/pdf").split()
    assert words == ["Page", "one:", "asthma.", "Page", "two."]
    assert "asthma" in to_text(pdf("asthma", password="x", owner_only=True), "application/pdf")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pdf("secret", password="open sesame"), "protected by a password"),
        (pdf(""), "may be a scan"),
        (pdf("cut")[:300], "damaged"),
        (b"%PDF-1.7 nonsense", "damaged"),
    ],
)
def test_unreadable_pdf(data: bytes, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    """A locked, scanned or damaged PDF is refused in words; nothing of it is logged."""
    with pytest.raises(Unreadable, match=reason):
        to_text(data, "application/pdf")
    assert caplog.text == ""


@pytest.mark.parametrize("content_type", ["text/xml", "application/xml", "application/hl7-cda+xml", None, ""])
def test_cda(content_type: str | None) -> None:
    """The narrative of a CDA document is read, section by section."""
    assert to_text(CDA, content_type) == "Assessment\n\nAsthma, mild.\n\n- one\n- two\n\nNa | 140"


def test_xml_entities_reach_no_file(tmp_path: Path) -> None:
    """An external entity reads no file of the server, and an entity bomb does not go off."""
    secret = tmp_path / "secret"
    secret.write_text("TOP SECRET")
    external = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'.encode()
    bomb = (
        b'<!DOCTYPE x [<!ENTITY a "0123456789"><!ENTITY b "'
        + b"&a;" * 1000
        + b'"><!ENTITY e "'
        + b"&b;" * 1000
        + b'">]>'
    )
    for doctype in (external, bomb):
        document = CDA.replace(b"<Clin", doctype + b"<Clin", 1).replace(b"mild.", b"mild. &e;")
        try:
            text = to_text(document, "text/xml")
        except Unreadable:
            continue
        assert "TOP SECRET" not in text and len(text) < 1000


@pytest.mark.parametrize(
    ("data", "content_type", "reason"),
    [
        (b"", "text/plain", "empty"),
        (b" \n\t", "text/plain", "empty"),
        (b"<p> </p>", "text/html", "no text"),
        (b"\x89PNG", "image/png", "of the kind image/png"),
        (b"<x><y>1</y></x>", "text/xml", "no clinical document"),
        (b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>", "text/xml", "no clinical document"),
        (b"<broken", "text/xml", "no clinical document"),
        (bytes(3000), "application/octet-stream", "empty"),
        (b"\1\0\0\0" * 900, "application/octet-stream", "not text"),
    ],
)
def test_unreadable(data: bytes, content_type: str, reason: str) -> None:
    """What cannot be read says why, in one sentence."""
    with pytest.raises(Unreadable, match=reason):
        to_text(data, content_type)


def test_two_megabytes() -> None:
    """A note of exactly 2 MB is read, one byte more is refused."""
    assert len(to_text(b"a" * NOTE_BYTES, "text/plain")) == NOTE_BYTES
    with pytest.raises(Unreadable, match="larger than 2 MB"):
        to_text(b"a" * (NOTE_BYTES + 1), "text/plain")


def test_rank() -> None:
    """Plain text is preferred, parameters of the type do not matter, pictures come last."""
    kinds = ["image/png", "application/pdf", "text/html", "text/plain; charset=utf-8", "text/xml"]
    assert sorted(kinds, key=rank) == [
        "text/plain; charset=utf-8",
        "text/html",
        "text/xml",
        "application/pdf",
        "image/png",
    ]


@given(st.binary(max_size=300), st.sampled_from(["text/plain", "text/html", "text/xml", "application/rtf", ""]))
def test_any_bytes(data: bytes, content_type: str) -> None:
    """Whatever the bytes, there is a text that can be stored or a reason, never a crash."""
    check_any(data, content_type)


@settings(deadline=None, max_examples=10)
@given(st.binary(max_size=300))
def test_any_bytes_of_a_pdf(data: bytes) -> None:
    """The same, where each example is a process."""
    check_any(data, "application/pdf")
    check_any(b"%PDF-1.7\n" + data, "")


def check_any(data: bytes, content_type: str) -> None:
    try:
        text = to_text(data, content_type)
    except Unreadable as error:
        assert str(error).endswith(".")
    else:
        assert text.encode("utf-8")


def pdf_of(*parts: bytes) -> bytes:
    """A PDF of these objects, the first its catalogue; written by hand, since no library makes such ones."""
    file, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, part)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    table = b"xref\n0 %d\n0000000000 65535 f \n%b" % (len(parts) + 1, rows)
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(parts) + 1, len(file))
    return file + table + end


def pdf_bomb(operations: bytes) -> bytes:
    packed = zlib.compress(operations, 9)
    font = b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << %b >> >>" % font
    stream = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%b\nendstream" % (len(packed), packed)
    return pdf_of(
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, stream
    )  # fmt: skip


def test_a_pdf_that_would_take_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kB of PDF hold millions of operations: its reader is ended, and the note says so."""
    assert "a" in to_text(pdf_bomb(b"BT /F1 12 Tf 10 10 Td (a) Tj ET"), "application/pdf")
    bomb = pdf_bomb(b"BT /F1 12 Tf 10 10 Td " + b"(a) Tj " * 8_000_000 + b" ET")
    assert len(bomb) < 200_000
    monkeypatch.setattr("smartapp.fhir.text._PDF_SECONDS", 1)
    with pytest.raises(Unreadable, match="too much time or memory"):
        to_text(bomb, "application/pdf")


def test_a_pdf_whose_reader_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the processor's clock says, nobody waits without end."""
    monkeypatch.setattr("smartapp.fhir.text._PDF_WAIT", 0.001)
    with pytest.raises(Unreadable, match="too much time or memory"):
        to_text(pdf("asthma"), "application/pdf")


def test_half_an_emoji() -> None:
    """RTF writes an emoji as two halves; one without the other is a character that cannot be stored."""
    assert to_text(rb"{\rtf1 a\u-10179?\u-8694?b\u-10179?c}", "application/rtf").split() == [
        "a\N{SMILING FACE WITH SMILING EYES}b\N{REPLACEMENT CHARACTER}c"
    ]


def test_sections_within_the_words_of_sections() -> None:
    """No CDA holds them; whoever writes them would have the innermost words read once for each level."""
    levels = 100
    inner = b"<section><text>" * levels + b"asthma " * 10_000 + b"</text></section>" * levels
    text = to_text(b'<ClinicalDocument xmlns="urn:hl7-org:v3">' + inner + b"</ClinicalDocument>", "application/xml")
    assert text.count("asthma") == 10_000


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://127.0.0.1:9/secret"])
def test_entities_are_left_as_they_are(target: str) -> None:
    """Neither a file of ours nor an address is read into a note, and no entity is multiplied."""
    doctype = f'<!DOCTYPE d [<!ENTITY x SYSTEM "{target}"><!ENTITY y "{"ha" * 1000}">]>'
    body = "<section><text>before &x; &y; after</text></section>"
    xml = f'<?xml version="1.0"?>{doctype}<ClinicalDocument xmlns="urn:hl7-org:v3">{body}</ClinicalDocument>'
    text = to_text(xml.encode(), "application/xml")
    assert text.startswith("before") and text.endswith("after")
    assert "root:" not in text and "haha" not in text
