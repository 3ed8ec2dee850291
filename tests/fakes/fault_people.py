"""People at work while a fault strikes, who remember what they were told; afterwards it is held against the record."""

import http.client
import time
from collections import Counter
from collections.abc import Callable
from threading import Event

from bs4 import BeautifulSoup
from real_site import RealSite
from site_browser import Opened
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.test import TestResponse

from smartapp.errors import UnknownReview
from smartapp.reviews import Action, ReviewKey, ReviewStatus

UNANSWERED = (
    "Chartside cannot be reached. Your last action was not saved; the ones before it are."  # by the page itself
)
EXPECTED = {"Condition": 2, "Claim": 1}
PAUSE = 0.5  # seconds between two decisions of a person
GONE = (OSError, http.client.HTTPException)


class Person:
    """One coder with one chart, who notes numbers beside a code: each is a decision of its own."""

    def __init__(self, site: RealSite) -> None:
        self.site, self.visit = site, site.visit()
        self.key = ReviewKey(site.iss, self.visit.patient, self.visit.encounter)
        self.told: list[str] = []  # what the answer said is kept
        self.tried = 0
        self.saw: list[str] = []
        self.signed = False  # an answer said that it is in the chart
        self.told_at = 0.0  # when the last answer said that a decision is kept; seconds of the monotonic clock

    def begin(self) -> "Person":
        self.opened: Opened = self.site.open(self.visit)
        assert UNANSWERED.split(".")[0] in self.opened.page.text
        self.opened.accept("I10", "E11.9")
        return self

    def note(self) -> bool:
        """One decision; whether an answer said that it was taken."""
        self.tried += 1
        text = str(self.tried)
        answer = self.ask(lambda: self.opened.decide("note", "I10", text=text))
        if answer is None or answer.status_code != 303:
            return False
        self.told.append(text)
        self.told_at = time.monotonic()
        return True

    def keeps_deciding(self, over: Event) -> None:
        """As people do: when something went wrong they look, and come again from the chart if that is what it says."""
        while not over.wait(PAUSE):
            if not self.note():
                self._comes_again()

    def reads(self) -> bool:
        """Has the chart read and coded, by what the page offers; whether it is."""
        answer = self.ask(self._launch)
        if answer is not None and answer.status_code == 200 and not self.opened.states():
            self.ask(self._tries_again)
        try:
            review = self.site.reviews.review(self.key)
        except (UnknownReview, SQLAlchemyError):
            return False
        return review.status is ReviewStatus.READY and {s.code for s in review.suggestions} == {"I10", "E11.9"}

    def codes_by_hand(self) -> bool:
        """What is done without suggestions: search, then a decision."""
        found = self.ask(lambda: self.opened.post("search", words="hypertension"))
        return found is not None and found.status_code == 200 and "I10" in found.text and self.note()

    def signs(self) -> bool:
        """Signs, or goes on with what is unfinished, by what the page offers; whether it is in the chart."""
        answer = self.ask(self._sign_or_finish)
        self.signed |= answer is not None and "Written to the chart" in answer.text
        return self.signed

    def _comes_again(self) -> None:
        """Opens Chartside from the chart again where the session is over."""
        answer = self.ask(self.opened.show)
        if answer is not None and answer.status_code == 401:
            self.ask(self._launch)

    def ask(self, act: Callable[[], TestResponse]) -> TestResponse | None:
        """The answer, None where there was none; what it says that is not the work itself is remembered."""
        answer, words = None, UNANSWERED
        try:
            answer = act()
            words = "" if answer.status_code in (302, 303) else said(answer.text)
        except TypeError:  # where its form was expected is another page
            return self.ask(self.opened.show)
        except AssertionError as other:  # a page that is none of a review
            words = said(str(other))
        except GONE:
            pass
        if words and words not in self.saw:
            self.saw.append(words)
        return answer

    def _sign_or_finish(self) -> TestResponse:
        self._comes_again()
        status = self.site.reviews.review(self.key).status
        if status is ReviewStatus.WRITTEN:
            return self.opened.browser.get(self.opened.path + "receipt")
        return self.opened.sign() if status is ReviewStatus.READY else self.opened.finish()

    def _launch(self) -> TestResponse:
        self.opened = self.site.open(self.visit)
        return self.opened.page

    def _tries_again(self) -> TestResponse:
        self.opened.read_anew()
        return self.opened.page

    def lost(self) -> int:
        """Decisions that were told as kept and are not."""
        kept = self._noted()
        return sum(not kept[text] for text in self.told) + self._signature_lost()

    def _signature_lost(self) -> int:
        counts = self.visit.counts()
        return sum(counts[type] < wanted for type, wanted in EXPECTED.items()) if self.signed else 0

    def doubled(self) -> int:
        """Decisions that are kept twice, and resources that the EHR holds twice."""
        twice = sum(count - 1 for count in self._noted().values())
        counts = self.visit.counts()
        return twice + sum(max(0, counts[type] - wanted) for type, wanted in EXPECTED.items())

    def _noted(self) -> Counter[str]:
        decisions = self.site.reviews.review(self.key).decisions
        return Counter(d.particulars.text for d in decisions if d.action is Action.NOTE)


def said(text: str) -> str:
    """What a page says in place of the work, or above it; empty where it just shows the work."""
    page = BeautifulSoup(text, "html.parser")
    shown = page.select(".stand h1, .stand .lead") or page.select("#notice .notice, .notice-no, .notice-warn")
    words = (part.get_text(" ", strip=True).rstrip(".") for part in shown if not part.find_parent("template"))
    return "".join(f"{part}. " for part in words).strip()


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Tried again and again, with pauses; whether it came to pass."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.25)
    return True
