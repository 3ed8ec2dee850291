"""Search, summary, signing and receipt."""

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from fake_pages import FakeLauncher, Visitor, build_session

from smartapp.errors import EHRUnavailable
from smartapp.reviews import Choice, Conflict, ReviewStatus, WrittenResource

HTMX = {"HX-Request": "true"}
FAILED = WrittenResource("Encounter", "order of diagnoses", "failed", None, "The EHR did not answer in time.")


@pytest.fixture
def visitor() -> Visitor:
    """Two codes are accepted."""
    visitor = Visitor()
    visitor.decide("accept", "J44.1")
    visitor.decide("accept", "E11.42")
    return visitor


def text(markup: str) -> str:
    return " ".join(BeautifulSoup(markup, "html.parser").get_text(" ").split())


@pytest.mark.parametrize("path", ["summary", "receipt"])
def test_papers_say_for_whom_one_signs(path: str) -> None:
    """Name, birth date and record number stand on summary and receipt even where the EHR shows its own banner."""
    visitor = Visitor(launcher=FakeLauncher(build_session(need_patient_banner=False)))
    visitor.decide("accept", "E11.42")
    if path == "receipt":
        visitor.post("sign", {"attest": "yes"})
    shown = text(str(BeautifulSoup(visitor.get(path).text, "html.parser").select(".patient")[0]))
    assert shown == "Dorothy Marsh Born 2 Aug 1961 (64 y) Sex Female MRN 48201"


def test_search_finds_by_words(visitor: Visitor) -> None:
    """Results are the options of a listbox with code and title; what is accepted already says so."""
    found = visitor.post("search", {"words": "copd exacerbation"}, **HTMX)
    options = BeautifulSoup(found.text, "html.parser").select("[role=listbox] > [role=option]")
    assert options[0].select(".code")[0].get_text() == "J44.1" and "Accepted" in options[0].get_text()
    assert options[0].get("data-add") is None and "J44.9" in [option.get("data-add") for option in options]
    assert not any(option.select("button, a, input") for option in options)


def test_search_without_javascript_is_a_page(visitor: Visitor) -> None:
    """The whole page comes back with the results in it, and the words still in the field."""
    page = BeautifulSoup(visitor.post("search", {"words": "obesity"}).text, "html.parser")
    assert page.select("main .results li")
    assert page.select("#words")[0]["value"] == "obesity"


def test_search_without_result_says_what_to_do(visitor: Visitor) -> None:
    """No result is told in words."""
    assert "Try fewer or other words" in visitor.post("search", {"words": "qwerty"}, **HTMX).text


def test_words_never_travel_in_an_address(visitor: Visitor) -> None:
    """A search by GET does not exist: addresses get into logs."""
    assert visitor.get("search?words=diabetes").status_code == 405


def test_summary_shows_all_that_will_happen(visitor: Visitor) -> None:
    """Codes in claim order, what is undecided, what is written, what is not and why, and the sentence to sign."""
    page = BeautifulSoup(visitor.get("summary").text, "html.parser")
    assert [c.get_text() for c in page.select(".accepted .code")] == ["E11.42", "J44.1"]
    words = text(str(page))
    assert "E11.65, I10, Z79.4, Z87.891 are suggested, and nobody has decided on them." in words
    assert "The EHR did not grant the right to create claims." in words
    assert "supported by it" in page.select(".statement")[0].get_text()
    assert "Dr. Elena Ruiz, the time of signing" in page.select(".statement")[0].get_text()
    assert '"resourceType": "Condition"' in page.select(".plan details.json pre")[0].get_text()
    assert not page.select("input[checked]")


def test_one_undecided_suggestion_is_spoken_of_as_one(visitor: Visitor) -> None:
    """The sentence has the number of what it speaks of."""
    for code in ("E11.65", "Z79.4", "Z87.891"):
        visitor.decide("reject", code, "guideline")
    assert "I10 is suggested, and nobody has decided on it." in text(visitor.get("summary").text)


