"""The states that a page can be in, each opened in a browser on the stage of tests/browser."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from claims import admitted
from fake_coding import FakeCoding
from fake_pages import build_session
from fake_work import sample_rows
from ladders import chart, epic, ladder
from long_chart import long_stay
from playwright.sync_api import Page
from sample_review import KEY, ready_review
from stage import Stage

from smartapp.errors import EHRUnavailable
from smartapp.fhir.outbox import planned
from smartapp.fhir.plan import plan
from smartapp.reviews import Action, Conflict, NotesSince, Review, Reviewer, ReviewStatus, WrittenResource

SEEN = datetime(2026, 3, 12, 16, 0, tzinfo=UTC)
BY = Reviewer("Practitioner/1", "Dr. Elena Ruiz")


def accept(coding: FakeCoding, *codes: str) -> None:
    for code in codes:
        coding.decide(KEY, coding.review_now.version, Action.ACCEPT, code, None, BY)


def answer_slowly(stage: Stage) -> None:
    """Each decision takes its time: keys are pressed before it is answered."""
    decide = stage.coding.decide

    def later(*args: Any) -> Review:
        time.sleep(0.2)
        return decide(*args)

    stage.coding.decide = later  # type: ignore[method-assign]


def counts(page: Page) -> str:
    return " ".join(page.locator("#tally .counts").inner_text().split())


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.dataset.code || ''"))


def fresh(stage: Stage) -> Page:
    return stage.open()


def decided(stage: Stage) -> Page:
    """All that can be open is open."""
    accept(stage.coding, "E11.42", "Z79.4")
    stage.coding.decide(KEY, stage.coding.review_now.version, Action.ADD, "K21.9", None, BY)
    stage.coding.decide(KEY, stage.coding.review_now.version, Action.REJECT, "J44.1", "guideline", BY)
    page = stage.open()
    page.locator("#words").fill("diabetes")
    page.locator(".results li").first.wait_for()
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    return page


def amended(stage: Stage) -> Page:
    """Notes came in since, one was changed after a decision, and not everything could be read."""
    accept(stage.coding, "E11.42")
    review = stage.coding.review_now
    first, second, *rest = review.notes
    stage.coding.review_now = replace(
        review,
        notes=(replace(first, changed_at=datetime(2030, 1, 1, tzinfo=UTC)), replace(second, by_date=True), *rest),
        since=NotesSince(arrived=2, changed=1),
        gaps=("Procedures were not read: The EHR did not grant this launch the permission patient/Procedure.rs.",),
        ehr_said=("Only what this user may see.",),
    )
    page = stage.open()
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    return page


def working(stage: Stage) -> Page:
    stage.coding.review_now = replace(
        ready_review(), status=ReviewStatus.CODING, stage="note 2 of 3", suggestions=(), why_not=()
    )
    return stage.open()


def failed(stage: Stage) -> Page:
    stage.coding.review_now = replace(
        ready_review(), status=ReviewStatus.FAILED, failure="The predictor is not running.", suggestions=(), why_not=()
    )
    return stage.open()


def empty(stage: Stage) -> Page:
    stage.coding.review_now = replace(ready_review(), notes=(), suggestions=(), why_not=())
    return stage.open()


def shortcuts(stage: Stage) -> Page:
    page = stage.open()
    page.keyboard.press("?")
    return page


def noticed(stage: Stage) -> Page:
    page = stage.open()
    stage.coding.fails = EHRUnavailable()
    page.locator("#c-I10 .accept").click()
    page.locator("#notice .notice").wait_for()
    return page


def summary(stage: Stage) -> Page:
    accept(stage.coding, "E11.42", "Z79.4")
    page = stage.open("summary")
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    return page


def summary_of_a_card(stage: Stage) -> Page:
    """An EHR that makes diagnoses of its own card, and keeps the rest as a document."""
    stage.coding.ladder = epic()
    return summary(stage)


def summary_of_files(stage: Stage) -> Page:
    stage.coding.ladder = ladder()
    return summary(stage)


def receipt_of_a_card(stage: Stage) -> Page:
    accept(stage.coding, "E11.42", "Z79.4")
    lines = planned(plan(chart(), stage.coding.review_now.accepted(), epic()))
    stage.coding.outcomes = tuple(
        replace(line, outcome="written", reference="DocumentReference/7") if line.outcome == "pending" else line
        for line in lines
    )
    stage.coding.sign_off(KEY, stage.coding.review_now.version, BY, None)
    return stage.open("receipt")


def receipt_of_files(stage: Stage) -> Page:
    accept(stage.coding, "E11.42", "Z79.4")
    stage.coding.outcomes = planned(plan(chart(), stage.coding.review_now.accepted(), ladder()))
    stage.coding.sign_off(KEY, stage.coding.review_now.version, BY, None)
    return stage.open("receipt")


def receipt(stage: Stage) -> Page:
    accept(stage.coding, "E11.42", "Z79.4")
    stage.coding.outcomes = (
        WrittenResource("Condition", "diagnosis E11.42", "written", "Condition/12", ""),
        WrittenResource("Condition", "diagnosis Z79.4", "already-there", "Condition/4", "It was in the chart before."),
        WrittenResource("Encounter", "order of diagnoses", "failed", None, "The EHR did not answer in time."),
        WrittenResource("Claim", "draft claim", "not-written", None, "The EHR takes no claims."),
    )
    stage.coding.sign_off(KEY, stage.coding.review_now.version, BY, None)
    return stage.open("receipt")


def receipt_to_correct(stage: Stage) -> Page:
    page = receipt(stage)
    page.locator(".correct summary").click()
    return page


def corrected(stage: Stage) -> Page:
    receipt(stage)
    stage.coding.correct(KEY, stage.coding.review_now.version, "late-notes", BY, None)
    return stage.open()


def choice(stage: Stage) -> Page:
    """Another coder changed the encounter's diagnoses after they were reviewed here."""
    accept(stage.coding, "E11.42", "J44.1")
    listed = ("J44.9 Chronic obstructive pulmonary disease, unspecified (billing)",)
    theirs = (*listed, "K21.9 Gastro-esophageal reflux disease without esophagitis (billing)")
    signed = ("E11.42 Type 2 diabetes mellitus with diabetic polyneuropathy", "J44.1 COPD with (acute) exacerbation")
    waits = "Not sent. It waits for the choice on the encounter's diagnoses."
    stage.coding.outcomes = (
        WrittenResource("Condition", "diagnosis E11.42", "pending", None, waits),
        WrittenResource(
            "Encounter", "order of diagnoses", "conflict", None,
            "Somebody else changed the diagnoses of the encounter after they were reviewed here.",
            conflict=Conflict(listed, theirs, signed, "0f3a"),
        ),
        WrittenResource("Claim", "draft claim", "refused", None, "The EHR's own rules forbid creating Claim."),
    )  # fmt: skip
    stage.coding.sign_off(KEY, stage.coding.review_now.version, BY, None)
    return stage.open("receipt")


