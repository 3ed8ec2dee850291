"""Roles, queries and the worklist in Chromium, by keyboard, at the width of an EHR's narrow frame."""

from fake_pages import build_session
from fake_work import sample_rows
from page_states import Stage
from playwright.sync_api import Page, expect
from sample_review import KEY


def as_coder(stage: Stage) -> None:
    stage.launcher.held = build_session(intent="coder-workspace")


def overflows(page: Page) -> bool:
    wide: bool = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return wide


def test_a_query_by_keyboard(stage: Stage) -> None:
    """From the card by `q`: what leads is refused with its words; mended, it is sent and keeps the review waiting."""
    as_coder(stage)
    page = stage.open(width=320, height=700)
    page.keyboard.press("j")
    page.keyboard.press("q")
    expect(page.get_by_role("heading", name="Query to the physician")).to_be_visible()
    question = page.get_by_role("textbox", name="Question")
    question.fill("Do you agree that this pays more?")
    page.get_by_role("button", name="Send", exact=True).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("“Do you agree”")
    expect(page.get_by_role("alert")).to_contain_text("“pays”")
    page.get_by_role("textbox", name="Question").fill("What kind of condition is it?")
    page.get_by_role("button", name="Send", exact=True).press("Enter")
    expect(page.get_by_text("It is in the EHR, read back as sent")).to_be_visible()
    assert not overflows(page)
    page.get_by_role("link", name="Back to the review").click()
    expect(page.locator(".work-state summary")).to_contain_text("1 query not answered yet")
    assert not overflows(page)


def test_the_worklist_by_keyboard(stage: Stage) -> None:
    """`j` goes from row to row; only the launch's own encounter is a link; the others say how to open them."""
    as_coder(stage)
    stage.worklist.rows = sample_rows(KEY)
    page = stage.open("worklist", width=320, height=700)
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Marsh, Beatrix")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_text("start Chartside from its chart").first).to_be_visible()
    assert page.locator("[data-row] a").count() == 1
    assert not overflows(page)


def test_five_for_a_clinician(stage: Stage) -> None:
    """The rest behind one fold, which opens by keyboard; nothing to query, nothing of a worklist."""
    page = stage.open(width=320, height=700)
    expect(page.locator("#more-suggested .card")).not_to_be_visible()
    page.locator("#more-suggested > summary").press("Enter")
    expect(page.locator("#more-suggested .card")).to_be_visible()
    assert page.locator('[data-key="q"]').count() == 0
    assert not overflows(page)
