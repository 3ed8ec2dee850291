"""The pages about this Chartside, registration and admin, in Chromium."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from admin_site import AdminSite
from audit_bench import ANA, KEY
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from launch.sandbox.serving import read_whole
from smartapp.audit import Entry, Kind

SUGGESTION = {
    "code": "I10", "confidence": "0.9312", "suggested": True, "first_listed": True,
    "thresholds": {"suggested": "0.4500"},
    "rules": [{"rule": "section-iv-j", "citation": "Official Guidelines FY2027, Section IV.J"}],
    "model_revision": "4f1c2ab9d0", "code_set_edition": "FY2027",
}  # fmt: skip
WRITE = {"outcome": "written", "reference": "Condition/12", "rung": "single-writes", "attempts": 1}
pytestmark = pytest.mark.browser

LOOKS = ((320, "light"), (900, "dark"), (1400, "light"))
PUBLIC = ("register", "register?for=epic", "privacy", "terms", "support", "model-card")


class Served:
    """The site on a loopback port."""

    def __init__(self, folder: Path) -> None:
        self.server = make_server("127.0.0.1", 0, read_whole(lambda *called: self.site.app(*called)), threaded=True)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.site = AdminSite(folder, self.base)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    thread = threading.Thread(target=served.server.serve_forever)
    thread.start()
    yield served
    served.server.shutdown()
    thread.join()
    served.server.server_close()
    served.site.close()


@pytest.fixture
def page(served: Served, browser: Browser) -> Iterator[Page]:
    """Fails when the console says anything but that a page was refused."""
    complaints: list[str] = []
    context = browser.new_context(base_url=served.base)
    opened = context.new_page()
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert [c for c in complaints if not c.startswith("Failed to load resource")] == []


def is_for_everyone(page: Page) -> None:
    """Passes axe-core narrow and wide, light and dark, and never scrolls sideways."""
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        found = Axe().run(page).response["violations"]
        words = [(v["id"], [n["html"][:160] for n in v["nodes"]][:4]) for v in found]
        assert words == [], f"{page.url}, {width} px, {scheme}"
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("path", PUBLIC)
def test_public_pages_are_for_everyone(page: Page, path: str) -> None:
    page.goto(path)
    is_for_everyone(page)


def test_a_value_is_copied_as_it_is(page: Page, served: Served) -> None:
    """The button puts the value, and nothing around it, on the clipboard, and says so."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.base)
    page.goto("register?for=oracle")
    page.get_by_role("button", name="Copy Redirect URL").click()
    expect(page.get_by_role("status")).to_contain_text(f"{served.base}/callback")
    # Reading is switched off by our own policy, so the value is pasted where text may be typed.
    page.evaluate("document.querySelector('main').prepend(document.createElement('textarea'))")
    page.locator("textarea").focus()
    page.keyboard.press("Control+V")
    assert page.locator("textarea").input_value() == f"{served.base}/callback"


def test_without_scripts_a_click_selects_a_value(served: Served, browser: Browser) -> None:
    """No button that does nothing; the whole value is selected at once."""
    context = browser.new_context(base_url=served.base, java_script_enabled=False)
    page = context.new_page()
    page.goto("register?for=epic")
    assert page.locator(".copy:visible").count() == 0
    assert page.locator(".typed", has_text="/jwks.json").evaluate("e => getComputedStyle(e).userSelect") == "all"
    context.close()


def test_the_sheet_is_printed_without_what_paper_cannot_do(page: Page) -> None:
    """Neither buttons nor navigation; every line is there."""
    page.goto("register?for=athenahealth")
    page.emulate_media(media="print")
    assert page.locator("button:visible, nav:visible, a.button:visible").count() == 0
    assert page.locator(".line:visible").count() == page.locator(".line").count()


def test_compliance_reads_a_story_with_the_keyboard(page: Page, served: Served) -> None:
    """From the list of charts to the story of a code and the verification of the log, each page for everyone."""
    told = served.site.audit
    note = {"note": "DocumentReference/n1", "version": "3", "sha256": "5" * 64}
    told.log.record(
        Entry(Kind.NOTE, note | {"readable": True}, KEY, ANA),
        Entry(
            Kind.SUGGESTION, SUGGESTION | {"evidence": [note | {"start": 10, "end": 32, "assertion": "present"}]}, KEY
        ),
        Entry(Kind.DECISION, {"action": "accept", "code": "I10"}, KEY, ANA),
        Entry(Kind.DECISION, {"action": "add", "code": "Z87.891"}, KEY, ANA),
        Entry(Kind.ATTESTATION, {"codes": ["I10", "Z87.891"], "statement": "I have reviewed"}, KEY, ANA),
        Entry(Kind.WRITE, WRITE | {"resource": "Condition", "purpose": "diagnosis I10"}, KEY, ANA),
        Entry(Kind.WRITE, WRITE | {"resource": "Claim", "purpose": "draft claim", "reference": "Claim/9"}, KEY, ANA),
    )
    page.goto(f"admin/enter?link={served.site.link()}")
    page.get_by_role("button", name="Open").press("Enter")
    page.get_by_role("link", name="Audit").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Audit log")
    is_for_everyone(page)
    page.get_by_role("button", name="Verify the whole log").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The log is what was written.")
    page.get_by_label("Encounter, patient or event").fill("Encounter/e1")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="I10")).to_be_visible()
    expect(page.get_by_text("characters 10 to 32")).to_be_visible()
    expect(page.get_by_text("None: a person added the code.")).to_be_visible()
    is_for_everyone(page)
    told.tamper("UPDATE audit_event SET event = replace(event, 'ana', 'eve') WHERE sequence = 4")
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("was changed")
    is_for_everyone(page)


def test_an_admin_adds_and_checks_an_ehr_with_the_keyboard(page: Page, served: Served) -> None:
    """From the link to the result of a check, each page for everyone."""
    page.goto("admin/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Admin pages")
    is_for_everyone(page)
    page.goto(f"admin/enter?link={served.site.link()}")
    is_for_everyone(page)
    page.get_by_role("button", name="Open").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Trusted EHRs")
    page.locator("#iss").focus()
    for words in (served.base + "/fhir", "Example Hospital", "us"):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Add", exact=True).press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Example Hospital is trusted now")
    is_for_everyone(page)
    page.get_by_role("button", name="Check it").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Something stops Chartside")
    expect(page.get_by_text("the SMART configuration cannot be read: it answered 404")).to_be_visible()
    is_for_everyone(page)
    page.get_by_role("button", name="Leave").press("Enter")
    expect(page.get_by_text("You have left the admin pages.")).to_be_visible()
    page.goto("admin/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Admin pages")