def test_summary_without_codes_leads_back() -> None:
    """With nothing accepted there is nothing to sign."""
    answer = Visitor().get("summary")
    assert "Nothing to sign yet" in answer.text
    assert not BeautifulSoup(answer.text, "html.parser").select("main form")


def test_signing_needs_the_tick(visitor: Visitor) -> None:
    """Without the ticked box nothing is signed, and the page says what is missing."""
    answer = visitor.post("sign")
    assert answer.status_code == 422
    assert "Tick the box" in answer.text
    assert visitor.coding.signed == 0


def test_signing_leads_to_the_receipt(visitor: Visitor) -> None:
    """A signature is answered by a redirect; pressing twice signs once."""
    version = visitor.coding.review_now.version
    for _ in range(2):
        answer = visitor.post("sign", {"attest": "yes", "version": version})
        assert (answer.status_code, answer.location.endswith("/receipt")) == (303, True)
    assert visitor.coding.signed == 1
    receipt = BeautifulSoup(visitor.get("receipt").text, "html.parser")
    assert receipt.h1.get_text() == "Written to the chart"
    assert receipt.select_one(".statement").get_text(" ").endswith("Dr. Elena Ruiz , 12 Mar 2026, 16:05 UTC")


def test_signing_an_old_version_shows_the_new_one(visitor: Visitor) -> None:
    """What was changed in another window is not signed unread."""
    answer = visitor.post("sign", {"attest": "yes", "version": 1})
    assert answer.status_code == 409
    assert "was not signed" in answer.text
    assert visitor.coding.signed == 0


def test_signed_review_has_no_summary(visitor: Visitor) -> None:
    """After signing the summary is the receipt."""
    visitor.post("sign", {"attest": "yes"})
    assert visitor.get("summary").location.endswith("/receipt")


def test_unsigned_review_has_no_receipt(visitor: Visitor) -> None:
    """Before signing the receipt is the review."""
    assert visitor.get("receipt").status_code == 303


def test_receipt_says_what_is_not_in_the_chart(visitor: Visitor) -> None:
    """Each resource has its outcome in words, and what failed can be tried again."""
    visitor.coding.outcomes = (
        WrittenResource("Condition", "diagnosis E11.42", "written", "Condition/12", ""),
        WrittenResource("Condition", "diagnosis J44.1", "already-there", "Condition/4", ""),
        FAILED,
        WrittenResource("Claim", "draft claim", "not-written", None, "The EHR takes no claims."),
    )
    visitor.post("sign", {"attest": "yes"})
    words = text(visitor.get("receipt").text)
    for expected in ("Partly written", "Condition/12", "Already in the chart", "The EHR takes no claims.", "by hand"):
        assert expected in words
    visitor.coding.outcomes = None
    assert visitor.post("finish").status_code == 303
    assert "Finish writing" not in visitor.get("receipt").text


def test_receipt_names_what_was_left_out_on_purpose(visitor: Visitor) -> None:
    """The headline never says more than the list: a claim that was not written is no "every resource"."""
    coverage = WrittenResource("Claim", "draft claim", "not-written", None, "The chart has no active coverage.")
    removal = WrittenResource("Condition", "withdrawal of I10", "not-written", None, "Chartside did not write it.")
    order = WrittenResource("Encounter", "order of diagnoses", "not-written", None, "Left as chosen.")
    diagnosis = WrittenResource("Condition", "diagnosis E11.42", "written", "Condition/12", "")
    visitor.coding.outcomes = (diagnosis, coverage)
    visitor.post("sign", {"attest": "yes"})
    page = BeautifulSoup(visitor.get("receipt").text, "html.parser")
    assert page.h1.get_text() == "Written, except the claim"
    assert "Every resource" not in page.get_text()
    visitor.coding.outcomes = (diagnosis, removal, order, coverage)
    visitor.post("finish")
    heading = BeautifulSoup(visitor.get("receipt").text, "html.parser").h1
    assert heading.get_text() == "Written, except the withdrawal of I10, the order of the diagnoses and the claim"


