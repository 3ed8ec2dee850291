"""The words that coders quoted for codes, for the search: `python -m model.train.quoted --data FOLDER`.

Afterwards `chartside codebook build` packs them.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from model.codebook.entries import Term, TermSource
from model.codebook.wordings import write_quoted
from model.codebook.words import FILLER, plain, terms_of
from model.train.__main__ import Rows
from model.train.learning import Coded, coded_encounters, coded_reports

_LONGEST = 6  # words; what is longer is a sentence that nobody types again


def learn_quoted(notes: Iterable[Coded]) -> Iterator[Term]:
    """One term for words and right code, with the number of notes that hold both."""
    times: Counter[tuple[str, str]] = Counter()
    for note in notes:
        times.update({(code, words) for code, quote in note.quotes if code in note.right and (words := key(quote))})
    for (code, words), number in sorted(times.items()):
        yield Term(words, code, TermSource.QUOTED, times=number)


def key(quote: str) -> str:
    """The words by which a search compares, in their order; empty where they are none or too many."""
    words = [word for word in plain(quote) if word not in FILLER and terms_of(word)]
    return " ".join(words) if len(words) <= _LONGEST else ""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m model.train.quoted", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds codiesp/, us-encounters/ and notes/")
    rows = Rows.read(parser.parse_args(arguments).data)
    write_quoted(learn_quoted([*coded_reports(rows.reports), *coded_encounters(rows.encounters)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
