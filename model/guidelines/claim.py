"""All rules on the statements of a note before their codes are weighed, in the order they build on each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.document import Document
from model.features import Support
from model.guidelines.combinations import combine
from model.guidelines.measures import read_measures
from model.guidelines.refinements import refine, restate
from model.guidelines.refusals import refuse
from model.guidelines.skin import place
from model.guidelines.spoken import TRIGGER
from model.guidelines.stated import as_stated
from model.guidelines.statements import split_by_statement
from model.prediction import FiredRule
from model.reading import Mention, Reading

_TREATMENT = ("Z79", "Z99")  # long-term drugs, dependence on machines


@dataclass(frozen=True, slots=True)
class Claimed:
    """What may stand on a claim, by code.

    `origins`: of a code that a rule wrote, the code that the words name; it is as likely as that one.
    `companions`: of a code that goes with others, those; it is as likely as the likeliest of them.
    """

    supports: Mapping[str, Sequence[Support]]
    refused: dict[str, tuple[Support, FiredRule]]
    made: Mapping[str, FiredRule]
    replaced: Mapping[str, FiredRule]
    rules: Mapping[str, tuple[FiredRule, ...]]
    origins: Mapping[str, str]
    companions: Mapping[str, tuple[str, ...]]


def for_claim(reading: Reading, document: Document, supports: Mapping[str, Sequence[Support]]) -> Claimed:
    """Statements, then what the note makes of them, then numbers, then combinations.

    A term inside a longer one is not said ('pain' in 'chest pain') unless a rule says that it is, or the longer one
    tells of a treatment only ('ESRD on hemodialysis').
    """
    restated = restate(reading, supports)
    whole = _said(restated.supports)
    meant, other = refuse(reading, document.setting, _in_own_words(whole))
    standing, refused = split_by_statement(meant, document.setting)
    refused |= other
    stated = as_stated(standing)
    sited, at_site = place(reading, stated.supports)
    refined = refine(reading, document, sited)
    measured = read_measures(reading, document, refined.supports)
    combined = combine(measured.supports, document.text)
    rules: dict[str, tuple[FiredRule, ...]] = {}
    written = restated.written | stated.written | at_site | refined.written
    for table in ({c: rule for c, (rule, _) in written.items()}, measured.rules, combined.made):
        for code, rule in table.items():
            rules[code] = (*rules.get(code, ()), rule)
    origins = {code: origin for code, (_, origin) in written.items() if code not in combined.made}
    return Claimed(combined.supports, refused, combined.made, combined.replaced, rules, origins, measured.companions)


def _said(supports: Mapping[str, Sequence[Support]]) -> dict[str, list[Support]]:
    """Supports without those of terms inside a longer one."""
    treated = [s.mention for c, found in supports.items() if c.startswith(_TREATMENT) for s in found]
    others = [s.mention for c, found in supports.items() if not c.startswith(_TREATMENT) for s in found]

    def stands(code: str, support: Support) -> bool:
        if not support.nested:
            return True
        around = [m for m in (*treated, *others) if _holds(m, support.mention)]
        return code[0] not in "RZ" and bool(around) and all(m in treated and m not in others for m in around)

    return {c: kept for c, found in supports.items() if (kept := [s for s in found if stands(c, s)])}


def _in_own_words(supports: Mapping[str, Sequence[Support]]) -> dict[str, Sequence[Support]]:
    """Supports without quotes that only went with a code elsewhere, where a term of the code book takes their words."""
    terms = [(c, s.mention) for c, found in supports.items() for s in found if s.source != TRIGGER and not s.rank]

    def stands(code: str, support: Support) -> bool:
        quote = support.mention
        return support.source != TRIGGER or not any(
            c != code
            and m.first < quote.last
            and quote.first < m.last
            and not (quote.first <= m.first and m.last <= quote.last and m.last - m.first < quote.last - quote.first)
            for c, m in terms
        )

    return {c: kept for c, found in supports.items() if (kept := [s for s in found if stands(c, s)])}


def _holds(longer: Mention, mention: Mention) -> bool:
    """Whether it is a longer mention around the other."""
    around = longer.first <= mention.first and mention.last <= longer.last
    return around and longer.last - longer.first > mention.last - mention.first
