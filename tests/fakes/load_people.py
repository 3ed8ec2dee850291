"""Reviewers at work on one chart after the other, with pauses for thought, and how long each answer took."""

import random
import re
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from threading import Event

from real_site import RealSite
from sample_chart import note
from site_browser import Opened
from werkzeug.test import TestResponse

from smartapp.config import HERE

QUERIES = (
    "hypertension",
    "type 2 diabetes with neuropathy",
    "chf",
    "left ankle sprain",
    "asthmaa",
    "E11.6",
    "knee pain",
)
OWN = "Z02.89"  # the code for a note of which the predictor makes nothing
FAILED = "No suggestions this time."
ACTS = 12  # on one chart before it is signed
ANSWERS = {"signature": (303, 422)}  # the second: a rule wants a reason, or something mended


@cache
def texts() -> tuple[str, ...]:
    """Visit notes as the demo EHR has them."""
    return tuple(path.read_text("utf-8") for path in sorted((HERE / "launch/sandbox/charts").rglob("*.txt")))


@dataclass
class Tally:
    """What many reviewers saw; lists only grow, so that threads may add to them."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    charts: list[float] = field(default_factory=list)  # seconds from the launch until it was coded


class Reviewer:
    """Opens a chart, decides, searches and looks, signs, opens the next; every answer is timed."""

    def __init__(self, site: RealSite, tally: Tally, think: float, seed: int) -> None:
        self._site, self._tally, self._think, self._rng = site, tally, think, random.Random(seed)

    def works(self, over: Event) -> None:
        over.wait(self._rng.random() * self._think * ACTS)  # so that they are not all at the same act
        while not over.is_set():
            try:
                self._one_chart(over)
            except Exception as error:  # told at the end; the reviewer goes on with another chart
                self._tally.errors.append(f"{type(error).__name__}: {str(error)[:200]}")
                over.wait(1)

    def _one_chart(self, over: Event) -> None:
        began = time.perf_counter()
        opened = self._site.browser().launch(self._site.visit(note(text=self._rng.choice(texts()))))
        while 'id="progress"' in opened.page.text:
            over.wait(1)  # as the page itself asks
            opened.show()
            if over.is_set():
                return
        if FAILED in opened.page.text:
            self._tally.errors.append(f"a chart was not coded: {_failure_in(opened.page)}")
            return
        self._tally.charts.append(time.perf_counter() - began)
        codes, self._accepted = list(opened.states()), set[str]()
        self._version = _version_in(opened.page)
        for _ in range(ACTS):
            if over.wait(self._rng.uniform(0.5, 1.5) * self._think):
                return
            self._act(opened, codes)
        self._timed("signature", lambda: opened.post("sign", attest="yes", version=self._version))

    def _act(self, opened: Opened, codes: list[str]) -> None:
        chance = self._rng.random()
        if chance < 0.2:
            words = self._rng.choice(QUERIES)
            self._timed("search", lambda: opened.post("search", fragment=True, version=self._version, words=words))
        elif chance < 0.3:
            self._timed("page", opened.show)
        else:
            code = self._rng.choice(codes or [OWN])
            takes = "accept" if codes else "add"
            action = "note" if chance > 0.8 else "undo" if code in self._accepted else takes
            self._accepted ^= {code} if action != "note" else set()
            form = {"action": action, "code": code, "text": str(chance), "version": self._version}
            self._timed("decision", lambda: opened.post("decisions", fragment=True, **form))

    def _timed(self, kind: str, ask: Callable[[], TestResponse]) -> None:
        began = time.perf_counter()
        answer = ask()
        self._tally.seconds[kind].append(time.perf_counter() - began)
        if found := _version_in(answer):
            self._version = found
        if answer.status_code not in ANSWERS.get(kind, (200,)):
            self._tally.errors.append(f"{kind}: {answer.status_code}")


def _version_in(page: TestResponse) -> str:
    """As the page's script reads it: of the footer, which every answer to a decision brings along."""
    found = re.search(r'id="tally"[^>]* data-version="(\d+)"', page.text)
    return found[1] if found else ""


def _failure_in(page: TestResponse) -> str:
    """What the page says beside it, without its tags."""
    after = page.text.partition(FAILED)[2].partition("</p>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", after).split())
