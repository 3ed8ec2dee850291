"""Which code is listed first, as far as the Guidelines and the tabular list decide it."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from model.codebook.entries import Notes
from model.codebook.notes import names_code
from model.features import Support
from model.prediction import FiredRule

_RULES = Path(__file__).with_name("order.toml")
# 'Principal diagnosis: heart failure', on one line or the next.
_PRINCIPAL = re.compile(r"\bprincipal\b[^\n:.]{0,40}[:.]\s*(?:\d[.)]\s*)?[^\n.;]{0,120}\Z", re.IGNORECASE)
_CODE_FIRST = FiredRule(
    "code-first",
    "ICD-10-CM Official Guidelines FY2026, Section I.A.13; tabular list, 'code first'",
    "The tabular list says to code it before another code of this note.",
)

# Whether the 'code first' notes of the first code name the second.
CodeFirst = Callable[[str, str], bool]


class Book(Protocol):
    """What is asked of the code book here."""

    def notes(self, code: str) -> Notes: ...


class Sequencer:
    """Asks the tabular list whether one code says to code another first."""

    def __init__(self, book: Book) -> None:
        self._notes = lru_cache(maxsize=5_000)(lambda code: book.notes(code).code_first)

    def __call__(self, code: str, other: str) -> bool:
        return any(names_code(note, other) for note in self._notes(code))


@dataclass(frozen=True, slots=True)
class _Never:
    rule: FiredRule
    codes: "re.Pattern[str]"
    titles: "re.Pattern[str]"


@dataclass(frozen=True, slots=True)
class _Before:
    rule: FiredRule
    first: tuple[str, ...]
    then: tuple[str, ...]

    def holds(self, code: str, other: str) -> bool:
        return code.startswith(self.first) and not other.startswith(self.first) and other.startswith(self.then or "")


@dataclass(frozen=True, slots=True)
class OrderRules:
    """The rules of `order.toml`."""

    never: tuple[_Never, ...]
    only: tuple[tuple[FiredRule, tuple[str, ...]], ...]
    or_not: tuple[tuple[FiredRule, tuple[str, ...]], ...]
    before: tuple[_Before, ...]


@lru_cache(maxsize=1)
def order_rules() -> OrderRules:
    table = tomllib.loads(_RULES.read_text(encoding="utf-8"))

    def rule(row: Mapping[str, str]) -> FiredRule:
        return FiredRule(row["id"], row["citation"], row["reason"])

    nothing = "(?!)"
    return OrderRules(
        tuple(
            _Never(rule(r), re.compile(r.get("codes", nothing)), re.compile(r.get("titles", nothing), re.IGNORECASE))
            for r in table["never"]
        ),
        tuple((rule(r), tuple(r["codes"])) for r in table["only"]),
        tuple((rule(r), tuple(r["codes"])) for r in table["or_not"]),
        tuple(_Before(rule(r), tuple(r["first"]), tuple(r["then"])) for r in table["before"]),
    )


def first_listed(
    ranked: Sequence[str], titles: Mapping[str, str], code_first: CodeFirst | None = None
) -> tuple[str, FiredRule | None] | None:
    """The first-listed of the codes, the likeliest first in `ranked`; with the rule that put it there, if one did."""
    if not ranked:
        return None
    rules = order_rules()
    allowed = [c for c in ranked if not never_first(c, titles.get(c, ""))] or list(ranked)
    for rule, codes in rules.only:
        for code in allowed:
            if code.startswith(codes):
                return code, rule if code != ranked[0] else None
    chosen, fired = allowed[0], None
    if chosen != ranked[0]:
        fired = never_first(ranked[0], titles.get(ranked[0], ""))
    passed = {chosen}
    while (better := _before(chosen, [c for c in allowed if c not in passed], code_first)) is not None:
        chosen, fired = better
        passed.add(chosen)
    return chosen, fired


def named_principal(text: str, support: Support) -> bool:
    """Whether the mention stands right behind the words 'principal diagnosis' or the like."""
    start = support.mention.span.start
    return bool(_PRINCIPAL.search(text[max(0, start - 200) : start]))


def only_first(codes: Iterable[str], first: str) -> dict[str, FiredRule]:
    """Codes that may only be first-listed and are not."""
    return {
        code: rule
        for rule, prefixes in order_rules().or_not
        for code in codes
        if code != first and code.startswith(prefixes)
    }


def never_first(code: str, title: str) -> FiredRule | None:
    """The rule by which the code is never listed first while another stands."""
    return next((n.rule for n in order_rules().never if _hits(n, code, title)), None)


def first_alone(code: str) -> FiredRule | None:
    """The rule by which the code is only ever reported as the first-listed one."""
    rules = order_rules()
    return next((rule for rule, codes in (*rules.only, *rules.or_not) if code.startswith(codes)), None)


def comes_before(code: str, other: str) -> FiredRule | None:
    """The rule of the Guidelines by which the first code is listed before the second."""
    return next((b.rule for b in order_rules().before if b.holds(code, other)), None)


def _hits(never: _Never, code: str, title: str) -> bool:
    return bool(never.codes.match(code) or never.titles.search(title))


def _before(chosen: str, others: Sequence[str], code_first: CodeFirst | None) -> tuple[str, FiredRule] | None:
    for other in others:
        rule = comes_before(other, chosen)
        if rule is None and code_first is not None and code_first(chosen, other):
            rule = _CODE_FIRST
        if rule is not None:
            return other, rule
    return None
