"""Makes the file of `model.nearest`: trees taught on held-out terms, measured on others, joined to the tables of all.

python -m model.train.nearest_ranking --out model/artifact/nearest.npz --tested 600 --taught 4000
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from model.candidates import Resolver
from model.codebook import CodeBook
from model.codebook.entries import Term
from model.evaluate.terms import Found, as_table, ask
from model.lexicon import merge_terms
from model.nearest import NearestTerms
from model.nearest_tables import Forest, Tables
from model.predictor import BookCodes
from model.tokens import content_words
from model.train.house import read_house_terms, read_thesaurus
from model.train.nearest import prepare, train_forest, with_forest
from model.train.nearest_held import Held, hold_out
from model.train.terms import index_terms

_CODEBOOK = Path(__file__).parents[1] / "artifact" / "codebook"


class Making:
    """The code book, and the tables of such of its terms as are given."""

    def __init__(self, book: CodeBook) -> None:
        self._book = book
        self._own = merge_terms(read_house_terms(), read_thesaurus())
        self.resolver = Resolver(BookCodes(book))

    def hold_out(self) -> Held:
        return hold_out(self._book.terms(), self._own)

    def tables(self, terms: Iterable[Term], *, thesaurus: bool = True) -> Tables:
        """`thesaurus`: whether with the words written down by hand."""
        printed = {key: " ".join(codes) for key, codes in index_terms(terms).items()}
        return self.tables_of(merge_terms(printed, self._own) if thesaurus else printed)

    def tables_of(self, terms: Mapping[str, str]) -> Tables:
        """`terms`: key -> 'source:code source:code'."""
        return prepare(terms, self._book, _titles(self._book, terms))

    def teach(self, held: Held, most: int | None = None) -> Forest:
        """Trees that saw none of the terms for measuring, neither as a term nor as a question."""
        nearest = NearestTerms(self.tables(held.rest), self.resolver)
        return train_forest(nearest, [(term.text, term.code) for term in held.taught[:most]])

    def measure(self, held: Held, forest: Forest | None, most: int | None, *, thesaurus: bool) -> Found:
        """Asks for the terms held out for measuring; all others are known."""
        tables = self.tables((*held.rest, *held.taught), thesaurus=thesaurus)
        nearest = NearestTerms(with_forest(tables, forest) if forest else tables, self.resolver)
        return ask(held.tested[:most], nearest, self._leaf)

    def _leaf(self, code: str, phrase: str) -> str | None:
        return next(iter(self.resolver.resolve(code, frozenset(content_words(phrase)), None)), None)


def _titles(book: CodeBook, terms: Mapping[str, str]) -> dict[str, str]:
    codes = {item.split(":", 1)[1].rstrip("-.") for one in terms.values() for item in one.split()}
    every = {above for code in codes for above in book.lineage(code)}
    return {code: entry.title for code in every if (entry := book.get(code))}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codebook", type=Path, default=_CODEBOOK)
    parser.add_argument("--out", type=Path, help="File of the tables of all terms and the trees.")
    parser.add_argument("--taught", type=int, help="How many held-out terms teach; all without it.")
    parser.add_argument("--tested", type=int, help="How many are for measuring; all without it.")
    given = parser.parse_args(arguments)
    making = Making(CodeBook.load(given.codebook))
    held = making.hold_out()
    forest = making.teach(held, given.taught)
    if given.out:
        with_forest(making.tables((*held.rest, *held.taught, *held.tested)), forest).save(given.out)
    kinds = {"code book": False, "code book and thesaurus": True}
    found = {name: making.measure(held, forest, given.tested, thesaurus=kind) for name, kind in kinds.items()}
    sys.stdout.write(as_table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
