"""The review page and the answers to decisions."""

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from fake_coding import FakeCoding
from fake_pages import FakeLauncher, Visitor, build_session
from sample_review import KEY, NOTES, ready_review
from werkzeug.test import TestResponse

from smartapp.reviews import Action, ReviewStatus
from smartapp.views.launched import pages

HTMX = {"HX-Request": "true"}


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


def soup(answer: TestResponse) -> BeautifulSoup:
    return BeautifulSoup(answer.text, "html.parser")


def working(**changes: object) -> Visitor:
    blank = replace(ready_review(), status=ReviewStatus.CODING, stage="note 2 of 3", suggestions=(), why_not=())
    return Visitor(FakeCoding(replace(blank, **changes)))  # type: ignore[arg-type]


def test_page_shows_notes_and_cards(visitor: Visitor) -> None:
    """Each note is on the page word for word, and each suggestion is a card with its evidence."""
    page = soup(visitor.get(""))
    assert [t.get_text() for t in page.select(".note .text")] == [NOTES[0].text, NOTES[1].text]
    assert "It is a scanned picture without text." in page.select("#n2")[0].get_text()
    assert len(page.select("article.card")) == 8
    link = page.select("#c-I10 a.quote")[0]["href"]
    assert page.select(link.replace("#", "#"))[0].get_text() == "Essential hypertension, above goal"


def test_nothing_is_ticked_beforehand(visitor: Visitor) -> None:
    """No card is accepted, no box is checked, no option is chosen when the page opens."""
    page = soup(visitor.get(""))
    assert {c["data-state"] for c in page.select("article.card")} == {"undecided"}
    assert not page.select("main [checked], main [selected]")


def test_markup_in_a_note_stays_text() -> None:
    """A script in a note is words of the note."""
    hostile = "<script>alert(1)</script> </div><img src=x onerror=alert(2)>"
    notes = (replace(NOTES[0], text=hostile, title="<b>title</b>", author='"><script>'),)
    page = soup(Visitor(FakeCoding(replace(ready_review(), notes=notes, suggestions=(), why_not=()))).get(""))
    assert page.select(".note .text")[0].get_text() == hostile
    assert not page.select("main script, main img")


@pytest.mark.parametrize(("wanted", "shown"), [(True, 1), (False, 0)])
def test_patient_banner_follows_the_launch(wanted: bool, shown: int) -> None:
    """With need_patient_banner false the EHR shows the patient, and we do not."""
    answer = Visitor(launcher=FakeLauncher(build_session(need_patient_banner=wanted))).get("")
    assert answer.text.count("Dorothy Marsh") == shown


def test_accept_without_javascript_comes_back_to_the_card(visitor: Visitor) -> None:
    """A plain form is answered by a redirect to the card that was decided."""
    answer = visitor.decide("accept", "E11.42")
    assert (answer.status_code, answer.location.rpartition("/")[2]) == (303, "#c-E11-42")
    assert [d.action for d in visitor.coding.review_now.decisions] == [Action.ACCEPT]


def test_accept_with_htmx_changes_card_and_counters_only(visitor: Visitor) -> None:
    """The answer holds the one card, counters out of band, and no note."""
    answer = visitor.decide("accept", "I10", **HTMX)
    page = soup(answer)
    assert answer.headers["HX-Retarget"] == "#c-I10"
    assert [c["data-state"] for c in page.select("article.card")] == ["accepted"]
    assert page.select("#tally")[0]["data-version"] == str(visitor.coding.review_now.version)
    assert "I10 accepted. 1 accepted, 5 undecided." in page.get_text()
    assert not page.select(".note")


def test_reject_keeps_the_reason(visitor: Visitor) -> None:
    """A rejection carries its reason, and the card says it in words."""
    visitor.decide("reject", "I10", "guideline")
    assert visitor.coding.review_now.decisions[0].reason == "guideline"
    assert "A coding guideline excludes it" in soup(visitor.get("")).select("#c-I10")[0].get_text()


def test_undo_puts_the_card_back(visitor: Visitor) -> None:
    """Undo leaves the card undecided."""
    visitor.decide("accept", "I10")
    visitor.decide("undo", "I10")
    assert soup(visitor.get("")).select("#c-I10")[0]["data-state"] == "undecided"


def test_added_code_appears_among_the_added(visitor: Visitor) -> None:
    """A code found by search is answered with the group of added codes, and its result says so."""
    answer = visitor.decide("add", "K21.9", **HTMX, **{"HX-Trigger": "r-c-K21-9"})
    page = soup(answer)
    assert answer.headers["HX-Retarget"] == "#added"
    assert [c["data-code"] for c in page.select("#added article")] == ["K21.9"]
    assert page.select('[hx-swap-oob="innerHTML:#r-c-K21-9-state"]')


