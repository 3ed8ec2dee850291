"""Mentions the note denies, suspects or tells of the past: which of them may carry a code, and by which rule not."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from model.document import Setting
from model.features import Support
from model.prediction import Assertion, FiredRule
from model.sections import SectionKind

_RULES = Path(__file__).with_name("statements.toml")
# Codes that say that something was: status, history and sequelae (Sections I.C.21.c.3-4 and I.C.9.d).
_OF_THE_PAST = ("Z", "I69", "I25.2")
_STRONGEST = (
    Assertion.PRESENT,
    Assertion.HISTORICAL,
    Assertion.POSSIBLE,
    Assertion.HYPOTHETICAL,
    Assertion.FAMILY,
    Assertion.ABSENT,
)


@lru_cache(maxsize=1)
def _rules() -> Mapping[tuple[str, str, str], FiredRule]:
    """By assertion, setting and kind of section."""
    rules = {}
    for row in tomllib.loads(_RULES.read_text(encoding="utf-8"))["statement"]:
        rule = FiredRule(row["id"], row["citation"], row["reason"])
        for setting in row["settings"] or [s.value for s in Setting]:
            for kind in row.get("sections", [k.value for k in SectionKind]):
                rules[row["assertion"], setting, kind] = rule
    return rules


@lru_cache(maxsize=1)
def _relatives() -> tuple[FiredRule, tuple[str, ...], frozenset[str]]:
    """The rule for codes of family history, those codes, and the words for relatives."""
    row = tomllib.loads(_RULES.read_text(encoding="utf-8"))["relatives"]
    return FiredRule(row["id"], row["citation"], row["reason"]), tuple(row["codes"]), frozenset(row["words"])


def rule_against(code: str, support: Support, setting: Setting) -> FiredRule | None:
    """The rule that keeps this mention from carrying the code, None where it may."""
    assertion = support.assertion
    relatives, codes, words = _relatives()
    if code.startswith(codes) and assertion is not Assertion.ABSENT:
        told = assertion is Assertion.FAMILY or words & set(support.mention.key.split(" "))
        return None if told else relatives
    if assertion is Assertion.HISTORICAL and code.startswith(_OF_THE_PAST):
        return None
    return _rules().get((assertion.value, setting.value, support.kind.value))


def split_by_statement(
    supports: Mapping[str, Sequence[Support]], setting: Setting
) -> tuple[dict[str, list[Support]], dict[str, tuple[Support, FiredRule]]]:
    """What may be coded, and what may not with the rule of its most affirmative mention."""
    standing: dict[str, list[Support]] = {}
    refused: dict[str, tuple[Support, FiredRule]] = {}
    for code, of_code in supports.items():
        judged = [(s, rule_against(code, s, setting)) for s in of_code]
        kept = [s for s, rule in judged if rule is None]
        if kept:
            standing[code] = kept
            continue
        support, rule = min(
            judged,
            key=lambda j: (_STRONGEST.index(j[0].assertion), j[0].rank > 0, j[0].source == "u", j[0].mention.span),
        )
        if rule is not None:
            refused[code] = (support, rule)
    return standing, refused
