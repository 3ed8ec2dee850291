"""Numbered rules as data, and what a rule says of a claim."""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

_RULES = Path(__file__).with_name("rules.toml")


class Level(StrEnum):
    """What becomes of a signature."""

    ERROR = "error"  # nobody signs before it is mended
    WARNING = "warning"  # whoever signs gives a reason
    INFORMATION = "information"  # good to know


@dataclass(frozen=True, slots=True)
class Rule:
    """One of `rules.toml`; the number keeps its meaning for good."""

    number: int
    id: str
    level: Level
    name: str
    mend: str
    citation: str  # empty where the data that the rule reads brings its own
    reasons: tuple[str, ...]  # offered to whoever goes on against a warning


@dataclass(frozen=True, slots=True)
class Remark:
    """What a rule says of this claim: plain words that name the codes, and how to mend it."""

    rule: Rule
    level: Level
    codes: tuple[str, ...]
    text: str
    citation: str
    add: tuple[str, ...] = ()  # billable codes of which one would mend it
    lead: str = ""  # an accepted code that should be listed first
    move: tuple[str, str] | None = None  # an accepted code, and the one that it should stand before
    instead_of: str = ""  # the code whose place the added one takes

    @property
    def id(self) -> str:
        """The same for the same remark on the same codes: a reason given for it holds as long as it does."""
        return "-".join((str(self.rule.number), *self.codes))


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    """By their ids."""
    rows = tomllib.loads(_RULES.read_text(encoding="utf-8"))["rule"]
    found = (
        Rule(
            row["number"], row["id"], Level(row["level"]), row["name"], row["mend"],
            row.get("citation", ""), tuple(row.get("reasons", ())),
        )
        for row in rows
    )  # fmt: skip
    return {rule.id: rule for rule in found}