@pytest.mark.parametrize(
    "form",
    [
        {"action": "destroy", "code": "I10"},
        {"action": "reject", "code": "I10", "reason": "because"},
        {"action": "accept"},
        {"action": "accept", "code": "I10", "version": "new"},
    ],
)
def test_malformed_decisions_are_refused(visitor: Visitor, form: dict[str, str]) -> None:
    """A form that our page cannot have sent changes nothing."""
    assert visitor.post("decisions", form).status_code == 400
    assert visitor.coding.review_now.decisions == ()


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_change_in_another_window_shows_the_fresh_state(visitor: Visitor, headers: dict[str, str]) -> None:
    """A decision on an old version is not taken; the answer shows the review as it is now, and says so."""
    visitor.decide("accept", "J44.1")
    answer = visitor.post("decisions", {"action": "accept", "code": "I10", "version": 1}, **headers)
    page = soup(answer)
    assert answer.status_code == 409
    assert page.select("#c-J44-1")[0]["data-state"] == "accepted"
    assert "changed in another window" in page.get_text()
    assert answer.headers.get("HX-Retarget") == ("#work" if headers else None)


def test_unknown_code_is_explained_beside_the_page(visitor: Visitor) -> None:
    """An error in answer to htmx goes to the notice region and leaves the rest of the page."""
    answer = visitor.decide("add", "X99.99", **HTMX)
    assert (answer.status_code, answer.headers["HX-Retarget"]) == (422, "#notice")
    assert "That code cannot be used" in answer.text


def test_progress_says_the_stage() -> None:
    """While nothing new is there the poll gets the stage alone."""
    answer = working().get("progress?notes=3", **HTMX)
    assert "note 2 of 3" in answer.text
    assert "HX-Retarget" not in answer.headers


def test_progress_brings_notes_as_soon_as_they_are_read() -> None:
    """A page that has no notes yet gets them when they are there."""
    answer = working().get("progress?notes=0", **HTMX)
    assert answer.headers["HX-Retarget"] == "#work"
    assert len(soup(answer).select(".note")) == 3


def test_progress_ends_with_the_suggestions(visitor: Visitor) -> None:
    """When the predictor is done the poll gets the cards and asks no more."""
    page = soup(visitor.get("progress?notes=3", **HTMX))
    assert len(page.select("article.card")) == 8
    assert not page.select("#progress")


def test_page_refreshes_itself_without_javascript() -> None:
    """Only while the predictor works does a page without JavaScript load itself anew."""
    assert soup(working().get("")).select('noscript meta[http-equiv="refresh"]')
    assert not soup(Visitor().get("")).select('meta[http-equiv="refresh"]')


def test_no_decision_is_offered_while_the_chart_is_read() -> None:
    """Codes that are decided already are shown, without buttons, until the review is open again."""
    page = soup(working().get(""))
    assert not page.select('form[action$="/decisions"], form[action$="/search"]')


def test_failure_leaves_coding_by_hand_open() -> None:
    """After a failure the page says why, offers to try again, and the search works."""
    visitor = working(status=ReviewStatus.FAILED, failure="The predictor is not running.")
    page = soup(visitor.get(""))
    assert "The predictor is not running." in page.get_text()
    assert page.select('form[action$="/search"]')
    assert visitor.post("retry").status_code == 303
    assert visitor.coding.review_now.status is ReviewStatus.READING


def test_signed_review_can_only_be_read(visitor: Visitor) -> None:
    """After signing the cards have no buttons and the bar leads to the receipt."""
    visitor.decide("accept", "I10")
    visitor.post("sign", {"attest": "yes"})
    page = soup(visitor.get(""))
    assert not page.select('form[action$="/decisions"]')
    assert page.select('#tally a[href$="/receipt"]')


def test_every_page_wants_the_launch_and_its_browser() -> None:
    """Without the cookie, with another one, or with another launch key there is no page."""
    visitor = Visitor()
    rules = [r for r in visitor.app.url_map.iter_rules() if r.endpoint.startswith(f"{pages.name}.")]
    assert rules
    for rule in rules:
        for key, cookie in (
            ("launch-key-of-the-tests", "c" * 43),
            ("another", "b" * 43),
            ("launch-key-of-the-tests", ""),
        ):
            path = rule.rule.replace("<launch_key>", key).replace("<int:number>", "1")
            method = "POST" if "POST" in (rule.methods or ()) else "GET"
            answer = visitor.app.test_client(use_cookies=False).open(
                path, method=method, headers={"Cookie": f"__Host-chartside={cookie}"}, data={"csrf_token": "x"}
            )
            assert answer.status_code == 401, path
            assert "Dorothy" not in answer.text


def test_review_key_comes_from_the_launch(visitor: Visitor) -> None:
    """EHR, patient and encounter are those of the session, whatever the request says."""
    seen: list[object] = []
    visitor.coding.review = lambda key: seen.append(key) or visitor.coding.review_now  # type: ignore[method-assign,func-returns-value]
    visitor.get("?patient=other&iss=other")
    assert seen == [KEY]
