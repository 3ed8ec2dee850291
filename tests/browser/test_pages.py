"""The pages in Chromium: keyboard alone, what moves and what stays, errors, hostile notes."""

from dataclasses import replace

import pytest
from page_states import BY, Stage, accept, counts, focused, noticed, summary, working
from playwright.sync_api import expect
from sample_review import KEY, NOTES, ready_review

pytestmark = pytest.mark.browser


def test_keyboard_alone_from_first_code_to_receipt(stage: Stage) -> None:
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
    assert focused(page) == "c-E11-65"
    press("x")
    press("ArrowDown")
    press("Enter")
    expect(page.locator("#c-E11-65")).to_have_attribute("data-state", "rejected")
    assert counts(page) == "1 accepted 1 rejected 4 undecided"
    assert focused(page) == "c-J44-1"
    press("k")
    press("u")
    expect(page.locator("#c-E11-65")).to_have_attribute("data-state", "undecided")
    press("/")
    page.keyboard.type("reflux")
    page.get_by_role("option").filter(has_text="K21.9").first.wait_for()
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


def test_undo_by_key_reaches_the_last_decision(stage: Stage) -> None:
    """After `a` the focus is on the next code; `u` there undoes the decision before, and says which, or why not."""
    page = stage.open()
    said = page.locator("#said")
    page.keyboard.press("j")
    page.keyboard.press("u")
    expect(said).to_have_text("Nothing was decided here to undo.")
    for code in ("E11-42", "E11-65"):
        page.keyboard.press("a")
        expect(page.locator(f"#c-{code}")).to_have_attribute("data-state", "accepted")
    assert focused(page) == "c-J44-1"
    page.keyboard.press("u")
    expect(page.locator("#c-E11-65")).to_have_attribute("data-state", "undecided")
    expect(said).to_have_text("E11.65 put back. 1 accepted, 5 undecided.")
    assert focused(page) == "c-E11-65"
    page.keyboard.press("u")
    expect(page.locator("#c-E11-42")).to_have_attribute("data-state", "undecided")


def test_accepting_moves_neither_text_nor_cards(stage: Stage) -> None:
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


def test_a_person_chooses_what_leads_the_claim(stage: Stage) -> None:
    """The key `p` or a row's button puts an accepted code first; badge and button follow, undoing goes back."""
    accept(stage.coding, "E11.42", "I10")
    page = stage.open(width=1440)
    leads = page.locator(".card.first")
    expect(leads).to_have_attribute("id", "c-E11-42")
    page.locator("#c-I10").focus()
    page.keyboard.press("p")
    expect(leads).to_have_attribute("id", "c-I10")
    expect(page.locator(".card .when-first:visible")).to_have_text("First-listed")
    expect(page.locator("#c-I10 .lead-form")).to_be_hidden()
    assert focused(page) == "c-I10"
    page.keyboard.press("u")
    expect(leads).to_have_attribute("id", "c-E11-42")
    page.locator(".claim-list").get_by_role("button", name="List first I10").click()
    expect(leads).to_have_attribute("id", "c-I10")
    expect(page.locator(".claim-list li").first).to_contain_text("I10")
    assert page.evaluate("document.activeElement.closest('#claim li').dataset.code") == "I10"


def test_the_next_code_stays_put_while_the_last_one_is_swapped(stage: Stage) -> None:
    """Deciding by key in the middle of the list: the card that is read next keeps its place on the screen."""
    page = stage.open(height=600, reduced_motion="reduce")  # no place is measured on the way
    page.locator("#c-J44-1").focus()
    page.keyboard.press("x")
    page.keyboard.press("Enter")
    place = "document.getElementById('c-I10').getBoundingClientRect().top"
    moved_to = page.evaluate(place)
    expect(page.locator("#c-J44-1")).to_have_attribute("data-state", "rejected")
    assert focused(page) == "c-I10"
    before = page.evaluate(place)
    page.locator("#c-J44-1").evaluate("(card) => card.querySelector('[data-key=u]').form.requestSubmit()")
    expect(page.locator("#c-J44-1")).to_have_attribute("data-state", "undecided")
    assert abs(page.evaluate(place) - before) <= 1
    assert abs(moved_to - before) <= 1


