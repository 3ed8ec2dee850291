"""The summary in Chromium: mend an error, give a reason, sign; by keyboard, narrow and wide."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from claims import admitted, claim
from page_states import Stage, answer_slowly
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
SHOTS = os.environ.get("SHOTS")  # a folder for pictures to look at


def shoot(page: object, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)  # type: ignore[attr-defined]


@pytest.mark.parametrize("width", [320, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_levels_are_read_at_every_width(stage: Stage, width: int, scheme: str) -> None:
    """Nothing overflows and axe finds nothing, with an admission whose errors, warnings and hints all show."""
    stage.coding.review_now = replace(admitted("D63.1", "N18.31", "I10", "I50.9", led=False, poa=False), version=3)
    page = stage.open("summary", width=width, color_scheme=scheme)
    page.get_by_role("heading", name="What the rules say").wait_for()
    page.get_by_text("Good to know").click()
    shoot(page, f"summary-{width}-{scheme}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    labels = page.locator(".poa-of label").all()
    assert max(label.bounding_box()["height"] for label in labels) < 40  # not letter by letter
    assert Axe().run(page).response["violations"] == []
    assert page.get_by_role("button", name="Sign").count() == 0


def test_from_an_error_to_the_signature(stage: Stage) -> None:
    """The button of the error mends it; the warning is answered by the keyboard; then it is signed."""
    stage.coding.review_now = replace(claim("D63.1", "N18.31", "I10", "I50.9"), version=3)
    page = stage.open("summary")
    page.get_by_role("button", name="List first: N18.31").click()
    page.get_by_role("button", name="Sign and write").wait_for()
    for field in page.get_by_label("Reason to sign all the same").all():
        field.focus()
        page.keyboard.type("The note says otherwise.")
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Sign and write").click()
    page.get_by_role("heading", name="Signed in spite of warnings").wait_for()
    shoot(page, "receipt")
    assert stage.coding.signed == 1


def test_the_browser_asks_for_a_missing_reason_before_it_sends(stage: Stage) -> None:
    stage.coding.review_now = replace(claim("I10", "I50.9"), version=3)
    page = stage.open("summary", width=320)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Sign and write").click()
    assert page.get_by_label("Reason to sign all the same").evaluate("field => field === document.activeElement")
    assert stage.coding.signed == 0


def test_what_is_chosen_of_admission_outlives_the_next_button(stage: Stage) -> None:
    """Kept as it is chosen, beside the reasons typed so far; the focus stays, and the choices stand in one column."""
    stage.coding.review_now = replace(admitted("I10", "I50.9", "D63.1", "N18.31", poa=False), version=3)
    page = stage.open("summary", width=1400)
    reason = page.get_by_label("Reason to sign all the same").first
    reason.fill("The note says otherwise.")
    choice = page.get_by_label("Present on admission, I50.9")
    choice.focus()
    with page.expect_response("**/summary"):
        choice.select_option("N")
    page.wait_for_function("document.querySelector('#sign [name=version]').value === '4'")
    assert page.evaluate("document.activeElement.name") == "poa-I50.9"
    assert reason.input_value() == "The note says otherwise."
    assert len({field.bounding_box()["x"] for field in page.locator(".poa-of select").all()}) == 1
    shoot(page, "summary-admission")
    page.get_by_role("button", name="Make principal I50.9").click()
    expect(page.locator(".accepted .code").first).to_have_text("I50.9")
    assert page.get_by_label("Present on admission, I50.9").input_value() == "N"


def test_one_word_on_admission_follows_fast_upon_another(stage: Stage) -> None:
    """Typed faster than the answers come, the last word on each code is what is kept, and nothing is refused."""
    stage.coding.review_now = replace(admitted("I10", "E11.9", poa=False), version=3)
    page = stage.open("summary")
    answer_slowly(stage)
    for key in ("y", "n", "u"):
        page.get_by_label("Present on admission, I10").focus()
        page.keyboard.press(key)
        page.get_by_label("Present on admission, E11.9").focus()
        page.keyboard.press(key)
    expect(page.get_by_text("Nobody has said whether")).to_have_count(0)
    expect(page.get_by_label("Present on admission, E11.9")).to_have_value("U")
    assert [str(a.poa) for a in stage.coding.review_now.accepted()] == ["U", "U"]
    expect(page.locator("#message")).to_have_count(0)
