"""Combination codes: two confirmed conditions that the Guidelines or the index name with one code."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from model.document import Span
from model.features import Support
from model.guidelines.spoken import SOURCE, confirms
from model.prediction import FiredRule

_RULES = Path(__file__).with_name("combinations.toml")
_ENDS = (". ", ".\n", ";", "\n")  # of a statement
# A fracture of category M80 has no 7th character of an open one.
_AS_CLOSED = str.maketrans("BCEFHJMNQR", "AADDGGKKPP")
_FULL, _SIDE = 8, 6  # characters of a code with its 7th, the dot included; where an injury has its side


@dataclass(frozen=True, slots=True)
class Combination:
    """One rule of `combinations.toml`."""

    rule: FiredRule
    first: tuple[str, ...]
    second: tuple[str, ...]
    code: str
    replaces: tuple[str, ...]
    says: "re.Pattern[str]"
    unless: "re.Pattern[str]"
    outside: frozenset[str]
    caused: "re.Pattern[str]"

    def target(self, first: str, second: str) -> str:
        """The code that the two make; {side} and {seventh} come from an injury with its seven characters,
        {rest} is what follows the prefix of the second."""
        side, seventh = (second[_SIDE], second[-1]) if len(second) == _FULL else ("9", "A")
        rest = next((second[len(prefix) :] for prefix in self.second if second.startswith(prefix)), "")
        code = self.code.replace("%", first[:3]).replace("{rest}", rest)
        return code.replace("{side}", side if side in "12" else "9").replace("{seventh}", seventh.translate(_AS_CLOSED))


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
            re.compile(row.get("says", ""), re.IGNORECASE),
            re.compile(row.get("unless", "(?!)"), re.IGNORECASE),
            frozenset(row.get("outside", ())),
            re.compile(row.get("caused", "(?!)"), re.IGNORECASE),
        )
        for row in rows
    )


def combine(supports: Mapping[str, Sequence[Support]], text: str = "") -> Combined:
    """Adds the combination codes of what the note confirms, with the evidence of both conditions."""
    found: dict[str, Sequence[Support]] = dict(supports)
    made: dict[str, FiredRule] = {}
    replaced: dict[str, FiredRule] = {}
    for combination in combinations():
        first = _confirmed(found, combination.first)
        second = [x for x in _confirmed(found, combination.second) if x[1].kind.value not in combination.outside]
        if text:
            second = [(c, s) for c, s in second if combination.says.search(s.mention.span.of(text))]
            second = [(c, s) for c, s in second if not combination.caused.search(_statement(text, s.mention.span))]
        if not first or not second or combination.unless.search(text):
            continue
        category = first[0][0][:3]
        code = combination.target(first[0][0], second[0][0])
        evidence = [s for _, s in first + second]
        in_evidence = set(evidence)
        known = [s for s in found.get(code, ()) if s not in in_evidence]
        found[code] = known + [replace(s, source=SOURCE, table_code=code, rank=0, choices=1) for s in evidence]
        made[code] = combination.rule
        prefixes = tuple(p.replace("%", category) for p in combination.replaces)
        replaced.update({c: combination.rule for c in found if c.startswith(prefixes) and c != code})
    return Combined(found, made, {c: r for c, r in replaced.items() if c in found})


def _statement(text: str, span: Span) -> str:
    """The words around a mention up to the marks that end a statement."""
    before = max(text.rfind(mark, 0, span.start) for mark in _ENDS)
    after = min((at for mark in _ENDS if (at := text.find(mark, span.end)) >= 0), default=len(text))
    return text[before + 1 : after]


def _confirmed(supports: Mapping[str, Sequence[Support]], prefixes: tuple[str, ...]) -> list[tuple[str, Support]]:
    return [
        (code, support)
        for code, of_code in sorted(supports.items())
        if code.startswith(prefixes)
        for support in of_code
        if confirms(support)
    ]
