"""Codes that do not stand beside others, or not without one."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model.document import Span
from model.prediction import FiredRule

_RULES = Path(__file__).with_name("beside.toml")
_SURE = 0.999  # the most that two probabilities are together
_FULL = 8  # characters of a code with its 7th character, the dot included
_ONE_SEVENTH = FiredRule(
    "one-seventh-character",
    "ICD-10-CM Official Guidelines FY2026, Section I.C.19.a",
    "One injury has one 7th character in an encounter.",
)


Words = Mapping[str, Collection[Span]]  # the evidence of each code


@dataclass(frozen=True, slots=True)
class BesideRule:
    """One rule of `beside.toml`: codes that go when one of `others` stands, or (`needed`) when none does."""

    rule: FiredRule
    codes: tuple[str, ...]
    others: tuple[str, ...]
    needed: bool
    said: bool  # what is needed must be confirmed by the note, and need not stand

    def drops(self, code: str, standing: Collection[str], confirmed: Collection[str], words: Words) -> bool:
        if not code.startswith(self.codes):
            return False
        if self.needed:
            return not any(o.startswith(self.others) for o in (confirmed if self.said else standing))
        return any(o.startswith(self.others) and not set(words[o]) <= set(words[code]) for o in standing if o != code)


@lru_cache(maxsize=1)
def _either_rules() -> tuple[tuple[FiredRule, str, str], ...]:
    rows = tomllib.loads(_RULES.read_text(encoding="utf-8"))["either"]
    return tuple(
        (FiredRule(row["id"], row["citation"], row["reason"]), normal, other)
        for row in rows
        for normal, other in row["pairs"]
    )


def choose_one(likely: Mapping[str, float], threshold: float) -> tuple[dict[str, float], dict[str, FiredRule]]:
    """Of two codes of which one is right the one that stands, as likely as both together; and the other with its rule.

    `likely`: codes with their probability; a condition stands from `threshold` on.
    """
    chosen, dropped = dict(likely), {}
    found = any(p >= threshold and code[0] not in "ZVWXY" for code, p in likely.items())
    for rule, normal, other in _either_rules():
        if normal not in likely or other not in likely:
            continue
        stays, goes = (normal, other) if not found or likely[normal] >= likely[other] else (other, normal)
        chosen[stays] = min(_SURE, likely[normal] + likely[other])
        chosen[goes] = 0.0
        dropped[goes] = rule
    return chosen, dropped


@lru_cache(maxsize=1)
def beside_rules() -> tuple[BesideRule, ...]:
    table = tomllib.loads(_RULES.read_text(encoding="utf-8"))
    rows = [(r, r["of"], True) for r in table["needs"]] + [(r, r["to"], False) for r in table["yields"]]
    return tuple(
        BesideRule(
            rule=FiredRule(row["id"], row["citation"], row["reason"]),
            codes=tuple(row["codes"]),
            others=tuple(others),
            needed=needed,
            said=row.get("said", False),
        )
        for row, others, needed in rows
    )


def not_beside(ranked: Sequence[str], confirmed: Collection[str], words: Words) -> dict[str, FiredRule]:
    """Which of the codes go, by which rule; likeliest first in `ranked`, all that the note confirms in `confirmed`."""
    standing = list(ranked)
    dropped: dict[str, FiredRule] = {}
    for rule in beside_rules():
        for code in [c for c in standing if rule.drops(c, standing, confirmed, words)]:
            standing.remove(code)
            dropped[code] = rule.rule
    injuries: set[str] = set()
    for code in standing:
        if len(code) == _FULL and code[0] in "ST" and code[:-1] in injuries:
            dropped[code] = _ONE_SEVENTH
        injuries.add(code[:-1])
    return dropped
