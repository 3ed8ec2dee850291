"""Keys that a person changed, on every page that has keys; what is pressed stays until it is let go."""

import pytest
from fake_pages import build_session
from fake_work import sample_rows
from page_states import Stage
from playwright.sync_api import Page, expect
from sample_review import KEY

pytestmark = pytest.mark.browser


def change(page: Page, own: str, new: str) -> None:
    page.keyboard.press("?")
    page.locator(f"[data-remap='{own}']").press("Enter")
    page.keyboard.press(new)
    page.keyboard.press("Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()


def test_changed_keys_hold_on_the_worklist(stage: Stage) -> None:
    """It names them and goes by them; the old ones rest, and switched off there are none."""
    stage.launcher.held = build_session(intent="coder-workspace")
    stage.worklist.rows = sample_rows(KEY)
    page = stage.open()
    change(page, "j", "s")
    change(page, "f", "z")
    page.goto(page.url.split("#")[0] + "worklist")
    expect(page.locator(".keys-hint kbd")).to_have_text(["s", "k", "z"])
    page.keyboard.press("j")
    expect(page.locator("[data-row] a")).not_to_be_focused()
    page.keyboard.press("s")
    expect(page.locator("[data-row] a")).to_be_focused()
    page.keyboard.press("z")
    expect(page.locator("#state")).to_be_focused()
    page.evaluate("localStorage.setItem('chartside.keys', 'off')")
    page.reload()
    expect(page.locator(".keys-hint")).to_be_hidden()


def test_the_characters_of_a_code_are_no_keys_to_change(stage: Stage) -> None:
    """The builder asks for the code's own characters, and says so, whatever the keys of the page are."""
    page = stage.open()
    change(page, "a", "y")
    page.keyboard.press("/")
    page.keyboard.type("ankle fracture")
    page.locator("#results [role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator("#builder").wait_for()
    page.keyboard.press("l")
    initial = page.locator("#builder label:has(input[name=seventh][value=A]) kbd")
    expect(initial).to_have_text("a")
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Add S82.892A")).to_be_focused()


def test_the_bar_over_the_codes_stays_until_what_is_pressed_is_let_go(stage: Stage) -> None:
    """Were it gone at mouse down, all below would jump from under the pointer, and the click miss."""
    page = stage.open(width=1280, height=900)
    page.locator("mark[data-codes~='E11.42'] a").first.click()
    expect(page.locator("#trace")).to_be_visible()
    field = page.locator("#words")
    before = field.bounding_box()
    assert before
    page.mouse.move(before["x"] + 20, before["y"] + 10)
    page.mouse.down()
    assert field.bounding_box() == before
    page.mouse.up()
    expect(page.locator("#trace")).to_be_hidden()
    expect(field).to_be_focused()


def test_the_bar_over_the_codes_leads_back_to_the_text(stage: Stage) -> None:
    page = stage.open(width=1280, height=900)
    mark = page.locator("mark[data-codes~='E11.42']").first
    mark.locator("a").click()
    page.locator("#trace [data-says]").click()
    page.locator("#trace a").click()
    expect(mark).to_be_focused()
    expect(page.locator("#trace")).to_be_hidden()
