"""What the text says of a mention: present, absent, possible, historical, of the family, hypothetical (as ConText).

The words that decide are data (`assertion_cues.tsv`); here is only how far each of them reaches.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from model.prediction import Assertion
from model.reading import Mention, Reading, Sentence
from model.retraction import taken_back
from model.sections import Section, SectionKind, section_at
from model.tokens import Token, read_words, tokenise

_CUES = Path(__file__).with_name("assertion_cues.tsv")
_SILENT = frozenset({"pseudo", "terminate", "speaks"})
_BACKWARD_REACH = 8  # words before 'was ruled out' and the like
_NARROW_REACH = 6  # words after a plain 'not'
# After a comma these begin a new statement: "denies fever, she reports a cough".
_NEW_STATEMENT = frozenset(["he", "she", "they", "patient", "his", "her", "their", "it", "this", "we", "i"])
_LIST_WORDS = frozenset({"or", "nor", "versus", "vs", "and/or"})
_JOINING = _LIST_WORDS | {"and"}
# How cues begin that look back to one thing, unless it is one of several with a word between.
_OF_ONE = ("not ", "is ", "was ", "has ")
# Cues whose reach ends at the first comma: they speak of one thing, not of a list.
_ONE_THING = frozenset({"status post", "s p", "prior", "previous", "old", "remote", "former", "not"})
# What a condition is told to be without; what follows the comma is another condition.
_ATTRIBUTES = read_words(Path(__file__).with_name("attribute_words.txt"))
# Single words that look back only when nothing follows them.
_CLOSING = frozenset(
    {"possible", "probable", "suspected", "vs", "versus", "none", "absent", "negative", "resolved", "risk", "no"}
    | {"questionable", "doubtful", "unconfirmed", "doubt"}
)
# A question to the patient, and no doubt.
_ASKING = read_words(Path(__file__).with_name("asking_words.txt"))
_QUESTION = 6  # words; 'COPD?' in a list of diagnoses, and no question to the patient
# What resolved during a stay was treated there: in its final diagnoses the word denies nothing (Sections II and III).
_OVER = "resolved"
_FINAL = frozenset({SectionKind.ASSESSMENT, SectionKind.PROBLEMS})
# 'A 3-day history of cough' and 'history of cough for two weeks' tell of what is there, and not of the past.
_SO_LONG = re.compile(
    r"(?:\b(?:hour|hr|day|week|wk|month|mo|year|yr)s?['’]?s?|\blong(?:[- ]?standing)?)[- ]+\Z", re.IGNORECASE
)
_UNTIL_NOW = re.compile(
    r"[^,;:.]{1,60}? (?:for|x|times|over|during|since)(?: (?:about|the|approximately|almost|nearly|more than))*"
    r"(?: (?:past|last))? ?(?:[\w-]+ )?(?:to [\w-]+ )?(?:hours?|days?|weeks?|months?|yesterday|morning)\b(?! ago)",
    re.IGNORECASE,
)
_TREATED = re.compile(
    r"\b(?:status post|s/p|treated|resect\w+|removed|surgery|therapy|remission|years?)\b", re.IGNORECASE
)
_HISTORIES = frozenset({"history of", "hx of", "h o"})
_STRENGTH = (
    Assertion.FAMILY,
    Assertion.ABSENT,
    Assertion.HYPOTHETICAL,
    Assertion.POSSIBLE,
    Assertion.HISTORICAL,
)


@dataclass(frozen=True, slots=True)
class Cue:
    """Words at tokens `first` to `last` (half-open) that change the reading of mentions on one side."""

    first: int
    last: int
    words: str
    category: str
    side: str


@dataclass(frozen=True, slots=True)
class _Scope:
    opens: int  # a mention may begin here, inside the cue, if it reaches beyond it: 'no acute coronary syndrome'
    first: int
    last: int
    assertion: Assertion
    words: frozenset[str] = frozenset()  # of the cue

    @property
    def over(self) -> bool:
        """Whether it tells of what was and is no more."""
        return _OVER in self.words

    def reaches(self, mention: Mention) -> bool:
        return self._holds(mention) and self.first < mention.last <= self.last

    def _holds(self, mention: Mention) -> bool:
        """A doubt may stand between the words of a mention: 'acute bronchitis, doubt COPD'."""
        across = self.assertion is Assertion.POSSIBLE and not self.words & set(mention.key.split(" "))
        return self.opens <= mention.first or (across and mention.first < self.opens)


def single_cues(kinds: Iterable[Assertion]) -> frozenset[str]:
    """Cues of one word that say one of `kinds` of a mention."""
    lines = _CUES.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    wanted = set(kinds)
    return frozenset(cue for cue, kind, *_ in rows if kind in wanted and " " not in cue)


def assert_mentions(
    reading: Reading, mentions: Sequence[Mention], lasting: Sequence[bool], stay: bool = False
) -> list[Assertion]:
    """What the text says of each mention; `lasting` marks conditions that a history does not end (hypertension).

    `stay`: the text tells of one stay, in the hospital or the emergency department.
    """
    scopes: dict[int, list[_Scope]] = {}
    asserted = []
    back = taken_back(reading, mentions)
    for index, (mention, lasts) in enumerate(zip(mentions, lasting, strict=True)):
        if mention.sentence not in scopes:
            sentence = reading.sentences[mention.sentence]
            found = [*_scopes(reading, sentence, find_cues(reading, sentence)), *_doubts(reading, sentence)]
            scopes[mention.sentence] = found
        section = section_at(reading.sections, mention.span.start)
        treated = stay and section is not None and section.kind in _FINAL
        said = {s.assertion for s in scopes[mention.sentence] if s.reaches(mention) and not (treated and s.over)}
        said |= {Assertion.ABSENT} if index in back else set()
        asserted.append(_decide(said, section, lasts))
    return asserted


def _decide(said: set[Assertion], section: Section | None, lasting: bool) -> Assertion:
    kind = section.kind if section else SectionKind.NONE
    if kind is SectionKind.FAMILY and Assertion.ABSENT not in said:  # what is denied is nobody's
        said = said | {Assertion.FAMILY}
    if kind in (SectionKind.PAST, SectionKind.SURGICAL):
        said = said | {Assertion.HISTORICAL}
    strongest = next((a for a in _STRENGTH if a in said), Assertion.PRESENT)
    return Assertion.PRESENT if strongest is Assertion.HISTORICAL and lasting else strongest


def find_cues(reading: Reading, sentence: Sentence) -> list[Cue]:
    """The cues of a sentence in order; the longest wins, so 'no change' is not 'no'."""
    cues, longest = _cues()
    words = [(i, _spoken(reading.text, t)) for i, t in enumerate(_tokens(reading, sentence), sentence.first) if t.word]
    found: list[Cue] = []
    at = 0
    while at < len(words):
        for length in range(min(longest, len(words) - at), 0, -1):
            phrase = " ".join(w for _, w in words[at : at + length])
            if phrase in cues:
                first, last = words[at][0], words[at + length - 1][0] + 1
                found.extend(Cue(first, last, phrase, category, side) for category, side in cues[phrase])
                at += length - 1
                break
        at += 1
    return found


def _tokens(reading: Reading, sentence: Sentence) -> tuple[Token, ...]:
    return reading.tokens[sentence.first : sentence.last]


def _spoken(text: str, token: Token) -> str:
    return text[token.start : token.end].lower().replace("’", "'")


def _scopes(reading: Reading, sentence: Sentence, cues: list[Cue]) -> Iterator[_Scope]:
    ends = [c for c in cues if c.category == "terminate"]
    spoken = [c for c in cues if c.category == "speaks"]
    for cue in cues:
        if cue.category in _SILENT or (cue.words in _HISTORIES and _goes_on(reading, sentence, cue)):
            continue
        assertion = Assertion(cue.category)
        stops = ends + spoken if assertion is Assertion.FAMILY else ends
        if cue.side == "forward":
            end = min((s.first for s in stops if s.first >= cue.last), default=sentence.last)
            words = frozenset(cue.words.split(" "))
            yield _Scope(cue.first + 1, cue.last, _forward_end(reading, cue, end), assertion, words)
        else:
            start = max((s.last for s in stops if s.last <= cue.first), default=sentence.first)
            if cue.words not in _CLOSING or _closes(reading, cue, sentence):
                begin = _backward_start(reading, cue, start)
                yield _Scope(begin, begin, cue.first, assertion, frozenset(cue.words.split(" ")))


def _goes_on(reading: Reading, sentence: Sentence, cue: Cue) -> bool:
    """Whether the history is that of a complaint which the words time up to this day."""
    tokens = reading.tokens
    before = reading.text[tokens[sentence.first].start : tokens[cue.first].start]
    behind = reading.text[tokens[cue.last - 1].end : tokens[sentence.last - 1].end]
    told = _UNTIL_NOW.match(behind)
    return bool(_SO_LONG.search(before) or (told and not _TREATED.search(told.group())))


def _doubts(reading: Reading, sentence: Sentence) -> Iterator[_Scope]:
    """'?COPD' and 'COPD?'."""
    tokens = reading.tokens
    for at in range(sentence.first, sentence.last - 1):
        if tokens[at].norm == "?" and tokens[at + 1].start == tokens[at].end:
            cue = Cue(at, at + 1, "?", Assertion.POSSIBLE, "forward")
            yield _Scope(at, at + 1, _forward_end(reading, cue, sentence.last), Assertion.POSSIBLE)
    words = [t.norm for t in tokens[sentence.first : sentence.last] if t.word]
    if tokens[sentence.last - 1].norm == "?" and len(words) <= _QUESTION and not _ASKING & set(words):
        yield _Scope(sentence.first, sentence.first, sentence.last, Assertion.POSSIBLE)


def _closes(reading: Reading, cue: Cue, sentence: Sentence) -> bool:
    """'Pneumonia, possible.' speaks of pneumonia; 'knee pain, possible strain' of the strain; 'fever: no' of fever."""
    if cue.words == "no" and (cue.first == sentence.first or reading.tokens[cue.first - 1].norm != ":"):
        return False
    return cue.last >= sentence.last or not reading.tokens[cue.last].word


def _forward_end(reading: Reading, cue: Cue, end: int) -> int:
    tokens = reading.tokens
    one_thing = cue.words in _ONE_THING or cue.category == Assertion.POSSIBLE or _of_condition(reading, cue, end)
    reached = 0
    for index in range(cue.last, end):
        token = tokens[index]
        reached += token.word
        if cue.words == "not" and reached > _NARROW_REACH:
            return index
        if token.norm == "," and index + 1 < end:
            following = _spoken(reading.text, tokens[index + 1])
            if following in _NEW_STATEMENT or (one_thing and following not in _LIST_WORDS):
                return index
    return end


def _of_condition(reading: Reading, cue: Cue, end: int) -> bool:
    """'Stroke without residual deficits, diabetes' says nothing of the diabetes."""
    return cue.words == "without" and cue.last < end and _spoken(reading.text, reading.tokens[cue.last]) in _ATTRIBUTES


def _backward_start(reading: Reading, cue: Cue, start: int) -> int:
    """A comma ends it, but for lists that are denied; 'pneumonia, organism not identified' is none."""
    reached, listed = 0, not cue.words.startswith(_OF_ONE)
    for index in range(cue.first - 1, start - 1, -1):
        token = reading.tokens[index]
        reached += token.word
        listed = listed or _spoken(reading.text, token) in _JOINING
        if reached > _BACKWARD_REACH:
            return index + 1
        if token.norm == "," and reached and not (listed and cue.category == Assertion.ABSENT):
            return index + 1
    return start


@lru_cache(maxsize=1)
def _cues() -> tuple[dict[str, list[tuple[str, str]]], int]:
    cues: dict[str, list[tuple[str, str]]] = {}
    for line in _CUES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            cue, category, side = line.split("\t")
            key = " ".join(_spoken(cue, t) for t in tokenise(cue) if t.word)
            cues.setdefault(key, []).append((category, side))
    return cues, max(len(key.split(" ")) for key in cues)
