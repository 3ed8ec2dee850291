"""Rules that tell what is from what was, what is meant from what is near, and one stone from two."""

from collections.abc import Callable

import pytest

from model.document import Setting
from model.guidelines.claim import Claimed

Claim = Callable[..., Claimed]


def standing(claimed: Claimed) -> set[str]:
    return claimed.supports.keys() - claimed.replaced.keys()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("She had breast cancer in 2004.", "Z85.3"),
        ("Breast cancer 2004, lumpectomy.", "Z85.3"),
        ("Prostate cancer in 2010.", "Z85.46"),
        ("Breast cancer, now metastatic, in 2004.", "C50.919"),
        ("Breast cancer diagnosed in 2019.", "C50.919"),
        ("Breast cancer in 2019, on letrozole.", "C50.919"),
        ("Breast cancer in 2004. Breast cancer today.", "C50.919"),
        ("Breast cancer.", "C50.919"),
    ],
)
def test_a_malignancy_of_years_ago(claim: Claim, text: str, code: str) -> None:
    """Only where nothing says that it is there or treated still (I.C.2.m)."""
    assert {c for c in standing(claim(text)) if c[:3] in ("C50", "C61", "Z85")} == {code}


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("Prednisone 40 mg for 5 days.", False),
        ("Prednisone taper over two weeks.", False),
        ("Prednisone burst.", False),
        ("Chronic prednisone 5 mg.", True),
        ("Prednisone 5 mg daily for years.", True),
    ],
)
def test_a_short_course_is_no_long_term_use(claim: Claim, text: str, stands: bool) -> None:
    """I.C.21.c.3 (Z79)."""
    assert ("Z79.52" in standing(claim(text))) is stands


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("Cigarette smoker, 1 ppd.", True),
        ("Cigarette smoker, wants to quit smoking.", True),
        ("Cigarette smoker, quit in 2010.", False),
        ("Former cigarette smoker.", False),
    ],
)
def test_smoking_given_up(claim: Claim, text: str, stands: bool) -> None:
    assert any(c.startswith("F17") for c in standing(claim(text))) is stands


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Kidney stone. The kidney stone is located in the right ureter.", {"N20.1"}),
        ("Kidney stone.", {"N20.0"}),
        ("Kidney stone and ureteral stone.", {"N20.2"}),
    ],
)
def test_one_stone_or_two(claim: Claim, text: str, codes: set[str]) -> None:
    """A stone of the kidney that lies in the ureter is one of the ureter."""
    assert {c for c in standing(claim(text)) if c.startswith("N20")} == codes


@pytest.mark.parametrize(
    ("setting", "text", "code"),
    [
        (Setting.INPATIENT, "Single liveborn infant, vaginal delivery.", "Z38.00"),
        (Setting.INPATIENT, "Single liveborn infant, cesarean delivery.", "Z38.01"),
        (Setting.INPATIENT, "Single liveborn infant.", "Z38.2"),
        (Setting.OUTPATIENT, "Single liveborn infant, vaginal delivery.", "Z38.2"),
    ],
)
def test_a_child_born_in_the_stay(claim: Claim, setting: Setting, text: str, code: str) -> None:
    """I.C.16.a.2."""
    assert {c for c in standing(claim(text, setting)) if c.startswith("Z38")} == {code}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Carcinoma of pancreas with liver metastasis.", {"C25.9", "C78.7"}),
        ("Metastasis of the pancreas.", {"C78.89"}),
        ("Carcinoma of the pancreas metastatic to the liver.", {"C25.9", "C78.7"}),
        ("Metastatic pancreas cancer.", {"C78.89"}),  # no term here says where it began
        ("Lesions metastatic to the liver.", {"C78.7"}),
    ],
)
def test_where_the_metastases_are(claim: Claim, text: str, codes: set[str]) -> None:
    """What stands before 'with' is where the growth began."""
    assert {c for c in standing(claim(text)) if c[0] == "C"} == codes


def test_varices_of_a_liver_disease(claim: Claim) -> None:
    """The index lists them 'in' cirrhosis (I.A.15)."""
    assert "I85.10" in standing(claim("Alcoholic cirrhosis. Esophageal varices."))
    assert "I85.00" in standing(claim("Esophageal varices."))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Hypertensive heart and kidney disease. Stage 4 kidney disease.", "I13.10"),
        ("Hypertensive heart and kidney disease. Stage 4 kidney disease. Heart failure.", "I13.0"),
        ("Hypertensive heart and kidney disease.", "I13.11"),
    ],
)
def test_the_stage_said_and_heart_failure_decide_within_i13(claim: Claim, text: str, code: str) -> None:
    assert {c for c in standing(claim(text)) if c.startswith("I13")} == {code}


@pytest.mark.parametrize(
    ("text", "code", "stands"),
    [
        ("Good diuresis with furosemide.", "R35.89", False),
        ("Crackles at the right base.", "C01", False),
        ("Carcinoma of the base of the tongue.", "C01", True),
        ("Clean coronaries in 2020.", "I25.10", False),
        ("Disease of the coronaries.", "I25.10", True),
    ],
)
def test_words_of_another_meaning(claim: Claim, text: str, code: str, stands: bool) -> None:
    assert (code in standing(claim(text))) is stands
