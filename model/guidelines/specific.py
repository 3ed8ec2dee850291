"""The more specific of two codes: an unspecified code yields to one that says the same and more."""

import re
from collections.abc import Iterable, Mapping, Sequence

from model.document import Span
from model.guidelines.excluded import Excludes
from model.prediction import FiredRule
from model.tokens import content_words

_CITATION = "ICD-10-CM Official Guidelines FY2026, Sections I.B.2 and I.B.18"
_UNSPECIFIED = re.compile(r"\bunspecified\b|\bNOS\b|\bnot otherwise specified\b", re.IGNORECASE)
# What an unspecified title says of itself; the rest of its words name the condition.
_SAYS_NOTHING = re.compile(
    r"\bunspecified (severity|site|type|organism|part|stage|degree|control|side)\b|\bunspecified\b|\bNOS\b|"
    r",? ?without complications?$|,? ?uncomplicated$",
    re.IGNORECASE,
)
_BROAD = re.compile(r"without complications?$|\buncomplicated$", re.IGNORECASE)
_OTHER = re.compile(r"\bother\b", re.IGNORECASE)


def vagueness(title: str) -> int:
    """How much a title leaves open; 0 says all it can."""
    return 2 * len(_UNSPECIFIED.findall(title)) + bool(_BROAD.search(title))


def yielding_codes(
    codes: Iterable[str], titles: Mapping[str, str], words: Mapping[str, Sequence[Span]], excludes: Excludes
) -> dict[str, FiredRule]:
    """Codes for which another of `codes` says the same condition in more detail; `words` are their evidence."""
    ordered = sorted(codes)
    dropped: dict[str, FiredRule] = {}
    for code in ordered:
        for other in ordered:
            if other != code and other not in dropped and _yields(code, other, titles, words, excludes):
                reason = f"{titles[other]} ({other}) says the same in more detail."
                dropped[code] = FiredRule("more-specific", _CITATION, reason)
                break
    return dropped


def _yields(
    code: str, other: str, titles: Mapping[str, str], words: Mapping[str, Sequence[Span]], excludes: Excludes
) -> bool:
    vaguer = vagueness(titles[code]) > vagueness(titles[other])
    if code[:3] == other[:3]:
        said = _named(titles[code]) <= _named(titles[other]) and not _OTHER.search(titles[other])
        return vaguer and (said or _within(words[code], words[other]))
    if "Z" in (code[0], other[0]) or not (excludes(code, other) or excludes(other, code)):
        return False  # a history of a condition says no more than the condition
    unspecified = _UNSPECIFIED.search(titles[code]) and not _UNSPECIFIED.search(titles[other])
    return bool(unspecified) or _within(words[code], words[other])


def _named(title: str) -> set[str]:
    """The words of a title that name the condition."""
    return set(content_words(_SAYS_NOTHING.sub(" ", title)))


def _within(spans: Sequence[Span], longer: Sequence[Span]) -> bool:
    """Whether each span stands inside a longer one."""
    return all(
        any(o.start <= s.start and s.end <= o.end and o.end - o.start > s.end - s.start for o in longer) for s in spans
    )