def nothing_to_sign(stage: Stage) -> Page:
    return stage.open("summary")


def error(stage: Stage) -> Page:
    return stage.open("nowhere")


def ended(stage: Stage) -> Page:
    stage.launcher.ended = True
    return stage.open()


def home(stage: Stage) -> Page:
    page = stage.open()
    page.goto(stage.base)
    return page


def chosen(stage: Stage) -> Page:
    """A code is chosen and its evidence has the focus."""
    page = stage.open()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    return page


def coder(stage: Stage) -> Page:
    """All of a long stay, with the claim begun and a reason why it waits."""
    stage.launcher.held = build_session(intent="coder-workspace")
    stage.coding.review_now = long_stay(words=1500)
    accept(stage.coding, "J18.9", "A41.9", "N17.9")
    stage.worklist.set_pending(KEY, "document", "Operation report asked for", BY, SEEN)
    return stage.open()


def book(stage: Stage) -> Page:
    page = stage.open()
    page.locator("#c-E11-42").focus()
    page.keyboard.press("t")
    page.locator("#book-title").wait_for()
    return page


def ending(stage: Stage) -> Page:
    """The session is about to end."""
    page = stage.open("summary")
    page.clock.install()
    page.goto(page.url.removesuffix("summary"))
    page.clock.fast_forward("13:30")
    page.locator("[data-idle-warning]").wait_for()
    page.clock.resume()
    return page


def summary_with_remarks(stage: Stage) -> Page:
    """Errors, warnings and information about an admission."""
    stage.coding.review_now = replace(admitted("D63.1", "N18.31", "I10", "I50.9", led=False, poa=False), version=3)
    page = stage.open("summary")
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    return page


def worklist(stage: Stage) -> Page:
    stage.launcher.held = build_session(intent="coder-workspace")
    stage.worklist.rows = sample_rows(KEY)
    return stage.open("worklist")


def query(stage: Stage) -> Page:
    stage.launcher.held = build_session(intent="coder-workspace")
    page = stage.open()
    page.keyboard.press("j")
    page.keyboard.press("q")
    page.get_by_role("heading", name="Query to the physician").wait_for()
    return page


def right_to_left(stage: Stage) -> Page:
    """Notes and names in Arabic between English codes."""
    review = ready_review()
    diagnosis = "\u0627\u0644\u062a\u0634\u062e\u064a\u0635: "
    pressure = "\u0627\u0631\u062a\u0641\u0627\u0639 \u0636\u063a\u0637 \u0627\u0644\u062f\u0645"
    text = f"{diagnosis}{pressure} (HTN) 152/94 mmHg.\n"
    name = "\u0644\u064a\u0644\u0649 \u062d\u062f\u0627\u062f"
    first = review.notes[0]
    evidence = replace(
        review.suggestions[0].evidence[0], start=len(diagnosis), end=len(diagnosis + pressure), quote=pressure
    )
    stage.coding.review_now = replace(
        review,
        header=replace(review.header, patient_name=name),
        notes=(replace(first, text=text * 12, title="\u0645\u0644\u0627\u062d\u0638\u0629", author=name),),
        suggestions=(replace(review.suggestions[0], evidence=(evidence,)),),
        why_not=(),
    )
    return stage.open()


STATES = (
    fresh, chosen, coder, decided, amended, working, failed, empty, shortcuts, book, noticed, ending, right_to_left,
    summary, summary_with_remarks, summary_of_a_card, summary_of_files, nothing_to_sign, home,
    receipt, receipt_to_correct, corrected, choice, receipt_of_a_card, receipt_of_files, worklist, query, error, ended,
)  # fmt: skip
