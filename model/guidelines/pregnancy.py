"""Conditions of a pregnant patient: the codes of chapter 15 that come before their own (Section I.C.15.a.1)."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from model.features import Support
from model.guidelines.newborn import of_newborn
from model.guidelines.spoken import Spoken, affirmed, as_support, confirms, kind_at, sentence_text, spoken
from model.guidelines.trimesters import Period, in_trimester, trimester, trimester_table
from model.guidelines.weeks import weeks_said
from model.prediction import Assertion, FiredRule
from model.reading import Reading
from model.sections import SectionKind

_RULES = Path(__file__).with_name("pregnancy.toml")
# A visit after the birth says so where it begins; further on it is as often a plan.
_OPENING = 400
_AFTER = re.compile(
    r"\bpost-?\s?partum (?:visit|check|problem|follow|exam|day|depress)"
    r"|\b(?:days?|weeks?|wks?|months?) (?:post-?\s?partum"
    r"|out from (?:a|her)|after (?:delivery|birth|a (?:vaginal|cesarean)))|\bPPD ?#?\d",
    re.IGNORECASE,
)
_ANOTHERS = (SectionKind.FAMILY, SectionKind.INSTRUCTIONS)
_BLOOD_LOSS, _PUERPERAL_ANEMIA = "D62", "O90.81"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of `pregnancy.toml`."""

    rule: FiredRule
    of: tuple[str, ...]
    excepted: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Said:
    """What the note says of an earlier pregnancy or of the patient, whatever condition it names."""

    rule: FiredRule
    code: str
    words: "re.Pattern[str]"
    needs: "re.Pattern[str] | None"


@dataclass(frozen=True, slots=True)
class Expecting:
    """Supports with the codes of chapter 15; `companions`: of each the conditions that are its own."""

    supports: dict[str, Sequence[Support]]
    rules: dict[str, FiredRule] = field(default_factory=dict)
    companions: dict[str, tuple[str, ...]] = field(default_factory=dict)


@lru_cache(maxsize=1)
def _table() -> dict[str, object]:
    return tomllib.loads(_RULES.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def conditions() -> tuple[Condition, ...]:
    table = tomllib.loads(_RULES.read_text(encoding="utf-8"))
    return tuple(
        Condition(
            FiredRule(f"pregnancy-{row['code']}", table["citation"].format(code=row["code"][:-1]), table["reason"]),
            tuple(row["of"]),
            tuple(row.get("except", ())),
            row["code"],
        )
        for row in table["condition"]
    )


@lru_cache(maxsize=1)
def sayings() -> tuple[Said, ...]:
    rows = tomllib.loads(_RULES.read_text(encoding="utf-8"))["said"]
    return tuple(
        Said(
            FiredRule(row["id"], row["citation"], row["reason"]),
            row["code"],
            re.compile(row["words"], re.IGNORECASE),
            re.compile(row["needs"], re.IGNORECASE) if "needs" in row else None,
        )
        for row in rows
    )


def is_pregnant(reading: Reading) -> bool:
    """Whether the note is of a patient whose pregnancy goes on, or ended in childbirth in this stay, and matters."""
    table = _table()
    if of_newborn(reading.text) or re.search(str(table["incidental"]), reading.text, re.IGNORECASE):
        return False
    if _AFTER.search(reading.text[:_OPENING]):
        return False
    told = affirmed(reading, re.compile(str(table["pregnant"]), re.IGNORECASE), "pregnant-patient", ("past", "family"))
    return bool(told) or weeks_said(reading) > 0


def in_pregnancy(reading: Reading, standing: Mapping[str, Sequence[Support]]) -> Expecting:
    """Adds the codes of chapter 15 of a pregnant patient's conditions and of what the note says of her."""
    expecting = Expecting(dict(standing))
    if not is_pregnant(reading):
        return expecting
    period = trimester(reading)
    for condition in conditions():
        own = [c for c in standing if c.startswith(condition.of) and not c.startswith(condition.excepted or ("-",))]
        own = [c for c in own if any(confirms(s) for s in standing[c])]
        code = in_trimester(condition.code, period)
        if period.childbirth and _BLOOD_LOSS in own:
            code = _PUERPERAL_ANEMIA
        if own and not _stands(condition.code, code, standing):
            expecting.supports[code] = [replace(s, table_code=code) for c in own for s in standing[c] if confirms(s)]
            expecting.rules[code], expecting.companions[code] = condition.rule, tuple(own)
    for code, (rule, found) in said_of_pregnancy(reading, period).items():
        expecting.supports[code] = [*expecting.supports.get(code, ()), *found]
        expecting.rules[code] = rule
    return expecting


def _stands(unknown: str, code: str, standing: Mapping[str, Sequence[Support]]) -> bool:
    """Whether the words themselves or an earlier rule wrote the code, in whatever trimester."""
    return any(c in standing for c in (unknown, code, *trimester_table()[unknown]))


def said_of_pregnancy(reading: Reading, period: Period) -> dict[str, tuple[FiredRule, list[Support]]]:
    """Codes that the plain words of a pregnant patient's note ask for; of two of one category the first rule's."""
    found: dict[str, tuple[FiredRule, list[Support]]] = {}
    for saying in sayings():
        code = in_trimester(saying.code, period)
        places = [one for one in spoken(reading, saying.words, saying.rule.id) if _told(reading, saying, one)]
        if places and not any(known[:5] == code[:5] for known in found):
            found[code] = (saying.rule, [as_support(reading, _present(one), code) for one in places])
    return found


def sure_of_pregnancy(reading: Reading) -> dict[str, FiredRule]:
    """The rules of what is said of a pregnancy, by code: the Guidelines demand these for the plain words."""
    if not is_pregnant(reading):
        return {}
    return {code: rule for code, (rule, _) in said_of_pregnancy(reading, trimester(reading)).items()}


def _told(reading: Reading, saying: Said, one: Spoken) -> bool:
    if one.assertion not in (Assertion.PRESENT, Assertion.HISTORICAL):
        return False
    if kind_at(reading, one.mention)[0] in _ANOTHERS:
        return False
    return saying.needs is None or bool(saying.needs.search(sentence_text(reading, one.mention)))


def _present(one: Spoken) -> Spoken:
    """What was in an earlier pregnancy matters in this one."""
    return replace(one, assertion=Assertion.PRESENT)