def test_keys_act_on_the_chosen_code_from_within_the_note(stage: Stage) -> None:
    """With the focus on the words, accept, reject and next mean the code whose words they are."""
    page = stage.open()
    for key, state in (("a", "accepted"), ("x", "rejected")):
        page.keyboard.press("j")
        code = page.locator(".card.now").get_attribute("id")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.tagName") == "MARK"
        page.keyboard.press(key)
        if key == "x":
            page.keyboard.press("Enter")
        expect(page.locator(f"#{code}")).to_have_attribute("data-state", state)
        assert focused(page) == page.locator(".card.now").get_attribute("id") != code
    page.keyboard.press("Enter")
    page.keyboard.press("j")
    assert focused(page) == page.locator(".card.now").get_attribute("id")


def test_fast_decisions_are_all_taken(stage: Stage) -> None:
    """Keys pressed faster than the server answers are queued, each with the version that is true by then."""
    page = stage.open()
    page.keyboard.press("j")
    for _ in range(3):
        page.keyboard.press("a")
    expect(page.locator("#tally .accepted")).to_contain_text("3")
    assert [d.code for d in stage.coding.review_now.decisions] == ["E11.42", "E11.65", "J44.1"]
    assert page.locator("#notice .notice").count() == 0


def test_choosing_a_code_shows_its_words(stage: Stage) -> None:
    """Its evidence is lit in the note, and the note scrolls to it when it is out of sight."""
    page = stage.open(height=600)
    page.locator("#more-suggested > summary").click()
    page.locator("#c-Z87-891 h3").click()
    lit = page.locator("mark.on")
    expect(lit).to_have_text(["Former smoker, 30 pack-years, quit 2012"])
    expect(lit).to_be_in_viewport()


def test_choosing_words_shows_their_codes_and_goes_back(stage: Stage) -> None:
    """A mark with two codes names both, lights their cards, and the way back leads to the mark."""
    page = stage.open()
    page.locator('mark[data-codes="E11.42 E11.65"]').click()
    expect(page.locator("#trace")).to_contain_text("These words support E11.42 and E11.65.")
    expect(page.locator(".card.lit")).to_have_count(2)
    page.get_by_role("link", name="Back to the text").click()
    assert page.evaluate("document.activeElement.dataset.codes") == "E11.42 E11.65"
    page.locator('mark[data-codes="I21.9"]').click()
    expect(page.locator("#mentioned")).to_have_attribute("open", "")


def test_shortcuts_are_off_in_fields_and_can_be_switched_off(stage: Stage) -> None:
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


def test_hostile_note_stays_text(stage: Stage) -> None:
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


def test_error_is_shown_and_the_page_stays(stage: Stage) -> None:
    """An error in answer to a decision appears as an alert; the next decision that works clears it."""
    page = noticed(stage)
    expect(page.get_by_role("alert")).to_contain_text("The EHR does not answer.")
    expect(page.locator("#c-I10")).to_have_attribute("data-state", "undecided")
    stage.coding.fails = None
    page.locator("#c-I10 .accept").click()
    expect(page.locator("#c-I10")).to_have_attribute("data-state", "accepted")
    expect(page.get_by_role("alert")).to_be_empty()


def test_lost_connection_is_told(stage: Stage) -> None:
    """A decision that did not arrive is not shown as taken, and the page says so."""
    page = stage.open()
    page.route("**/decisions", lambda route: route.abort())
    page.locator("#c-I10 .accept").click()
    expect(page.get_by_role("alert")).to_contain_text("Chartside cannot be reached.")
    expect(page.locator("#c-I10")).to_have_attribute("data-state", "undecided")


def test_change_in_another_window_brings_the_fresh_state(stage: Stage) -> None:
    """The work area is replaced by the current state, and the message says why."""
    page = stage.open()
    accept(stage.coding, "J44.1")
    page.locator("#c-I10 .accept").click()
    expect(page.get_by_role("alert")).to_contain_text("changed in another window")
    expect(page.locator("#c-J44-1")).to_have_attribute("data-state", "accepted")
    page.locator("#c-I10 .accept").click()
    expect(page.locator("#c-I10")).to_have_attribute("data-state", "accepted")


