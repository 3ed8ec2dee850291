"""Every state of the pages at four widths, in light and dark, to be looked at: `make screenshots` fills var/gallery."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "fakes"))

from page_states import STATES  # noqa: E402 - the fakes are no package
from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from screenshots import CHROMIUM  # noqa: E402
from stage import staged  # noqa: E402

GALLERY = ROOT / "var" / "gallery"
WIDTHS = (320, 480, 900, 1400)
LOOKS = (*((width, "light") for width in WIDTHS), (320, "dark"), (1400, "dark"))


def picture(browser: Browser, name: str, folder: Path) -> None:
    """One state in each look, as high as a frame of an EHR; papers as long as they are."""
    state = next(state for state in STATES if state.__name__ == name)
    with staged(browser) as stage:
        page = state(stage)
        for width, scheme in LOOKS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            whole = page.locator("main.sheet").count() > 0
            page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=whole)


def main() -> None:
    names = sys.argv[1:] or [state.__name__ for state in STATES]
    GALLERY.mkdir(parents=True, exist_ok=True)
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as browser,
    ):
        for name in names:
            picture(browser, name, GALLERY)
    print(f"{len(names) * len(LOOKS)} pictures are in {GALLERY}.")


if __name__ == "__main__":
    main()
