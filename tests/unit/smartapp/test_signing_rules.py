"""A signature against the rules: errors stop it, warnings want a reason, and both are kept and told."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from bs4 import BeautifulSoup
from claims import BY, admitted, book, claim
from coding_bench import ANA, Bench
from fake_coding import FakeCoding
from fake_pages import FakeLauncher, Visitor, build_session
from sqlalchemy import text

from smartapp import signing
from smartapp.checks import Level, remarks_on
from smartapp.errors import NotSignable
from smartapp.fhir.ladder import Choice
from smartapp.reviews import Action, Attestation, Correction, PresentOnAdmission, Review, ReviewStatus, Rung
from smartapp.signing import answered, statement

AT = datetime(2026, 3, 12, 16, 0, tzinfo=UTC)
UNRELATED = "The note says that the two are unrelated."


def visiting(review: Review) -> Visitor:
    return Visitor(FakeCoding(replace(review, version=5)))


def page(visitor: Visitor, answer: Any = None) -> BeautifulSoup:
    return BeautifulSoup((answer or visitor.get("summary")).text, "html.parser")


def test_an_error_leaves_nothing_to_press() -> None:
    """The page has no signature form, names the error, and offers the order that mends it."""
    visitor = visiting(claim("D63.1", "N18.31"))
    shown = page(visitor)
    assert not shown.select("[formaction$=sign]")
    assert "1 error has to be mended first" in shown.select_one(".attest").get_text(" ", strip=True)
    assert "Rule 208" in shown.select_one(".remark-error").get_text(" ")
    assert [b.get_text() for b in shown.select(".remark-error button")] == ["List first: N18.31"]


def test_the_server_refuses_what_the_page_does_not_offer() -> None:
    """Whoever posts the signature all the same signs nothing."""
    visitor = visiting(claim("D63.1", "N18.31"))
    answer = visitor.post("sign", {"attest": "yes"})
    assert (answer.status_code, visitor.coding.signed) == (422, 0)
    assert "Nothing was signed." in answer.text


def test_the_button_of_a_remark_mends_it() -> None:
    visitor = visiting(claim("D63.1", "N18.31"))
    button = page(visitor).select_one(".remark-error button")
    shown = page(visitor, visitor.post("summary", {button["name"]: button["value"]}))
    assert [c.get_text() for c in shown.select(".accepted .code")] == ["N18.31", "D63.1"]
    assert shown.select("[formaction$=sign]")


def test_a_combination_is_taken_in_the_place_of_its_part() -> None:
    visitor = visiting(claim("I10", "I50.9"))
    button = next(b for b in page(visitor).select(".remark-warning button") if "I11.0" in b.get_text())
    shown = page(visitor, visitor.post("summary", {button["name"]: button["value"]}))
    assert [c.get_text() for c in shown.select(".accepted .code")] == ["I11.0", "I50.9"]


def test_a_warning_wants_a_reason_and_keeps_what_was_typed() -> None:
    """Of two warnings one is answered: nothing is signed, and that answer is not asked for twice (WCAG 3.3.7)."""
    visitor = visiting(claim("I10", "I50.9", "J18.9", "R05.9"))
    answer = visitor.post("sign", {"attest": "yes", "reason-203-I10-I50.9": "No link is documented."})
    assert (answer.status_code, visitor.coding.signed) == (422, 0)
    typed = [field["value"] for field in page(visitor, answer).select(".remark-reason input")]
    assert typed == ["No link is documented.", ""]


def test_a_warning_with_its_reason_is_signed_and_shown_on_the_receipt() -> None:
    visitor = visiting(claim("I10", "I50.9"))
    answer = visitor.post("sign", {"attest": "yes", "reason-203-I10-I50.9": UNRELATED})
    assert (answer.status_code, visitor.coding.signed) == (303, 1)
    assert UNRELATED in visitor.get("receipt").text


def test_blank_reasons_are_none() -> None:
    remarks = remarks_on(claim("I10", "I50.9"), book())
    with pytest.raises(NotSignable, match="Rule 203"):
        answered(remarks, {"203-I10-I50.9": "   "})


def test_an_offered_reason_is_told_from_a_typed_one() -> None:
    remarks = [r for r in remarks_on(claim("I10", "I50.9"), book()) if r.level is Level.WARNING]
    (offered,) = answered(remarks, {"203-I10-I50.9": UNRELATED})
    (typed,) = answered(remarks, {"203-I10-I50.9": "Mr. Doe has both."})
    assert (offered.offered, typed.offered) == (True, False)


def test_present_on_admission_is_said_of_all_codes_at_once() -> None:
    """One form, a decision for each code of which something new is said."""
    visitor = visiting(admitted("I10", "E11.9", poa=False))
    assert "Rule 601" in page(visitor).select_one(".remark-error").get_text(" ")
    visitor.post("summary", {"poa-I10": "Y", "poa-E11.9": "N"})
    said = {a.code: a.poa for a in visitor.coding.review_now.accepted()}
    assert said == {"I10": PresentOnAdmission.YES, "E11.9": PresentOnAdmission.NO}
    before = len(visitor.coding.review_now.decisions)
    visitor.post("summary", {"poa-I10": "Y", "poa-E11.9": ""})
    assert len(visitor.coding.review_now.decisions) == before
    assert page(visitor).select("[formaction$=sign]")


def test_the_statement_names_person_role_and_principal_diagnosis() -> None:
    coder = replace(BY, role="coder")
    assert statement(admitted("I10", "E11.9"), coder).endswith("Signed by Dr. Elena Ruiz as coder.")
    assert "I10, E11.9, I10 as the principal diagnosis." in statement(admitted("I10", "E11.9"), coder)
    assert "principal" not in statement(claim("I10"), BY)


def test_reasons_are_kept_sealed_and_told_without_typed_words(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The review gives the reason back; the audit log says which warnings there were, and only offered reasons."""
    review = bench.ready()
    review = bench.coding.decide(bench.key, review.version, Action.ACCEPT, "I10", None, ANA)
    remark = next(r for r in remarks_on(claim("I10", "I50.9"), book()) if r.rule.number == 203)
    monkeypatch.setattr(signing, "remarks_on", lambda review, book: (remark,))
    with pytest.raises(NotSignable):
        bench.coding.sign_off(bench.key, review.version, ANA, bench.client)
    typed = "Mr. Doe has both."
    signed = bench.coding.sign_off(bench.key, review.version, ANA, bench.client, {remark.id: typed})
    assert signed.status is ReviewStatus.WRITTEN and signed.attestation is not None
    assert [(g.rule, g.codes, g.reason) for g in signed.attestation.reasons] == [(203, ("I10", "I50.9"), typed)]
    with bench.engine.connect() as connection:
        (kept,) = connection.scalars(text("SELECT reasons FROM attestation"))
        (told,) = connection.scalars(text("SELECT event FROM audit_event WHERE kind = 'attestation'"))
    assert typed.encode() not in bytes(kept)
    assert '"warnings":[{"codes":["I10","I50.9"],"reason":null,"rule":203}]' in told


