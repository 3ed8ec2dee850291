"""No suggestions: coding goes on by hand, and what was decided by hand stands when they come back."""

from sample_chart import note
from whole_site import Site

WRITTEN = {"Condition": 2, "Claim": 1}


def test_the_predictor_is_down(site: Site) -> None:
    """Without suggestions a chart is coded by hand, from search to receipt."""
    visit = site.visit()
    with site.predictor.down():
        opened = site.open(visit)
        assert "Suggestions are not available right now" in opened.page.text
        assert "You can code by hand" in opened.page.text
        assert "Essential hypertension, not at goal." in opened.page.text
        assert "I10" in opened.post("search", words="hypertension").text
        for code in ("I10", "E11.9"):
            assert opened.decide("add", code).status_code == 303
        assert "Written to the chart" in opened.sign().text
    assert visit.counts() == WRITTEN


def test_the_predictor_comes_back(site: Site) -> None:
    """Try again brings the suggestions; what was decided by hand meanwhile stands."""
    visit = site.visit()
    with site.predictor.down():
        opened = site.open(visit)
        opened.decide("add", "J06.9")
    opened.read_anew()
    assert opened.states() == {"J06.9": "accepted", "E11.9": "undecided", "I10": "undecided"}


def test_the_predictor_cannot_code_the_text(site: Site) -> None:
    """A failure inside the predictor is told without the text, and coding by hand is open."""
    opened = site.open(site.visit(note(text="We fail here. Essential hypertension.")))
    assert "The predictor could not code this text." in opened.page.text
    assert opened.decide("add", "I10").status_code == 303
