"""The more specific of two codes: an unspecified code yields to one that says the same and more."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from model.document import Span
from model.features import Support
from model.guidelines.excluded import Excludes
from model.guidelines.spoken import confirms
from model.prediction import FiredRule
from model.tokens import content_words

_CITATION = "ICD-10-CM Official Guidelines FY2026, Sections I.B.2 and I.B.18"
_UNSPECIFIED = re.compile(r"\bunspecified\b|\bNOS\b|\bnot otherwise specified\b", re.IGNORECASE)
# What an unspecified title says of itself; the rest of its words name the condition.
_SAYS_NOTHING = re.compile(
    r"\bunspecified (severity|site|type|organism|part|stage|degree|control|side)\b|"
    r"\bunspecified whether with [\w ]+|\bunspecified\b|\bNOS\b|"
    r",? ?without complications?$|,? ?uncomplicated$",
    re.IGNORECASE,
)
_BROAD = re.compile(r"without complications?$|\buncomplicated$", re.IGNORECASE)
_INTRACTABLE = re.compile(r"\bnot intractable\b", re.IGNORECASE)  # which is what the word leaves open
_ATTRIBUTE = re.compile(r"(.*?),? (with|without) ((?:(?! with| without).)+)$")  # the last of a title
_WITH = re.compile(r",? with(?:out)? ")
# Combinations beside which the detail keeps its own code ('use additional code' of N18, I50 and the like).
_TAKES_DETAIL = ("I11", "I12", "I13", "E08", "E09", "E10", "E11", "E13", "O")
_OTHER = re.compile(r"\bother\b", re.IGNORECASE)
_NONDISPLACED = re.compile(r"\bnondisplaced\b", re.IGNORECASE)
_SURE = 0.999  # the most that two probabilities are together
_LEAST = 0.1  # how likely a detail is at least
_GUESS, _GUESS_APART = 0.2, 0.5  # the same for each time that its unspecified code is, and where its words stand apart
_SAID = 0.05  # the same of a detail whose term holds that of the unspecified code: 'permanent atrial fibrillation'
_TITLES = 16_384  # of which what they say is kept: each pair of codes asks anew


@lru_cache(maxsize=_TITLES)
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


def in_detail(
    likely: Mapping[str, float],
    titles: Mapping[str, str],
    supports: Mapping[str, Sequence[Support]],
    excludes: Excludes,
) -> tuple[dict[str, float], dict[str, FiredRule]]:
    """Of an unspecified code and one that the note states in more detail there is one condition, and the detail names
    it: it is as likely as both together. The other goes, with its rule.

    A detail much less likely than the condition is a guess.
    """
    chosen, dropped = dict(likely), {}
    ranked = sorted(likely, key=lambda c: (-likely[c], c))
    for vague in (c for c in ranked if vagueness(titles[c])):
        for code in (c for c in ranked if c not in dropped and likely[c] >= _SAID):
            share = likely[code] / max(chosen[vague], _LEAST)
            if not _details(code, vague, titles, supports, excludes, share):
                continue
            chosen[code] = min(_SURE, chosen[code] + chosen[vague])
            chosen[vague] = 0.0
            reason = f"{titles[code]} ({code}) says the same in more detail."
            dropped[vague] = FiredRule("more-specific", _CITATION, reason)
            break
    return chosen, dropped


def _details(
    code: str,
    vague: str,
    titles: Mapping[str, str],
    supports: Mapping[str, Sequence[Support]],
    excludes: Excludes,
    share: float,
) -> bool:
    """Whether the note confirms by words of its own what says more than the vague code of the same condition.

    `share`: how likely it is for each time that the vague code is; more is asked of words that stand apart.
    """
    words = {s.mention.span for s in supports[vague]}
    own = [s for s in supports[code] if confirms(s) and s.mention.span not in words]
    if not own or _OTHER.search(titles[code]):
        return False
    least = _GUESS_APART if all(s.mention.gap for s in own) else _GUESS
    if share < least:
        whole = [s for s in own if not s.mention.gap]
        if code[:3] != vague[:3] or share < _SAID or not _says_more(whole, titles[code], titles[vague]):
            return False
    if code[:3] == vague[:3]:
        return vagueness(titles[vague]) > vagueness(titles[code]) and _named(titles[vague]) <= _named(titles[code])
    return "Z" not in (code[0], vague[0]) and excludes(vague, code) and _held_in(supports[vague], supports[code])


def _says_more(supports: Sequence[Support], title: str, vague: str) -> bool:
    """Whether words of the note say all that the one title has beyond the other: 'permanent AF'."""
    more = _named(title) - _named(vague)
    return bool(more) and any(more <= set(s.mention.key.split(" ")) for s in supports)


def _held_in(supports: Sequence[Support], longer: Sequence[Support]) -> bool:
    """Whether a term of the one holds a whole term of the other and more: 'refractory anemia' and 'anemia'."""
    terms = [set(s.mention.key.split(" ")) for s in supports if confirms(s)]
    return any(t < set(s.mention.key.split(" ")) for s in longer if confirms(s) for t in terms)


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
            likelier = likely.get(other, 0.0) > likely.get(code, 0.0)
            if alike and likelier and vagueness(titles[other]) > vagueness(titles[code]):
                reason = f"The words say {titles[other]} ({other}) and no more."
                dropped[code] = FiredRule("no-more-specific-than-said", _CITATION, reason)
    return dropped


def _held(terms: Sequence[str], others: Sequence[str]) -> bool:
    """Whether the words of each term stand in one of the others."""
    return all(any(set(t.split(" ")) <= set(o.split(" ")) for o in others) for t in terms)


def _yields(
    code: str, other: str, titles: Mapping[str, str], words: Mapping[str, Sequence[Span]], excludes: Excludes
) -> bool:
    if code[:3] == other[:3]:
        if _contradicts(titles[code], titles[other]) or _INTRACTABLE.sub("intractable", titles[code]) == titles[other]:
            return True
        if _NONDISPLACED.sub("Displaced", titles[other]) == titles[code] != titles[other]:
            return True  # displaced is what a note leaves open (Section I.C.19.c), so the other is said
        said = _named(titles[code]) <= _named(titles[other]) and not _OTHER.search(titles[other])
        vaguer = vagueness(titles[code]) > vagueness(titles[other]) or _names_less(titles[code], titles[other])
        return vaguer and (said or _within(words[code], words[other]))
    if "Z" in (code[0], other[0]) or not (excludes(code, other) or excludes(other, code)):
        return False  # a history of a condition says no more than the condition
    unspecified = _UNSPECIFIED.search(titles[code]) and not _UNSPECIFIED.search(titles[other])
    return bool(unspecified) or _within(words[code], words[other])


def _names_less(title: str, other: str) -> bool:
    """Whether both leave something open and the one names less: 'heart failure' and 'diastolic heart failure'."""
    return vagueness(title) == vagueness(other) > 1 and _named(title) < _named(other)


def _contradicts(title: str, other: str) -> bool:
    """Whether a condition is told without complications by one title and with one by the other."""
    return (
        bool(_BROAD.search(title)) and " with " in other and _named(title) == _named(_WITH.split(other, maxsplit=1)[0])
    )


def _attribute_unsaid(code: str, other: str, titles: Mapping[str, str], terms: Mapping[str, Sequence[str]]) -> bool:
    """Of 'dementia without anxiety' and 'dementia with anxiety' the one that the words do not say."""
    own, rival = _attribute(titles[code]), _attribute(titles[other])
    if code[0] == "Z" or not own or not rival or own[1] != rival[1] or own[2] == rival[2]:
        return False
    if _BROAD.search(titles[code]) or _BROAD.search(titles[other]):
        return False  # 'without complications' is what is left open, see `vagueness`
    fuller, bare, attribute = (code, other, own[3]) if own[2] == "with" else (other, code, rival[3])
    if any("without" in term.split(" ") for term in terms.get(bare, ())):
        return fuller == code  # the words themselves say that it is not there
    said = {word for term in terms.get(fuller, ()) for word in term.split(" ")}
    return (fuller == code) is not bool(said & set(content_words(attribute)))


@lru_cache(maxsize=_TITLES)
def _attribute(title: str) -> "re.Match[str] | None":
    return _ATTRIBUTE.match(title)


@lru_cache(maxsize=_TITLES)
def _named(title: str) -> frozenset[str]:
    """The words of a title that name the condition."""
    return frozenset(content_words(_SAYS_NOTHING.sub(" ", title)))


def _within(spans: Sequence[Span], longer: Sequence[Span]) -> bool:
    """Whether each span stands inside a longer one."""
    return all(
        any(o.start <= s.start and s.end <= o.end and o.end - o.start > s.end - s.start for o in longer) for s in spans
    )
