"""The claim beside the codes in Chromium: which stands first, and what was present on admission."""

import pytest
from fake_pages import build_session
from long_chart import long_stay
from page_states import Stage, accept, answer_slowly
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def a_stay(stage: Stage, *codes: str, width: int = 1500) -> Page:
    stage.launcher.held = build_session(intent="coder-workspace")
    stage.coding.review_now = long_stay()
    accept(stage.coding, *codes)
    return stage.open(width=width, height=900)


def test_words_on_admission_follow_fast_upon_each_other(stage: Stage) -> None:
    """Chosen by arrow keys before the answers are there: the last word on each code is kept and shown."""
    page = a_stay(stage, "A41.9", "J18.9")
    answer_slowly(stage)
    for code in ("A41.9", "J18.9"):
        page.locator(f"#claim li[data-code='{code}'] select").focus()
        for _ in range(3):
            page.keyboard.press("ArrowDown")
    told = "J18.9 present on admission: the documentation does not say"
    expect(page.locator("#said")).to_contain_text(told, timeout=20_000)
    assert [str(a.poa) for a in stage.coding.review_now.accepted()] == ["U", "U"]
    assert page.locator("#claim select").evaluate_all("(all) => all.map((s) => s.value)") == ["U", "U"]
    assert page.evaluate("document.activeElement.closest('li').dataset.code") == "J18.9"
    expect(page.locator("#notice .notice")).to_have_count(0)


def test_a_word_on_admission_is_not_lost_to_the_answer_before_it(stage: Stage) -> None:
    """A code is accepted, and while that is under way something is said of another."""
    page = a_stay(stage, "A41.9")
    answer_slowly(stage)
    page.locator("#c-J18-9").focus()
    page.keyboard.press("a")
    page.locator("#claim li[data-code='A41.9'] select").select_option("N")
    expect(page.locator("#said")).to_contain_text("A41.9 present on admission: no")
    expect(page.locator("#claim li")).to_have_count(2)
    expect(page.locator("#claim select").first).to_have_value("N")


@pytest.mark.parametrize("by", ["key", "claim", "card"])
def test_the_principal_diagnosis_is_confirmed_where_the_codes_are(stage: Stage, by: str) -> None:
    """It says that nobody has confirmed it, and is confirmed by `p`, beside the claim or on its card."""
    page = a_stay(stage, "A41.9", "J18.9")
    head = page.locator("#claim li").first
    expect(head).to_contain_text("not confirmed")
    if by == "key":
        page.locator("#c-A41-9").focus()
        page.keyboard.press("p")
    else:
        where = head if by == "claim" else page.locator("#c-A41-9 .says")
        where.get_by_role("button", name="Confirm").click()
    expect(head).not_to_contain_text("not confirmed")
    expect(head.get_by_role("button", name="Confirm")).to_have_count(0)
    expect(page.locator("#c-A41-9")).not_to_contain_text("nobody has chosen another")
    page.locator("#c-J18-9").focus()
    page.keyboard.press("p")
    expect(head).to_have_attribute("data-code", "J18.9")
    expect(page.locator("#c-J18-9 .when-first")).to_be_visible()
    expect(page.locator("#c-A41-9 .when-first")).to_be_hidden()


def test_a_visit_confirms_no_principal_diagnosis(stage: Stage) -> None:
    accept(stage.coding, "E11.42", "I10")
    page = stage.open(width=1500)
    expect(page.locator("#claim li").first).to_contain_text("First-listed")
    expect(page.get_by_role("button", name="Confirm")).to_have_count(0)
