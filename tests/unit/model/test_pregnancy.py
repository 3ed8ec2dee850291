"""Conditions of a pregnant patient, weeks, childbirth; and ages and stages. Texts differ in one thing."""

from collections.abc import Callable
from datetime import date

import pytest

from model.codebook import CodeBook
from model.guidelines.claim import Claimed
from model.guidelines.measures import age
from model.guidelines.newborn import of_newborn
from model.guidelines.pregnancy import conditions, sayings

Claim = Callable[..., Claimed]
CONDITION = "Gestational diabetes."


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("OB visit, 30w2d.", "Z3A.30"), ("34 weeks 2 days pregnant.", "Z3A.34"),
        ("At 38-1/2 weeks of gestation.", "Z3A.38"), ("G2P1 at 35 2/7 weeks.", "Z3A.35"), ("GA 32+4.", "Z3A.32"),
        ("EGA 28 weeks.", "Z3A.28"), ("Return in 6 weeks.", None), ("Her last child came at 35 weeks.", None),
        ("Newborn, born at 39 weeks of gestation.", None),
    ],
)  # fmt: skip
def test_weeks_as_they_are_written(claim: Claim, words: str, code: str | None) -> None:
    """Completed weeks of the pregnant patient; a newborn's weeks are its own (I.C.21.c.11)."""
    found = {c for c in claim(f"{words} {CONDITION}").supports if c.startswith("Z3A")}
    assert found == ({code} if code else set())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("OB visit at 30w2d. Newborn team informed.", "O99.353"),
        ("Pregnancy at 9 weeks.", "O99.351"),
        ("Pregnancy at 9 weeks, pregnancy incidental.", None),
        ("Postpartum visit. She delivered at 39 weeks of gestation.", None),
        ("She is not pregnant.", None),
        ("She was born at 28 weeks gestation.", None),
        ("Preeclampsia at 34 weeks of pregnancy in 2019.", None),
        ("Newborn, 39 weeks of gestation.", None),
    ],
)
def test_condition_in_pregnancy(claim: Claim, words: str, code: str | None) -> None:
    """A condition of the pregnant patient takes its code of chapter 15 besides (I.C.15.a.1)."""
    claimed = claim(f"{words} Parkinson disease.")
    assert {c for c in claimed.supports if c[0] == "O"} == ({code} if code else set())
    assert "G20.A1" in claimed.supports


@pytest.mark.parametrize(
    ("words", "code"), [("Prior C/S.", "O34.219"), ("Rh negative.", "O26.893"), ("Her sister had a prior C/S.", None)]
)
def test_what_is_said_of_her_is_sure(claim: Claim, words: str, code: str | None) -> None:
    """An earlier cesarean and a negative Rh factor are coded in pregnancy, and only there."""
    assert set(claim(f"OB visit at 30w2d. {words}").sure) == ({code} if code else set())
    assert not claim(words).sure


def test_childbirth_of_the_stay(claim: Claim) -> None:
    """What is told at discharge after a delivery is 'in childbirth' where there is such a code (I.C.15.a.3)."""
    text = "Discharge summary. Pregnant woman at 36 weeks gestation. {} Hypothyroidism."
    assert "O99.284" in claim(text.format("She had a cesarean section.")).supports
    assert "O99.283" in claim(text.format("No contractions.")).supports


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("44M, snoring for 2 yrs", 44), ("61F here for a 6-mo visit", 61), ("31 year old aide", 31), ("19 y/o", 19),
        ("she's 61, knees ached for 3 years", 61), ("Snoring for 2 years", 99), ("3 weeks old", 0),
    ],
)  # fmt: skip
def test_age_is_not_how_long_something_lasts(text: str, years: int) -> None:
    assert age(text) == years


def test_who_the_note_is_of() -> None:
    """The one who is named first."""
    assert of_newborn("NICU summary. Mother is a 31-year-old G2P1.")
    assert not of_newborn("31-year-old G2P1 at 30 weeks. Newborn team informed.")


def test_rules_write_billable_codes(codebook: CodeBook) -> None:
    codes = [c.code for c in conditions()] + [s.code for s in sayings()]
    assert all(codebook.is_billable(code, date(2025, 10, 1)) for code in codes)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("Newborn visit, day of life 4.", "Z00.110"),
        ("Newborn check, DOL 12.", "Z00.111"),
        ("2-week-old girl here for a well-baby check.", "Z00.111"),
        ("Newborn check, 6 weeks old.", None),
        ("4-day-old boy here for jaundice.", None),
    ],
)
def test_newborn_check_by_age_in_days(claim: Claim, words: str, code: str | None) -> None:
    assert set(claim(words).sure) == ({code} if code else set())


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("Stage 4 kidney disease, CKD 2 in 2015.", {"N18.2", "N18.4"}),
        ("Stage 4 kidney disease, CKD stage IIIa.", {"N18.31", "N18.4"}),
        ("Stage 4 kidney disease, CKD 4a.", {"N18.4"}),
    ],
)
def test_stage_of_kidney_disease(claim: Claim, words: str, codes: set[str]) -> None:
    """Every way a stage is written is read; what is no stage is left alone."""
    assert {c for c in claim(words).supports if c.startswith("N18")} <= codes
