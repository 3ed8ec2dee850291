"""Draws the icon as a picture for places that take no SVG: static/icon.png."""

from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).resolve().parents[2] / "static"
SIDE = 512  # pixels


def main() -> None:
    drawing = (STATIC / "icon.svg").read_text("utf-8").replace("<svg ", f'<svg width="{SIDE}" height="{SIDE}" ', 1)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": SIDE, "height": SIDE})
        page.set_content(f"<style>body {{ margin: 0 }} svg {{ display: block }}</style>{drawing}")
        page.screenshot(path=STATIC / "icon.png", omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()
