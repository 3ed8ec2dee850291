"""The trimester of a code of pregnancy, by the weeks of gestation that the note states."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from model.guidelines.measures import measures
from model.guidelines.spoken import affirmed
from model.prediction import FiredRule
from model.reading import Reading

_TABLE = Path(__file__).with_name("trimesters.tsv")
_SECOND, _THIRD = 14, 28  # weeks with which a trimester begins (chapter 15 of the tabular list)
RULE = FiredRule(
    "trimester-by-weeks",
    "ICD-10-CM Official Guidelines FY2026, Section I.C.15.a.3",
    "The trimester is that of the weeks of gestation which the note states.",
)


def trimester(reading: Reading) -> int:
    """1 to 3 by the first number of weeks that the note affirms, 0 where it states none."""
    measure = next(m for m in measures() if m.codes == ("Z3A",))
    said = affirmed(reading, measure.pattern, measure.rule.id)
    if not said:
        return 0
    weeks = float(next(group for group in said[0].match.groups() if group))
    return 1 + (weeks >= _SECOND) + (weeks >= _THIRD)


@lru_cache(maxsize=1)
def trimester_table() -> Mapping[str, tuple[str, str, str]]:
    """By code of unspecified trimester its codes of the three, empty where there is none."""
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {code: (first, second, third) for code, first, second, third in rows}


def in_trimester(code: str, number: int) -> str:
    """The code with the trimester, as it was where none is known or the tabular list has none."""
    row = trimester_table().get(code)
    return (row[number - 1] or code) if row and number else code
