"""Codes that a table reads off a number of the note: body mass index, weeks of gestation."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from model.document import Document
from model.features import Support
from model.guidelines.newborn import of_newborn
from model.guidelines.pregnancy import in_pregnancy
from model.guidelines.spoken import Spoken, as_support, confirms, spoken
from model.guidelines.weeks import WEEKS
from model.prediction import Assertion, FiredRule
from model.reading import Reading

_RULES = Path(__file__).with_name("measures.toml")
_NAMED = {"weeks": WEEKS}  # patterns that other rules read too
_OF_THE_MOTHER = "Z3A"  # what a newborn's note tells of itself by other codes
# How an age is written: 'N years' alone is as often how long something has lasted.
_AGE = re.compile(
    r"\b(\d{1,3})[- ]?(?:(?:years?|yrs?|y)[- ]?(?:old|of age)\b|yo\b|y/o\b|y\.o\.|yr[- ]?(?:old|M|F)\b)"
    r"|\b(?<![\d.] )(\d{1,3}) ?(?-i:[MF])\b(?! ?[/-]?\d)|\b(\d{1,3}) ?y(?:/| )?(?-i:[MF])\b"
    r"|\b(?<!from )age[d:]? (\d{1,3})\b(?! (?:to|or|and)\b)"
    r"|\b(?:she|he|they|patient|(?-i:(?:Mr|Mrs|Ms|Miss)\.?(?: [A-Z][\w'-]+){1,3}))(?:'s| is)"
    r" (\d{2,3})(?=[,.;]| and\b| years?\b)"
    r"|\b(\d{1,3})[- ](?:years?|yrs?)[ ,]+(?:male|female|man|woman|gentleman|lady)\b",
    re.IGNORECASE,
)
_YEARS = re.compile(
    r"\b(\d{1,3})[- ]?(?:years?|yrs?)\b(?=,? (?:boy|girl|child))|^\W*(\d{1,3})[- ]?(?:years?|yrs?)\b", re.IGNORECASE
)
_MONTHS_OLD = re.compile(r"\b\d{1,2}[- ](?:day|week|month)s?[- ]old\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """From `least` on the number has this code, on the days from `since` to `until`."""

    least: float
    code: str
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Measure:
    """One rule of `measures.toml`."""

    rule: FiredRule
    pattern: "re.Pattern[str]"
    codes: tuple[str, ...]  # prefixes of all its codes, whatever else names them
    needs: tuple[str, ...]  # prefixes, one of which the note must confirm
    never: tuple[str, ...]  # prefixes beside which it does not stand
    adults: bool  # twenty years of age and over
    children: tuple[str, ...]  # prefixes of the codes that a child may have by other words
    most: float  # a greater number is no such measure
    severest: bool  # the greatest value of the note counts, else the first
    spelled: bool  # words without a figure may say it in full ('twenty weeks gestation')
    mends: bool  # the words name a code of theirs, that the number only makes specific
    figures: Mapping[str, float]  # what is written in place of a number
    table: tuple[Row, ...]

    def number(self, written: str) -> float:
        """What is written as a number; one outside every table where it is none of the figures."""
        return self.figures.get("".join(written.lower().split()), -1.0) if self.figures else float(written)

    def code(self, number: float, day: date) -> str | None:
        """The code of a number on a day; None outside the table."""
        rows = [r for r in self.table if r.least <= number and r.since <= day <= r.until]
        return rows[-1].code if rows and number <= self.most else None


@lru_cache(maxsize=1)
def measures() -> tuple[Measure, ...]:
    rows = tomllib.loads(_RULES.read_text(encoding="utf-8"))["measure"]
    return tuple(
        Measure(
            rule=FiredRule(row["id"], row["citation"], row["reason"]),
            pattern=re.compile(_NAMED.get(row["pattern"], row["pattern"]), re.IGNORECASE),
            codes=tuple(row["codes"]),
            needs=tuple(row["needs"]),
            never=tuple(row["never"]),
            adults=row["adults"],
            children=tuple(row["children"]),
            most=row["most"],
            severest=row["severest"],
            spelled=row["spelled"],
            mends=row.get("mends", False),
            figures=row.get("figures", {}),
            table=tuple(_row(r) for r in row["table"]),
        )
        for row in rows
    )


def _row(row: Mapping[str, object]) -> Row:
    since, until = row.get("since", date.min), row.get("until", date.max)
    assert isinstance(since, date) and isinstance(until, date)  # TOML has dates; for the type checker
    return Row(float(str(row["least"])), str(row["code"]), since, until)


@dataclass(frozen=True, slots=True)
class Measured:
    """Supports with the codes of the numbers in place of what the words alone would name."""

    supports: dict[str, Sequence[Support]]
    rules: dict[str, FiredRule]
    companions: dict[str, tuple[str, ...]]  # of each such code the confirmed codes that it accompanies


def read_measures(reading: Reading, document: Document, confirmed: Mapping[str, Sequence[Support]]) -> Measured:
    """Adds the codes of chapter 15, then those of the numbers where a condition that needs them is confirmed."""
    expecting = in_pregnancy(reading, confirmed)
    confirmed = expecting.supports
    supports: dict[str, Sequence[Support]] = dict(confirmed)
    rules, companions = dict(expecting.rules), dict(expecting.companions)
    day = document.date_of_service or date.max
    child = age(document.text) < ADULT
    newborn = of_newborn(document.text)
    for measure in measures():
        beside = () if newborn and _OF_THE_MOTHER in measure.codes else _beside(measure, confirmed)
        stands = beside and not (measure.adults and child)
        known = {c: f for c, f in supports.items() if c.startswith(measure.codes)}
        if beside and child:
            known = {c: f for c, f in known.items() if not c.startswith(measure.children)}
        found = list(_numbers(measure, reading, day)) if stands else []
        if not found and (measure.mends or (stands and measure.spelled)):
            continue
        if not measure.mends:
            supports = {c: f for c, f in supports.items() if c not in known}
        if found:
            _, code, places = max(found, key=lambda f: f[0]) if measure.severest else found[0]
            supports[code] = [*(as_support(reading, p, code) for p in places), *known.get(code, ())]
            rules[code], companions[code] = measure.rule, beside
    return Measured(supports, rules, companions)


ADULT = 20  # years, by the tabular list


def age(text: str) -> int:
    """Years of age by the first words that tell it; an adult where none do."""
    if match := _AGE.search(text) or _YEARS.search(text):
        return int(next(group for group in match.groups() if group))
    return 0 if _MONTHS_OLD.search(text) else 99


def _beside(measure: Measure, confirmed: Mapping[str, Sequence[Support]]) -> tuple[str, ...]:
    """The confirmed codes that the measure accompanies, none where it must not stand."""
    present = [c for c, found in confirmed.items() if any(confirms(s) for s in found)]
    if measure.never and any(c.startswith(measure.never) for c in present):
        return ()
    return tuple(c for c in present if c.startswith(measure.needs))


def _numbers(measure: Measure, reading: Reading, day: date) -> Iterable[tuple[float, str, list[Spoken]]]:
    by_number: dict[float, list[Spoken]] = {}
    for one in spoken(reading, measure.pattern, measure.rule.id):
        if one.assertion in (Assertion.PRESENT, Assertion.POSSIBLE):
            number = measure.number(next(group for group in one.match.groups() if group))
            by_number.setdefault(number, []).append(one)
    for number, places in by_number.items():
        code = measure.code(number, day)
        if code:
            yield number, code, places
