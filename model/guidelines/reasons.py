"""Codes that the Guidelines demand as soon as the note says it: what the encounter is for, what was done in it."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model.document import Document
from model.features import Support
from model.guidelines.measures import ADULT, age
from model.guidelines.pregnancy import sure_of_pregnancy
from model.guidelines.spoken import affirmed, as_support
from model.prediction import FiredRule
from model.reading import Reading

_RULES = Path(__file__).with_name("reasons.toml")


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule of `reasons.toml`."""

    rule: FiredRule
    codes: tuple[str, ...]
    words: "re.Pattern[str]"
    outside: frozenset[str]
    adults: bool


@dataclass(frozen=True, slots=True)
class Reasoned:
    """Supports with the words that give a reason, and of each such code the rule."""

    supports: Mapping[str, Sequence[Support]]
    rules: dict[str, FiredRule]


@lru_cache(maxsize=1)
def reasons() -> tuple[tuple[Reason, ...], float]:
    """The rules, and how likely a code is that one of them gives."""
    table = tomllib.loads(_RULES.read_text(encoding="utf-8"))
    rules = tuple(
        Reason(
            FiredRule(row["id"], row["citation"], row["reason"]),
            tuple(row["codes"]),
            re.compile(row["words"], re.IGNORECASE),
            frozenset(row.get("outside", ())),
            row.get("adults", False),
        )
        for row in table["reason"]
    )
    return rules, table["sure"]


def give_reasons(reading: Reading, document: Document, supports: Mapping[str, Sequence[Support]]) -> Reasoned:
    """Adds the code of every reason that the note affirms; where another of its codes stands, the words prove that."""
    found: dict[str, Sequence[Support]] = dict(supports)
    rules: dict[str, FiredRule] = {}
    rules |= {code: rule for code, rule in sure_of_pregnancy(reading).items() if code in found}
    for reason in reasons()[0]:
        said = affirmed(reading, reason.words, reason.rule.id, reason.outside)
        if not said or (reason.adults and age(document.text) < ADULT):
            continue
        code = max(reason.codes, key=lambda c: len(found.get(c, ())))
        found[code] = [*found.get(code, ()), *(as_support(reading, one, code) for one in said)]
        rules[code] = reason.rule
    return Reasoned(found, rules)
