"""Where a growth began and where it went: 'cancer of the cervix metastatic to the lung' names no secondary cervix.

ICD-10-CM Official Guidelines FY2026, Section I.C.2; Neoplasm Table, by site. A term found across both parts is not
said; what each part says by itself is.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from model.document import Span
from model.features import Support
from model.guidelines.spoken import TRIGGER, onward_text, sentence_text
from model.prediction import FiredRule
from model.reading import Mention, Reading

_SECONDARY = ("C77", "C78", "C79")
_UNSPECIFIED = ("C79.9", "C80")  # a site is said
# The growth before, the metastasis behind: each pattern ends where the second part begins.
_ACROSS = (
    re.compile(r"\w\W+(?=metasta\w+ (?:to|in|into)\b)", re.IGNORECASE),
    re.compile(r"\w (?<!compatible )(?<!consistent )with (?=(?:\w+ ){1,3}(?:metasta\w*|mets)\b)", re.IGNORECASE),
)
# 'Metastatic lung cancer' began there; that of bone, brain, liver, nodes and serous membranes came from elsewhere.
_ITSELF = re.compile(r"\bmetastatic (?:\w+ ){1,3}(?:cancer|carcinoma|adenocarcinoma|ca)\b", re.IGNORECASE)
_BEGINS = ("C78.0", "C78.4", "C78.5", "C78.8", "C79.0", "C79.1", "C79.2", "C79.8")
RULE = FiredRule(
    "primary-with-metastases",
    "ICD-10-CM Official Guidelines FY2026, Section I.C.2; Neoplasm Table, by site",
    "The words name where the growth began, and the metastases elsewhere.",
)


@dataclass(frozen=True, slots=True)
class Parted:
    """Supports with the two parts told apart, and the codes that only the two together named."""

    supports: dict[str, Sequence[Support]]
    refused: dict[str, tuple[Support, FiredRule]]


def tell_apart(reading: Reading, supports: Mapping[str, Sequence[Support]]) -> Parted:
    """Takes terms of metastases that stand across both parts, and lets the terms inside them stand."""
    began = {s.mention.sentence for c in supports if _is_primary(c) for s in supports[c]}
    across = {
        code: [
            s
            for s in found
            if _stands_across(reading, s, found)
            or (s.mention.sentence in began and _begins_there(reading, code, s.mention))
        ]
        for code, found in supports.items()
        if code.startswith(_SECONDARY)
    }
    taken: dict[int, list[Mention]] = defaultdict(list)  # by sentence
    for support in (s for found in across.values() for s in found):
        taken[support.mention.sentence].append(support.mention)
    if not taken:
        return Parted(dict(supports), {})
    kept: dict[str, Sequence[Support]] = {}
    for code, found in supports.items():
        rest = [_let_stand(s, code, taken[s.mention.sentence]) for s in found if s not in across.get(code, ())]
        kept[code] = [s for s in rest if not _guessed(s, taken[s.mention.sentence])]
    refused = {code: (found[0], RULE) for code, found in across.items() if found and not kept[code]}
    return Parted({code: found for code, found in kept.items() if found}, refused)


def _is_primary(code: str) -> bool:
    return code.startswith("C") and not code.startswith(_SECONDARY + _UNSPECIFIED)


def _stands_across(reading: Reading, support: Support, others: Sequence[Support]) -> bool:
    """Whether the term names the growth by what stands before, or its metastasis has a term of its own."""
    mention = support.mention
    said = onward_text(reading, mention)
    for pattern in _ACROSS:
        parted = pattern.search(said)
        if parted:
            second = mention.span.start + parted.end()
            alone = any(o.mention.span.start >= second and o.mention.span.end <= mention.span.end for o in others)
            names_first = pattern is _ACROSS[1] or not reading.text[second : mention.span.end].partition(" ")[2]
            return alone or names_first
    return False


def _begins_there(reading: Reading, code: str, mention: Mention) -> bool:
    """Whether it is a part of 'metastatic cancer of' a site where growths begin."""
    if not code.startswith(_BEGINS):
        return False
    start = reading.tokens[reading.sentences[mention.sentence].first].start
    spans = (Span(start + m.start(), start + m.end()) for m in _ITSELF.finditer(sentence_text(reading, mention)))
    return any(s.start <= mention.span.start and mention.span.end <= s.end for s in spans)


def _let_stand(support: Support, code: str, taken: Sequence[Mention]) -> Support:
    """A term of the code book that was not said for the longer one around it or across its edge."""
    mention, own = support.mention, support.rank == 0 and support.source != TRIGGER
    touched = any(t.first < mention.last and mention.first < t.last for t in taken)
    return replace(support, nested=False) if touched and own and not code.startswith(_UNSPECIFIED) else support


def _guessed(support: Support, taken: Sequence[Mention]) -> bool:
    """Words that were quoted for several codes say nothing of the two parts."""
    mention, several = support.mention, support.source == TRIGGER and support.rank > 0
    return several and any(mention.first <= t.first and t.last <= mention.last for t in taken)
