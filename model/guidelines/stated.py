"""A diagnosis of the assessment as specific as its own line states it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from model.features import Support
from model.guidelines.refinements import Refined
from model.guidelines.spoken import confirms
from model.prediction import FiredRule

_RULE = FiredRule(
    "as-specific-as-stated",
    "ICD-10-CM Official Guidelines FY2026, Sections I.B.2 and I.B.18",
    "The line of the diagnosis says more than the term alone: site, side, stage, severity or kind.",
)


# Their sites have a table of their own, see `skin.toml`.
_OF_THE_SKIN = ("C43", "C44", "D03", "D04", "D22", "D23")


def as_stated(supports: Mapping[str, Sequence[Support]]) -> Refined:
    """Moves what a line says in more words to the code that says it; it is as likely as the code of the term."""
    refined = Refined(dict(supports))
    for code in (c for c in sorted(supports) if not c.startswith(_OF_THE_SKIN)):
        for fuller in sorted({s.fuller for s in supports[code] if s.fuller and confirms(s)}):
            moved = [s for s in refined.supports[code] if s.fuller == fuller]
            known = refined.supports.get(fuller, ())
            refined.supports[fuller] = [*known, *(replace(s, table_code=fuller, fuller=None) for s in moved)]
            if not known:
                refined.written[fuller] = (_RULE, code)
            refined.supports[code] = [s for s in refined.supports[code] if s.fuller != fuller]
        if not refined.supports[code]:
            del refined.supports[code]
    return refined
