"""The code book beside the review: its pages, the way back, the builder; here without JavaScript."""

from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from fake_pages import Visitor

HTMX = {"HX-Request": "true"}


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


def turn(visitor: Visitor, page: Tag | None = None, **form: Any) -> Tag:
    """The page that the form of a page leads to."""
    carried = {i["name"]: i["value"] for i in page.select("#book-turn input") if i["name"] != "version"} if page else {}
    answer = visitor.post("book", {**carried, **form})
    assert answer.status_code == 200
    return BeautifulSoup(answer.text, "html.parser").select("#book-leaf")[0]


def title(page: Tag) -> str:
    return " ".join(page.select("h2")[0].get_text(" ").split())


def test_one_goes_down_from_the_chapters_to_a_code(visitor: Visitor) -> None:
    """Every step is a button of the page before; what a code inherits is told with its place."""
    page = turn(visitor, place="")
    assert title(page) == "Tabular List"
    for place in ("Chapter 9", "I10-I1A", "I10"):
        assert page.select(f'.book-under button[value="{place}"]')
        page = turn(visitor, page, place=place)
    assert title(page) == "I10 Essential (primary) hypertension billable"
    assert [b["value"] for b in page.select(".book-above button")] == ["Chapter 9", "I10-I1A"]
    assert page.select('.excludes2 button[value="I10-I1A"], .use_additional button[value="I10-I1A"]')


def test_back_and_forward(visitor: Visitor) -> None:
    """The way is kept on the page; a new turn forgets what lay ahead."""
    page = turn(visitor, turn(visitor, turn(visitor, place="I10"), place="E11"), place="E11.6")
    page = turn(visitor, page, go="back")
    assert title(page).startswith("E11 ")
    assert title(turn(visitor, page, go="forward")).startswith("E11.6 ")
    page = turn(visitor, turn(visitor, page, go="back"), place="J44")
    assert page.select('button[value="forward"]')[0].has_attr("disabled")


def test_a_billable_code_can_be_added_and_a_heading_cannot(visitor: Visitor) -> None:
    """The button of a code adds it; after that it says so."""
    assert not turn(visitor, place="E78").select(".book-add")
    assert turn(visitor, place="E78.5").select('.book-add input[name="code"]')[0]["value"] == "E78.5"
    visitor.decide("add", "E78.5")
    assert "Accepted" in turn(visitor, place="E78.5").select(".book-add")[0].get_text()


def test_the_builder_makes_a_billable_code_with_placeholders(visitor: Visitor) -> None:
    """Kind, side and 7th character chosen, the code is shown with its title and can be added."""
    page = turn(visitor, place="S82.6")
    assert [f["data-group"] for f in page.select("#builder fieldset")] == ["kind", "side", "seventh"]
    assert not page.select(".book-add")
    built = turn(visitor, page, kind="1", side="R", seventh="A")
    assert built.select('.book-add input[name="code"]')[0]["value"] == "S82.61XA"
    assert "Displaced fracture of lateral malleolus of right fibula" in built.select(".book-add")[0].get_text()


def test_an_unfinished_or_impossible_choice_builds_nothing(visitor: Visitor) -> None:
    """Nothing is guessed for the person who chooses."""
    page = turn(visitor, place="S82.6")
    assert not turn(visitor, page, side="R").select(".book-add")
    wrong = turn(visitor, page, kind="9", side="R", seventh="A")
    assert not wrong.select(".book-add") and "no such code" in wrong.get_text()


def test_the_index_leads_to_the_tabular_list(visitor: Visitor) -> None:
    """Letter, main term, subterm; a line with a code offers to look it up."""
    page = turn(visitor, place="index:Gout, gouty")
    assert page.select('.book-under button[value="index:Gout, gouty|drug-induced"]')
    assert page.select('#book-turn button[value="M10.9"]')


@pytest.mark.parametrize("place", ["nothing", "<script>alert(1)</script>", "index:<b>", "Z" * 5000])
def test_a_place_that_is_none_keeps_the_page_and_says_so(visitor: Visitor, place: str) -> None:
    """What was typed into the form is shown as text."""
    page = turn(visitor, turn(visitor, place="I10"), place=place)
    assert title(page).startswith("I10 ") and "no page for" in page.get_text()
    assert not page.select("script, b")


def test_no_code_is_in_an_address(visitor: Visitor) -> None:
    """Links and forms of the page name the page alone: which codes were looked at stays out of addresses."""
    page = turn(visitor, turn(visitor, place="E11.65"), place="E11")
    assert {f["action"].rsplit("/", 1)[1] for f in page.select("form")} <= {"book", "decisions"}
    assert not page.select("a[href]")


def test_the_fragment_is_the_same_page(visitor: Visitor) -> None:
    """With JavaScript only the page of the book is sent."""
    answer = visitor.post("book", {"place": "I10"}, **HTMX)
    assert answer.text.lstrip().startswith("<article") and "Essential (primary) hypertension" in answer.text


def test_a_search_that_leaves_something_open_asks_for_it(visitor: Visitor) -> None:
    """A heading with what it needs, and no code to add, stands where a side or a 7th character was not said."""
    found = BeautifulSoup(visitor.post("search", {"words": "ankle fracture"}, **HTMX).text, "html.parser")
    option = found.select("[role=option]")[0]
    assert "S82.89-" in option.get_text() and "needs side and 7th character" in option.get_text()
    assert option.get("data-add") is None and option["data-place"] == "S82.89"
    page = BeautifulSoup(visitor.post("search", {"words": "ankle fracture"}).text, "html.parser")
    assert page.select('.results button[name="place"][value="S82.89"]')
