"""A document understood: which mentions speak for which billable codes, and what the text says of each mention."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from model.assertion import assert_mentions
from model.candidates import Resolver
from model.document import Document, Setting
from model.features import Scene, Support
from model.lexicon import Lexicon, TermCode
from model.prediction import Assertion
from model.reading import Mention, Reading
from model.sections import SectionKind, section_at
from model.tagger import Tags

_NEIGHBOURS = 5  # words on either side that may make a code more specific
_STATED = 10  # words on either side that belong to what is stated
_DENYING = frozenset({"no", "without", "not"})
_DENIED = 4  # words after one of these, at most to the next mark
# Why the patient comes: 'presents today with a painful', 'is referred for evaluation of'.
_PRESENTS = re.compile(
    r"\b(?:present\w*|complain\w*|c/o|comes?|coming|came|here|seen|evaluat\w*|refer\w*|consult\w*|admitted|brought)"
    r"\b[^.;]{0,40}?\b(?:with|of|for|to|because|about|regarding)\b[^.;,]{0,30}\Z",
    re.IGNORECASE,
)
_BEFORE = 90  # characters that may hold it
_LASTING = Path(__file__).with_name("lasting_conditions.tsv")
_ASSESSED = frozenset({SectionKind.ASSESSMENT, SectionKind.PLAN, SectionKind.PROBLEMS})


def lasting_conditions() -> frozenset[str]:
    """Categories of chronic conditions, which a 'history of' does not end (Guidelines FY2026, Section IV.I)."""
    lines = _LASTING.read_text(encoding="utf-8").splitlines()
    return frozenset(line.split("\t")[0] for line in lines if line and not line.startswith("#"))


@dataclass(frozen=True)
class Understanding:
    """Supports by code, in the order of the text."""

    reading: Reading
    document: Document
    supports: dict[str, list[Support]] = field(default_factory=dict)
    mentions: int = 0

    @property
    def scene(self) -> Scene:
        assessed = {
            code[:3]
            for code, supports in self.supports.items()
            if code[0] not in "RZ" and any(s.kind in _ASSESSED and s.assertion is Assertion.PRESENT for s in supports)
        }
        uncertain = {
            code[:3]
            for code, supports in self.supports.items()
            if code[0] not in "RZ" and all(s.assertion is Assertion.POSSIBLE for s in supports)
        }
        words = sum(t.word for t in self.reading.tokens)
        assessing = any(section.kind in _ASSESSED for section in self.reading.sections)
        return Scene(self.document.setting, words, len(assessed), len(uncertain), self.mentions, assessing)


@dataclass(frozen=True, slots=True)
class _Named:
    """A mention and the codes it may stand for."""

    mention: Mention
    choices: tuple[TermCode, ...]


class Reader:
    """Reads documents with the terms of the code book and those learnt."""

    def __init__(
        self,
        lexicons: Sequence[Lexicon],
        resolver: Resolver,
        lasting: frozenset[str],
    ) -> None:
        """`lasting`: categories of conditions that a history does not end."""
        self._lexicons = lexicons
        self._resolver = resolver
        self._lasting = lasting

    def read(self, document: Document, tag: Callable[[Reading], Tags] | None = None) -> Understanding:
        """`tag`: the tagger of the policy; without it no mention is found but by its term in one piece."""
        reading = Reading(document.text)
        tags = tag(reading) if tag else None
        supports: dict[str, list[Support]] = {}
        named = self._find(reading, tags)
        mentions = [n.mention for n in named]
        lasting = [bool(n.choices) and n.choices[0].code[:3] in self._lasting for n in named]
        stay = document.setting in (Setting.INPATIENT, Setting.ED)
        for one, assertion in zip(named, assert_mentions(reading, mentions, lasting, stay), strict=True):
            for code, support in self._supports(reading, document, one, assertion, tags):
                supports.setdefault(code, []).append(support)
        ordered = {c: sorted(s, key=lambda x: x.mention.span) for c, s in sorted(supports.items())}
        return Understanding(reading, document, ordered, len(named))

    def _find(self, reading: Reading, tags: Tags | None) -> list[_Named]:
        """Terms in one piece, then terms whose words stand apart."""
        named: list[_Named] = []
        whole: dict[int, list[Mention]] = {}  # by sentence
        for lexicon in self._lexicons:
            mentions = [
                replace(m, nested=m.nested or _inside(m, whole.get(m.sentence, ()))) for m in lexicon.find(reading)
            ]
            for mention in mentions:
                if not mention.nested:
                    whole.setdefault(mention.sentence, []).append(mention)
            if tags and lexicon is self._lexicons[0]:
                mentions += lexicon.find_scattered(reading, tags.marked.tolist(), mentions)
            named += [_Named(mention, lexicon.codes(mention.key)) for mention in mentions]
        return named

    def _supports(
        self, reading: Reading, document: Document, named: _Named, assertion: Assertion, tags: Tags | None
    ) -> Iterator[tuple[str, Support]]:
        mention, choices = named.mention, named.choices
        sentence = reading.sentences[mention.sentence]
        low, high = max(sentence.first, mention.first - _NEIGHBOURS), min(sentence.last, mention.last + _NEIGHBOURS)
        words = _heard(reading, low, high)
        section = section_at(reading.sections, mention.span.start)
        share = mention.length / max(1, reading.words_of(sentence))
        leads = not any(t.word and not t.norm.isdigit() for t in reading.tokens[sentence.first : mention.first])
        place = mention.span.start / max(1, len(reading.text))
        begin = max(reading.tokens[sentence.first].start, mention.span.start - _BEFORE)
        presents = bool(_PRESENTS.search(reading.text, begin, mention.span.start))
        marks = tags.of(mention.places) if tags else None
        given: set[str] = set()
        for rank, choice in enumerate(choices):
            resolved = self._resolver.resolve(choice.code, words, document.date_of_service)
            for code in sorted(set(resolved) - given):
                given.add(code)
                kind = section.kind if section else SectionKind.NONE
                heading = section.heading if section else None
                fuller = self._fuller(reading, document, mention, code) if kind in _ASSESSED and not rank else None
                support = Support(
                    mention=mention, assertion=assertion, kind=kind, heading=heading, table_code=choice.code,
                    source=choice.source, rank=rank, choices=len(choices), share=share, leads=leads,
                    nested=mention.nested, place=place, presents=presents, marks=marks,
                    fuller=fuller,
                )  # fmt: skip
                yield code, support

    def _fuller(self, reading: Reading, document: Document, mention: Mention, code: str) -> str | None:
        sentence = reading.sentences[mention.sentence]
        low, high = max(sentence.first, mention.first - _STATED), min(sentence.last, mention.last + _STATED)
        words = _heard(reading, low, high)
        return self._resolver.fuller(code, words, document.date_of_service)


def _heard(reading: Reading, first: int, last: int) -> frozenset[str]:
    """The words of the tokens, without those that are denied: 'exacerbation' in 'asthma, no exacerbation'."""
    heard, denied = [], 0
    for token in reading.tokens[first:last]:
        if not token.word:
            denied = 0
            continue
        if not denied:
            heard.append(token.norm)
        denied = _DENIED if token.norm in _DENYING else max(0, denied - 1)
    return frozenset(heard)


def _inside(mention: Mention, others: Iterable[Mention]) -> bool:
    """Whether it is part of a longer term of an earlier lexicon: 'atrial' in 'premature atrial complexes'."""
    return any(o.first <= mention.first and mention.last <= o.last and o.length > mention.length for o in others)
