"""Makes what `model.nearest` reads: an encoder and trees, both taught without the terms on which they are measured.

python -m model.train.nearest_ranking --out folder --tested 1600 --taught 2000
"""

import argparse
import hashlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from model.candidates import Resolver
from model.codebook import CodeBook
from model.codebook.entries import Term
from model.codebook.wordings import thesaurus_terms
from model.encoder import Encoder, Meanings, Small
from model.evaluate.terms import Found, as_table, ask
from model.lexicon import merge_terms
from model.nearest import MEANINGS, NETWORK, TABLES, Meaning, NearestTerms
from model.nearest_tables import Forest, Tables
from model.predictor import BookCodes
from model.tokens import content_words, term_key
from model.train.encoder_texts import Wording, other_words, wordings
from model.train.house import THESAURUS, read_house_terms, read_thesaurus
from model.train.nearest import prepare, train_forest, with_forest
from model.train.nearest_held import Held, hold_out, keys_of
from model.train.stages import Work
from model.train.terms import index_terms

_ARTIFACT = Path(__file__).parents[1] / "artifact"


class Remembered:
    """An encoder that reads no phrase twice."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Small] = {}

    def __call__(self, phrases: Sequence[str]) -> Small:
        new = [phrase for phrase in dict.fromkeys(phrases) if phrase not in self._known]
        if new:
            self._known |= zip(new, self._encoder(new), strict=True)
        return np.stack([self._known[phrase] for phrase in phrases])


class Making:
    """The code book, and what is made of such of its terms as are given."""

    def __init__(self, book: CodeBook) -> None:
        self._book = book
        self._own = merge_terms(read_house_terms(), read_thesaurus())
        self.resolver = Resolver(BookCodes(book))

    def hold_out(self, taught: int | None) -> Held:
        return hold_out(self._book.terms(), self._own, taught)

    def learn_encoder(self, held: Held, start: Path, tokenizer: Path, work: Work) -> Path:
        """The network, taught by all wordings but those held out; made once for the same wordings."""
        from model.train.encoder import Lessons, train_encoder
        from model.train.exporting import export_encoder

        pairs, short = other_words(THESAURUS.parent)
        without = keys_of((*held.tested, *held.taught))
        pairs = [one for one in pairs if term_key(content_words(one.text)) not in without]
        every = [*_wordings(held.rest, without), *pairs]
        digest = hashlib.sha256(repr([(one.code, one.levels, one.modifiers) for one in every]).encode()).hexdigest()
        state = work.folder / f"encoder-{digest[:12]}.pt"

        def make(folder: Path) -> None:
            network = train_encoder(every, short, start, tokenizer, state, Lessons())
            export_encoder(network, folder / NETWORK)

        return work.stage("encoder", [digest, asdict(Lessons())], make) / NETWORK

    def tables(self, terms: Iterable[Term]) -> Tables:
        printed = {key: " ".join(codes) for key, codes in index_terms(terms).items()}
        return self.tables_of(merge_terms(printed, self._own))

    def tables_of(self, terms: Mapping[str, str]) -> Tables:
        """`terms`: key -> 'source:code source:code'."""
        return prepare(terms, self._book, _titles(self._book, terms))

    def nearest(self, terms: Sequence[Term], encoder: Meaning | None, forest: Forest | None = None) -> NearestTerms:
        """A finder that knows these terms and the thesaurus. `encoder`: none to compare words alone."""
        tables = self.tables(terms)
        tables = with_forest(tables, forest) if forest else tables
        meaning = (encoder, meanings(terms, encoder)) if encoder else None
        return NearestTerms(tables, self.resolver, meaning)

    def teach(self, held: Held, encoder: Meaning | None) -> Forest:
        """Trees that saw none of the terms for measuring, neither as a term nor as a question."""
        return train_forest(self.nearest(held.rest, encoder), [(term.text, term.code) for term in held.taught])

    def measure(self, held: Held, nearest: NearestTerms, most: int | None) -> Found:
        """Asks for the terms held out for measuring."""
        return ask(held.tested[:most], nearest, self._leaf)

    def _leaf(self, code: str, phrase: str) -> str | None:
        return next(iter(self.resolver.resolve(code, frozenset(content_words(phrase)), None)), None)


def meanings(terms: Iterable[Term], encoder: Meaning) -> Meanings:
    return Meanings.of([(one.code, one.text) for one in _wordings(terms)], encoder)


def _wordings(terms: Iterable[Term], without: Iterable[str] = ()) -> list[Wording]:
    return wordings([*terms, *thesaurus_terms()], frozenset(without))


def _titles(book: CodeBook, terms: Mapping[str, str]) -> dict[str, str]:
    codes = {item.split(":", 1)[1].rstrip("-.") for one in terms.values() for item in one.split()}
    every = {above for code in codes for above in book.lineage(code)}
    return {code: entry.title for code in every if (entry := book.get(code))}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, default=_ARTIFACT, help="Holds the code book and the tokenizer.")
    parser.add_argument("--start", type=Path, help="Pretrained weights; without them words are compared alone.")
    parser.add_argument("--work", type=Path, default=Path("var/train"), help="What is finished of a run.")
    parser.add_argument("--out", type=Path, help="Folder for the finder of all terms.")
    parser.add_argument("--taught", type=int, help="How many held-out terms teach; all without it.")
    parser.add_argument("--tested", type=int, help="How many are for measuring; all without it.")
    given = parser.parse_args(arguments)
    making = Making(CodeBook.load(given.artifact / "codebook"))
    held = making.hold_out(given.taught)
    tokenizer, encoder, network = given.artifact / "tokenizer.json", None, None
    if given.start:
        network = making.learn_encoder(held, given.start, tokenizer, Work(given.work))
        encoder = Remembered(Encoder.load(tokenizer, network))
    forest = making.teach(held, encoder)
    nearest = making.nearest((*held.rest, *held.taught), encoder, forest)
    sys.stdout.write(as_table({"all others": making.measure(held, nearest, given.tested)}))
    if given.out:
        every = (*held.rest, *held.taught, *held.tested)
        given.out.mkdir(parents=True, exist_ok=True)
        with_forest(making.tables(every), forest).save(given.out / TABLES)
        if encoder and network:
            meanings(every, encoder).save(given.out / MEANINGS)
            (given.out / NETWORK).write_bytes(network.read_bytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
