"""Rules on the codes one by one: in force, complete, once, of this patient."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from smartapp.checks.case import Case
from smartapp.checks.remarks import Remark

_PEOPLE = Path(__file__).with_name("people.toml")
_FULL_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")


def valid(case: Case) -> Iterator[Remark]:
    """101, 102: every code is billable on the date of service, with its 7th character where it needs one."""
    when = f"on {case.day.isoformat()}" if case.day else "in the newest edition"
    for code in case.codes:
        if case.book.is_billable(code, case.day):
            continue
        seventh = case.book.notes(code).seventh
        under = [c for c in case.book.billable_descendants(code, case.day) if seventh and c[-1] in seventh]
        if under:
            choices = ", ".join(f"{letter} ({meaning})" for letter, meaning in list(seventh.items())[:4])
            text = f"{code} needs a 7th character {when}: {choices}{' …' if len(seventh) > 4 else ''}."
            yield case.remark("seventh-character", (code,), text)
        else:
            yield case.remark(
                "not-billable", (code,), f"{code} is not a billable ICD-10-CM code {when}{_why(case, code)}"
            )


def _why(case: Case, code: str) -> str:
    """What a coder needs to know to mend it: the days of a code that was, how many there are under a heading."""
    under = case.book.billable_descendants(code, case.day)
    if len(under) == 1:
        return f": it is a heading, and one code under it says more ({under[0]})."
    if under:
        return f": it is a heading, and {len(under)} codes under it say more ({under[0]} to {under[-1]})."
    if case.day is None or not (days := case.book.billable_days(code)):
        return "."
    first, last = days[-1]
    if first > case.day:
        return f": it is in force since {first.isoformat()}."
    return f": it was in force until {last.isoformat()}." if last else "."


def once(case: Case) -> Iterator[Remark]:
    """103: no code twice."""
    for code in dict.fromkeys(c for c in case.codes if case.codes.count(c) > 1):
        yield case.remark("duplicate", (code,), f"{code} is on the claim {case.codes.count(code)} times.")


@dataclass(frozen=True, slots=True)
class _Group:
    """Codes that speak of one sex or age."""

    citation: str
    says: str
    codes: tuple[str, ...]
    titles: "re.Pattern[str]"
    but: tuple[str, ...]
    sex: str
    days: tuple[int, int] | None
    years: tuple[int, int] | None

    def holds(self, code: str, title: str) -> bool:
        return not code.startswith(self.but) and bool(code.startswith(self.codes) or self.titles.search(title))


@lru_cache(maxsize=1)
def _groups() -> tuple[tuple[_Group, ...], tuple[_Group, ...]]:
    """Of sex, of age."""
    table = tomllib.loads(_PEOPLE.read_text(encoding="utf-8"))

    def group(row: Mapping[str, Any]) -> _Group:
        days, years = ((v[0], v[1]) if (v := row.get(name)) else None for name in ("days", "years"))
        titles = re.compile(row.get("titles", "(?!)"), re.IGNORECASE)
        codes, but = tuple(row.get("codes", ())), tuple(row.get("but", ()))
        return _Group(row["citation"], row["says"], codes, titles, but, row.get("sex", ""), days, years)

    return tuple(map(group, table["sex"])), tuple(map(group, table["age"]))


def of_this_sex(case: Case) -> Iterator[Remark]:
    """401; says nothing where the EHR gives no gender, or another than male and female."""
    gender = case.review.header.gender if case.review.header else None
    if gender not in ("male", "female"):
        return
    for code, title in case.titles.items():
        group = next((g for g in _groups()[0] if g.holds(code, title)), None)
        if group and group.sex != gender:
            text = f"{code} ({title}) speaks of {group.says}, and the EHR says that the patient is {gender}."
            yield case.remark("sex", (code,), text, group.citation)


def of_this_age(case: Case) -> Iterator[Remark]:
    """402; says nothing where the EHR gives no full date of birth or no date of service."""
    born = case.review.header.birth_date if case.review.header else None
    if case.day is None or born is None or not _FULL_DATE.match(born):
        return
    birth = date.fromisoformat(born)
    days = (case.day - birth).days
    years = case.day.year - birth.year - ((case.day.month, case.day.day) < (birth.month, birth.day))
    for code, title in case.titles.items():
        group = next((g for g in _groups()[1] if g.holds(code, title) and not _within(g, days, years)), None)
        if group:
            old = (
                f"{years} {'year' if years == 1 else 'years'}"
                if years > 0
                else f"{days} {'day' if days == 1 else 'days'}"
            )
            text = f"{code} ({title}) speaks of {group.says}; the patient was {old} old on {case.day.isoformat()}."
            yield case.remark("age", (code,), text, group.citation)


def _within(group: _Group, days: int, years: int) -> bool:
    if group.days and not group.days[0] <= days <= group.days[1]:
        return False
    return group.years is None or group.years[0] <= years <= group.years[1]
