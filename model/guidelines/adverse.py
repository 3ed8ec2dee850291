"""Adverse effects: the condition that a drug brought, the drug behind it, and the code that holds both.

ICD-10-CM Official Guidelines FY2026, Section I.C.19.e.5.a.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from model.features import Support
from model.guidelines.drugs import Drugs, compiled, drug_before, drug_rules, drugs_from, rule_of
from model.guidelines.spoken import (
    Spoken,
    affirmed,
    as_support,
    confirms,
    kind_at,
    sentence_text,
    spoken_at,
)
from model.guidelines.underdosing import underdosed
from model.prediction import Assertion, FiredRule
from model.reading import Reading

_HARM = "5A"  # adverse effect, initial encounter
_UNNAMED = "T50.90"  # 'medication': what it was is said elsewhere
_ANTICOAGULANT, _BLED, _IMMUNE = "T45.51", "D68.32", "D84.821"
# What no drug taken as prescribed brings, and what tells of no condition.
_NO_EFFECT = (
    "F10",
    "F11",
    "F12",
    "F13",
    "F14",
    "F15",
    "F16",
    "F17",
    "F18",
    "F19",
    "O",
    "S",
    "T",
    "V",
    "W",
    "X",
    "Y",
    "Z",
)
_EFFECT_OF_T = ("T78.3",)
_OUTSIDE = ("past", "surgical", "family", "social", "medicines", "allergies", "instructions", "review")
_NOBODYS = ("family", "instructions")
_ALWAYS = "diabetes-by-drug"  # it lasts, wherever the note tells of it


@dataclass(frozen=True, slots=True)
class Drugged:
    """Supports with what drugs did; each code a rule wrote with the code it was before, and what is sure."""

    supports: dict[str, Sequence[Support]]
    written: dict[str, tuple[FiredRule, str]] = field(default_factory=dict)
    sure: dict[str, FiredRule] = field(default_factory=dict)

    def add(self, reading: Reading, code: str, rule: FiredRule, one: Spoken) -> None:
        self.supports[code] = [*self.supports.get(code, ()), as_support(reading, one, code)]
        self.sure.setdefault(code, rule)


@dataclass(frozen=True, slots=True)
class _Effect:
    rule: FiredRule
    of: tuple[str, ...]
    code: str
    category: str
    drugs: tuple[str, ...]
    never: tuple[str, ...]
    says: "re.Pattern[str]"
    unless: "re.Pattern[str]"
    without: tuple[str, ...]
    all: bool

    def target(self, code: str) -> str:
        return self.category + code[len(self.category) :] if self.category else self.code

    def concerns(self, code: str, drug: str, words: str) -> bool:
        told = code.startswith(self.of) and self.says.search(words)
        return bool(told) and (not self.drugs or drug in self.drugs) and drug not in self.never


@lru_cache(maxsize=1)
def effects() -> tuple[_Effect, ...]:
    return tuple(
        _Effect(
            rule_of(row),
            tuple(row["of"]),
            row.get("code", ""),
            row.get("category", ""),
            tuple(row.get("drugs", ())),
            tuple(row.get("except", ())),
            re.compile(row.get("says", ""), re.IGNORECASE),
            re.compile(row.get("unless", "(?!)"), re.IGNORECASE),
            tuple(row.get("without", ())),
            row.get("all", False),
        )
        for row in drug_rules()["effect"]
    )


@dataclass(frozen=True, slots=True)
class _Blamed:
    """A place where drugs are blamed: its words, the drugs, and how far off the condition may stand."""

    one: Spoken
    drugs: Drugs
    reach: int
    before: bool  # the drug stands before the condition

    @property
    def words(self) -> str:
        return self.one.match.group()


def with_drugs(reading: Reading, standing: Mapping[str, Sequence[Support]]) -> Drugged:
    """What the note says that drugs did to the patient, and what was missing of them."""
    found = Drugged(dict(standing))
    not_here = compiled(drug_rules()["not_here"])
    for blamed in _blamed(reading):
        told = blamed.one.assertion is Assertion.PRESENT
        if told and not not_here.search(sentence_text(reading, blamed.one.mention)):
            _blame(found, reading, blamed)
    _suppressed(found, reading)
    _pancreas(found, reading)
    underdosed(found, reading)
    return found


def _blamed(reading: Reading) -> Iterator[_Blamed]:
    rules, text = drug_rules(), reading.text
    fillers = compiled(rf"(?:{rules['filler']}[ -]+)*")
    for words, reach in (("blamed", rules["reach"]), ("close", rules["near"])):
        for link in compiled(rf"\b{rules[words]}\s+").finditer(text):
            if drugs := drugs_from(text, link.end(), fillers):
                yield from _at(reading, link.start(), drugs.end, drugs, reach, before=False)
    for words, before in (("inducing", True), ("culprit", False)):
        for link in compiled(rf"[ -]{rules[words]}\b").finditer(text):
            if drugs := drug_before(text, link.start()):
                yield from _at(reading, drugs.start, link.end(), drugs, rules["near"], before=before)


def _at(reading: Reading, start: int, end: int, drugs: Drugs, reach: int, *, before: bool) -> Iterator[_Blamed]:
    if one := spoken_at(reading, start, end, drug_rules()["adverse"]["id"]):
        yield _Blamed(one, drugs, reach, before)


def _blame(found: Drugged, reading: Reading, blamed: _Blamed) -> None:
    """The drugs of one place, and what they made of the conditions there."""
    one = blamed.one
    conditions = list(_conditions(found.supports, blamed))
    here = kind_at(reading, one.mention)[0].value not in _OUTSIDE
    for drug in blamed.drugs.subcategories:
        bled = drug == _ANTICOAGULANT and compiled(drug_rules()["bleeding"]).search(sentence_text(reading, one.mention))
        if bled and here:
            found.add(reading, _BLED, rule_of(drug_rules()["bled"]), one)
        poisoned = any(c.startswith(drug) and c[len(drug)] in "1234" for c in found.supports)
        named = drug != _UNNAMED and not poisoned
        if here and named and (bled or conditions):
            found.add(reading, drug + _HARM, rule_of(drug_rules()["adverse"]), one)
        for code in conditions:
            for effect in effects():
                if effect.concerns(code, drug, blamed.words) and (here or effect.rule.id == _ALWAYS):
                    _rewrite(found, reading, effect, code, one)


def _conditions(supports: Mapping[str, Sequence[Support]], blamed: _Blamed) -> Iterator[str]:
    """Confirmed conditions within reach of the words, on their side."""
    own = blamed.one.mention
    for code, known in supports.items():
        if code.startswith(_NO_EFFECT) and not code.startswith(_EFFECT_OF_T):
            continue
        for mention in (s.mention for s in known if s.mention.sentence == own.sentence and confirms(s)):
            gap = mention.first - own.last if blamed.before else own.first - mention.last
            beside = mention.last > own.last if blamed.before else mention.first < own.first
            if beside and gap <= blamed.reach:
                yield code
                break


def _rewrite(found: Drugged, reading: Reading, effect: _Effect, code: str, one: Spoken) -> None:
    """Puts what the drug brought in the place of the condition."""
    if any(c.startswith(effect.without) for c in found.supports if effect.without):
        return
    if affirmed(reading, effect.unless, effect.rule.id):
        return
    for old in [c for c in found.supports if (c.startswith(effect.of) if effect.all else c == code)]:
        replace_code(found, old, effect.target(old), effect.rule, as_support(reading, one, effect.target(old)))


def replace_code(found: Drugged, old: str, new: str, rule: FiredRule, proof: Support) -> None:
    """Moves the evidence of a code to another."""
    moved = found.supports.pop(old)
    known = found.supports.get(new, ())
    found.supports[new] = [*known, *moved, proof]
    if not known:
        found.written[new] = (rule, old)


def _suppressed(found: Drugged, reading: Reading) -> None:
    """'Immunosuppressed by mycophenolate'."""
    rules = drug_rules()["immune"]
    fillers = compiled(rf"(?:{drug_rules()['filler']}[ -]+)*")
    for said in compiled(rf"(?:{rules['words']})\s+").finditer(reading.text):
        drugs = drugs_from(reading.text, said.end(), fillers)
        if not drugs or not set(drugs.subcategories) & set(rules["drugs"]):
            continue
        one = spoken_at(reading, said.start(), drugs.end, rules["id"])
        if one and one.assertion is Assertion.PRESENT and kind_at(reading, one.mention)[0].value not in _NOBODYS:
            found.add(reading, _IMMUNE, rule_of(rules), one)


def _pancreas(found: Drugged, reading: Reading) -> None:
    """'The diabetes that came from the damaged pancreas'."""
    rules = drug_rules()["pancreas"]
    said = affirmed(reading, compiled(rules["words"]), rules["id"])
    if not said or affirmed(reading, compiled(rules["unless"]), rules["id"]):
        return
    for old in [c for c in found.supports if c.startswith(tuple(rules["of"]))]:
        new = rules["category"] + old[3:]
        replace_code(found, old, new, rule_of(rules), as_support(reading, said[0], new))
