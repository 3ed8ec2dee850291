"""`make searches DATA=folder`: how often the search finds the coders' code by the words they quoted.

Every quote of a right code is asked as it stands, once as written and once with one letter of its longest word
misspelt. The notes are those from which the search learnt quoted words, so it is asked in five folds: for each it knows
the words of the other notes alone. FILE of held-out encounters, from which nothing was learnt, is asked as it stands:
`make searches DATA=folder FILE=encounters.jsonl`.
"""

import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from model.codebook import CodeBook
from model.codebook.wordings import thesaurus_terms
from model.train.__main__ import Rows
from model.train.learning import Coded, coded_encounters, coded_reports
from model.train.marked import read_rows
from model.train.quoted import learn_quoted

BOOK = Path(__file__).resolve().parents[2] / "model" / "artifact" / "codebook"
SHORT = 6  # words of a query that somebody would type
RESAMPLES = 1000
FOLDS = 5
Asked = tuple[CodeBook, str, frozenset[str]]  # who is asked, words, the codes that coders gave for them


def by_folds(book: CodeBook, rows: Rows) -> Iterator[Asked]:
    """The encounters that others coded, each fold with a book that did not learn from it."""
    encounters = coded_encounters(rows.encounters)
    asked = [note for note in encounters if note.document.id not in rows.own]
    random.Random(7).shuffle(asked)
    bounds = [len(asked) * n // FOLDS for n in range(FOLDS + 1)]
    for first, last in pairwise(bounds):
        held = {note.document.id for note in asked[first:last]}
        known = [*coded_reports(rows.reports), *(n for n in encounters if n.document.id not in held)]
        terms = (t for t in (*thesaurus_terms(), *learn_quoted(known)) if book.title(t.code))
        yield from queries(book.knowing([*book.terms(), *terms]), asked[first:last])


def queries(book: CodeBook, notes: Iterable[Coded]) -> Iterator[Asked]:
    """A code that a newer edition split is met by every code under it."""
    found: dict[str, set[str]] = defaultdict(set)
    for note in notes:
        for code, quote in note.quotes:
            if code in note.right and (words := " ".join(quote.split()).strip(" .,;:")):
                found[words].update(book.billable_descendants(code) or (code,))
    return ((book, words, frozenset(codes)) for words, codes in found.items())


def misspelt(words: str, rng: random.Random) -> str:
    """One letter dropped, doubled, changed or swapped within the longest word; the first letter stays."""
    parts = words.split(" ")
    at = max(range(len(parts)), key=lambda n: sum(map(str.isalpha, parts[n])))
    word = parts[at]
    if len(word) < 4:
        return words
    place = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:place], word[place], word[place + 1 :]
    slips = (
        before + after,
        before + letter * 2 + after,
        before + rng.choice("abcdefghijklmnopqrstuvwxyz".replace(letter.lower(), "")) + after,
        before + after[0] + letter + after[1:],
    )
    parts[at] = rng.choice(slips)
    return " ".join(parts)


def ranks(asked: Sequence[Asked]) -> tuple[list[int], list[float]]:
    """Where the first right code stands among ten, 10 when it does not; seconds of processor time of each search."""
    places, taken = [], []
    for book, words, codes in asked:
        start = time.thread_time()
        found = book.search(words, limit=10)
        taken.append(time.thread_time() - start)
        places.append(next((n for n, result in enumerate(found) if result.code in codes), 10))
    return places, taken


def share(places: Sequence[int], among: int) -> str:
    """The share with its 95 % interval by resampling the queries."""
    rng, hits = random.Random(0), [place < among for place in places]
    drawn = sorted(statistics.mean(rng.choices(hits, k=len(hits))) for _ in range(RESAMPLES))
    return f"{statistics.mean(hits):.3f} [{drawn[RESAMPLES // 40]:.3f}, {drawn[-RESAMPLES // 40]:.3f}]"


def main(data: Path, file: Path | None = None) -> None:
    book = CodeBook.load(BOOK)
    held_out = queries(book, coded_encounters(read_rows(file))) if file else by_folds(book, Rows.read(data))
    asked = list(held_out)
    for one in {id(book): book for book, _, _ in asked}.values():
        one.search("warm up")
    rng = random.Random(1)
    slipped = [(book, misspelt(words, rng), codes) for book, words, codes in asked]
    short = {n for n, (_, words, _) in enumerate(asked) if len(words.split()) <= SHORT}
    print(f"{'queries':40} {'n':>5} {'first':>22} {'among five':>22} {'p50 ms':>7} {'p95 ms':>7}")
    for name, queried in (("", asked), (", a letter misspelt", slipped)):
        places, taken = ranks(queried)
        for kind, chosen in (("all quotes", range(len(asked))), (f"up to {SHORT} words", sorted(short))):
            some, times = [places[n] for n in chosen], sorted(taken[n] * 1e3 for n in chosen)
            speed = f"{statistics.median(times):7.1f} {times[int(0.95 * (len(times) - 1))]:7.1f}"
            print(f"{kind + name:40} {len(some):5} {share(some, 1):>22} {share(some, 5):>22} {speed}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
