"""The pages in Chromium: keyboard alone, no JavaScript, narrow frames, hostile notes, accessibility rules."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from fake_coding import FakeCoding
from playwright.sync_api import Page, expect
from sample_review import KEY, NOTES, ready_review

from smartapp.errors import EHRUnavailable
from smartapp.reviews import Action, Reviewer, ReviewStatus, WrittenResource

if TYPE_CHECKING:
    from conftest import Stage

pytestmark = pytest.mark.browser

BY = Reviewer("Practitioner/1", "Dr. Elena Ruiz")
LOOKS = ((320, "light"), (768, "dark"), (1280, "light"), (1280, "dark"), (1600, "light"))


def accept(coding: FakeCoding, *codes: str) -> None:
    for code in codes:
        coding.decide(KEY, coding.review_now.version, Action.ACCEPT, code, None, BY)


def counts(page: Page) -> str:
    return " ".join(page.locator("#tally .counts").inner_text().split())


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.dataset.code || ''"))


def fresh(stage: "Stage") -> Page:
    return stage.open()


def decided(stage: "Stage") -> Page:
    """All that can be open is open."""
    accept(stage.coding, "E11.42", "Z79.4")
    stage.coding.decide(KEY, stage.coding.review_now.version, Action.ADD, "K21.9", None, BY)
    stage.coding.decide(KEY, stage.coding.review_now.version, Action.REJECT, "J44.1", "guideline", BY)
    page = stage.open()
    page.locator("#words").fill("diabetes")
    page.locator(".results li").first.wait_for()
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    return page


def working(stage: "Stage") -> Page:
    stage.coding.review_now = replace(
        ready_review(), status=ReviewStatus.CODING, stage="note 2 of 3", suggestions=(), why_not=()
    )
    return stage.open()


def failed(stage: "Stage") -> Page:
    stage.coding.review_now = replace(
        ready_review(), status=ReviewStatus.FAILED, failure="The predictor is not running.", suggestions=(), why_not=()
    )
    return stage.open()


def empty(stage: "Stage") -> Page:
    stage.coding.review_now = replace(ready_review(), notes=(), suggestions=(), why_not=())
    return stage.open()


def shortcuts(stage: "Stage") -> Page:
    page = stage.open()
    page.keyboard.press("?")
    return page


def noticed(stage: "Stage") -> Page:
    page = stage.open()
    stage.coding.fails = EHRUnavailable()
    page.locator("#c-I10 .accept").click()
    page.locator("#notice .notice").wait_for()
    return page


def summary(stage: "Stage") -> Page:
    accept(stage.coding, "E11.42", "Z79.4")
    page = stage.open("summary")
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    return page


def nothing_to_sign(stage: "Stage") -> Page:
    return stage.open("summary")


def receipt(stage: "Stage") -> Page:
    accept(stage.coding, "E11.42", "Z79.4")
    stage.coding.outcomes = (
        WrittenResource("Condition", "diagnosis E11.42", "written", "Condition/12", ""),
        WrittenResource("Condition", "diagnosis Z79.4", "already-there", "Condition/4", "It was in the chart before."),
        WrittenResource("Encounter", "order of diagnoses", "failed", None, "The EHR did not answer in time."),
        WrittenResource("Claim", "draft claim", "not-written", None, "The EHR takes no claims."),
    )
    stage.coding.sign_off(KEY, stage.coding.review_now.version, BY, None)
    return stage.open("receipt")


def error(stage: "Stage") -> Page:
    return stage.open("nowhere")


def ended(stage: "Stage") -> Page:
    stage.launcher.ended = True
    return stage.open()


def home(stage: "Stage") -> Page:
    page = stage.open()
    page.goto(stage.base)
    return page


STATES = (
    fresh, decided, working, failed, empty, shortcuts, noticed,
    summary, nothing_to_sign, receipt, error, ended, home,
)  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_no_state_breaks_a_rule_of_axe(stage: "Stage", state: "Callable[[Stage], Page]") -> None:
    """Every state passes axe-core in narrow and wide frames, light and dark, and never scrolls sideways."""
    page = state(stage)
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found = Axe().run(page).response["violations"]
        words = [(v["id"], [n["html"][:160] for n in v["nodes"]][:4]) for v in found]
        assert words == [], f"{width} px, {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_keyboard_alone_from_first_code_to_receipt(stage: "Stage") -> None:
    """A reviewer never needs a mouse: read the evidence, accept, reject, undo, add, sign."""
    page = stage.open()
    press = page.keyboard.press
    press("j")
    assert focused(page) == "c-E11-42"
    press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MARK"
    press("]")
    assert page.evaluate("document.activeElement.textContent") == "burning and numbness in both feet"
    press("Escape")
    assert focused(page) == "c-E11-42"
    press("a")
    expect(page.locator("#c-E11-42")).to_have_attribute("data-state", "accepted")
    assert focused(page) == "c-E11-42"
    press("j")
    press("x")
    press("ArrowDown")
    press("Tab")
    press("Enter")
    expect(page.locator("#c-E11-65")).to_have_attribute("data-state", "rejected")
    assert counts(page) == "1 accepted 1 rejected 4 undecided"
    press("u")
    expect(page.locator("#c-E11-65")).to_have_attribute("data-state", "undecided")
    press("/")
    page.keyboard.type("reflux")
    page.locator(".results li").wait_for()
    press("ArrowDown")
    press("Enter")
    expect(page.locator("#added article")).to_have_attribute("data-code", "K21.9")
    assert focused(page) == "words"
    assert "K21.9 added. 2 accepted, 5 undecided." in page.locator("#said").inner_text()
    press("Control+Enter")
    page.wait_for_url("**/summary")
    page.locator("input[name=attest]").focus()
    press("Space")
    page.get_by_role("button", name="Sign and write to the chart").focus()
    press("Enter")
    page.wait_for_url("**/receipt")
    expect(page.get_by_role("heading", level=1)).to_have_text("Written to the chart")
    assert [d.reason for d in stage.coding.review_now.decisions] == [None, "wrong-value", None, None]


def test_accepting_moves_neither_text_nor_cards(stage: "Stage") -> None:
    """The reading position stays: panes keep their scroll, the card its place, the focus its button."""
    page = stage.open(height=600)
    page.evaluate("document.getElementById('notes').scrollTo({top: 150, behavior: 'instant'})")
    button = page.locator("#c-J44-1 .accept")
    button.scroll_into_view_if_needed()
    before = page.evaluate("[notes.scrollTop, codes.scrollTop, document.getElementById('c-J44-1').offsetTop]")
    button.click()
    expect(page.locator("#c-J44-1")).to_have_attribute("data-state", "accepted")
    assert page.evaluate("[notes.scrollTop, codes.scrollTop, document.getElementById('c-J44-1').offsetTop]") == before
    assert "Undo" in page.evaluate("document.activeElement.textContent")


def test_fast_decisions_are_all_taken(stage: "Stage") -> None:
    """Keys pressed faster than the server answers are queued, each with the version that is true by then."""
    page = stage.open()
    for _ in range(3):
        page.keyboard.press("j")
        page.keyboard.press("a")
    expect(page.locator("#tally .accepted")).to_contain_text("3")
    assert [d.code for d in stage.coding.review_now.decisions] == ["E11.42", "E11.65", "J44.1"]
    assert page.locator("#notice .notice").count() == 0


def test_choosing_a_code_shows_its_words(stage: "Stage") -> None:
    """Its evidence is lit in the note, and the note scrolls to it when it is out of sight."""
    page = stage.open(height=600)
    page.locator("#c-Z87-891 h3").click()
    lit = page.locator("mark.on")
    expect(lit).to_have_text(["Former smoker, 30 pack-years, quit 2012"])
    expect(lit).to_be_in_viewport()


def test_choosing_words_shows_their_codes_and_goes_back(stage: "Stage") -> None:
    """A mark with two codes names both, lights their cards, and the way back leads to the mark."""
    page = stage.open()
    page.locator('mark[data-codes="E11.42 E11.65"]').click()
    expect(page.locator("#trace")).to_contain_text("These words support E11.42 and E11.65.")
    expect(page.locator(".card.lit")).to_have_count(2)
    page.get_by_role("link", name="Back to the text").click()
    assert page.evaluate("document.activeElement.dataset.codes") == "E11.42 E11.65"
    page.locator('mark[data-codes="I21.9"]').click()
    expect(page.locator("#mentioned")).to_have_attribute("open", "")


def test_shortcuts_are_off_in_fields_and_can_be_switched_off(stage: "Stage") -> None:
    """Typing in the search never decides; switched off, the keys do nothing, also after a reload."""
    page = stage.open()
    page.keyboard.press("j")
    page.locator("#words").fill("")
    page.keyboard.type("aaxu")
    page.locator("#words").fill("")
    page.locator("#c-E11-42").focus()
    page.keyboard.press("?")
    page.get_by_label("Single-key shortcuts are on").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("j")
    page.keyboard.press("a")
    assert page.locator(".card.now").count() == 0
    assert stage.coding.review_now.decisions == ()


def test_hostile_note_stays_text(stage: "Stage") -> None:
    """Scripts in a note, its title, a code's title or the EHR's words neither run nor load anything."""
    hostile = "<script>window.pwned=1</script><img src=x onerror='window.pwned=2'>\u202e</div></article> {{7*7}}"
    review = ready_review()
    suggestion = replace(
        review.suggestions[0], title=hostile, evidence=(replace(review.suggestions[0].evidence[0], quote=hostile),)
    )
    notes = (replace(NOTES[0], text=hostile + (NOTES[0].text or ""), title=hostile, author=hostile), *NOTES[1:])
    stage.coding.review_now = replace(review, notes=notes, suggestions=(suggestion,), why_not=())
    page = stage.open()
    page.locator("#c-E11-42 .accept").click()
    expect(page.locator("#c-E11-42")).to_have_attribute("data-state", "accepted")
    page.goto(page.url + "summary")
    page.go_back()
    assert page.locator(".note .text").first.text_content() == hostile + (NOTES[0].text or "")
    assert page.evaluate("window.pwned") is None


def test_error_is_shown_and_the_page_stays(stage: "Stage") -> None:
    """An error in answer to a decision appears as an alert; the next decision that works clears it."""
    page = noticed(stage)
    expect(page.get_by_role("alert")).to_contain_text("The EHR does not answer.")
    expect(page.locator("#c-I10")).to_have_attribute("data-state", "undecided")
    stage.coding.fails = None
    page.locator("#c-I10 .accept").click()
    expect(page.locator("#c-I10")).to_have_attribute("data-state", "accepted")
    expect(page.get_by_role("alert")).to_be_empty()


def test_lost_connection_is_told(stage: "Stage") -> None:
    """A decision that did not arrive is not shown as taken, and the page says so."""
    page = stage.open()
    page.route("**/decisions", lambda route: route.abort())
    page.locator("#c-I10 .accept").click()
    expect(page.get_by_role("alert")).to_contain_text("Chartside cannot be reached.")
    expect(page.locator("#c-I10")).to_have_attribute("data-state", "undecided")


def test_change_in_another_window_brings_the_fresh_state(stage: "Stage") -> None:
    """The work area is replaced by the current state, and the message says why."""
    page = stage.open()
    accept(stage.coding, "J44.1")
    page.locator("#c-I10 .accept").click()
    expect(page.get_by_role("alert")).to_contain_text("changed in another window")
    expect(page.locator("#c-J44-1")).to_have_attribute("data-state", "accepted")
    page.locator("#c-I10 .accept").click()
    expect(page.locator("#c-I10")).to_have_attribute("data-state", "accepted")


def test_suggestions_arrive_while_the_note_is_read(stage: "Stage") -> None:
    """The stage is told, the cards come by themselves, and the note stays where it was scrolled to."""
    page = working(stage)
    expect(page.locator("#progress")).to_contain_text("note 2 of 3")
    page.evaluate("document.getElementById('notes').scrollTo({top: 120, behavior: 'instant'})")
    stage.coding.review_now = ready_review()
    expect(page.locator("article.card")).to_have_count(8)
    assert page.evaluate("document.getElementById('notes').scrollTop") == 120
    expect(page.locator("#progress")).to_have_count(0)
    expect(page.locator("#said")).to_have_text("Suggestions are ready: 6 codes.")


def test_narrow_frame_has_tabs(stage: "Stage") -> None:
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
def test_focus_is_never_covered(stage: "Stage", width: int, height: int) -> None:
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


def test_without_javascript_every_act_works(stage: "Stage") -> None:
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


def test_sign_button_is_spent_after_one_press(stage: "Stage") -> None:
    """While the answer is awaited the button says so and sends nothing more."""
    page = summary(stage)
    page.evaluate(
        """window.sent = 0;
        addEventListener('submit', (e) => { if (!e.defaultPrevented) sent++; e.preventDefault(); })"""
    )
    page.locator("input[name=attest]").check()
    button = page.locator("form[data-sign] button")
    button.click()
    expect(button).to_have_attribute("aria-disabled", "true")
    button.click(force=True)
    expect(button).to_have_text("Writing to the chart …")
    assert page.evaluate("window.sent") == 1


def test_session_end_is_announced_and_can_be_put_off(stage: "Stage") -> None:
    """Two minutes before the session ends the page says so; staying asks the server and takes the warning away."""
    page = stage.open("summary")
    page.clock.install()
    page.goto(page.url.removesuffix("summary"))
    page.clock.fast_forward("13:30")
    expect(page.get_by_role("alert")).to_contain_text("Your session ends in two minutes")
    page.get_by_role("link", name="Stay").click()
    expect(page.get_by_role("alert")).to_be_empty()
    stage.launcher.ended = True
    page.clock.fast_forward("15:10")
    expect(page.get_by_role("heading", level=1)).to_contain_text("session")
    assert "Dorothy" not in page.content()
