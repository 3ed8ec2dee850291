"""What a process has begun in the background when it is told to stop: gunicorn as it is deployed, with a predictor."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from real_site import RealSite
from site_browser import eventually
from site_faults import silence

from smartapp.reviews import ReviewKey, ReviewStatus

AT_WORK = {ReviewStatus.READING, ReviewStatus.CODING}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[RealSite]:
    site = RealSite(tmp_path, hospital=False)
    try:
        site.start()
        yield site
    finally:
        site.close()


@pytest.mark.timeout(300)
def test_a_chart_that_is_being_read_is_read_and_coded(site: RealSite) -> None:
    """SIGTERM while the EHR is slow: the process reads on, has the chart coded, and goes with 0; nobody begins anew."""
    visit = site.visit()
    key = ReviewKey(site.iss, visit.patient, visit.encounter)
    with silence(site, "DocumentReference"):
        opened = site.browser().launch(visit)
        eventually(lambda: len(site.fhir.sent("GET", f"Patient/{visit.patient}")) == 1, 60.0)
        assert site.reviews.review(key).status in AT_WORK
        site.web.terminate()
        eventually(lambda: "Handling signal" in site.web.said(), 60.0)
        assert site.reviews.review(key).status in AT_WORK
    assert site.web.wait() == 0
    assert site.reviews.review(key).status is ReviewStatus.READY
    site.web.start()
    opened.show()
    assert set(opened.states()) == {"E11.9", "I10"}
    assert len(site.fhir.sent("GET", f"Patient/{visit.patient}")) == 1
