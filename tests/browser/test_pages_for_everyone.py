"""Accessibility rules, narrow frames, focus in sight, and no JavaScript, in Chromium."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from page_states import STATES, Stage, counts, focused
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

LOOKS = ((320, "light"), (768, "dark"), (1280, "light"), (1280, "dark"), (1600, "light"))


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_no_state_breaks_a_rule_of_axe(stage: Stage, state: Callable[[Stage], Page]) -> None:
    """Every state passes axe-core in narrow and wide frames, light and dark, and never scrolls sideways."""
    page = state(stage)
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found = Axe().run(page).response["violations"]
        words = [(v["id"], [n["html"][:160] for n in v["nodes"]][:4]) for v in found]
        assert words == [], f"{width} px, {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_narrow_frame_has_tabs(stage: Stage) -> None:
    """At 320 px codes and notes are two tabs; evidence leads to the note and its mark back to the code."""
    page = stage.open(width=320, height=640)
    expect(page.locator("#notes")).to_be_hidden()
    page.locator("#c-I10 a.quote").first.click()
    expect(page.locator("#codes")).to_be_hidden()
    mark = page.locator("mark:focus")
    expect(mark).to_have_text("Essential hypertension, above goal")
    expect(mark).to_be_in_viewport()
    mark.click()
    expect(page.locator("#notes")).to_be_hidden()
    assert focused(page) == "c-I10"


@pytest.mark.parametrize(("width", "height"), [(320, 480), (768, 700), (1280, 600)])
def test_focus_is_never_covered(stage: Stage, width: int, height: int) -> None:
    """Whatever Tab reaches is in sight and not under a bar (WCAG 2.4.11), and large enough to hit (2.5.8)."""
    page = stage.open(width=width, height=height, reduced_motion="reduce")
    covered = """() => {
      const e = document.activeElement, b = e.getBoundingClientRect();
      if (e === document.body) return "";  // past the last one, on the way round
      const top = document.elementFromPoint(b.left + b.width / 2, b.top + Math.min(b.height / 2, innerHeight / 3));
      return top && (e === top || e.contains(top) || top.contains(e)) ? "" : e.outerHTML.slice(0, 200);
    }"""
    for _ in range(45):
        page.keyboard.press("Tab")
        assert page.evaluate(covered) == ""
    small = page.evaluate(
        """[...document.querySelectorAll('button, summary, input, select, .button, .tabs a, .note-list a')]
           .filter((e) => e.checkVisibility() && !e.matches('[type=hidden]'))
           .filter((e) => { const b = e.getBoundingClientRect(); return b.width < 24 || b.height < 24; })
           .map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert small == []


def test_without_javascript_every_act_works(stage: Stage) -> None:
    """Evidence, accept, reject, undo, search, add, sign: plain links and forms."""
    page = stage.open(java_script_enabled=False)
    page.locator("#c-E11-42 a.quote").first.click()
    expect(page.locator("mark:target")).to_have_text("Type 2 diabetes with diabetic polyneuropathy")
    page.locator("#c-E11-42 .accept").click()
    page.locator("#c-I10 details.reject summary").click()
    page.locator("#c-I10 select").select_option("judgement")
    page.locator("#c-I10 .reject-form button").click()
    page.locator("#c-I10 .verdict button").click()
    page.locator("#words").fill("reflux")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Add K21.9").click()
    assert counts(page) == "2 accepted 0 rejected 5 undecided"
    page.get_by_role("link", name="Go to summary").click()
    page.locator("input[name=attest]").check()
    page.get_by_role("button", name="Sign and write to the chart").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Written to the chart")
