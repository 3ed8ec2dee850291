"""The text of a note, from wherever the EHR keeps it, or the reason why there is none."""

import base64
import hashlib

import pytest
from fhir_server import FakeFHIRServer, answers, is_silent, says
from sample_chart import NOTE, encoded, note, visit

from smartapp.fhir.chart import read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.text import NOTE_BYTES
from smartapp.reviews import Note


@pytest.fixture(autouse=True)
def _a_visit(fhir_server: FakeFHIRServer) -> None:
    fhir_server.put(*visit())


def notes_of(client: FHIRClient) -> tuple[Note, ...]:
    return read_chart(client, "p1", "e1", lambda _: None).notes


def only_note(client: FHIRClient) -> Note:
    (found,) = notes_of(client)
    return found


def attached(**attachment: object) -> dict[str, object]:
    """The note with another attachment."""
    return note(content=[{"attachment": attachment}])


@pytest.mark.parametrize("raw", [True, False])
def test_note_in_a_binary(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, raw: bool) -> None:
    """A note behind a relative URL is read raw, or as JSON Binary from a server that answers 406."""
    fhir_server.raw_binaries = raw
    fhir_server.put(attached(contentType="text/plain", url="Binary/b1"))
    fhir_server.put({"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": encoded("Asthma.")})
    assert only_note(fhir_client).text == "Asthma."
    assert len(fhir_server.sent("GET", "Binary")) == (1 if raw else 2)