def test_suggestions_arrive_while_the_note_is_read(stage: Stage) -> None:
    """The stage is told, the cards come by themselves, and the note stays where it was scrolled to."""
    page = working(stage)
    expect(page.locator("#progress")).to_contain_text("note 2 of 3")
    page.evaluate("document.getElementById('notes').scrollTo({top: 120, behavior: 'instant'})")
    stage.coding.review_now = ready_review()
    expect(page.locator("article.card")).to_have_count(8)
    assert page.evaluate("document.getElementById('notes').scrollTop") == 120
    expect(page.locator("#progress")).to_have_count(0)
    expect(page.locator("#said")).to_have_text("Suggestions are ready: 6 codes.")


@pytest.mark.parametrize("width", [320, 768, 1440])
def test_json_on_the_summary_scrolls_inside(stage: Stage, width: int) -> None:
    """A resource with long lines leaves the other columns their width and the page no wider than the window."""
    page = stage.open()
    accept(stage.coding, "I10")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(page.url + "summary")
    column = "(cell) => [cell.getBoundingClientRect().x, cell.clientWidth]"
    purpose = page.locator(".plan td").first
    before = purpose.evaluate(column)
    page.locator(".json pre:not(.typed)").first.evaluate(
        "(pre) => { pre.textContent = 'x'.repeat(2000); pre.parentNode.open = true }"
    )
    assert purpose.evaluate(column) == before
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator(".json pre:not(.typed)").first.evaluate("(pre) => pre.scrollWidth > pre.clientWidth")


def test_sign_button_is_spent_after_one_press(stage: Stage) -> None:
    """While the answer is awaited the button says so and sends nothing more."""
    page = summary(stage)
    page.evaluate(
        """window.sent = 0;
        addEventListener('submit', (e) => { if (!e.defaultPrevented) sent++; e.preventDefault(); })"""
    )
    page.locator("input[name=attest]").check()
    button = page.locator(".attest [data-busy]")
    button.click()
    expect(button).to_have_attribute("aria-disabled", "true")
    button.click(force=True)
    expect(button).to_have_text("Writing to the chart …")
    assert page.evaluate("window.sent") == 1


def test_whoever_waits_for_a_slow_ehr_is_told(stage: Stage) -> None:
    """Not at once, but before they doubt: nothing is lost, and the receipt is a click away; 320 px hold the words."""
    page = summary(stage)
    page.set_viewport_size({"width": 320, "height": 800})
    page.clock.install()
    page.evaluate("addEventListener('submit', (e) => e.preventDefault())")
    page.locator("input[name=attest]").check()
    page.locator(".attest [data-busy]").click()
    slow = page.locator("[data-slow]")
    expect(slow).to_be_hidden()
    page.clock.fast_forward(5000)
    expect(page.get_by_role("status").filter(has_text="The EHR is slow to answer")).to_be_visible()
    expect(slow.get_by_role("link", name="the receipt")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_going_back_after_signing_shows_the_receipt(stage: Stage) -> None:
    """Playwright's Chromium keeps no pages to go back to, so the event of one that comes back is made here."""
    page = summary(stage)
    stage.coding.sign_off(KEY, stage.coding.review_now.version, BY, None)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: false }))")
    expect(page.get_by_role("heading", level=1)).to_have_text("Summary before signing")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    page.wait_for_url("**/receipt")


def test_session_end_is_announced_and_can_be_put_off(stage: Stage) -> None:
    """Two minutes before the session ends the page says so; staying asks the server and takes the warning away."""
    page = stage.open("summary")
    page.clock.install()
    page.goto(page.url.removesuffix("summary"))
    page.clock.fast_forward("13:30")
    expect(page.locator("[data-idle-warning][role=alert]")).to_contain_text("Your session ends in two minutes")
    page.get_by_role("link", name="Stay").click()
    expect(page.locator("[data-idle-warning]")).to_have_count(0)
    stage.launcher.ended = True
    page.clock.fast_forward("15:10")
    expect(page.get_by_role("heading", level=1)).to_contain_text("session")
    assert "Dorothy" not in page.content()
