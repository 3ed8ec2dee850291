"""Finding and building codes in Chromium: the search as a combobox, the code book as a dialog, all by keyboard."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from page_states import Stage
from playwright.sync_api import Locator, Page, Route, expect

pytestmark = pytest.mark.browser


def options(page: Page) -> Locator:
    """What the search found; the selects of the cards have options, too."""
    return page.locator("#results [role=option]")


def look_up(page: Page, words: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(words)
    expect(options(page).first).to_be_visible()


def test_a_fracture_is_built_by_two_keys_and_added(stage: Stage) -> None:
    """The heading asks for side and 7th character; a letter for each, then Enter."""
    page = stage.open()
    look_up(page, "ankle fracture")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#results [role=option][aria-selected=true]")).to_contain_text("S82.89-")
    page.keyboard.press("Enter")
    page.locator("#builder").wait_for()
    page.keyboard.press("l")
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Add S82.892A")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#added article")).to_have_attribute("data-code", "S82.892A")
    expect(page.locator("#book")).to_be_hidden()
    expect(page.locator("#words")).to_be_focused()


def test_the_field_tells_which_option_is_chosen(stage: Stage) -> None:
    """Expanded, active option and count are told; Escape closes the list and keeps the words."""
    page = stage.open()
    look_up(page, "reflux")
    field = page.get_by_role("combobox")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(field).to_have_attribute("aria-activedescendant", "option-1")
    expect(page.locator("#said")).to_contain_text("codes found")
    page.keyboard.press("Escape")
    expect(options(page)).to_have_count(0)
    expect(page.locator("#words")).to_have_value("reflux")


def test_the_book_opens_at_the_chosen_code_and_closes_to_it(stage: Stage) -> None:
    """`t` on a card; up to its category, back, Escape: the focus is on the card again."""
    page = stage.open()
    page.locator("#c-I10").focus()
    page.keyboard.press("t")
    title = page.locator("#book-title")
    expect(title).to_contain_text("I10")
    page.locator(".book-above").get_by_role("button", name="I10-I1A").press("Enter")
    expect(title).to_contain_text("Hypertensive diseases")
    page.get_by_role("button", name="Back", exact=True).press("Enter")
    expect(title).to_contain_text("Essential (primary) hypertension")
    page.keyboard.press("Escape")
    expect(page.locator("#c-I10")).to_be_focused()


def test_the_back_of_the_browser_turns_back_and_at_last_closes_the_book(stage: Stage) -> None:
    """It never leaves the review while the book is open; after closing, no step of the book is left in the way."""
    page = stage.open()
    address = page.url
    page.locator("#c-I10").focus()
    page.keyboard.press("t")
    title = page.locator("#book-title")
    expect(title).to_contain_text("I10")
    page.locator(".book-above").get_by_role("button", name="I10-I1A").press("Enter")
    expect(title).to_contain_text("Hypertensive diseases")
    page.go_back()
    expect(title).to_contain_text("Essential (primary) hypertension")
    page.go_forward()
    expect(title).to_contain_text("Hypertensive diseases")
    page.go_back()
    expect(title).to_contain_text("Essential (primary) hypertension")
    page.go_back()
    expect(page.locator("#book")).to_be_hidden()
    assert page.url == address


def test_the_bar_of_the_book_is_one_row_in_a_narrow_frame(stage: Stage) -> None:
    """At 320 px its buttons stand beside each other, and say what they do to who hears them."""
    page = stage.open(width=320)
    page.locator("#c-I10").focus()
    page.keyboard.press("t")
    buttons = page.locator(".book-bar button")
    expect(buttons.first).to_be_visible()
    tops = {round(box["y"]) for button in buttons.all() if (box := button.bounding_box())}
    assert len(tops) == 1 and buttons.count() == 5
    expect(page.get_by_role("button", name="Close", exact=True).first).to_be_visible()


def test_the_index_says_where_it_refers_to_and_leads_there(stage: Stage) -> None:
    """The line as printed, the code that it comes to, and the line that it names."""
    page = stage.open()
    page.evaluate(
        "(place) => { const b = document.querySelector('#to-book button'); b.value = place; b.click() }",
        "index:Priapism",
    )
    expect(page.locator("#book-title")).to_contain_text("Priapism")
    page.evaluate(
        "(place) => { const b = document.querySelector('#to-book button'); b.value = place; b.click() }",
        "index:Painful|erection",
    )
    page.get_by_role("button", name="see Priapism").press("Enter")
    expect(page.locator("#book-title")).to_contain_text("Priapism")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_book_is_for_everyone(stage: Stage, width: int, scheme: str) -> None:
    """No violation that axe knows, and nothing wider than the frame, in results, builder and code."""
    page = stage.open(width=width, color_scheme=scheme)
    look_up(page, "ankle fracture")
    for place in ("", "S82.6", "I10"):
        if place:
            page.evaluate(
                "(place) => { const b = document.querySelector('#to-book button'); b.value = place; b.click() }", place
            )
            expect(page.locator("#book-title")).to_contain_text(place)
        found = Axe().run(page).response["violations"]
        assert [(v["id"], [n["html"][:160] for n in v["nodes"]][:3]) for v in found] == [], f"{place}, {width} px"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("(d => d.scrollWidth <= d.clientWidth)(document.getElementById('book'))")


def test_without_javascript_a_code_is_built(stage: Stage) -> None:
    """Search, choose, build, add: plain forms."""
    page = stage.open(java_script_enabled=False)
    page.locator("#words").fill("ankle fracture")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("button", name="Choose … S82.89", exact=False).first.click()
    page.get_by_label("left").check()
    page.get_by_label("sequela").check()
    page.get_by_role("button", name="Show the code").click()
    page.get_by_role("button", name="Add S82.892S").click()
    expect(page.locator("#added article")).to_have_attribute("data-code", "S82.892S")


def test_enter_adds_the_only_code_found(stage: Stage) -> None:
    """Typed in full it is added by Enter at once, also by a double Enter; the search is not lost."""
    page = stage.open()
    page.keyboard.press("/")
    page.keyboard.type("z8673")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#added article")).to_have_attribute("data-code", "Z86.73")
    assert not [said for said in stage.complaints if "sendAbort" in said]


def test_enter_with_several_codes_found_says_how_to_choose(stage: Stage) -> None:
    """Nothing is added unseen."""
    page = stage.open()
    look_up(page, "reflux")
    page.keyboard.press("Enter")
    expect(page.locator("[data-choose]")).to_be_visible()
    expect(page.locator("#added article")).to_have_count(0)


@pytest.mark.parametrize("keys", [["Enter"], ["ArrowDown", "Enter"], ["ArrowDown", "Alt+Enter", "Enter"]])
def test_enter_waits_for_the_results_of_the_words_in_the_field(stage: Stage, keys: list[str]) -> None:
    """While those of former words are still shown it takes none of them, chosen or not."""
    page = stage.open()
    look_up(page, "z8673")
    held: list[Route] = []
    page.route("**/search", lambda route: held.append(route), times=1)
    with page.expect_request("**/search"):
        page.locator("#words").fill("e785")
    for key in keys:
        page.keyboard.press(key)
    expect(page.locator("#book")).to_be_hidden()
    held[0].continue_()
    expect(page.locator("#added article")).to_have_attribute("data-code", "E78.5")
    assert [a.code for a in stage.coding.review_now.accepted()] == ["E78.5"]


def test_enter_for_words_that_were_changed_since_adds_nothing(stage: Stage) -> None:
    """What was typed after it counts; the results are to be looked at."""
    page = stage.open()
    held: list[Route] = []
    page.route("**/search", lambda route: held.append(route), times=1)
    page.keyboard.press("/")
    with page.expect_request("**/search"):
        page.keyboard.type("e785")
        page.keyboard.press("Enter")
    page.locator("#words").fill("z8673")
    held[0].continue_()
    expect(options(page)).to_contain_text("Z86.73")
    assert stage.coding.review_now.accepted() == ()


def test_the_summary_is_reached_from_within_the_search(stage: Stage) -> None:
    """By the key that leads there from everywhere; what was typed takes no code along."""
    page = stage.open()
    page.keyboard.press("/")
    page.keyboard.type("e785")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/summary")
    assert stage.coding.review_now.accepted() == ()