def test_no_button_of_the_summary_loses_what_was_said() -> None:
    """Reasons, words on admission and every button but the way back are of one form, and it answers with the page."""
    visitor = visiting(admitted("I10", "I50.9", poa=False))
    shown = page(visitor)
    fields = shown.select("main select, main input:not([type=hidden]), main button:not(form button, .exports button)")
    assert {field["form"] for field in fields} == {shown.select_one("form#sign")["id"]}
    typed = {"reason-203-I10-I50.9": UNRELATED, "poa-I10": "N", "poa-I50.9": ""}
    shown = page(visitor, visitor.post("summary", {"act": "lead:I50.9"} | typed))
    assert [c.get_text() for c in shown.select(".accepted .code")] == ["I50.9", "I10"]
    assert shown.select_one("[name=poa-I10] option[selected]")["value"] == "N"
    assert shown.select_one("[name^=reason-203]")["value"] == UNRELATED
    assert shown.select_one("#sign [name=version]")["value"] == str(visitor.coding.review_now.version)


def test_nobody_signs_what_they_said_of_admission_unseen() -> None:
    """Pressed with a new word on admission, the signature waits until the page with it has been read."""
    visitor = visiting(admitted("I10", "E11.9"))
    said = {"attest": "yes", "poa-I10": "N", "poa-E11.9": "Y"}
    answer = visitor.post("sign", said)
    assert (answer.status_code, visitor.coding.signed) == (422, 0)
    assert "was kept, and nothing was signed" in answer.text
    assert visitor.post("sign", said).status_code == 303
    assert [a.poa for a in visitor.coding.review_now.accepted()] == [PresentOnAdmission.NO, PresentOnAdmission.YES]


@pytest.mark.parametrize("act", ["reject:I10", "poa:I10", "lead", "nonsense"])
def test_what_no_button_says_is_refused(act: str) -> None:
    visitor = visiting(admitted("I10", "E11.9"))
    before = visitor.coding.review_now
    assert visitor.post("summary", {"act": act}).status_code in (400, 409)
    assert visitor.coding.review_now == before


def test_the_receipt_says_what_was_present_on_admission() -> None:
    visitor = visiting(admitted("I10", "E11.9"))
    assert visitor.post("sign", {"attest": "yes"}).status_code == 303
    shown = page(visitor, visitor.get("receipt"))
    assert [p.get_text() for p in shown.select(".accepted .quiet")] == ["Present on admission: Y (yes)"] * 2
    assert "(present on admission: Y)" in shown.select_one("pre.typed").get_text()


def test_an_open_query_is_told_before_one_signs() -> None:
    visitor = Visitor(launcher=FakeLauncher(build_session(intent="coder-workspace")))
    visitor.decide("accept", "J44.1")
    assert "is open" not in page(visitor).get_text()
    visitor.post("queries", {"code": "E11.42"})
    told = page(visitor).select_one(".open-queries li")
    assert told.get_text().startswith("A query about E11.42 is open:")
    assert visitor.get(told.a["href"].rpartition("/r/")[2].partition("/")[2]).status_code == 200


def test_a_correction_tells_what_it_changes() -> None:
    signed = admitted("I10")
    before = Correction(BY, AT, "A code was wrong.", False, Attestation(BY, AT, "I stand for I10."), ())
    assert "Nothing has been written so far." in page(visiting(signed)).get_text()
    lead = page(visiting(replace(signed, corrections=(before,)))).select_one(".lead").get_text()
    assert "this changes it" in lead and "Nothing has been written" not in lead


def test_what_went_on_paper_is_not_called_sent() -> None:
    """Where the EHR takes no query, who handed it over and when; nothing was sent."""
    visitor = Visitor(launcher=FakeLauncher(build_session(intent="coder-workspace")))
    asking = visitor.app.extensions["chartside"].asking
    asking.way = Choice("Paper", Rung.EXPORT)
    visitor.post("queries", {"code": "E11.42"})
    asking.send(visitor.coding.review_now.key, 1, 1, BY, None)
    told = " ".join(page(visitor, visitor.get("queries/1")).select_one("main").get_text(" ").split())
    assert "Handed over by Dr. Elena Ruiz on" in told and "As it was handed over" in told
    assert "Sent" not in told and "sent by" not in told
