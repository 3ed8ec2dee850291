"""What is away or busy for a moment: said in plain words, with when to ask again."""

import pytest
from bs4 import BeautifulSoup
from fake_coding import FakeCoding
from fake_pages import Visitor
from sample_review import ready_review
from sqlalchemy.exc import OperationalError, TimeoutError

from launch.errors import SessionsUnavailable
from smartapp.errors import TooBusy

AWAY = [
    (OperationalError("SELECT 'Mr. Canary'", {}, Exception("Canary")), "cannot reach its database"),
    (TimeoutError("Canary"), "cannot reach its database"),
    (SessionsUnavailable("ConnectionError"), "cannot reach its store of sessions"),
    (TooBusy(), "Many charts are being read just now"),
]


@pytest.mark.parametrize(("error", "words"), AWAY, ids=["database", "pool", "sessions", "busy"])
def test_a_page_that_asks_again(error: Exception, words: str) -> None:
    """503 with Retry-After; the page says what is away, loads the script that asks again, and does without it, too."""
    coding = FakeCoding(ready_review())
    visitor = Visitor(coding)
    coding.fails = error
    answer = visitor.get("")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    page = BeautifulSoup(answer.text, "html.parser")
    assert words in page.h1.text
    assert "asks again by itself" in page.find(attrs={"data-again": "5"}).text
    assert any("again" in script["src"] for script in page.find_all("script"))
    assert page.noscript.meta["content"] == "5"
    assert "Canary" not in answer.text


@pytest.mark.parametrize(("error", "words"), AWAY, ids=["database", "pool", "sessions", "busy"])
def test_a_form_is_not_sent_again_by_itself(error: Exception, words: str) -> None:
    """A decision meets the same 503; who decided does it again, the page does not."""
    coding = FakeCoding(ready_review())
    visitor = Visitor(coding)
    coding.fails = error
    for headers in ({}, {"HX-Request": "true"}):
        answer = visitor.post("decisions", {"action": "accept", "code": "J44.1"}, **headers)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert words in answer.text
        assert "data-again" not in answer.text
