"""Words of a note that a rule asks for: where they stand, and whether the note affirms them."""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from model.assertion import assert_mentions
from model.document import Span
from model.features import Support
from model.prediction import Assertion
from model.reading import Mention, Reading
from model.sections import SectionKind, section_at

SOURCE = "g"  # of a support that a rule made
TRIGGER = "u"  # words that go with a code confirm no condition
_GUESSED = frozenset("s")  # nor do words that are only a part of a term
_ANYTHING = re.compile(r".*", re.DOTALL)
_NEAR = 4  # tokens on either side of a mention


@dataclass(frozen=True, slots=True)
class Spoken:
    """A match of a pattern, the tokens it covers, and what the note says of them."""

    match: "re.Match[str]"
    mention: Mention
    assertion: Assertion


def confirms(support: Support) -> bool:
    """Whether the note says by this mention that the patient has what the code first stands for."""
    told = support.assertion is Assertion.PRESENT and support.rank == 0
    return told and support.source not in _GUESSED | {TRIGGER}


def spoken(reading: Reading, pattern: "re.Pattern[str]", key: str) -> Iterator[Spoken]:
    """Every place where the pattern stands; `key` names it among the terms."""
    for match in pattern.finditer(reading.text):
        mention = _mention(reading, match.start(), match.end(), key)
        if mention:
            yield Spoken(match, mention, assert_mentions(reading, [mention], [False])[0])


def spoken_at(reading: Reading, start: int, end: int, key: str) -> Spoken | None:
    """The words between two characters; None where they hold no word of a sentence."""
    match, mention = _ANYTHING.match(reading.text, start, end), _mention(reading, start, end, key)
    if not match or not mention:
        return None
    return Spoken(match, mention, assert_mentions(reading, [mention], [False])[0])


def affirmed(reading: Reading, pattern: "re.Pattern[str]", key: str, outside: Collection[str] = ()) -> list[Spoken]:
    """The places where the note affirms it; words under the kinds of heading `outside` do not count."""
    return [
        one
        for one in spoken(reading, pattern, key)
        if one.assertion is Assertion.PRESENT and kind_at(reading, one.mention)[0].value not in outside
    ]


def kind_at(reading: Reading, mention: Mention) -> tuple[SectionKind, str | None]:
    """The kind of section a mention stands in, and its heading."""
    section = section_at(reading.sections, mention.span.start)
    return (section.kind, section.heading) if section else (SectionKind.NONE, None)


def as_support(reading: Reading, one: Spoken, code: str) -> Support:
    """The words as evidence of a code."""
    kind, heading = kind_at(reading, one.mention)
    sentence = reading.sentences[one.mention.sentence]
    return Support(
        mention=one.mention, assertion=one.assertion, kind=kind, heading=heading, table_code=code, source=SOURCE,
        rank=0, choices=1, share=one.mention.length / max(1, reading.words_of(sentence)), leads=False, nested=False,
        place=one.mention.span.start / max(1, len(reading.text)),
    )  # fmt: skip


def sentence_text(reading: Reading, mention: Mention) -> str:
    """The sentence a mention stands in."""
    sentence = reading.sentences[mention.sentence]
    return reading.text[reading.tokens[sentence.first].start : reading.tokens[sentence.last - 1].end]


def near_text(reading: Reading, mention: Mention, reach: int = _NEAR) -> str:
    """A mention and `reach` tokens of its sentence on either side."""
    sentence = reading.sentences[mention.sentence]
    first, last = max(sentence.first, mention.first - reach), min(sentence.last, mention.last + reach)
    return reading.text[reading.tokens[first].start : reading.tokens[last - 1].end]


def onward_text(reading: Reading, mention: Mention, reach: int = 2) -> str:
    """A mention and `reach` tokens of its sentence behind it."""
    last = min(reading.sentences[mention.sentence].last, mention.last + reach)
    return reading.text[mention.span.start : reading.tokens[last - 1].end]


def _mention(reading: Reading, start: int, end: int, key: str) -> Mention | None:
    tokens = reading.tokens
    number = bisect_right(reading.sentences, start, key=lambda s: tokens[s.last - 1].end)
    if number == len(reading.sentences):
        return None
    sentence = reading.sentences[number]
    inside = [i for i in range(sentence.first, sentence.last) if start <= tokens[i].start and tokens[i].end <= end]
    words = [i for i in inside if tokens[i].word]
    if not words:
        return None
    span = Span(tokens[words[0]].start, tokens[words[-1]].end)
    return Mention(span, key, len(words), number, words[0], words[-1] + 1, False)
