"""Underdosing: the patient took less of a drug than was prescribed, and why (ICD-10-CM Guidelines, I.C.19.e.5.c)."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from model.features import Support
from model.guidelines.drugs import compiled, drug_rules, drugs_from, rule_of
from model.guidelines.spoken import Spoken, affirmed, confirms, kind_at, sentence_text, spoken_at
from model.prediction import Assertion, FiredRule
from model.reading import Reading

_LESS = "6A"  # underdosing, initial encounter
_OUTSIDE = ("past", "surgical", "family", "medicines", "allergies", "instructions", "plan")
_AROUND = 1  # sentences behind the one of the drug that may say why


class Found(Protocol):
    """Where the codes go."""

    @property
    def supports(self) -> dict[str, Sequence[Support]]: ...

    def add(self, reading: Reading, code: str, rule: FiredRule, one: Spoken) -> None: ...


def underdosed(found: Found, reading: Reading) -> None:
    """Adds the drugs that were missing, and the reason where the note says one."""
    rules = drug_rules()
    row = rules["underdosing"]
    for one, drugs in _missing(reading):
        outside = kind_at(reading, one.mention)[0].value in _OUTSIDE
        if outside or compiled(row["not_here"]).search(sentence_text(reading, one.mention)):
            continue
        less = [d for d in drugs if not d.startswith(tuple(row["drugs_not"]))]
        for drug in less:
            found.add(reading, drug + _LESS, rule_of(row), one)
        if less and (code := _reason(reading, one)):
            found.add(reading, code, rule_of(rules["underdosing_reason"]), one)
    _pump(found, reading)


def _missing(reading: Reading) -> Iterator[tuple[Spoken, tuple[str, ...]]]:
    """Places where the patient went without drugs, and which."""
    row = drug_rules()["underdosing"]
    fillers = compiled(rf"(?:{row['filler']}[ -]+)*")
    for said in compiled(rf"\b(?:{row['words']})\s+").finditer(reading.text):
        if drugs := drugs_from(reading.text, said.end(), fillers):
            one = spoken_at(reading, said.start(), drugs.end, row["id"])
            if one and one.assertion is Assertion.PRESENT:
                yield one, drugs.subcategories


def _reason(reading: Reading, one: Spoken) -> str:
    """The code of the reason that the sentence or the next one tells; empty where they tell none."""
    last = min(one.mention.sentence + _AROUND, len(reading.sentences) - 1)
    for sentence in range(one.mention.sentence, last + 1):
        tokens = reading.sentences[sentence]
        said = reading.text[reading.tokens[tokens.first].start : reading.tokens[tokens.last - 1].end]
        for row in drug_rules()["reason_of_underdosing"]:
            if compiled(row["words"]).search(said):
                return str(row["code"])
    return ""


def _pump(found: Found, reading: Reading) -> None:
    """A pump that failed, beside the sugar that it left high."""
    row = drug_rules()["pump"]
    high = (s for c, known in found.supports.items() if c.startswith(tuple(row["of"])) for s in known)
    if any(confirms(s) for s in high):
        for one in affirmed(reading, compiled(row["words"]), row["id"], _OUTSIDE):
            found.add(reading, row["device"], rule_of(row), one)
            found.add(reading, row["drug"], rule_of(row), one)
