"""What leaves as a file is what its format says: HL7 v2.5.1 read back by hl7apy, FHIR by validators, CSV by rule."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fhir_server import FakeFHIRServer, running
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message
from hl7apy.parser import parse_message
from pypdf import PdfReader
from sample_chart import DR_REED, accepted, attestation, condition, coverage, encounter, note, patient
from sample_review import ready_review
from validators import complaints, node_is_ready

from smartapp.exports import KINDS, Export, export
from smartapp.exports.claim_csv import COLUMNS, LETTERS, TOO_MANY
from smartapp.exports.plain import NONE
from smartapp.fhir.chart import Chart, read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.reviews import AcceptedCode, Action, Attestation, Correction, Decision, Review

NOW = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeFHIRServer]:
    yield from running()


def chart_of(server: FakeFHIRServer, *resources: dict[str, Any]) -> Chart:
    server.reset()
    server.put(*resources)
    with FHIRClient(server.base_url, lambda _: server.token, patient="p1") as client:
        return read_chart(client, "p1", "e1", lambda _: None)


def signed(chart: Chart, *codes: AcceptedCode, by: Attestation | None = None) -> Review:
    """The review of the chart with these codes decided, in this order, and signed."""
    whole = ready_review()
    values = {name: getattr(whole, name) for name in Review.__dataclass_fields__}
    changes = {
        "key": chart.key,
        "suggestions": (),
        "decisions": tuple(code.decision for code in codes),
        "attestation": by or attestation(),
    }
    return Review(**(values | changes))


def made(kind: str, server: FakeFHIRServer, *codes: AcceptedCode, **more: Any) -> tuple[Export, Chart]:
    chart = chart_of(server, patient(), encounter(**more), note(), coverage())
    return export(kind, signed(chart, *(codes or accepted("I10", "E11.9"))), chart, NOW), chart


def added(code: str, title: str, number: int) -> AcceptedCode:
    return AcceptedCode(code, title, number, (), Decision(number, Action.ADD, code, title, None, DR_REED, NOW))


def parsed(message: Export) -> Message:
    return parse_message(message.content.decode(), validation_level=VALIDATION_LEVEL.STRICT)


def test_dft_p03(server: FakeFHIRServer) -> None:
    """DFT_P03 of HL7 v2.5.1, chapter 6: MSH EVN PID PV1, one FT1 without an amount, a DG1 for each code in order."""
    made_now, chart = made("hl7", server)
    message = parsed(made_now)
    assert message.name == "DFT_P03" and message.validate()
    assert message.msh.msh_9.to_er7() == "DFT^P03^DFT_P03"
    assert message.msh.msh_12.to_er7() == "2.5.1"
    assert message.pid.pid_3.to_er7() == "MRN-0042^^^^MR"
    assert message.pid.pid_5.to_er7() == "Maier^Noa L."
    assert (message.pid.pid_7.to_er7(), message.pid.pid_8.to_er7()) == ("19610405", "F")
    assert (message.pv1.pv1_2.to_er7(), message.pv1.pv1_19.to_er7()) == ("O", "e1")
    assert chart.key.encounter == "e1"
    transaction = message.dft_p03_financial.ft1
    assert transaction.ft1_4.to_er7() == "20260302"
    assert [transaction.ft1_10.to_er7(), transaction.ft1_11.to_er7(), transaction.ft1_12.to_er7()] == ["0", "", ""]
    diagnoses = message.dg1
    assert [d.dg1_3.dg1_3_1.to_er7() for d in diagnoses] == ["I10", "E11.9"]
    assert {d.dg1_3.dg1_3_3.to_er7() for d in diagnoses} == {"I10C"}
    assert [(d.dg1_1.to_er7(), d.dg1_6.to_er7(), d.dg1_15.to_er7()) for d in diagnoses] == [
        ("1", "F", "1"),
        ("2", "F", "2"),
    ]


@pytest.mark.parametrize(("class_code", "expected"), [("IMP", "I"), ("EMER", "E"), ("VR", "O"), ("FLD", "U")])
def test_patient_class(server: FakeFHIRServer, class_code: str, expected: str) -> None:
    """PV1-2 is required; table 0004 has U for what it has no word for."""
    assert parsed(made("hl7", server, class_code=class_code)[0]).pv1.pv1_2.to_er7() == expected


def test_segments_end_with_a_carriage_return(server: FakeFHIRServer) -> None:
    """ "The segment terminator is always a carriage return" (chapter 2): one a segment, no line feed, the last too."""
    content = made("hl7", server)[0].content
    assert b"\n" not in content
    assert [line[:3] for line in content.split(b"\r")] == [b"MSH", b"EVN", b"PID", b"PV1", b"FT1", b"DG1", b"DG1", b""]


def test_delimiters_in_the_data_are_escaped(server: FakeFHIRServer) -> None:
    """Chapter 2, "Use of escape sequences in text fields": no title, name or number can open a field or a segment."""
    nasty = "A|B^C&D~E\\F\rDG1|9\n"
    content = made("hl7", server, added("I10", nasty, 1))[0].content.decode()
    assert "A\\F\\B\\S\\C\\T\\D\\R\\E\\E\\F DG1\\F\\9" in content
    (diagnosis,) = parse_message(content).dg1
    assert diagnosis.dg1_1.to_er7() == "1"


def test_the_same_export_twice_has_the_same_control_id(server: FakeFHIRServer) -> None:
    """MSH-10 "uniquely identifies the message": a file loaded twice is seen to be one."""
    first, second = (parsed(made("hl7", server)[0]).msh.msh_10.to_er7() for _ in range(2))
    other = parsed(made("hl7", server, added("J06.9", "Cold", 1))[0]).msh.msh_10.to_er7()
    assert first == second and len(first) <= 20
    assert other == first  # the attestation of the sample is the same; what is signed anew has another time


def rows(made_now: Export) -> list[dict[str, str]]:
    text = made_now.content.decode()
    assert text.count("\r\n") == text.count("\n")  # RFC 4180
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_837p_csv(server: FakeFHIRServer) -> None:
    """HI of 005010X222A1: ABK first, ABF after it, codes without their point; pointers 1 to 12, A to L on paper."""
    first, second = rows(made("csv", server)[0])
    assert tuple(first) == COLUMNS
    assert (first["position"], first["pointer"], first["letter"], first["qualifier"]) == ("1", "1", "A", "ABK")
    assert (second["hi_code"], second["code"], second["qualifier"]) == ("E119", "E11.9", "ABF")
    assert (first["date_of_service"], first["record_number"]) == ("2026-03-02", "MRN-0042")


def test_a_claim_holds_twelve(server: FakeFHIRServer) -> None:
    """The thirteenth code is told, with neither pointer nor qualifier, and with the reason."""
    many = tuple(added(f"A{number:02}", f"Code {number}", number) for number in range(1, 15))
    found = rows(made("csv", server, *many)[0])
    assert "".join(row["letter"] for row in found) == LETTERS
    assert [row["note"] for row in found] == [""] * 12 + [TOO_MANY] * 2
    assert {(row["pointer"], row["qualifier"]) for row in found[12:]} == {("", "")}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(server: FakeFHIRServer, start: str) -> None:
    """OWASP, "CSV Injection": a cell that a spreadsheet would compute begins with an apostrophe."""
    (row,) = rows(made("csv", server, added("I10", f'{start}HYPERLINK("http://evil.example","x")', 1))[0])
    assert row["title"].startswith("'")


def test_text(server: FakeFHIRServer) -> None:
    """The codes in their order, and who signed when."""
    text = made("text", server)[0].content.decode()
    assert text.splitlines()[0].startswith("1. I10 ")
    assert text.endswith("Signed by Dr. Avery Reed, 2026-03-02 17:30 UTC.\n")


@pytest.mark.parametrize("kind", ["fhir", "hl7", "csv", "text"])
def test_file_names_say_nothing(server: FakeFHIRServer, kind: str) -> None:
    """No id, name or number of the patient, and none of the encounter."""
    name = made(kind, server)[0].name.lower()
    assert not any(word in name for word in ("maier", "0042", "p1", "e1"))


@pytest.mark.validator
@pytest.mark.parametrize("class_code", ["AMB", "IMP"])
def test_bundle(server: FakeFHIRServer, class_code: str, request: pytest.FixtureRequest) -> None:
    """A collection, valid as a whole and in each part; every reference leads to an entry or has a whole address."""
    request.getfixturevalue("need")(node_is_ready(), "Node with the packages of tests/validators")
    made_now, chart = made("fhir", server, class_code=class_code)
    bundle = json.loads(made_now.content)
    resources = [entry["resource"] for entry in bundle["entry"]]
    kinds = ["Condition", "Condition", "Encounter", "Claim", "Provenance"]
    assert (bundle["type"], [r["resourceType"] for r in resources]) == ("collection", kinds)
    assert complaints([bundle, *resources]) == []
    names = {entry["fullUrl"] for entry in bundle["entry"]}
    assert len(names) == len(resources)  # bdl-7
    assert all(entry["fullUrl"] in own_names(chart, entry["resource"]) for entry in bundle["entry"])
    for reference in references(bundle):
        assert reference in names or reference.startswith((f"{chart.key.iss}/", "#"))
    assert [d["condition"]["reference"] for d in resources[2]["diagnosis"]] == [
        e["fullUrl"] for e in bundle["entry"][:2]
    ]


def own_names(chart: Chart, resource: dict[str, Any]) -> list[str]:
    """Under which addresses the resource may stand: its id at the EHR, else the identifier that Chartside gave it."""
    if "id" in resource:
        return [f"{chart.key.iss}/{resource['resourceType']}/{resource['id']}"]
    tags = [tag["code"] for tag in resource.get("meta", {}).get("tag", ())]  # a Provenance has no identifier
    return [i["value"] for i in resource.get("identifier", ()) if i["system"] == "urn:ietf:rfc:3986"] + tags


def test_bundle_names_what_the_chart_holds_already(server: FakeFHIRServer) -> None:
    """A diagnosis that the encounter has is not made again: the Encounter names the EHR's own."""
    chart = chart_of(server, patient(), encounter(), note(), condition())
    bundle = json.loads(export("fhir", signed(chart, *accepted("I10", "E11.9")), chart, NOW).content)
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert kinds == ["Condition", "Encounter", "Provenance"]  # without insurance no claim
    assert f"{chart.key.iss}/Condition/c1" in set(references(bundle))


