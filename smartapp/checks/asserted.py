"""Rules on what the words of the evidence assert: another side than the code, a doubt, that it is not so."""

import re
from collections.abc import Iterator

from model.specification import title_words
from smartapp.checks.case import Case
from smartapp.checks.remarks import Remark
from smartapp.checks.words import near_words
from smartapp.reviews import AcceptedCode

_OTHER = {"right": "left", "left": "right"}
_SENTENCE = 40  # words on either side, as far as the sentence goes
_BOTH = frozenset({"bilateral", "bilaterally", "both"})
# Coded only when confirmed, in a hospital too (Sections I.C.1.a, I.C.1.f, I.C.1.g, I.C.10.c).
_CONFIRMED = ("A92.5", "B20", "J09", "J10.", "U07.1")
_ONLY_CONFIRMED = "ICD-10-CM Official Guidelines {year}, Sections I.C.1.a, I.C.1.f, I.C.1.g and I.C.10.c"
_DENIED = {
    "absent": "deny it",
    "family": "speak of a relative",
    "hypothetical": "speak of what may come",
}


def other_side(case: Case) -> Iterator[Remark]:
    """505: the words around the evidence name the other side alone."""
    for accepted in case.accepted:
        sides = [side for side in _OTHER if side in title_words(accepted.title)]
        if len(sides) != 1:
            continue
        heard = [(e.quote, near_words(case, accepted.code, e)) for e in accepted.evidence if e.assertion == "present"]
        other = _OTHER[sides[0]]
        quote = next((quote for quote, words in heard if other in words), None)
        sentences = (near_words(case, accepted.code, e, _SENTENCE) for e in accepted.evidence)
        if quote is None or frozenset().union(*sentences) & (_BOTH | {sides[0]}):
            continue
        text = f"{accepted.code} ({accepted.title}) is of the {sides[0]} side; the words around “{quote}” say {other}."
        yield case.remark(
            "other-side", (accepted.code,), text, add=_mirrored(case, accepted, sides[0]), instead_of=accepted.code
        )


def _mirrored(case: Case, accepted: AcceptedCode, side: str) -> tuple[str, ...]:
    """The code that says the same of the other side."""
    wanted = re.sub(rf"\b{side}\b", _OTHER[side], accepted.title)
    return tuple(c for c in case.book.billable_descendants(accepted.code[:3], case.day) if case.title(c) == wanted)[:1]


def uncertain(case: Case) -> Iterator[Remark]:
    """506: every word for the code is in doubt; a hospital codes that as if it were so, with few exceptions (II.H)."""
    for code, quote in _asserting(case, frozenset({"possible"})):
        confirmed = code.startswith(_CONFIRMED)
        if code[0] == "Z" or (case.review.inpatient and not confirmed):
            continue
        text = f"{code} ({case.titles[code]}) rests on words in doubt alone: “{quote}”."
        yield case.remark("uncertain", (code,), text, _ONLY_CONFIRMED if confirmed else "")


def not_affirmed(case: Case) -> Iterator[Remark]:
    """507: every word for the code denies it, or is of somebody else or another time. Z codes may stand for that."""
    for code, quote in _asserting(case, frozenset(_DENIED)):
        said = next(e.assertion for a in case.accepted if a.code == code for e in a.evidence)
        if code[0] != "Z":
            text = f"{code} ({case.titles[code]}): the words for it {_DENIED[said]}: “{quote}”."
            yield case.remark("not-affirmed", (code,), text)


def _asserting(case: Case, wanted: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Codes all of whose evidence is asserted so, with the first of its words; what has none asserts nothing."""
    for accepted in case.accepted:
        if accepted.evidence and all(e.assertion in wanted for e in accepted.evidence):
            yield accepted.code, accepted.evidence[0].quote