def test_interrupted_write_back_can_be_finished(visitor: Visitor) -> None:
    """A review that is signed and not written offers to finish."""
    visitor.post("sign", {"attest": "yes"})
    visitor.coding.review_now = replace(visitor.coding.review_now, status=ReviewStatus.SIGNED, receipt=())
    assert "Finish writing" in visitor.get("receipt").text


def test_ehr_that_does_not_answer_is_explained(visitor: Visitor) -> None:
    """An EHR error while signing is a page with advice and the way back."""
    visitor.coding.fails = EHRUnavailable()
    answer = visitor.post("sign", {"attest": "yes"})
    assert answer.status_code == 504
    assert "The EHR does not answer" in answer.text
    assert "Back to the review" in answer.text


CONFLICT = Conflict(
    reviewed=("J44.9 Chronic obstructive pulmonary disease (billing)",),
    theirs=(
        "J44.9 Chronic obstructive pulmonary disease (billing)",
        "K21.9 Gastro-esophageal reflux disease (billing)",
    ),
    signed=("E11.42 Type 2 diabetes mellitus with diabetic polyneuropathy",),
    seen="0f3a",
)


def signed_with_conflict(visitor: Visitor) -> None:
    visitor.coding.outcomes = (
        WrittenResource("Condition", "diagnosis E11.42", "pending", None, "Not sent."),
        WrittenResource("Encounter", "order of diagnoses", "conflict", None, "Choose.", conflict=CONFLICT),
    )
    visitor.post("sign", {"attest": "yes"})


def test_a_conflict_is_shown_to_choose_from(visitor: Visitor) -> None:
    """Both lists and what was signed are shown, and nothing else is offered before a person chose."""
    signed_with_conflict(visitor)
    page = visitor.get("receipt").text
    for diagnosis in (*CONFLICT.reviewed, *CONFLICT.theirs, *CONFLICT.signed):
        assert diagnosis in page
    assert page.count('name="choice"') == 3 and "Finish writing" not in page
    answer = visitor.post("choice", {"choice": "both", "seen": "0f3a"})
    assert (answer.status_code, visitor.coding.chosen) == (303, (Choice.BOTH, "0f3a"))
    assert "Somebody else changed" not in visitor.get("receipt").text


def test_every_form_is_held_against_the_version(visitor: Visitor) -> None:
    """From a page that is behind, no form of a launch changes anything, whatever it would do."""
    signed_with_conflict(visitor)
    visitor.launcher.held = build_session(intent="coder-workspace")
    form = {"version": visitor.coding.review_now.version - 1, "action": "accept", "code": "I10", "words": "obesity"}
    form |= {"form": "open", "answer": "COPD"}
    form |= {"choice": "mine", "seen": "0f3a", "act": "lead:I10"}
    posts = [r for r in visitor.app.url_map.iter_rules() if r.endpoint.startswith("review.") and "POST" in r.methods]
    assert len(posts) >= 6
    for status in (ReviewStatus.SIGNED, ReviewStatus.READY):
        signed = visitor.coding.review_now.attestation if status is ReviewStatus.SIGNED else None
        visitor.coding.review_now = before = replace(visitor.coding.review_now, status=status, attestation=signed)
        for rule in posts:
            path = rule.rule.partition("<launch_key>/")[2].replace("<int:number>", "1")
            answer = visitor.post(path, form | {"attest": "yes"})
            assert answer.status_code in (303, 409), rule
            assert visitor.coding.review_now == before, rule
    assert visitor.coding.chosen is None


@pytest.mark.parametrize("form", [{"choice": "all", "seen": "0f3a"}, {"seen": "0f3a"}, {"choice": "mine"}])
def test_no_choice_is_guessed(visitor: Visitor, form: dict[str, str]) -> None:
    """A form without a valid choice, or without what was seen, is refused."""
    signed_with_conflict(visitor)
    assert visitor.post("choice", form).status_code == 400
    assert visitor.coding.chosen is None
