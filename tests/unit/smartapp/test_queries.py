"""Queries to the physician: the draft from the evidence, and the check that keeps one that leads from being sent."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sample_review import KEY, ready_review

from smartapp.queries import (
    OTHER,
    UNABLE,
    Form,
    Ground,
    Query,
    QueryState,
    Recipient,
    Wording,
    check,
    draft_of,
    write_query,
)
from smartapp.reviews import Alternative, Reviewer

REVIEW = ready_review()
BY = Reviewer("Practitioner/9", "Tomas Okafor")


def draft(code: str = "E11.42") -> Wording:
    found = draft_of(REVIEW, code)
    assert found
    return found


def choice(*options: str, vouched: bool = True) -> Wording:
    return replace(draft(), form=Form.CHOICE, options=options, vouched=vouched)


def rules(wording: Wording) -> list[str]:
    return [finding.rule for finding in check(wording)]


def test_a_draft_quotes_the_notes_with_their_source() -> None:
    """Whole lines of the notes, each with note, day and author, and an open question that names no diagnosis."""
    wording = draft()
    assert wording.form is Form.OPEN
    assert wording.subject == "Type 2 diabetes with diabetic polyneuropathy"
    assert wording.indicators[2].quote.startswith("Feet: monofilament sensation absent at 6 of 10 sites")
    assert [(i.note, i.day, i.author) for i in wording.indicators] == [
        ("Progress note", "2026-03-12", "Dr. Elena Ruiz")
    ] * 3
    assert rules(wording) == []


def test_options_are_what_was_considered_without_an_order_that_leads() -> None:
    """In the order of the alphabet, none that says nothing, and none that a person has not vouched for."""
    suggestion = REVIEW.suggestions[0]
    more = (
        Alternative("G63", "Polyneuropathy in diseases", 0.3),
        Alternative("G62.9", "Polyneuropathy, unspecified", 0.3),
    )
    review = replace(REVIEW, suggestions=(replace(suggestion, alternatives=more),))
    wording = draft_of(review, "E11.42")
    assert wording and wording.form is Form.CHOICE
    assert wording.options == ("Polyneuropathy in diseases", "Type 2 diabetes mellitus with diabetic polyneuropathy")
    assert rules(wording) == ["support"]


def test_a_mention_that_was_not_coded_begins_one_and_anything_else_does_not() -> None:
    """Without words of the notes there is nothing to ask about."""
    assert draft(REVIEW.why_not[0].code).indicators
    assert draft_of(REVIEW, "Z99.89") is None


@pytest.mark.parametrize(
    ("question", "rule", "named"),
    [
        ("Would this change the DRG?", "payment", "DRG"),
        ("Is it an MCC that the payer accepts?", "payment", "MCC"),
        ("Does it affect reimbursement?", "payment", "reimbursement"),
        ("Does this meet the quality measure?", "quality", "quality measure"),
        ("Is the severity of illness higher?", "quality", "severity of illness"),
        ("Do you agree that this is so?", "leading", "Do you agree"),
        ("Please document what it is.", "leading", "Please document"),
        ("Can you add the type?", "leading", "Can you add"),
        ("Clearly more is meant: what?", "leading", "Clearly"),
    ],
)
def test_words_that_do_not_belong_are_named_and_refused(question: str, rule: str, named: str) -> None:
    """Payment, quality measures and leading phrases, by the words that were found."""
    (finding,) = check(replace(draft(), question=question))
    assert finding.rule == rule
    assert f"“{named}”" in finding.told


@pytest.mark.parametrize(
    "question",
    [
        "What was the patient's condition at discharge?",
        "The patient denied pain; what was found?",
        "Which range of motion (ROM) was found?",
        "What is the type of the heart failure?",
    ],
)
def test_clinical_words_are_no_offence(question: str) -> None:
    """Words that only look like those of payment or quality pass."""
    assert rules(replace(draft(), question=question)) == []


def test_the_shape_of_a_query() -> None:
    """A single option gives the answer; yes or no wants its ground; without indicator or question nothing is asked."""
    assert rules(choice("Acute")) == ["single"]
    assert rules(choice("Acute", "Chronic")) == []
    assert rules(choice("Acute", "Chronic", vouched=False)) == ["support"]
    assert rules(choice("Acute", "Chronic", "unable to determine")) == ["given"]
    assert rules(replace(choice("Acute", "Chronic"), question="Is it chronic, or what?")) == ["named"]
    assert rules(replace(draft(), form=Form.YES_NO)) == ["yes-no"]
    assert rules(replace(draft(), form=Form.YES_NO, ground=Ground.POA)) == []
    assert rules(replace(draft(), indicators=(), question="")) == ["empty", "indicators"]
    assert rules(replace(draft(), question="w" * 1001)) == ["long"]


@pytest.mark.parametrize("form", [Form.CHOICE, Form.YES_NO])
def test_other_and_unable_are_always_offered(form: Form) -> None:
    """Whatever a person lists."""
    assert replace(choice("Acute", "Chronic"), form=form).offered[-2:] == (OTHER, UNABLE)


def test_in_words_it_names_no_code() -> None:
    """The physician reads whose it is, the indicators with their source, the question and the ways to answer it."""
    wording = replace(choice("Acute", "Chronic"), recipient=Recipient("Practitioner/1", "Dr. Elena Ruiz"))
    at = datetime(2026, 3, 12, tzinfo=UTC)
    assert REVIEW.header
    text = write_query(Query(1, KEY, 1, QueryState.DRAFT, "E11.42", wording, BY, at, at), REVIEW.header)
    assert "E11" not in text
    for words in ("To: Dr. Elena Ruiz", "From: Tomas Okafor", "[ ] Acute", f"[ ] {OTHER}", f"[ ] {UNABLE}"):
        assert words in text
    assert "(Progress note, 2026-03-12, Dr. Elena Ruiz)" in text
    assert text.startswith("CLARIFICATION OF DOCUMENTATION\n")


def test_wording_survives_json() -> None:
    """What is stored is what was written."""
    wording = replace(choice("Acute", "Chronic"), recipient=Recipient("Practitioner/1", "R"), ground=Ground.CAUSE)
    assert Wording.from_json(wording.to_json()) == wording
