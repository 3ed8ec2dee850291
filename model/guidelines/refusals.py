"""Mentions that the words right beside them make something else: an autumn that is no fall, a screening to come."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model.document import Setting
from model.features import Support
from model.guidelines.spoken import near_text, sentence_text
from model.prediction import FiredRule
from model.reading import Reading

_RULES = Path(__file__).with_name("refusals.toml")

Refused = dict[str, tuple[Support, FiredRule]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """One rule of `refusals.toml`."""

    rule: FiredRule
    of: tuple[str, ...]
    within: str
    words: "re.Pattern[str]"
    unless: "re.Pattern[str]"
    settings: frozenset[str]

    def refuses(self, reading: Reading, support: Support) -> bool:
        if self.within == "mention":
            said = support.mention.span.of(reading.text)
        elif self.within == "note":
            said = reading.text
        else:
            said = (near_text if self.within == "near" else sentence_text)(reading, support.mention)
        return bool(self.words.search(said)) and not self.unless.search(said)


@lru_cache(maxsize=1)
def refusals() -> tuple[Refusal, ...]:
    return tuple(
        Refusal(
            rule=FiredRule(row["id"], row["citation"], row["reason"]),
            of=tuple(row["of"]),
            within=row["within"],
            words=re.compile(row["words"], re.IGNORECASE),
            unless=re.compile(row.get("unless", "(?!)"), re.IGNORECASE),
            settings=frozenset(row.get("settings", [s.value for s in Setting])),
        )
        for row in tomllib.loads(_RULES.read_text(encoding="utf-8"))["refusal"]
    )


def refuse(
    reading: Reading, setting: Setting, supports: Mapping[str, Sequence[Support]]
) -> tuple[dict[str, Sequence[Support]], Refused]:
    """The supports that no rule refuses, and the codes that lost all of theirs."""
    kept: dict[str, Sequence[Support]] = dict(supports)
    refused: Refused = {}
    for refusal in refusals():
        if setting.value not in refusal.settings:
            continue
        for code in [c for c in kept if c.startswith(refusal.of)]:
            rest = [s for s in kept[code] if not refusal.refuses(reading, s)]
            if rest:
                kept[code] = rest
            else:
                refused[code] = (kept.pop(code)[0], refusal.rule)
    return kept, refused
