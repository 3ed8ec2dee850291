"""Combination codes: two confirmed conditions that the Guidelines or the index name with one code."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from model.features import Support
from model.guidelines.spoken import SOURCE, confirms
from model.prediction import FiredRule

_RULES = Path(__file__).with_name("combinations.toml")


@dataclass(frozen=True, slots=True)
class Combination:
    """One rule of `combinations.toml`."""

    rule: FiredRule
    first: tuple[str, ...]
    second: tuple[str, ...]
    code: str
    replaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Combined:
    """Supports after the rules; which rule made a code, and which took the place of one."""

    supports: Mapping[str, Sequence[Support]]
    made: Mapping[str, FiredRule]
    replaced: Mapping[str, FiredRule]


@lru_cache(maxsize=1)
def combinations() -> tuple[Combination, ...]:
    rows = tomllib.loads(_RULES.read_text(encoding="utf-8"))["combination"]
    return tuple(
        Combination(
            FiredRule(row["id"], row["citation"], row["reason"]),
            tuple(row["first"]),
            tuple(row["second"]),
            row["code"],
            tuple(row["replaces"]),
        )
        for row in rows
    )


def combine(supports: Mapping[str, Sequence[Support]]) -> Combined:
    """Adds the combination codes of what the note confirms, with the evidence of both conditions."""
    found: dict[str, Sequence[Support]] = dict(supports)
    made: dict[str, FiredRule] = {}
    replaced: dict[str, FiredRule] = {}
    for combination in combinations():
        first = _confirmed(found, combination.first)
        second = _confirmed(found, combination.second)
        if not first or not second:
            continue
        category = first[0][0][:3]
        code = combination.code.replace("%", category)
        evidence = [s for _, s in first + second]
        in_evidence = set(evidence)
        known = [s for s in found.get(code, ()) if s not in in_evidence]
        found[code] = known + [replace(s, source=SOURCE, table_code=code, rank=0, choices=1) for s in evidence]
        made[code] = combination.rule
        prefixes = tuple(p.replace("%", category) for p in combination.replaces)
        replaced.update({c: combination.rule for c in found if c.startswith(prefixes) and c != code})
    return Combined(found, made, {c: r for c, r in replaced.items() if c in found})


def _confirmed(supports: Mapping[str, Sequence[Support]], prefixes: tuple[str, ...]) -> list[tuple[str, Support]]:
    return [
        (code, support)
        for code, of_code in sorted(supports.items())
        if code.startswith(prefixes)
        for support in of_code
        if confirms(support)
    ]
