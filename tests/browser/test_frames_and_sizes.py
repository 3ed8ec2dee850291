"""The review in a narrow frame of another origin, in two tabs at once, with large text, and with keys of one's own."""

import re

import pytest
from fake_pages import HOST, LAUNCH_KEY
from page_states import Stage, accept, focused, summary, working
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

EHR = f"{HOST.embed_origins[0]}/chart"


def framed(stage: Stage, width: int) -> Page:
    """A page of the EHR, another origin, that holds the review in a frame so wide."""
    page = stage.open(width=1200)
    source = f"{stage.base}/r/{LAUNCH_KEY}/"
    body = (
        f'<!doctype html><title>Chart</title><iframe title="App" src="{source}" width="{width}" height="640"></iframe>'
    )

    def chart(route: Route) -> None:
        route.fulfill(content_type="text/html", body=body)

    page.route(EHR, chart)
    # Chromium takes a page that the test wrote for one of the internet, which may not look at this machine.
    page.context.grant_permissions(["local-network-access"], origin=HOST.embed_origins[0])
    page.goto(EHR)
    return page


def test_a_code_is_decided_in_a_narrow_frame_of_another_origin(stage: Stage) -> None:
    """320 px wide in a page of the EHR: one column, no sideways scroll, the keys work, and a decision is kept."""
    page = framed(stage, 320)
    app = page.frame_locator("iframe")
    app.locator("#c-E11-42").focus()
    expect(app.locator("#notes")).to_be_hidden()
    page.keyboard.press("a")
    expect(app.locator("#c-E11-42")).to_have_attribute("data-state", "accepted")
    assert app.locator("html").evaluate("html => html.scrollWidth") <= 320
    app.get_by_role("link", name="Summary").click()
    expect(app.get_by_role("heading", level=1)).to_have_text("Summary before signing")
    assert app.locator("html").evaluate("html => html.scrollWidth") <= 320


def test_two_tabs_of_one_review_bring_each_other_up_to_date(stage: Stage) -> None:
    """What one tab decides the other learns with its next act; neither loses a decision."""
    first = stage.open()
    second = first.context.new_page()
    second.goto(first.url)
    first.locator("#c-E11-42 .accept").click()
    expect(first.locator("#c-E11-42")).to_have_attribute("data-state", "accepted")
    second.locator("#c-I10 .accept").click()
    expect(second.locator("#notice")).to_contain_text("changed in another window")
    expect(second.locator("#c-E11-42")).to_have_attribute("data-state", "accepted")
    second.locator("#c-I10 .accept").click()
    expect(second.locator("#c-I10")).to_have_attribute("data-state", "accepted")
    assert [a.code for a in stage.coding.review_now.accepted()] == ["E11.42", "I10"]


@pytest.mark.parametrize("path", ["", "summary"])
@pytest.mark.parametrize("width", [640, 1280])
def test_text_of_twice_the_size_stays_inside(stage: Stage, path: str, width: int) -> None:
    """Letters of 200 % (WCAG 1.4.4): nothing scrolls sideways, and what decides is in sight."""
    accept(stage.coding, "E11.42")
    page = stage.open(path, width=width)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    button = page.locator("#c-I10 .accept") if not path else page.get_by_role("button", name="Sign and write")
    button.scroll_into_view_if_needed()
    expect(button).to_be_in_viewport(ratio=1)


def test_a_key_is_changed_and_stays_changed(stage: Stage) -> None:
    """By keyboard, in the list of shortcuts: the old key rests, the page names the new one, also after a reload."""
    page = stage.open()
    page.keyboard.press("?")
    key = page.locator("[data-remap=a]")
    key.press("Enter")
    page.keyboard.press("j")
    expect(page.locator("#keys-said")).to_contain_text("j is the key for “next, previous suggestion”")
    page.keyboard.press("y")
    expect(page.locator("#keys-said")).to_contain_text("y is now the key for")
    page.reload()
    page.keyboard.press("j")
    assert focused(page) == "c-E11-42"
    page.keyboard.press("a")
    page.keyboard.press("y")
    expect(page.locator("#c-E11-42")).to_have_attribute("data-state", "accepted")
    expect(page.locator("#c-E11-65 .accept kbd")).to_have_text("y")
    assert len(stage.coding.review_now.decisions) == 1
    page.keyboard.press("?")
    page.get_by_role("button", name="Keys as at first").click()
    expect(key.locator("kbd")).to_have_text("a")


def test_the_reading_of_a_chart_can_be_stopped(stage: Stage) -> None:
    """The page says for how long; stopped, the notes stay and codes are added by hand."""
    page = working(stage)
    expect(page.locator("#progress")).to_contain_text(re.compile(r"note 2 of 3 · \d+ s"))
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".failed")).to_contain_text("Dr. Elena Ruiz stopped it.")
    expect(page.get_by_label("Add a code")).to_be_visible()


def test_paper_shows_what_is_signed_and_no_buttons(stage: Stage) -> None:
    """Printed, the summary holds the codes and the statement, and nothing that wants a click."""
    page = summary(stage)
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator(".accepted")).to_be_visible()
    expect(page.locator(".statement")).to_be_visible()
    assert page.locator(".button:visible, kbd:visible, pre:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
