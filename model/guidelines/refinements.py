"""What the rest of the note makes of a code: control, trimester, 7th character, a history that is none."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any

from model.document import Document, Span
from model.features import Support
from model.guidelines.spoken import affirmed, as_support, confirms, near_text, sentence_text
from model.guidelines.trimesters import RULE, in_trimester, trimester
from model.prediction import Assertion, FiredRule
from model.reading import Reading

_RULES = Path(__file__).with_name("refinements.toml")
_INITIAL = "A"
_FULL = 8  # characters of a code with its 7th character, the dot included


@dataclass(frozen=True, slots=True)
class Refinement:
    """One rule of `refinements.toml`."""

    rule: FiredRule
    of: tuple[str, ...]
    code: str
    seventh: str | None
    ends: str
    beside: tuple[str, ...]
    without: tuple[str, ...]
    within: str
    words: "re.Pattern[str] | None"
    unless: "re.Pattern[str] | None"
    outside: frozenset[str]
    every: bool
    settings: frozenset[str]
    keeps: bool

    def target(self, code: str) -> str:
        """The code in its place, see the head of `refinements.toml`."""
        if self.seventh:
            return code[:-1] + self.seventh
        rest = next((code[len(prefix) :] for prefix in self.of if code.startswith(prefix)), "")
        parts = {"%": code[:3], "{stem}": code[:-1], "{detail}": code[4:], "{rest}": rest}
        return reduce(lambda target, part: target.replace(*part), parts.items(), self.code)


@dataclass(frozen=True, slots=True)
class Restatement:
    """A past condition that the same words tell to be treated still."""

    rule: FiredRule
    of: tuple[str, ...]
    instead_of: tuple[str, ...]
    words: "re.Pattern[str]"
    unless: "re.Pattern[str]"


@dataclass(frozen=True, slots=True)
class Refined:
    """Supports after the rules; `written`: each code a rule wrote, with the rule and the code it was before."""

    supports: dict[str, Sequence[Support]]
    written: dict[str, tuple[FiredRule, str]] = field(default_factory=dict)


@lru_cache(maxsize=1)
def refinements() -> tuple[Refinement, ...]:
    table = tomllib.loads(_RULES.read_text(encoding="utf-8"))
    return tuple(_refinement(row, table["phrases"]) for row in table["refinement"])


@lru_cache(maxsize=1)
def restatements() -> tuple[Restatement, ...]:
    rows = tomllib.loads(_RULES.read_text(encoding="utf-8"))["restatement"]
    return tuple(
        Restatement(
            FiredRule(row["id"], row["citation"], row["reason"]),
            tuple(row["of"]),
            tuple(row["instead_of"]),
            re.compile(row["words"], re.IGNORECASE),
            re.compile(row["unless"], re.IGNORECASE),
        )
        for row in rows
    )


def _refinement(row: Mapping[str, Any], phrases: Mapping[str, str]) -> Refinement:
    def pattern(name: str) -> "re.Pattern[str] | None":
        return re.compile(phrases.get(row[name], row[name]), re.IGNORECASE) if name in row else None

    return Refinement(
        rule=FiredRule(row["id"], row["citation"], row["reason"]),
        of=tuple(row["of"]),
        code=row.get("code", ""),
        seventh=row.get("seventh"),
        ends=row.get("ends", ""),
        beside=tuple(row.get("beside", ())),
        without=tuple(row.get("without", ())),
        within=row.get("within", "note"),
        words=pattern("words"),
        unless=pattern("unless"),
        outside=frozenset(row.get("outside", ())),
        every=row.get("every", False),
        settings=frozenset(row.get("settings", ())),
        keeps=row.get("keeps", False),
    )


def refine(reading: Reading, document: Document, standing: Mapping[str, Sequence[Support]]) -> Refined:
    """Writes the codes that the rules make of those standing; a code keeps all its evidence."""
    refined = Refined(dict(standing))
    weeks = trimester(reading)
    for refinement in refinements():
        if refinement.settings and document.setting.value not in refinement.settings:
            continue
        if refinement.without and any(c.startswith(refinement.without) for c in refined.supports):
            continue
        if refinement.unless and affirmed(reading, refinement.unless, refinement.rule.id):
            continue
        for code in [c for c in refined.supports if _concerns(refinement, c)]:
            proof = _proof(refinement, reading, code, refined.supports)
            target = refinement.target(code)
            if proof is None or target == code:
                continue
            _write(refined, refinement, code, target, proof)
    for code in [c for c in refined.supports if in_trimester(c, weeks) != c]:
        target = in_trimester(code, weeks)
        _, origin = refined.written.pop(code, (RULE, code))
        refined.supports[target] = [*refined.supports.get(target, ()), *refined.supports.pop(code)]
        refined.written.setdefault(target, (RULE, origin))
    return refined


def _concerns(refinement: Refinement, code: str) -> bool:
    if not code.startswith(refinement.of) or not code.endswith(refinement.ends):
        return False
    return refinement.seventh is None or (len(code) == _FULL and code[-1] == _INITIAL)


def _write(refined: Refined, refinement: Refinement, code: str, target: str, proof: Sequence[Support]) -> None:
    moved = refined.supports[code] if refinement.keeps else refined.supports.pop(code)
    known = refined.supports.get(target, ())
    refined.supports[target] = list(dict.fromkeys([*known, *moved, *(replace(p, table_code=target) for p in proof)]))
    origin = refined.written.pop(code, (refinement.rule, code))[1] if not refinement.keeps else code
    if not known:
        refined.written[target] = (refinement.rule, origin)


def _proof(
    refinement: Refinement, reading: Reading, code: str, supports: Mapping[str, Sequence[Support]]
) -> list[Support] | None:
    """The evidence beside that of the code itself, None where the note does not say what the rule asks."""
    told = refinement.seventh is not None  # the 7th character is that of the encounter, whatever the injury
    present = [s for s in supports[code] if confirms(s) or (told and s.assertion is Assertion.PRESENT)]
    proof: list[Support] = []
    if refinement.beside:
        proof = [s for c, found in sorted(supports.items()) if c.startswith(refinement.beside) for s in found]
        proof = [s for s in proof if confirms(s)]
        if not proof or not present:
            return None
    if refinement.words is None:
        return proof
    if refinement.within == "note":
        said = affirmed(reading, refinement.words, refinement.rule.id, refinement.outside)
        return [*proof, as_support(reading, said[0], code)] if said and present else None
    text = near_text if refinement.within == "near" else sentence_text
    spoken = [bool(refinement.words.search(text(reading, s.mention))) for s in present]
    return proof if any(spoken) and (all(spoken) or not refinement.every) else None


def restate(reading: Reading, supports: Mapping[str, Sequence[Support]]) -> Refined:
    """Supports with what is still treated made present; it is as likely as the history that the words name."""
    refined = Refined(dict(supports))
    found = refined.supports
    for rule in restatements():
        held = {code: list(_held(rule, reading, of)) for code, of in supports.items() if code.startswith(rule.of)}
        spans = [s.mention.span for of in held.values() for s in of]
        histories = [c for c in found if c.startswith(rule.instead_of)]
        ended = [c for c in histories if any(_overlaps(s.mention.span, spans) for s in found[c])]
        for code, kept in held.items():
            if kept:
                current = [replace(s, assertion=Assertion.PRESENT, nested=False) for s in kept]
                found[code] = [*current, *(s for s in supports[code] if s not in kept)]
                refined.written[code] = (rule.rule, ended[0] if ended else code)
        for code in ended:
            del found[code]
    return refined


def _overlaps(span: Span, others: Iterable[Span]) -> bool:
    return any(span.start < o.end and o.start < span.end for o in others)


def _held(rule: Restatement, reading: Reading, supports: Iterable[Support]) -> Iterable[Support]:
    for support in supports:
        if support.rank == 0 and support.assertion is Assertion.HISTORICAL:
            said = sentence_text(reading, support.mention)
            if rule.words.search(said) and not rule.unless.search(said):
                yield support
