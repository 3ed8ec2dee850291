"""The review page in Chromium: first paint, what it weighs, and how long it takes to answer a key or click.

`python tests/bench/interaction.py` serves the pages around fakes, so it leaves out database and predictor. From a key
or click it counts to the second frame after it, which is 33 ms at 60 frames a second where nothing has to be done.
"""

import gzip
import os
import shutil
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

from fake_pages import BROWSER, LAUNCH_KEY, build_session
from long_chart import long_stay
from playwright.sync_api import Browser, Page, Response, sync_playwright
from stage import staged

from launch.views import COOKIE

SIZES = ((12, 2000), (60, 5000))  # codes, words of the notes
TIMES, VISITS = 20, 5
# From the event to the second frame after it: script, style, layout and paint.
PRESS = """(key) => new Promise((done) => {
    const began = performance.now();
    document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
})"""
CLICK = """(mark) => new Promise((done) => {
    const began = performance.now();
    mark.click();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
})"""
ACCEPT = """() => new Promise((done) => {
    const card = document.querySelector(".card.undecided");
    const began = performance.now();
    card.querySelector(".accept").click();
    const look = () => document.getElementById(card.id).dataset.state === "accepted"
        ? done(performance.now() - began) : requestAnimationFrame(look);
    look();
})"""


def told(name: str, taken: list[float]) -> str:
    p95 = sorted(taken)[int(0.95 * (len(taken) - 1))]
    return f"  {name:36} {statistics.median(taken):9.1f} ms {p95:9.1f} ms"


def interaction(page: Page, codes: int) -> list[str]:
    """Each kind of act, and all of them together."""
    marks = page.locator("mark[data-codes]").element_handles()[:TIMES]
    acts = {
        "next code (j)": [page.evaluate(PRESS, "j") for _ in range(TIMES)],
        "next evidence (])": [page.evaluate(PRESS, "]") for _ in range(TIMES)],
        "choosing words": [mark.evaluate(CLICK) for mark in marks],
        "accept, until the card says so": [page.evaluate(ACCEPT) for _ in range(min(TIMES, codes))],
    }
    every = [one for taken in acts.values() for one in taken]
    return [told(name, taken) for name, taken in {**acts, "all of these": every}.items()]


def first_visit(browser: Browser, address: str, cookie: dict[str, object]) -> tuple[float, int, int]:
    """Milliseconds to the first paint; bytes of all files, each compressed, and how many files there are."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.add_cookies([cookie])  # type: ignore[list-item]
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(address, wait_until="networkidle")
    paints = page.evaluate("performance.getEntriesByType('paint').map((p) => p.startTime)")
    sizes = [len(gzip.compress(answer.body())) for answer in answers if answer.ok]
    context.close()
    return min(paints), sum(sizes), len(sizes)


def main() -> int:
    if shutil.which("chromium") is None:
        print("Chromium is not installed: first paint, page weight and interaction are not measured.")
        return 0
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"]) as browser,
        staged(browser) as stage,
    ):
        address = f"{stage.base}/r/{LAUNCH_KEY}/"
        secure = stage.base.replace("http:", "https:")
        cookie = {"name": COOKIE, "value": BROWSER, "url": secure, "secure": True, "httpOnly": True, "sameSite": "None"}
        stage.launcher.held = build_session(user_codes=("CPC",))
        print(f"{'':38} {'p50':>12} {'p95':>12}   load average {os.getloadavg()[0]:.1f}")
        for codes, words in SIZES:
            stage.coding.review_now = long_stay(codes, words)
            visits = [first_visit(browser, address, cookie) for _ in range(VISITS)]
            _, size, files = visits[-1]
            print(f"{codes} codes, {words} words: {files} files, {size / 1024:.0f} KB, each compressed with gzip")
            print(told("first paint, nothing in the cache", [paint for paint, _, _ in visits]))
            print("\n".join(interaction(stage.open(width=1400, height=900), codes)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
