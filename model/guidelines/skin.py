"""Growths of the skin by the part of the body that the words right beside them name."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model.features import Support
from model.guidelines.spoken import near_text
from model.prediction import Assertion, FiredRule
from model.reading import Reading

_TABLE = Path(__file__).with_name("skin.toml")
_RIGHT, _LEFT = re.compile(r"\bright\b", re.IGNORECASE), re.compile(r"\bleft\b", re.IGNORECASE)
_SIDES = {(False, False): ("0", "1"), (True, False): ("1", "2"), (False, True): ("2", "9"), (True, True): ("0", "1")}
_KINDS = "0129"
_REACH = 8  # tokens on either side: 'of the left lower and right upper extremities'


@dataclass(frozen=True, slots=True)
class SkinTable:
    """`skin.toml`: the codes that leave the site open with their kind, and the sites with what they write."""

    rule: FiredRule
    unplaced: Mapping[str, tuple[str, str]]  # code -> category, kind of carcinoma
    sites: tuple[tuple["re.Pattern[str]", Mapping[str, str]], ...]


@lru_cache(maxsize=1)
def skin_table() -> SkinTable:
    table = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    unplaced = {
        code.replace("{K}", kind): (category, kind)
        for category, code in table["open"].items()
        for kind in (_KINDS if "{K}" in code else "0")
    }
    sites = tuple((re.compile(row["words"], re.IGNORECASE), row["codes"]) for row in table["site"])
    return SkinTable(FiredRule(table["id"], table["citation"], table["reason"]), unplaced, sites)


def place(
    reading: Reading, supports: Mapping[str, Sequence[Support]]
) -> tuple[dict[str, Sequence[Support]], dict[str, tuple[FiredRule, str]]]:
    """The growths at the sites that the note names beside them, and of each new code the rule and the code before.

    What is said again without its site is the same growth; where no site is named all stays.
    """
    table = skin_table()
    placed: dict[str, Sequence[Support]] = dict(supports)
    written: dict[str, tuple[FiredRule, str]] = {}
    for code in [c for c in supports if c in table.unplaced]:
        sited = {s: list(_codes(table, reading, s, code)) for s in supports[code]}
        targets = sorted({t for s, found in sited.items() if s.assertion is Assertion.PRESENT for t in found})
        for target in targets:
            own = [s for s, found in sited.items() if target in found or not found]
            placed[target] = [*placed.get(target, ()), *own]
            written.setdefault(target, (table.rule, code))
        if targets:
            del placed[code]
    return placed, written


def _codes(table: SkinTable, reading: Reading, support: Support, code: str) -> Iterator[str]:
    said = near_text(reading, support.mention, _REACH)
    category, kind = table.unplaced[code]
    side, other = _SIDES[bool(_RIGHT.search(said)), bool(_LEFT.search(said))]
    for words, codes in table.sites:
        if words.search(said):
            place_of = codes[category].replace("{S}", side).replace("{R}", other).replace("{K}", kind)
            yield f"{category}.{place_of}"
