"""How well the search of the code book finds codes for words that it does not hold: terms held out and asked for.

python -m model.train.held_out
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.candidates import Resolver
from model.codebook import CodeBook
from model.codebook.entries import Term, TermSource
from model.codebook.wordings import thesaurus_terms
from model.evaluate.terms import Found, as_table, ask
from model.lexicon import merge_terms
from model.parts import CODEBOOK
from model.predictor import BookCodes
from model.tokens import content_words, term_key
from model.train.house import read_house_terms, read_thesaurus
from model.train.terms import index_terms

SEED = 2026
_ASKED = frozenset({TermSource.INDEX, TermSource.INCLUSION})
_NOT_ASKED = "VWXY"  # external causes
_ARTIFACT = Path(__file__).parents[1] / "artifact"


@dataclass(frozen=True, slots=True)
class Held:
    """Terms that no other term says in the same words, and all others."""

    tested: tuple[Term, ...]
    rest: tuple[Term, ...]


def hold_out(terms: Iterable[Term], taken: Collection[str], most: int, seed: int = SEED) -> Held:
    """The same `most` terms each time. `taken`: keys of other tables, whose terms are not asked for."""
    every = list(terms)
    keys = [tuple(index_terms([term])) for term in every]
    times = Counter(key for one in keys for key in one)
    asked = [at for at, term in enumerate(every) if term.source in _ASKED and term.code[0] not in _NOT_ASKED]
    alone = [at for at in asked if _alone(every[at], keys[at], times, taken)]
    random.Random(seed).shuffle(alone)  # noqa: S311 (a sample, not a secret)
    tested = set(alone[:most])
    rest = (term for at, term in enumerate(every) if at not in tested)
    return Held(tuple(every[at] for at in alone[:most]), tuple(rest))


def _alone(term: Term, keys: Sequence[str], times: Counter[str], taken: Collection[str]) -> bool:
    own = term_key(content_words(term.text))
    return own in keys and not any(times[key] > 1 or key in taken for key in keys)


def measure(book: CodeBook, most: int) -> Found:
    """Asks the search, which knows all terms and wordings but those held out, for them."""
    held = hold_out(book.terms(), merge_terms(read_house_terms(), read_thesaurus()), most)
    searched = book.knowing([*held.rest, *thesaurus_terms()])
    resolver = Resolver(BookCodes(book))

    def answer(phrases: Sequence[str]) -> list[list[tuple[str, float]]]:
        return [[(found.code, found.score) for found in searched.search(phrase)] for phrase in phrases]

    def resolve(code: str, phrase: str) -> str | None:
        return next(iter(resolver.resolve(code, frozenset(content_words(phrase)), None)), None)

    return ask(held.tested, answer, resolve)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--artifact", type=Path, default=_ARTIFACT, help="Holds the code book.")
    parser.add_argument("--tested", type=int, default=1_000, help="How many terms are held out.")
    given = parser.parse_args(arguments)
    found = measure(CodeBook.load(given.artifact / CODEBOOK), given.tested)
    sys.stdout.write(as_table({"all others": found}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
