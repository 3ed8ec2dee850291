"""When in pregnancy or childbirth a code of chapter 15 is: by the weeks and the delivery that the note tells."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model.guidelines.newborn import of_newborn
from model.guidelines.spoken import affirmed
from model.guidelines.weeks import weeks_said
from model.prediction import FiredRule
from model.reading import Reading

_TABLE = Path(__file__).with_name("trimesters.tsv")
_SECOND, _THIRD = 14, 28  # weeks with which a trimester begins (chapter 15 of the tabular list)
_CHILDBIRTH = 3  # its column of the table
RULE = FiredRule(
    "trimester-by-weeks",
    "ICD-10-CM Official Guidelines FY2026, Section I.C.15.a.3",
    "The trimester is that of the weeks of gestation which the note states, unless the stay ended in childbirth.",
)
# A delivery counts in the record of the stay alone: 'in childbirth' is for the admission in which it occurs.
_STAY = re.compile(
    r"\b(?:discharge (?:summary|diagnos[ei]s|date|exam)"
    r"|date of (?:admission|discharge)|admitted|delivery (?:note|summary))",
    re.IGNORECASE,
)
_DELIVERY = re.compile(
    r"\b(?:(?:was|she|patient) (?:then |was )?delivered (?!in\b)|(?<=, )delivered\b"
    r"|(?:had|underwent|by|via|for) (?:an? |her )?(?:\w+ ){0,4}?(?:cesarean (?:section|delivery)|c-section"
    r"|vaginal delivery|vaginal birth)"
    r"|(?:normal )?spontaneous vaginal delivery|NSVD|single liveborn)(?! in (?:19|20)\d\d| (?:19|20)\d\d)",
    re.IGNORECASE,
)
_BEFORE = ("past", "surgical", "family", "instructions")


@dataclass(frozen=True, slots=True)
class Period:
    """`trimester`: 1 to 3, 0 where the note states no weeks; `childbirth`: the delivery was in this stay."""

    trimester: int
    childbirth: bool


def trimester(reading: Reading) -> Period:
    """By the first number of weeks that the note affirms; no childbirth in the record of the child."""
    weeks = weeks_said(reading)
    number = 1 + (weeks >= _SECOND) + (weeks >= _THIRD) if weeks else 0
    return Period(number, delivered(reading))


def delivered(reading: Reading) -> bool:
    """Whether the stay that the note records ended in childbirth."""
    if not _STAY.search(reading.text) or of_newborn(reading.text):
        return False
    return bool(affirmed(reading, _DELIVERY, "delivery", _BEFORE))


@lru_cache(maxsize=1)
def trimester_table() -> Mapping[str, tuple[str, ...]]:
    """By code of unspecified trimester those of the three, of childbirth and of the puerperium; empty where none is."""
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {code: tuple(row) for code, *row in rows}


def in_trimester(code: str, period: Period) -> str:
    """The code in that period, as it was where none is known or the tabular list has none."""
    row = trimester_table().get(code)
    if not row:
        return code
    if period.childbirth and row[_CHILDBIRTH]:
        return row[_CHILDBIRTH]
    return (row[period.trimester - 1] if period.trimester else "") or code
