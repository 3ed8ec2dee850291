"""The rules at the server: what they stop is neither signed nor written, whatever the page was made to send."""

from whole_site import Site

NOTHING = {"Condition": 0, "Claim": 0}
REASON = {"reason-203-I10-I50.9": "The note says that the two are unrelated."}


def test_an_error_is_refused_until_it_is_mended(site: Site) -> None:
    visit = site.visit()
    opened = site.open(visit).accept("E11.9")
    opened.decide("add", "W19.XXXA")
    opened.decide("lead", "W19.XXXA")
    refused = opened.post("sign", attest="yes")
    assert (refused.status_code, visit.counts()) == (422, NOTHING)
    assert "Cannot be listed first" in refused.text
    opened.decide("lead", "E11.9")
    assert "Written to the chart" in opened.sign().text


def test_a_warning_is_refused_until_it_has_a_reason(site: Site) -> None:
    visit = site.visit()
    opened = site.open(visit).accept("I10")
    opened.decide("add", "I50.9")
    refused = opened.post("sign", attest="yes")
    assert (refused.status_code, visit.counts()) == (422, NOTHING)
    assert opened.post("sign", attest="yes", **REASON).status_code == 303
    assert REASON["reason-203-I10-I50.9"] in opened.until("receipt", "Signed in spite of warnings").text
    assert visit.counts() == {"Condition": 2, "Claim": 1}
