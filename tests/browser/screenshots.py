"""Pictures of the pages for the documentation, from the running demo: `make screenshots`."""

import os
import tempfile
from pathlib import Path

from playwright.sync_api import FrameLocator, sync_playwright

from smartapp.demo import running_demo
from smartapp.demo_settings import Ports

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ENCOUNTER = "maria-alvarez/maria-alvarez-2026-03-office"
PORTS = Ports(18090, 18080, 18095)


def accept(app: FrameLocator, count: int) -> None:
    for _ in range(count):
        card = app.locator(".card[data-state=undecided]").first
        code = card.get_attribute("data-code")
        card.locator("button.accept").click()
        app.locator(f".card[data-code='{code}'][data-state=accepted]").wait_for()


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as state,
        running_demo(PORTS, Path(state)),
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as browser,
    ):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{PORTS.ehr_url}/chart/{ENCOUNTER}")
        app = page.frame_locator("iframe")
        app.locator(".card").first.wait_for(timeout=60_000)
        accept(app, 2)
        app.locator(".card[data-state=undecided] a.quote").first.click()
        page.screenshot(path=IMAGES / "review.png")
        app.get_by_role("link", name="Go to summary").click()
        app.get_by_role("heading", name="Summary before signing").wait_for()  # all() waits for nothing
        for reason in app.get_by_label("Reason to sign all the same").all():
            reason.fill("The notes were read for it.")
        app.get_by_role("checkbox").check()
        page.screenshot(path=IMAGES / "summary.png")
        app.get_by_role("button", name="Sign and write").click()
        app.get_by_role("heading", name="Written to the chart").wait_for()
        page.get_by_text("Refresh").click()
        page.get_by_text("Claims 1").wait_for()
        page.screenshot(path=IMAGES / "receipt.png")


if __name__ == "__main__":
    main()
