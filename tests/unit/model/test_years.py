"""The fiscal year of a citation."""

import pytest

from model.guidelines.years import in_year
from model.prediction import FiredRule

CITED = "ICD-10-CM Official Guidelines FY2026, Section I.A.15; index FY2026, Gout"


@pytest.mark.parametrize(
    ("year", "citation"),
    [
        ("FY2026", CITED),
        ("FY2027", "ICD-10-CM Official Guidelines FY2027 (sections as in FY2026), Section I.A.15; index FY2027, Gout"),
    ],
)
def test_the_year_of_the_date_of_service(year: str, citation: str) -> None:
    """Another year than the one that was read says whose sections it has."""
    assert in_year(FiredRule("id", CITED, "Because."), year).citation == citation
