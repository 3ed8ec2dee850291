"""Names of drugs and of their classes, and the places of a note where a drug stands behind or before other words."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from model.prediction import FiredRule

_TABLE = Path(__file__).with_name("drugs.tsv")
_RULES = Path(__file__).with_name("drugs.toml")
_GAPS = re.compile(r"[\s-]+")
_WORDS = re.compile(r"[a-z0-9]+(?:[ -][a-z0-9]+){0,4}", re.IGNORECASE)
_LAST = re.compile(r"\b[a-z0-9]+(?:[ -][a-z0-9]+){0,4}\Z", re.IGNORECASE)
_LONGEST = 50  # characters of a name
_AND = re.compile(r",? (?:and|or|plus|&) |, |/| ?\+ ?")


@lru_cache(maxsize=1)
def drug_rules() -> dict[str, Any]:
    """`drugs.toml`."""
    return tomllib.loads(_RULES.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def drug_table() -> dict[str, str]:
    """By name, without spaces and strokes, the subcategory of T36-T50 up to its character of intent."""
    lines = _TABLE.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return {_plain(name): subcategory for subcategory, names in rows for name in names.split("|")}


@dataclass(frozen=True, slots=True)
class Drugs:
    """The drugs that some words name, and the characters of the words."""

    subcategories: tuple[str, ...]
    start: int
    end: int


def drugs_from(text: str, at: int, fillers: "re.Pattern[str]") -> Drugs | None:
    """One drug or several that stand right there, behind words that say nothing: 'the prednisone and tacrolimus'."""
    found: list[str] = []
    end = at
    while filled := fillers.match(text, at):
        at = filled.end()
        name = _WORDS.match(text, at)
        known = next(((of, stop) for stop in _stops(name) if (of := _of(text[at:stop]))), None) if name else None
        if known is None or _not_the().match(text, known[1]):
            break
        found.append(known[0])
        end = known[1]
        joined = _AND.match(text, end)
        if not joined:
            break
        at = joined.end()
    return Drugs(tuple(dict.fromkeys(found)), at, end) if found else None


def drug_before(text: str, at: int) -> Drugs | None:
    """The drug whose name ends right there."""
    words = _LAST.search(text, max(0, at - _LONGEST), at)
    for start in [words.start(), *(words.start() + m.end() for m in _GAPS.finditer(words.group()))] if words else ():
        if of := _of(text[start:at]):
            return Drugs((of,), start, at)
    return None


def _stops(words: "re.Match[str]") -> list[int]:
    """Where a name of these words may end, the longest first."""
    gaps = [words.start() + m.start() for m in _GAPS.finditer(words.group())]
    return [words.end(), *reversed(gaps)]


@lru_cache(maxsize=1)
def _not_the() -> "re.Pattern[str]":
    return compiled(rf"{drug_rules()['not_the']}\b")


def _of(name: str) -> str:
    table, plain = drug_table(), _plain(name)
    return table.get(plain) or table.get(plain.removesuffix("s"), "")


def _plain(name: str) -> str:
    return _GAPS.sub("", name.lower())


def rule_of(row: Mapping[str, str]) -> FiredRule:
    """The rule that a row of `drugs.toml` states."""
    return FiredRule(row["id"], row["citation"], row["reason"])


@lru_cache(maxsize=64)
def compiled(pattern: str) -> "re.Pattern[str]":
    """A pattern of `drugs.toml`, whatever the case of the letters."""
    return re.compile(pattern, re.IGNORECASE)
