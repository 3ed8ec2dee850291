"""The stories of the review workspace in Chromium: few keys, no mouse, nothing lost."""

import re
from dataclasses import replace

import pytest
from fake_pages import build_session
from long_chart import CODES, long_stay
from page_states import Stage, accept, focused
from playwright.sync_api import Page, expect
from sample_review import ready_review

from smartapp.reviews import Action, PresentOnAdmission

pytestmark = pytest.mark.browser


def claimed(stage: Stage) -> list[str]:
    return [a.code for a in stage.coding.review_now.accepted()]


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_clinician_signs_a_visit_of_three_codes_with_few_keys(stage: Stage) -> None:
    """From the open page to the receipt in less than ten presses, each code accepted on its own."""
    review = ready_review()
    stage.coding.review_now = replace(review, suggestions=review.suggestions[:3], why_not=())
    page = stage.open()
    page.locator("#c-E11-42").wait_for()
    keys = ["j", "a", "a", "a", "Control+Enter"]
    press(page, *keys[:4])
    expect(page.locator("#tally .accepted")).to_contain_text("3")
    press(page, keys[4])
    page.wait_for_url("**/summary")
    signing = ["Control+Enter", "Space", "Enter"]
    press(page, *signing)
    page.wait_for_url("**/receipt")
    assert claimed(stage) == ["E11.42", "E11.65", "J44.1"]
    assert len(keys) + len(signing) < 10


def test_a_coder_works_through_a_discharge_of_twelve_codes_by_keys_alone(stage: Stage) -> None:
    """Accept, reject, order, present on admission, in the middle a reload: nothing but key presses."""
    stage.coding.review_now = long_stay()
    stage.launcher.held = build_session(user_codes=("CPC",))
    page = stage.open(width=1500, height=900)
    press(page, "j", *"aaaaa")
    expect(page.locator("#tally .accepted")).to_contain_text("5")
    page.reload()
    press(page, *"jjjjjj", "a", "x", "Enter")  # the sixth is accepted, the seventh rejected
    expect(page.locator("#c-E87-6")).to_have_attribute("data-state", "rejected")
    press(page, *"aaaaa")
    expect(page.locator("#tally .undecided")).to_contain_text("0")
    press(page, *"kkkkkkkk")
    assert focused(page) == "c-I50-9"
    press(page, "Alt+ArrowUp")
    expect(page.locator("#claim li").nth(2)).to_have_attribute("data-code", "I50.9")
    assert focused(page) == "c-I50-9"
    press(page, "p")
    expect(page.locator("#claim li").first).to_have_attribute("data-code", "I50.9")
    wanted = [code for code, _ in CODES if code not in ("E87.6", "I50.9")]
    assert claimed(stage) == ["I50.9", *wanted]
    press(page, "o", "y")
    expect(page.locator("#said")).to_contain_text("I50.9 present on admission: yes")
    press(page, "Escape")
    assert focused(page) == "c-I50-9"
    assert stage.coding.review_now.accepted()[0].poa is PresentOnAdmission.YES


def test_choosing_a_code_lets_the_words_of_others_step_back(stage: Stage) -> None:
    """Its words are lit in every note, all other marks lose their ground and keep their line."""
    page = stage.open()
    press(page, "j")
    expect(page.locator("mark.on")).to_have_count(3)
    other = page.locator('mark[data-codes="I10"]').first
    assert other.evaluate("(mark) => getComputedStyle(mark).backgroundColor") == "rgba(0, 0, 0, 0)"
    assert "underline" in other.locator("a").evaluate("(link) => getComputedStyle(link).textDecorationLine")


def test_only_what_was_viewed_is_accepted_at_once(stage: Stage) -> None:
    """The button counts the codes whose evidence was before the eyes, and accepts those alone."""
    page = stage.open(reduced_motion="reduce")  # no place is measured on the way
    accept_viewed = page.locator("#accept-viewed button")
    expect(accept_viewed).to_have_count(0)
    for _ in range(2):
        press(page, "j", "Enter")
        expect(page.locator("mark:focus")).to_have_count(1)
        press(page, "Escape")
    expect(accept_viewed).to_have_text("Accept the 2 you have viewed")
    place = page.evaluate("notes.scrollTop")
    accept_viewed.click()
    expect(page.locator("#tally .accepted")).to_contain_text("2")
    assert claimed(stage) == ["E11.42", "E11.65"]
    assert page.evaluate("notes.scrollTop") == place
    assert page.evaluate("document.activeElement.closest('#tally') !== null")


