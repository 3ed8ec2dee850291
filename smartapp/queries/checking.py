"""The non-leading check: what in a query is against compliant practice, named by its words; nothing such is sent.

The words of the notes are quoted as they are and not searched: the question and the options are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from smartapp.queries.values import OTHER, UNABLE, Form, Wording

LONGEST: Final = 1000  # characters of a question


def _any_of(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)


_PAYMENT: Final = _any_of(
    r"pay(?:s|ing|ment|ments|er|ers|or|ors)?|paid|reimburs\w*|revenue|bill(?:s|ed|ing|able)?|claims?|charges?",
    r"costs?|costly|money|dollars?|fees?|profit\w*|financ\w*|insur\w*|medicare|medicaid|denials?|case[ -]?mix|CMI",
    r"(?:MS-|APR-)?DRGs?|HCCs?|RAF|RVUs?|MCCs?",
)
_QUALITY: Final = _any_of(
    r"quality (?:score|measure|metric|rating|indicator|report|program)\w*|PSIs?|HACs?|severity of illness",
    r"risk of mortality|mortality (?:index|score|rate)s?|risk[ -]adjust\w*|core measures?|star ratings?|benchmark\w*",
    r"score ?cards?|rankings?|readmission (?:rate|penalt)\w*",
    r"(?:affects?|impacts?|improves?|changes?) (?:the )?(?:final )?(?:coding|codes?|score|rating)",
)
_LEADING: Final = _any_of(
    r"(?:do|would|don't|do not|wouldn't) you (?:not )?agree",
    r"please (?:document|confirm|add|diagnose|write|state that)",
    r"(?:can|could|would|will) you (?:please )?(?:document|add|confirm|agree)",
    r"(?:should|must|needs? to|has to|have to) (?:be )?(?:document|documented|add|added|say|state|stated)",
    r"isn't it|is it not|obviously|clearly|of course|(?:we|I) (?:think|believe|suggest|assume)",
    r"to support (?:the|this) (?:code|diagnosis)",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that keeps a query from being sent: its rule, what is wrong with which words, how to mend it."""

    rule: str
    told: str


def check(wording: Wording) -> tuple[Finding, ...]:
    """All that is wrong; empty when the query can be sent."""
    return (*_words(wording), *_shape(wording))


def _words(wording: Wording) -> Iterator[Finding]:
    asked = " \n ".join((wording.question, *wording.options))
    for rule, pattern, told in (
        ("payment", _PAYMENT, "A query says nothing about payment: take out {words}."),
        (
            "quality",
            _QUALITY,
            "A query says nothing about quality measures or what coding becomes of it: reword {words}.",
        ),
        ("leading", _LEADING, "This leads to an answer: ask openly in the place of {words}."),
    ):
        found = dict.fromkeys(match.group(0) for match in pattern.finditer(asked))
        if found:
            yield Finding(rule, told.format(words=", ".join(f"“{words}”" for words in found)))
    named = [option for option in wording.options if option.casefold() in wording.question.casefold()]
    if named:
        yield Finding("named", f"The question itself names an option, “{named[0]}”: describe the indicators instead.")


def _shape(wording: Wording) -> Iterator[Finding]:
    if not wording.question:
        yield Finding("empty", "There is no question: write one.")
    if len(wording.question) > LONGEST:
        yield Finding("long", f"The question has more than {LONGEST} characters: shorten it.")
    if not wording.indicators:
        yield Finding("indicators", "No clinical indicator is quoted: keep at least one.")
    if wording.form is Form.CHOICE:
        yield from _options(wording)
    if wording.form is Form.YES_NO and wording.ground is None:
        told = "Yes or no is for few purposes only: choose which one it is, or ask openly."
        yield Finding("yes-no", told)


def _options(wording: Wording) -> Iterator[Finding]:
    if len(wording.options) < 2:
        yield Finding("single", "With a single option the answer is given: offer at least two, or ask openly.")
    ours = [option for option in wording.options if option.casefold() in (OTHER.casefold(), UNABLE.casefold())]
    if ours:
        yield Finding("given", f"“{ours[0]}” is always offered: take it out of your list.")
    if wording.options and not wording.vouched:
        yield Finding("support", "Say that the quoted indicators support each option, or take out what they do not.")