def references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for item in value.values():
            yield from references(item)


@pytest.mark.parametrize("class_code", ["AMB", "IMP"])
def test_all_codes_withdrawn(server: FakeFHIRServer, class_code: str) -> None:
    """A correction may leave no code: each file then says so, or holds none, and nothing is claimed."""
    chart = chart_of(server, patient(), encounter(class_code=class_code), note(), coverage())
    taken_up = Correction(DR_REED, NOW, "Coded for another visit", False, attestation(), ())
    review = replace(signed(chart), corrections=(taken_up,))
    files = {kind: export(kind, review, chart, NOW) for kind in KINDS}
    (entry,) = json.loads(files["fhir"].content)["entry"]
    assert (entry["resource"]["resourceType"], entry["resource"].get("diagnosis")) == ("Encounter", None)
    message = parsed(files["hl7"])
    assert message.validate() and b"DG1" not in files["hl7"].content
    assert rows(files["csv"]) == []
    assert files["text"].content.decode().startswith(NONE)
    printed = " ".join(PdfReader(io.BytesIO(files["pdf"].content)).pages[0].extract_text().split())
    assert "None: all codes that were signed before are withdrawn." in printed
    assert "Reason: Coded for another visit" in printed


def test_the_pdf_is_the_coding_summary(server: FakeFHIRServer) -> None:
    """To print or keep: codes in order, who attested them, each page with its number; the same bytes each time."""
    file, _ = made("pdf", server)
    pages = PdfReader(io.BytesIO(file.content)).pages
    text = pages[0].extract_text()
    assert file.media_type == "application/pdf"
    assert text.index("1. I10") < text.index("2. E11.9") < text.index("Attestation")
    assert DR_REED.name in text
    assert "Coding summary, page 1" in text
    assert file.content == made("pdf", server)[0].content
