"""The EHR fails while a signed review is written: the signature is kept, and everything is written exactly once."""

import pytest
from site_faults import answers, outcome
from whole_site import Site

WRITTEN = {"Condition": 2, "Claim": 1}


def test_a_grant_that_ends_before_the_write_back(site: Site) -> None:
    """The signature is kept; the next launch writes it to the chart without being asked."""
    visit = site.visit()
    opened = site.open(visit).accept("E11.9", "I10")
    version = opened.version
    site.grants.revoke(site.access_token(opened.launch_key).grant)
    signed = opened.post("sign", attest="yes", version=version)
    assert opened.browser.arrive(signed).status_code == 401
    assert visit.counts() == {"Condition": 0, "Claim": 0}
    again = opened.browser.launch(visit)
    again.until("receipt", "Written to the chart")
    assert visit.counts() == WRITTEN


def test_the_ehr_is_down_at_sign_off(site: Site) -> None:
    """The review stays signed and says so; finishing later writes everything, once."""
    visit = site.visit()
    opened = site.open(visit).accept("E11.9", "I10")
    with site.ehr_down():
        page = opened.sign()
        assert page.status_code == 200
        assert "Signed, not yet written" in page.text
        assert "Your signature is kept" in page.text
        assert "Nothing was sent." in page.text
    version = opened.unfinished()
    for _ in range(2):
        assert "Written to the chart" in opened.finish(version).text
    assert visit.counts() == WRITTEN
    assert opened.decide("undo", "I10", version="0").status_code == 409


@pytest.mark.parametrize("type", ["Condition", "Claim", "Provenance"])
def test_the_ehr_fails_in_the_middle_of_the_write_back(site: Site, type: str) -> None:
    """What could not be written is named in the receipt; finishing adds what is missing and nothing else."""
    visit = site.visit()
    opened = site.open(visit).accept("E11.9", "I10")
    site.faults.fhir = answers(type, 500, outcome("Disk full."), method="POST")
    page = opened.sign().text
    assert "Disk full." in page
    assert "Finish writing" in page
    site.faults.fhir = None
    assert "Written to the chart" in opened.finish().text
    assert visit.counts() == WRITTEN


@pytest.mark.parametrize("type", ["Condition", "Claim", "Provenance"])
def test_the_answer_to_a_write_is_lost(site: Site, type: str) -> None:
    """Written, but the EHR's answer never came: it is looked for, found, and not written again."""
    visit = site.visit()
    opened = site.open(visit).accept("E11.9", "I10")
    site.faults.lost = lambda method, path: method == "POST" and path == type
    assert "Written to the chart" in opened.sign().text
    assert visit.counts() == WRITTEN
    told = [t["reference"] for p in site.fhir.all("Provenance") for t in p["target"]]
    assert len([t for t in told if visit.encounter in t]) == 1


def test_the_encounter_was_changed_meanwhile(site: Site) -> None:
    """Somebody else's change to the encounter between reading and signing stays; ours is added to it."""
    visit = site.visit()
    opened = site.open(visit).accept("E11.9", "I10")
    before = site.fhir.get(f"Encounter/{visit.encounter}")
    site.fhir.put(before | {"reasonCode": [{"text": "Added by somebody else"}]})
    assert "Written to the chart" in opened.sign().text
    after = site.fhir.get(f"Encounter/{visit.encounter}")
    assert (after["reasonCode"][0]["text"], len(after["diagnosis"])) == ("Added by somebody else", 2)
