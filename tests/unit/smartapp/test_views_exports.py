"""Downloads: from the receipt, for whoever is launched, of what is signed."""

from dataclasses import replace

import pytest
from fake_coding import FakeCoding
from fake_pages import LAUNCH_KEY, FakeLauncher, Visitor
from sample_review import ready_review

KINDS = ("pdf", "fhir", "hl7", "csv", "text")


def signed() -> Visitor:
    visitor = Visitor(FakeCoding(ready_review()))
    visitor.decide("accept", "I10")
    visitor.post("sign", {"attest": "yes"})
    return visitor


@pytest.mark.parametrize("kind", KINDS)
def test_a_download(kind: str) -> None:
    """A file, never a page: as attachment, under a name of ours, kept by no cache."""
    answer = signed().get(f"export/{kind}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="chartside-codes.txt"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_nothing_before_the_signature() -> None:
    """Before that the summary shows the codes as text, marked as a draft, and no file is given."""
    visitor = Visitor(FakeCoding(ready_review()))
    visitor.decide("accept", "I10")
    assert visitor.get("export/csv").status_code == 409
    page = visitor.get("summary").text
    assert "1. I10 Essential (primary) hypertension\nDRAFT: not signed." in page
    assert "/export/" not in page
    assert "data-copy" not in page


def test_the_receipt_offers_all_kinds() -> None:
    """Each with a link of this launch, and the text to be copied, which says who signed."""
    page = signed().get("receipt").text
    for kind in KINDS:
        assert f'href="/r/{LAUNCH_KEY}/export/{kind}"' in page
    assert "Signed by Dr. Elena Ruiz" in page


def test_a_hospital_stay_is_not_offered_an_837p() -> None:
    """It is billed on an institutional claim: the same table is called what it is there."""
    visitor = signed()
    assert "CSV for an 837P claim" in visitor.get("receipt").text
    review = visitor.coding.review_now
    assert review.header is not None
    visitor.coding.review_now = replace(review, header=replace(review.header, encounter_class="IMP"))
    page = visitor.get("receipt").text
    assert "CSV of the diagnoses" in page
    assert "837P" not in page


def test_no_other_kind() -> None:
    """Nothing of the address becomes a file name."""
    assert signed().get("export/..%2Fpasswd").status_code == 404
    assert signed().get("export/docx").status_code == 404


def test_without_a_session() -> None:
    """Another browser, or a session that has ended, gets no file."""
    launcher = FakeLauncher()
    visitor = Visitor(FakeCoding(ready_review()), launcher)
    launcher.ended = True
    assert visitor.get("export/csv").status_code == 401
    stranger = visitor.app.test_client(use_cookies=False).get(f"/r/{LAUNCH_KEY}/export/csv")
    assert stranger.status_code == 401