def test_a_code_is_added_for_selected_words(stage: Stage) -> None:
    """Selected in the note, the words go into the search and prove what is added; the note marks them then."""
    page = stage.open()
    page.evaluate("""() => {
        const text = document.querySelector("#t0");
        const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const at = walker.currentNode.data.indexOf("chest pain");
            if (at >= 0) return getSelection().setBaseAndExtent(walker.currentNode, at, walker.currentNode, at + 10);
        }
    }""")
    expect(page.locator("#chosen")).to_contain_text("chest pain")
    press(page, "w")
    expect(page.locator("#aim")).to_contain_text("chest pain")
    assert focused(page) == "words" and page.locator("#words").input_value() == "chest pain"
    page.locator("#words").fill("reflux")
    expect(page.locator(".results li").first).to_contain_text("reflux")
    press(page, "ArrowDown", "Enter")
    expect(page.locator("#c-K21-9 q")).to_have_text("chest pain")
    expect(page.locator('mark[data-codes="K21.9"]')).to_have_text("chest pain")
    (added,) = stage.coding.review_now.accepted()
    assert [e.quote for e in added.evidence] == ["chest pain"]
    expect(page.locator("#aim")).to_be_hidden()


def test_words_are_chosen_by_keyboard(stage: Stage) -> None:
    """Whoever cannot select types the words as the note has them; words that no note has are told."""
    page = stage.open()
    press(page, "w")
    page.keyboard.type("no such words")
    press(page, "Enter")
    expect(page.locator("#find-words")).to_contain_text("No note says this.")
    page.locator("#find").fill("chest pain")
    press(page, "Enter")
    assert focused(page) == "words"
    expect(page.locator("#aim")).to_contain_text("chest pain")


def test_a_code_is_replaced_by_key(stage: Stage) -> None:
    """`e`, the other code, Enter: the card says by what it was replaced, and undoing brings it back."""
    page = stage.open()
    page.locator("#c-J44-1").focus()
    press(page, "e")
    page.keyboard.type("J44.9")
    press(page, "Enter")
    expect(page.locator("#c-J44-1")).to_have_attribute("data-state", "replaced")
    expect(page.locator("#c-J44-1")).to_contain_text("Replaced by J44.9")
    expect(page.locator("#added #c-J44-9")).to_contain_text("In the place of J44.1")
    assert claimed(stage) == ["J44.9"]
    page.locator("#c-J44-1").focus()
    press(page, "u")
    expect(page.locator("#c-J44-1")).to_have_attribute("data-state", "undecided")
    expect(page.locator("#added")).to_be_hidden()


def test_an_alternative_says_what_the_note_would_have_to_say(stage: Stage) -> None:
    """It is taken in the place of the suggestion by its own button."""
    page = stage.open()
    card = page.locator("#c-J44-1")
    card.locator(".alternatives summary").click()
    expect(card.locator(".if-said")).to_have_text("if the note did not say “with acute exacerbation”")
    card.get_by_role("button", name="Use instead").click()
    expect(card).to_have_attribute("data-state", "replaced")
    assert claimed(stage) == ["J44.9"]


def test_a_note_to_self_stays(stage: Stage) -> None:
    """It is shown on the card, also after a reload, and decides nothing."""
    page = stage.open()
    page.locator("#c-I10").focus()
    press(page, "m")
    page.keyboard.type("Ask about the dose")
    page.get_by_role("button", name="Keep the note").locator("visible=true").click()
    expect(page.locator("#c-I10 .own-note")).to_contain_text("Ask about the dose")
    page.reload()
    expect(page.locator("#c-I10 .own-note")).to_contain_text("Ask about the dose")
    expect(page.locator("#c-I10")).to_have_attribute("data-state", "undecided")


def test_the_claim_is_ordered_by_button_and_by_drag(stage: Stage) -> None:
    """The buttons keep the focus where it was; a row dropped elsewhere goes there."""
    accept(stage.coding, "E11.42", "E11.65", "I10")
    page = stage.open(width=1500)
    page.get_by_role("button", name="Move I10 up").click()
    rows = page.locator("#claim li")
    expect(rows.nth(1)).to_have_attribute("data-code", "I10")
    assert page.evaluate("document.activeElement.textContent").strip() == "Move I10 up"
    rows.nth(2).drag_to(rows.first, target_position={"x": 20, "y": 4})
    expect(rows.first).to_have_attribute("data-code", "E11.65")
    assert claimed(stage) == ["E11.65", "E11.42", "I10"]
    assert [d.action for d in stage.coding.review_now.decisions[-2:]] == [Action.MOVE, Action.MOVE]


