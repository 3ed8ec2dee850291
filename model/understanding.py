"""A document understood: which mentions speak for which billable codes, and what the text says of each mention."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from model.assertion import assert_mentions
from model.candidates import Resolver
from model.document import Document
from model.features import Scene, Support
from model.lexicon import Lexicon
from model.prediction import Assertion
from model.reading import Mention, Reading
from model.sections import SectionKind, section_at

_NEIGHBOURS = 5  # words on either side that may make a code more specific
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
        return Scene(self.document.setting, words, len(assessed), len(uncertain), self.mentions)


class Reader:
    """Reads documents with the terms of the code book and those learnt."""

    def __init__(self, lexicons: Sequence[Lexicon], resolver: Resolver, lasting: frozenset[str]) -> None:
        """`lasting`: categories of conditions that a history does not end."""
        self._lexicons = lexicons
        self._resolver = resolver
        self._lasting = lasting

    def read(self, document: Document) -> Understanding:
        reading = Reading(document.text)
        understood = Understanding(reading, document)
        total = 0
        whole: dict[int, list[Mention]] = {}  # by sentence
        for lexicon in self._lexicons:
            mentions = [
                replace(m, nested=m.nested or _inside(m, whole.get(m.sentence, ()))) for m in lexicon.find(reading)
            ]
            for mention in mentions:
                if not mention.nested:
                    whole.setdefault(mention.sentence, []).append(mention)
            total += len(mentions)
            lasting = [self._lasts(lexicon, m) for m in mentions]
            for mention, assertion in zip(mentions, assert_mentions(reading, mentions, lasting), strict=True):
                for code, support in self._supports(reading, document, lexicon, mention, assertion):
                    understood.supports.setdefault(code, []).append(support)
        ordered = {c: sorted(s, key=lambda x: x.mention.span) for c, s in sorted(understood.supports.items())}
        return Understanding(reading, document, ordered, total)

    def _lasts(self, lexicon: Lexicon, mention: Mention) -> bool:
        codes = lexicon.codes(mention.key)
        return bool(codes) and codes[0].code[:3] in self._lasting

    def _supports(
        self, reading: Reading, document: Document, lexicon: Lexicon, mention: Mention, assertion: Assertion
    ) -> Iterable[tuple[str, Support]]:
        sentence = reading.sentences[mention.sentence]
        low, high = max(sentence.first, mention.first - _NEIGHBOURS), min(sentence.last, mention.last + _NEIGHBOURS)
        words = frozenset(t.norm for t in reading.tokens[low:high] if t.word)
        section = section_at(reading.sections, mention.span.start)
        choices = lexicon.codes(mention.key)
        share = mention.length / max(1, reading.words_of(sentence))
        leads = not any(t.word and not t.norm.isdigit() for t in reading.tokens[sentence.first : mention.first])
        place = mention.span.start / max(1, len(reading.text))
        given: set[str] = set()
        for rank, choice in enumerate(choices):
            resolved = self._resolver.resolve(choice.code, words, document.date_of_service)
            for code in sorted(set(resolved) - given):
                given.add(code)
                kind = section.kind if section else SectionKind.NONE
                heading = section.heading if section else None
                support = Support(
                    mention=mention, assertion=assertion, kind=kind, heading=heading, table_code=choice.code,
                    source=choice.source, rank=rank, choices=len(choices), share=share, leads=leads,
                    nested=mention.nested, place=place,
                )  # fmt: skip
                yield code, support


def _inside(mention: Mention, others: Iterable[Mention]) -> bool:
    """Whether it is part of a longer term of an earlier lexicon: 'atrial' in 'premature atrial complexes'."""
    return any(o.first <= mention.first and mention.last <= o.last and o.length > mention.length for o in others)
