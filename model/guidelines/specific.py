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
_ATTRIBUTE = re.compile(r"(.*?),? (with|without) ((?:(?! with| without).)+)$")  # the last of a title
_WITH = re.compile(r",? with(?:out)? ")
# Combinations beside which the detail keeps its own code ('use additional code' of N18, I50 and the like).
_TAKES_DETAIL = ("I11", "I12", "I13", "E08", "E09", "E10", "E11", "E13", "O")
_OTHER = re.compile(r"\bother\b", re.IGNORECASE)


def vagueness(title: str) -> int:
    """How much a title leaves open; 0 says all it can."""
    return 2 * len(_UNSPECIFIED.findall(title)) + bool(_BROAD.search(title))


def yielding_codes(
    codes: Iterable[str],
    titles: Mapping[str, str],
    words: Mapping[str, Sequence[Span]],
    excludes: Excludes,
    terms: Mapping[str, Sequence[str]] | None = None,
    likely: Mapping[str, float] | None = None,
) -> dict[str, FiredRule]:
    """Codes for which another of `codes` says the same condition in more detail.

    `words` are their evidence and `terms` the terms (`tokens.term_key`) of that evidence. Where the very same words
    speak for both, the detail is a guess: the likelier stays.
    """
    ordered = sorted(codes)
    terms = terms or {}
    dropped = _said_in_other_words(ordered, titles, terms)
    dropped |= _guessed([c for c in ordered if c not in dropped], titles, words, likely or {})
    for code in (c for c in ordered if c not in dropped):
        for other in ordered:
            if other == code or other in dropped:
                continue
            if _attribute_unsaid(code, other, titles, terms) or _yields(code, other, titles, words, excludes):
                reason = f"{titles[other]} ({other}) says the same in more detail."
                dropped[code] = FiredRule("more-specific", _CITATION, reason)
                break
    return dropped


def _said_in_other_words(
    codes: Sequence[str], titles: Mapping[str, str], terms: Mapping[str, Sequence[str]]
) -> dict[str, FiredRule]:
    """Unspecified conditions whose title and terms stand in full in those of one code of another category."""
    dropped: dict[str, FiredRule] = {}
    for code in (c for c in codes if c[0] not in "RZ" and _UNSPECIFIED.search(titles[c]) and terms.get(c)):
        others = (o for o in codes if o[:3] != code[:3] and o[0] not in "RZ" and not o.startswith(_TAKES_DETAIL))
        for other in (o for o in others if terms.get(o)):
            head = _WITH.split(titles[other], maxsplit=1)[0]  # what goes with it has a code of its own
            fuller = _named(titles[code]) < _named(head) and not _OTHER.search(titles[other])
            if fuller and other not in dropped and _held(terms[code], terms[other]):
                reason = f"{titles[other]} ({other}) says the same in more detail."
                dropped[code] = FiredRule("more-specific", _CITATION, reason)
                break
    return dropped


def _guessed(
    codes: Sequence[str], titles: Mapping[str, str], words: Mapping[str, Sequence[Span]], likely: Mapping[str, float]
) -> dict[str, FiredRule]:
    """Codes whose detail no word says: the same words speak for a vaguer and likelier code of their category."""
    dropped: dict[str, FiredRule] = {}
    for code in codes:
        for other in codes:
            alike = code[:3] == other[:3] and set(words[code]) == set(words[other])
            vaguer = vagueness(titles[other]) > vagueness(titles[code])
            if alike and vaguer and likely.get(other, 0.0) > likely.get(code, 0.0):
                reason = f"The words say {titles[other]} ({other}) and no more."
                dropped[code] = FiredRule("no-more-specific-than-said", _CITATION, reason)
    return dropped


def _held(terms: Sequence[str], others: Sequence[str]) -> bool:
    """Whether the words of each term stand in one of the others."""
    return all(any(set(t.split(" ")) <= set(o.split(" ")) for o in others) for t in terms)


def _yields(
    code: str, other: str, titles: Mapping[str, str], words: Mapping[str, Sequence[Span]], excludes: Excludes
) -> bool:
    vaguer = vagueness(titles[code]) > vagueness(titles[other])
    if code[:3] == other[:3]:
        if _contradicts(titles[code], titles[other]):
            return True
        said = _named(titles[code]) <= _named(titles[other]) and not _OTHER.search(titles[other])
        return vaguer and (said or _within(words[code], words[other]))
    if "Z" in (code[0], other[0]) or not (excludes(code, other) or excludes(other, code)):
        return False  # a history of a condition says no more than the condition
    unspecified = _UNSPECIFIED.search(titles[code]) and not _UNSPECIFIED.search(titles[other])
    return bool(unspecified) or _within(words[code], words[other])


def _contradicts(title: str, other: str) -> bool:
    """Whether a condition is told without complications by one title and with one by the other."""
    return (
        bool(_BROAD.search(title)) and " with " in other and _named(title) == _named(_WITH.split(other, maxsplit=1)[0])
    )


def _attribute_unsaid(code: str, other: str, titles: Mapping[str, str], terms: Mapping[str, Sequence[str]]) -> bool:
    """Of 'dementia without anxiety' and 'dementia with anxiety' the one that the words do not say."""
    own, rival = (_ATTRIBUTE.match(titles[c]) for c in (code, other))
    if code[0] == "Z" or not own or not rival or own[1] != rival[1] or own[2] == rival[2]:
        return False
    if _BROAD.search(titles[code]) or _BROAD.search(titles[other]):
        return False  # 'without complications' is what is left open, see `vagueness`
    fuller, bare, attribute = (code, other, own[3]) if own[2] == "with" else (other, code, rival[3])
    if any("without" in term.split(" ") for term in terms.get(bare, ())):
        return fuller == code  # the words themselves say that it is not there
    said = {word for term in terms.get(fuller, ()) for word in term.split(" ")}
    return (fuller == code) is not bool(said & set(content_words(attribute)))


def _named(title: str) -> set[str]:
    """The words of a title that name the condition."""
    return set(content_words(_SAYS_NOTHING.sub(" ", title)))


def _within(spans: Sequence[Span], longer: Sequence[Span]) -> bool:
    """Whether each span stands inside a longer one."""
    return all(
        any(o.start <= s.start and s.end <= o.end and o.end - o.start > s.end - s.start for o in longer) for s in spans
    )