def test_binary_in_xml(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A CDA note is asked for as XML; where that brings FHIR's XML of the Binary around it, it is asked for as JSON."""
    inner = "<structuredBody><component><section><text>Asthma.</text></section></component></structuredBody>"
    cda = encoded(f'<ClinicalDocument xmlns="urn:hl7-org:v3"><component>{inner}</component></ClinicalDocument>')
    around = f'<Binary xmlns="http://hl7.org/fhir"><contentType value="text/xml"/><data value="{cda}"/></Binary>'
    fhir_server.put(attached(contentType="text/xml", url="Binary/b1"))
    fhir_server.put({"resourceType": "Binary", "id": "b1", "contentType": "text/xml", "data": cda})
    fhir_server.fail("GET", "Binary", says(around.encode(), "application/fhir+xml;charset=UTF-8"))
    assert only_note(fhir_client).text == "Asthma."
    assert [s.headers["Accept"] for s in fhir_server.sent("GET", "Binary")] == ["text/xml", "application/fhir+json"]


def test_absolute_url_on_the_same_base(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An absolute URL under the FHIR base is followed; the type comes from the Binary when the note does not say."""
    fhir_server.put(attached(url=f"{fhir_server.base_url}/Binary/b1"))
    fhir_server.put({"resourceType": "Binary", "id": "b1", "contentType": "text/html", "data": encoded("<p>Asthma.")})
    assert only_note(fhir_client).text == "Asthma."


@pytest.mark.parametrize(
    "url",
    ["{other}/Binary/b1", "//{host}/fhir/Binary/b1", "{base}/../secret", "{base}/%2e%2e/secret", "file:///etc/passwd",
     "http://user:pw@{me}/fhir/Binary/b1", "{base}.example.com/fhir/Binary/b1", "http://[bad/Binary/b1",
     "{base}evil/Binary"],
)  # fmt: skip
def test_url_elsewhere(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, url: str) -> None:
    """A note on another host, or outside the FHIR base, gets no request and so no token; the page says so."""
    other = FakeFHIRServer()
    me, host = fhir_server.base_url.split("/")[2], other.base_url.split("/")[2]
    there = url.format(other=other.base_url, host=host, base=fhir_server.base_url, me=me)
    try:
        fhir_server.put(attached(contentType="text/plain", url=there))
        found = only_note(fhir_client)
        assert found.text is None and "held elsewhere" in str(found.unreadable)
        assert other.seen == []
        assert not [s for s in fhir_server.seen if "secret" in s.path or "Binary" in s.path]
    finally:
        other.stop()


def test_one_unreadable_note_leaves_the_others(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A note that the EHR refuses or does not deliver has its reason; the others are read."""
    gone = [{"attachment": {"contentType": "text/plain", "url": "Binary/gone"}}]
    locked = [{"attachment": {"contentType": "text/plain", "url": "Binary/locked"}}]
    slow = [{"attachment": {"contentType": "text/plain", "url": "Binary/slow"}}]
    fhir_server.fail("GET", "Binary/locked", answers(403, "Behavioral health."))
    fhir_server.fail("GET", "Binary/slow", is_silent, times=3)
    fhir_server.put(
        note("n2", content=gone), note("n3", content=locked), note("n4", content=slow), note("n5", content=[])
    )
    notes = {n.id: n for n in notes_of(fhir_client)}
    assert notes["n1"].text == NOTE
    assert "does not have it" in str(notes["n2"].unreadable)
    assert "Behavioral health" in str(notes["n3"].unreadable)
    assert "in time" in str(notes["n4"].unreadable)
    assert notes["n5"].unreadable == "The note has no content."
    assert [n.sha256 for n in notes.values() if n.text is None] == [None] * 4


@pytest.mark.parametrize(
    ("attachment", "reason"),
    [
        ({"data": ""}, "empty"),
        ({"data": "%%%not-base64%%%"}, "damaged"),
        ({"data": encoded("abc"), "size": 4}, "not complete"),
        ({"data": encoded("abc"), "hash": encoded(hashlib.sha1(b"abd").digest())}, "checksum"),
        ({"data": encoded("x" * (NOTE_BYTES + 1))}, "larger than 2 MB"),
        ({"data": "A" * 6_000_000}, "larger than 2 MB"),
        ({}, "no content"),
    ],
)
def test_unreadable_attachment(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, attachment: dict[str, object], reason: str
) -> None:
    """An empty, damaged, incomplete, changed or too large attachment is refused in words."""
    fhir_server.put(attached(contentType="text/plain", **attachment))
    found = only_note(fhir_client)
    assert found.text is None and reason in str(found.unreadable)


def test_checksum_and_size_that_fit(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A note with the right size and SHA-1 is read; base64 may be broken into lines."""
    data = base64.encodebytes(NOTE.encode() * 9).decode()
    digest = encoded(hashlib.sha1(NOTE.encode() * 9).digest())
    fhir_server.put(attached(contentType="text/plain", data=data, size=len(NOTE) * 9, hash=digest))
    assert only_note(fhir_client).text == NOTE * 9


@pytest.mark.parametrize("inline", [True, False])
def test_note_of_two_megabytes(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, inline: bool) -> None:
    """A note of exactly 2 MB is read, inline or from a Binary; a larger Binary is refused in words."""
    text = "pain. " * (NOTE_BYTES // 6) + "x" * (NOTE_BYTES % 6)
    where = {"data": encoded(text)} if inline else {"url": "Binary/b1"}
    fhir_server.put({"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": encoded(text)})
    fhir_server.put(attached(contentType="text/plain", **where))
    assert only_note(fhir_client).text == text
    fhir_server.raw_binaries = True
    fhir_server.put(
        {"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": encoded("x" * 4_000_000)}
    )
    fhir_server.put(attached(contentType="text/plain", url="Binary/b1"))
    assert only_note(fhir_client).unreadable == "The note is larger than 2 MB."


def test_best_form_of_a_note(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Of several forms the plainest that can be read is taken."""
    forms = [("application/pdf", b"%PDF broken"), ("text/html", b"<p>From HTML"), ("text/plain", b"")]
    content = [{"attachment": {"contentType": kind, "data": encoded(data)}} for kind, data in forms]
    fhir_server.put(note(content=content))
    assert only_note(fhir_client).text == "From HTML"


def test_right_to_left_and_emoji(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Other scripts and emoji arrive whole; the checksum is that of the UTF-8 text."""
    text = "כאב בחזה \N{FACE WITH THERMOMETER}\N{ZERO WIDTH JOINER} ألم"
    fhir_server.put(note(text=text))
    found = only_note(fhir_client)
    assert found.text == text
    assert found.sha256 == hashlib.sha256(text.encode()).hexdigest()
