"""The coding summary says what was attested, by whom and why, and that it is no claim; text and PDF say the same."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any

import fhirkit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ladders import chart, epic, ladder
from pypdf import PdfReader
from sample_chart import accepted, attestation

from model.document import Setting
from smartapp.fhir.coding_summary import NO_CLAIM, as_pdf, build_document, build_message, write_summary
from smartapp.fhir.identifiers import document_id
from smartapp.fhir.notes import without_summaries
from smartapp.fhir.pdf_letters import EXPLAINED
from smartapp.reviews import AcceptedCode, Action, Attestation, NoteEvidence


def with_evidence() -> tuple[AcceptedCode, ...]:
    first, second = accepted("I10", "E11.9")
    words = NoteEvidence("n1", 0, 23, "Essential\n  hypertension \N{GREATER-THAN OR EQUAL TO} 140", None, "present")
    by_hand = replace(second.decision, action=Action.ADD)
    return replace(first, evidence=(words,)), replace(second, decision=by_hand)


def attached(document: dict[str, Any], kind: str) -> bytes:
    (found,) = (c["attachment"]["data"] for c in document["content"] if c["attachment"]["contentType"].startswith(kind))
    return base64.b64decode(found)


def test_it_says_codes_words_and_who_stands_for_them() -> None:
    said = write_summary(chart(), with_evidence(), attestation(), "rev-1")
    assert NO_CLAIM in said
    assert "Patient: Noa L. Maier, born 1961-04-05, MRN MRN-0042" in said
    assert "1. I10 Essential (primary) hypertension (first-listed diagnosis)" in said
    assert '"Essential hypertension \N{GREATER-THAN OR EQUAL TO} 140" - Progress note, 2026-03-02, Dr. Ito' in said
    assert "Added by hand by Dr. Avery Reed" in said
    assert "I reviewed these codes & stand for them.\nDr. Avery Reed, 2026-03-02 17:30 UTC" in said
    assert "predictor rev-1" in said
    assert "a person decided on each of them" in said


def test_inpatients_have_a_principal_diagnosis() -> None:
    said = write_summary(chart(setting=Setting.INPATIENT), accepted("I10"), attestation(), None)
    assert "(principal diagnosis)" in said


def test_codes_added_by_hand_only_are_no_work_of_an_ai() -> None:
    by_hand = with_evidence()[1:]
    said = write_summary(chart(), by_hand, attestation(), None)
    assert "artificial intelligence" not in said
    assert "meta" not in build_document(chart(), by_hand, attestation(), None, epic())


def test_times_are_told_in_utc() -> None:
    there = datetime(2026, 3, 2, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    said = write_summary(chart(), accepted("I10"), Attestation(attestation().by, there, "So."), None)
    assert "2026-03-03 04:30 UTC" in said


def test_the_pdf_says_the_same() -> None:
    document = build_document(chart(), with_evidence(), attestation(), "rev-1", epic())
    text = attached(document, "text/plain").decode()
    pages = PdfReader(BytesIO(attached(document, "application/pdf"))).pages
    printed = " ".join(" ".join(page.extract_text().split()) for page in pages)
    for line in filter(None, text.splitlines()):
        assert " ".join(line.split()) in printed


def test_it_is_the_same_document_on_every_attempt() -> None:
    """The second attempt after a lost answer must not look like another document."""
    once, again = (build_document(chart(), accepted("I10"), attestation(), "rev-1", epic()) for _ in range(2))
    assert once == again


def test_it_belongs_to_the_encounter_and_its_author() -> None:
    document = build_document(chart(), accepted("I10"), attestation(), "rev-1", epic())
    assert document["context"]["encounter"] == [{"reference": "Encounter/e1"}]
    assert document["author"] == [{"reference": "Practitioner/dr-reed", "display": "Dr. Avery Reed"}]
    assert document["identifier"][0]["value"] == document_id(chart().key)
    assert document["type"]["coding"][0]["display"] == "Administrative note"
    assert [s["code"] for s in document["meta"]["security"]] == ["AIAST"]
    assert [str(issue) for issue in fhirkit.validate(document)] == []


def test_it_is_no_note_for_the_predictor() -> None:
    """What Chartside files must not prove the next codes."""
    document = build_document(chart(), accepted("I10"), attestation(), "rev-1", epic()) | {"id": "d1"}
    assert without_summaries(chart().key, [document]) == []


def test_one_format_where_the_ehr_takes_one() -> None:
    oracle = ladder("DocumentReference", vendor="oracle")
    document = build_document(chart(), accepted("I10"), attestation(), "rev-1", oracle)
    assert [c["attachment"]["contentType"] for c in document["content"]] == ["text/plain; charset=utf-8"]


def test_no_label_where_the_site_wants_none() -> None:
    document = build_document(
        chart(), accepted("I10"), attestation(), None, ladder("DocumentReference", ai_label=False)
    )
    assert "meta" not in document


@pytest.mark.parametrize(
    ("settings", "recipient"),
    [
        ({"billing_pool": "Group/billing"}, "recipient"),
        ({"billing_pool": "Organization/billing"}, "owner"),
    ],
)
def test_the_message_goes_to_who_bills(settings: dict[str, str], recipient: str) -> None:
    found = replace(ladder("Communication", **settings), message="Task" if recipient == "owner" else "Communication")
    message = build_message(chart(), accepted("I10"), attestation(), "rev-1", found)
    pool = {"reference": settings["billing_pool"]}
    assert message[recipient] in (pool, [pool])
    said = message["payload"][0]["contentString"] if recipient == "recipient" else message["input"][0]["valueString"]
    assert NO_CLAIM in said
    assert [str(issue) for issue in fhirkit.validate(message)] == []


def test_markup_in_notes_is_text_in_the_pdf() -> None:
    evil = replace(with_evidence()[0], title="<b>&amp; <a href='x'>y</a> \N{CJK UNIFIED IDEOGRAPH-4E2D}")
    document = build_document(chart(), (evil,), attestation(), None, epic())
    assert "<b>&amp;" in PdfReader(BytesIO(attached(document, "application/pdf"))).pages[0].extract_text()


def test_moments_without_a_zone_are_utc() -> None:
    naive = Attestation(attestation().by, datetime(2026, 3, 2, 17, 30), "So.")
    aware = Attestation(attestation().by, datetime(2026, 3, 2, 17, 30, tzinfo=UTC), "So.")
    assert write_summary(chart(), accepted("I10"), naive, None) == write_summary(chart(), accepted("I10"), aware, None)


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=60))
def test_no_letter_breaks_the_pdf(words: str) -> None:
    assert as_pdf(f"Patient: {words}").startswith(b"%PDF")


def test_letters_without_a_font_are_shown_as_lacking() -> None:
    """Greek has one; an accent that has none leaves its letter; other letters become one sign, which is explained."""
    arabic, hebrew = "\u0644\u064a\u0644\u0649 \u062d\u062f\u0627\u062f", "\u05dc\u05d9\u05d0\u05d4"
    said = f"Patient: {arabic}, MRN 7\n{hebrew}: \u03b2-blocker, Dvo\u0159\u00e1k, \u2265 38 \u2103, NH\u2083"
    printed = PdfReader(BytesIO(as_pdf(said))).pages[0].extract_text().splitlines()
    assert printed[1:3] == ["Patient: […], MRN 7", "[…]: \u03b2-blocker, Dvor\u00e1k, \u2265 38 \u00b0C, NH3"]
    assert EXPLAINED in printed[3]
    assert EXPLAINED not in PdfReader(BytesIO(as_pdf("Patient: Ana"))).pages[0].extract_text()
