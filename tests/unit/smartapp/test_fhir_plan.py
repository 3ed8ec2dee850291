"""What the summary says before anybody signs: by which rung each thing goes, and what is not in the chart and why."""

import json

from ladders import chart, epic, ladder
from sample_chart import accepted, attestation

from smartapp.fhir.diagnoses import Diagnosis
from smartapp.fhir.identifiers import document_id, message_id
from smartapp.fhir.ladder import WRITTEN
from smartapp.fhir.plan import WritePlan, plan
from smartapp.fhir.resources import condition_id
from smartapp.reviews import PlannedWrite, Rung

KEY = chart().key


def line(found: WritePlan, resource: str) -> PlannedWrite:
    return next(line for line in found if line.resource == resource)


def test_a_card_of_the_ehr_makes_the_diagnosis() -> None:
    """Epic: over REST nothing is written as a diagnosis; the card's Condition is shown, the rest is in the notes."""
    found = plan(chart(), accepted("I10"), epic())
    diagnosis = line(found, "Condition")
    assert (diagnosis.rung, diagnosis.will_write) == (Rung.CDS_SUGGESTION, False)
    assert "when you press Accept" in diagnosis.detail
    assert json.loads(str(diagnosis.body))["code"]["coding"][0]["code"] == "I10"
    document = line(found, "DocumentReference")
    assert (document.rung, document.will_write) == (Rung.DOCUMENT, True)
    for resource in ("Encounter", "Claim", "Provenance"):
        assert line(found, resource).rung is Rung.DOCUMENT
        assert not line(found, resource).will_write
        assert "nowhere else in the chart" in line(found, resource).detail


def test_each_line_says_why_no_better_rung_was_taken() -> None:
    passed = line(plan(chart(), accepted("I10"), epic()), "Condition").passed
    assert [p.rung for p in passed] == [Rung.TRANSACTION, Rung.SINGLE_WRITES]
    assert "Epic makes problems" in passed[1].reason


def test_what_the_ehr_lists_by_itself_is_said() -> None:
    """Oracle Health ranks in the order of arrival; the account of what was written speaks of the document, too."""
    oracle = ladder("Condition", "Provenance", "DocumentReference", vendor="oracle")
    found = plan(chart(), accepted("I10", "E11.9"), oracle)
    assert "in the order in which it gets them" in line(found, "Encounter").detail
    targets = [t["reference"] for t in json.loads(str(line(found, "Provenance").body))["target"]]
    assert targets == [condition_id(KEY, "I10"), condition_id(KEY, "E11.9"), document_id(KEY)]
    assert [line.resource for line in found][-2:] == ["DocumentReference", "Provenance"]


def test_who_bills_gets_a_message() -> None:
    found = plan(chart(), accepted("I10"), ladder("Communication", billing_pool="Group/billing"))
    message = line(found, "Communication")
    assert (message.rung, message.will_write) == (Rung.MESSAGE, True)
    assert "Group/billing" in message.detail
    assert "nowhere in the chart" in line(found, "Condition").detail


def test_the_account_speaks_of_a_message() -> None:
    found = plan(chart(), accepted("I10"), ladder("Communication", "Provenance", billing_pool="Group/billing"))
    assert [t["reference"] for t in json.loads(str(line(found, "Provenance").body))["target"]] == [message_id(KEY)]


def test_nobody_writes_it() -> None:
    found = plan(chart(), accepted("I10"), ladder())
    assert not any(line.will_write for line in found)
    assert {line.rung for line in found} == {Rung.EXPORT}
    assert all("download it" in line.detail for line in found)


def test_what_is_there_is_left_alone_by_every_rung() -> None:
    """The same code of the encounter counts as written; a suggestion of it would make a second one."""
    there = Diagnosis("Condition/9", "I10", "Hypertension", (), for_encounter=True)
    found = plan(chart(diagnoses=(there,)), accepted("I10"), epic())
    assert "already a diagnosis" in line(found, "Condition").detail
    assert line(found, "Condition").body is None


def test_a_claim_that_goes_in_words_needs_no_coverage() -> None:
    """The biller reads the codes; a Claim resource without Coverage would be invalid."""
    found = plan(chart(coverage=None), accepted("I10"), epic())
    assert line(found, "Claim").rung is Rung.DOCUMENT


def test_lines_are_unique() -> None:
    """The outbox keeps one row for each resource and purpose."""
    found = plan(chart(), accepted("I10", "E11.9"), epic())
    names = [(line.resource, line.purpose) for line in found]
    assert len(names) == len(set(names)) == len(WRITTEN) + 2


def test_the_words_of_the_document_are_shown() -> None:
    body = str(line(plan(chart(), accepted("I10"), epic()), "DocumentReference").body)
    assert "This is not a claim" in body
    assert "1. I10 Essential (primary) hypertension (first-listed diagnosis)" in body
    assert attestation().by.name in body