def test_the_claim_says_what_has_no_room(stage: Stage) -> None:
    """Beyond the twelfth place of a visit; a hospital claim has room for twenty-five."""
    stage.coding.review_now = long_stay(codes=26)
    accept(stage.coding, *(s.code for s in stage.coding.review_now.suggestions))
    page = stage.open(width=1500)
    beyond = page.locator("#claim .flag", has_text="beyond")
    expect(beyond).to_have_text(["beyond the 25th: on no claim"])
    header = stage.coding.review_now.header
    stage.coding.review_now = replace(stage.coding.review_now, header=replace(header, encounter_class="AMB"))
    page.reload()
    expect(beyond).to_have_count(14)
    expect(page.locator("#claim li").nth(12)).to_contain_text("beyond the 12th: not on a professional claim")


def test_decisions_survive_a_session_that_ends_in_the_middle(stage: Stage) -> None:
    """The press after it is told not to be taken; launched again, the page stands where it was left."""
    page = stage.open()
    press(page, *"jaa")
    expect(page.locator("#tally .accepted")).to_contain_text("2")
    stage.launcher.ended = True
    press(page, "a")
    expect(page.locator("#notice")).to_contain_text("session")
    stage.launcher.ended = False
    page.reload()
    expect(page.locator("#tally .accepted")).to_contain_text("2")
    assert claimed(stage) == ["E11.42", "E11.65"]


def test_side_is_chosen_anew_from_the_card(stage: Stage) -> None:
    """Edit leads to the builder of the code's heading; what is built there takes the place of the card's code."""
    review = ready_review()
    knee = replace(review.suggestions[0], code="M17.11", title="Unilateral primary osteoarthritis, right knee")
    stage.coding.review_now = replace(review, suggestions=(knee,), why_not=())
    page = stage.open()
    press(page, "j", "e")
    page.get_by_role("button", name="Choose side or 7th character").press("Enter")
    page.get_by_role("radio", name="left").press("Space")
    page.get_by_role("button", name="Add M17.12").press("Enter")
    expect(page.locator("#c-M17-11")).to_have_attribute("data-state", "replaced")
    assert claimed(stage) == ["M17.12"]


@pytest.mark.parametrize("act", ["a", "e", "m"])
def test_the_first_click_on_a_card_that_is_not_current_arrives(stage: Stage, act: str) -> None:
    """Nothing moves between mouse down and mouse up, and nothing is chosen before the button is let go."""
    page = stage.open(width=1280, height=900)
    button = page.locator(f'#c-E11-42 [data-key="{act}"]')
    button.scroll_into_view_if_needed()
    before = button.bounding_box()
    assert before
    page.mouse.move(before["x"] + before["width"] - 3, before["y"] + before["height"] / 2)
    page.mouse.down()
    assert button.bounding_box() == before
    expect(page.locator(".card.now")).to_have_count(0)
    page.mouse.up()
    expect(page.locator("#c-E11-42")).to_have_class(re.compile(r"\bnow\b"))
    if act == "a":
        expect(page.locator("#c-E11-42")).to_have_attribute("data-state", "accepted")
    else:
        expect(page.locator(f'#c-E11-42 details[open] > [data-key="{act}"]')).to_have_count(1)


def test_a_press_let_go_beside_the_button_chooses_nothing(stage: Stage) -> None:
    """So it cannot count as a look at the evidence."""
    page = stage.open(width=1280, height=900)
    page.locator('#c-E11-42 [data-key="e"]').hover()
    page.mouse.down()
    page.locator("#c-E11-42 h3").hover(force=True)
    page.mouse.up()
    expect(page.locator(".card.now")).to_have_count(0)


@pytest.mark.parametrize(("width", "touch"), [(320, False), (1280, True)])
def test_key_hints_are_hidden_where_they_have_no_room_or_no_keys(stage: Stage, width: int, touch: bool) -> None:
    """In a narrow frame, and where a finger points."""
    page = stage.open(width=width, has_touch=touch, is_mobile=touch)
    page.locator("#c-E11-42").focus()
    expect(page.locator("#work kbd:visible")).to_have_count(0)
