"""Which code leads the claim, as pages show it and let it be changed."""

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from fake_pages import Visitor

HTMX = {"HX-Request": "true"}


@pytest.fixture
def visitor() -> Visitor:
    """Two codes are accepted; the model's first-listed one leads."""
    visitor = Visitor()
    visitor.decide("accept", "E11.42")
    visitor.decide("accept", "I10")
    return visitor


def listed(visitor: Visitor, path: str = "summary") -> list[str]:
    return [c.get_text() for c in BeautifulSoup(visitor.get(path).text, "html.parser").select(".accepted .code")]


def test_the_summary_puts_a_code_first_and_comes_back(visitor: Visitor) -> None:
    """The button of the summary's second row changes the order, and the answer is the summary again."""
    page = BeautifulSoup(visitor.get("summary").text, "html.parser")
    (button,) = page.select(".accepted .lead-act")
    answer = visitor.post("summary", {button["name"]: button["value"]})
    assert "Summary before signing" in answer.text
    assert listed(visitor) == ["I10", "E11.42"]


def test_an_old_summary_moves_nothing(visitor: Visitor) -> None:
    """When the review was changed in another window, the summary says so and shows the order as it is."""
    answer = visitor.post("summary", {"act": "lead:I10", "version": 1})
    assert answer.status_code == 409
    assert "the order was left as it is" in answer.text
    assert listed(visitor) == ["E11.42", "I10"]


def test_a_decision_tells_which_card_leads(visitor: Visitor) -> None:
    """The answer holds the card as the leading one and the list in its new order; a screen reader hears it."""
    page = BeautifulSoup(visitor.decide("lead", "I10", **HTMX).text, "html.parser")
    assert "first" in page.select("#c-I10")[0]["class"]
    assert [li["data-code"] for li in page.select(".claim-list li")] == ["I10", "E11.42"]
    assert "I10 listed first. 2 accepted" in page.get_text()
    assert "Dr. Elena Ruiz" in page.select("#c-I10 .verdict")[0].get_text()


@pytest.mark.parametrize(
    ("kind", "badge", "button"), [("IMP", "Principal", "Make principal"), ("AMB", "First-listed", "List first")]
)
def test_words_of_the_setting(visitor: Visitor, kind: str, badge: str, button: str) -> None:
    """A stay has a principal diagnosis, a visit a first-listed one."""
    header = visitor.coding.review_now.header
    assert header is not None
    visitor.coding.review_now = replace(visitor.coding.review_now, header=replace(header, encounter_class=kind))
    for path, row in (("summary", ".accepted li"), ("", ".claim-list li")):
        first, second = BeautifulSoup(visitor.get(path).text, "html.parser").select(row)
        assert first.select(".badge")[0].get_text() == badge
        assert second.select("button.lead-act, button.lead")[0].get_text().strip().startswith(button)
