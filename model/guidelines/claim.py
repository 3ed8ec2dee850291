"""All rules on the statements of a note before their codes are weighed, in the order they build on each other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.document import Document
from model.features import Support
from model.guidelines.adverse import with_drugs
from model.guidelines.combinations import combine
from model.guidelines.measures import read_measures
from model.guidelines.metastases import tell_apart
from model.guidelines.reasons import give_reasons
from model.guidelines.refinements import refine, restate
from model.guidelines.refusals import refuse
from model.guidelines.skin import place
from model.guidelines.spoken import TRIGGER
from model.guidelines.stated import as_stated
from model.guidelines.statements import split_by_statement
from model.prediction import FiredRule
from model.reading import Mention, Reading

_TREATMENT = ("Z79", "Z99")  # long-term drugs, dependence on machines
# Codes that name two conditions, and where the tabular list says 'code first', what is coded besides (Section I.A.13).
_CODED_FIRST = {"I85.1": "K7"}


@dataclass(frozen=True, slots=True)
class Claimed:
    """What may stand on a claim, by code.

    `origins`: of a code that a rule wrote, the code that the words name; it is as likely as that one.
    `companions`: of a code that goes with others, those; it is as likely as the likeliest of them.
    `sure`: codes that the Guidelines demand for what the note says in plain words, each with the rule.
    """

    supports: Mapping[str, Sequence[Support]]
    refused: dict[str, tuple[Support, FiredRule]]
    made: Mapping[str, FiredRule]
    replaced: Mapping[str, FiredRule]
    rules: Mapping[str, tuple[FiredRule, ...]]
    origins: Mapping[str, str]
    companions: Mapping[str, tuple[str, ...]]
    sure: Mapping[str, FiredRule]


def for_claim(reading: Reading, document: Document, supports: Mapping[str, Sequence[Support]]) -> Claimed:
    """Statements, then what the note makes of them, then numbers, then combinations.

    A term inside a longer one is not said ('pain' in 'chest pain') unless a rule says that it is, or the longer one
    tells of a treatment only ('ESRD on hemodialysis') or of what comes with it ('cirrhosis with esophageal varices').
    """
    restated = restate(reading, supports)
    parted = tell_apart(reading, restated.supports)
    whole = _said(parted.supports)
    meant, other = refuse(reading, document.setting, _in_own_words(whole))
    standing, refused = split_by_statement(meant, document.setting)
    refused |= parted.refused | other
    stated = as_stated(standing)
    sited, at_site = place(reading, stated.supports)
    refined = refine(reading, document, sited)
    drugged = with_drugs(reading, refined.supports)
    measured = read_measures(reading, document, drugged.supports)
    reasoned = give_reasons(reading, document, measured.supports)
    combined = combine(reasoned.supports, document.text)
    rules: dict[str, tuple[FiredRule, ...]] = {}
    written = restated.written | stated.written | at_site | refined.written | drugged.written
    for table in (
        {c: rule for c, (rule, _) in written.items()},
        drugged.sure,
        measured.rules,
        reasoned.rules,
        combined.made,
    ):
        for code, rule in table.items():
            rules[code] = (*rules.get(code, ()), rule)
    origins = {code: origin for code, (_, origin) in written.items() if code not in combined.made}
    return Claimed(
        combined.supports,
        refused,
        combined.made,
        combined.replaced,
        rules,
        origins,
        measured.companions,
        {**drugged.sure, **reasoned.rules},
    )


def _said(supports: Mapping[str, Sequence[Support]]) -> dict[str, list[Support]]:
    """Supports without those of terms inside a longer one."""
    by_sentence = _by_sentence(supports)

    def stands(code: str, support: Support) -> bool:
        if not support.nested:
            return True
        if code[0] in "RZ":
            return False
        around = [c for c, s in by_sentence[support.mention.sentence] if _holds(s.mention, support.mention)]
        return any(_asks_for(c, code) for c in around) or (
            bool(around) and all(c.startswith(_TREATMENT) for c in around)
        )

    return {c: kept for c, found in supports.items() if (kept := [s for s in found if stands(c, s)])}


def _asks_for(manifestation: str, code: str) -> bool:
    return any(manifestation.startswith(m) and code.startswith(first) for m, first in _CODED_FIRST.items())


def _in_own_words(supports: Mapping[str, Sequence[Support]]) -> dict[str, Sequence[Support]]:
    """Supports without quotes that only went with a code elsewhere, where a term of the code book takes their words."""
    by_sentence = _by_sentence(supports)

    def takes(term: Support, quote: Support) -> bool:
        own = term.source == TRIGGER or term.rank > 0
        one, other = term.mention, quote.mention
        apart = one.last <= other.first or other.last <= one.first
        return not (own or apart or _holds(other, one))

    def stands(code: str, support: Support) -> bool:
        rivals = (s for c, s in by_sentence[support.mention.sentence] if c != code)
        return support.source != TRIGGER or not any(takes(s, support) for s in rivals)

    return {c: kept for c, found in supports.items() if (kept := [s for s in found if stands(c, s)])}


def _by_sentence(supports: Mapping[str, Sequence[Support]]) -> dict[int, list[tuple[str, Support]]]:
    """Codes and supports of each sentence: words of one do not stand inside another, and long notes have many."""
    found: dict[int, list[tuple[str, Support]]] = defaultdict(list)
    for code, of_code in supports.items():
        for support in of_code:
            found[support.mention.sentence].append((code, support))
    return found


def _holds(longer: Mention, mention: Mention) -> bool:
    """Whether it is a longer mention around the other."""
    around = longer.first <= mention.first and mention.last <= longer.last
    return around and longer.last - longer.first > mention.last - mention.first
