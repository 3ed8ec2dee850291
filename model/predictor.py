"""The only door: a document in, codes with evidence out."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from model.candidates import Resolver
from model.codebook import CodeBook
from model.confidence import Confidence
from model.decisions import Decider, judge
from model.document import Document
from model.experience import Experience
from model.guidelines.excluded import Excluder
from model.guidelines.order import Sequencer
from model.guidelines.years import in_year
from model.lexicon import Lexicon
from model.parts import (
    CODEBOOK,
    CONFIDENCE,
    ENCOUNTERS_TAGGER,
    LEARNT,
    REPORTS_TAGGER,
    TERMS,
    TOKENIZER,
    check_manifest,
)
from model.prediction import Policy, Prediction
from model.tagger import ENCOUNTER_LABELS, REPORT_LABELS, Tagger
from model.understanding import Reader, lasting_conditions


class BookCodes:
    """The code book as the resolver asks it."""

    def __init__(self, book: CodeBook) -> None:
        self._book = book

    def is_billable(self, code: str, on: date | None) -> bool:
        return self._book.is_billable(code, on)

    def billable_descendants(self, code: str, on: date | None) -> tuple[str, ...]:
        return self._book.billable_descendants(code, on)

    def title(self, code: str, on: date | None) -> str:
        entry = self._book.get(code, on)
        return entry.title if entry else ""


class Predictor:
    """Terms, what was learnt about them, taggers and confidence: loaded together, one revision."""

    def __init__(
        self, book: CodeBook, lexicons: tuple[Lexicon, ...], experience: Experience, deciders: dict[Policy, Decider],
        taggers: Mapping[Policy, Tagger], revision: str,
    ) -> None:  # fmt: skip
        self._book = book
        self._codes = BookCodes(book)
        self._experience = experience
        self._deciders = deciders
        self._taggers = taggers
        self._reader = Reader(lexicons, Resolver(self._codes), lasting_conditions())
        self.revision = revision

    @classmethod
    def load(cls, directory: Path) -> "Predictor":
        """Reads an artifact; raises DamagedPart with the name of a part that is not the one of the manifest."""
        manifest = check_manifest(directory)
        book = CodeBook.load(directory / CODEBOOK)
        experience = Experience.load(directory / LEARNT)
        lexicons = (Lexicon.load(directory / TERMS, experience.mentions), Lexicon(experience.triggers))
        plain = json.loads((directory / CONFIDENCE).read_text(encoding="utf-8"))
        first = Confidence.from_json(plain["first_listed"])
        excludes = Excluder(book)
        order = Sequencer(book)
        deciders = {p: Decider(Confidence.from_json(plain[p.value]), first, excludes, order) for p in Policy}
        taggers = _load_taggers(directory) if TOKENIZER in manifest.parts else {}
        return cls(book, lexicons, experience, deciders, taggers, manifest.revision)

    def predict(self, document: Document, policy: Policy) -> Prediction:
        """Every code the document may carry under the policy, with the words that prove it; the same each time."""
        day = document.date_of_service
        tagger = self._taggers.get(policy)
        understood = self._reader.read(document, tagger.tag if tagger else None)
        judgement = judge(understood, policy, self._experience)
        titles = {c: self._codes.title(c, day) for c in {*understood.supports, *judgement.weighed}}
        codes, not_coded = self._deciders[policy].decide(understood, judgement, titles, policy)
        edition = self._book.edition_on(day).name
        return Prediction(
            document_id=document.id,
            document_sha256=document.sha256,
            policy=policy,
            model_revision=self.revision,
            code_set_edition=edition,
            codes=tuple(replace(c, rules=tuple(in_year(r, edition) for r in c.rules)) for c in codes),
            not_coded=tuple(replace(n, rule=in_year(n.rule, edition) if n.rule else None) for n in not_coded),
            thresholds=self._deciders[policy].thresholds(policy),
        )


def _load_taggers(directory: Path) -> dict[Policy, Tagger]:
    tokenizer = directory / TOKENIZER
    return {
        Policy.EXHAUSTIVE: Tagger.load(tokenizer, directory / REPORTS_TAGGER, REPORT_LABELS),
        Policy.ENCOUNTER: Tagger.load(tokenizer, directory / ENCOUNTERS_TAGGER, ENCOUNTER_LABELS),
    }
