"""The code book: the only door to what ICD-10-CM says."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path

from model.codebook.bands import Bands
from model.codebook.dates import OPEN, Interval, read_intervals
from model.codebook.entries import CorruptedPart, Edition, Entry, Notes, SearchResult, Term, TermSource
from model.codebook.index import INDEXES, Index
from model.codebook.leaves import Leaves
from model.codebook.notes import NoteTree
from model.codebook.outline import Chapter, chapters
from model.codebook.parts import read_manifest, read_part
from model.codebook.postings import PARTS as SEARCH_PARTS
from model.codebook.postings import pack_postings, read_postings
from model.codebook.query import Interpreter, Phrases
from model.codebook.search import Search
from model.codebook.spelling import Speller

_PARTS = ("codes.tsv", "notes.json", "terms.tsv", "abbreviations.tsv", "synonyms.tsv", *SEARCH_PARTS)


class CodeBook:
    """Codes with their days in force, terms and notes. Immutable; safe to share between threads."""

    def __init__(self, editions: tuple[Edition, ...], parts: Mapping[str, bytes]) -> None:
        """Takes the parts as `load` reads them; editions oldest first."""
        self._editions = editions
        self._parts = parts
        self._notes = NoteTree(json.loads(parts["notes.json"]))
        self._rows: dict[str, tuple[str, bool, str, str]] = {}
        for line in parts["codes.tsv"].decode().split("\n"):
            code, title, verified, billable, heading = line.split("\t")
            self._rows[code] = (title, verified == "1", billable, heading)
        self._parents, self._children = _tree(self._rows)
        self._notes_of = lru_cache(maxsize=2_048)(lambda code: self._notes.of(self.lineage(code)))

    @classmethod
    def load(cls, directory: Path) -> "CodeBook":
        """Reads the packed code book; raises CorruptedPart with the name of the part that is damaged."""
        manifest = read_manifest(directory)
        parts = {name: read_part(directory, manifest, name) for name in _PARTS}
        try:
            editions = tuple(_edition(value) for value in manifest["editions"])
        except (KeyError, TypeError, ValueError):
            raise CorruptedPart("code book: manifest.json names no editions") from None
        return cls(editions, parts)

    @property
    def editions(self) -> tuple[Edition, ...]:
        """Oldest first."""
        return self._editions

    def edition_on(self, day: date | None) -> Edition:
        """The edition of the day of service; the newest for None, the oldest held for an earlier day.

        The days of the single codes reach back further than the editions and decide what is billable.
        """
        if day is None:
            return self._editions[-1]
        return next((e for e in reversed(self._editions) if e.valid_from <= day), self._editions[0])

    def get(self, code: str, on: date | None = None) -> Entry | None:
        """The code on that day, billable or a heading; None when it is neither."""
        code = written(code)
        row = self._rows.get(code)
        if row is None:
            return None
        title, verified, billable, heading = row
        day = self._day(on)
        for days, is_billable in ((billable, True), (heading, False)):
            if (found := _around(day, read_intervals(days))) is not None:
                return Entry(code, title, is_billable, found[0], None if found[1] == OPEN else found[1], verified)
        return None

    def is_billable(self, code: str, on: date | None = None) -> bool:
        row = self._rows.get(written(code))
        return row is not None and _around(self._day(on), read_intervals(row[2])) is not None

    def billable_codes(self, on: date | None = None) -> Iterator[str]:
        """Every billable code of that day, in order."""
        day = self._day(on)
        return (code for code, row in self._rows.items() if _around(day, read_intervals(row[2])) is not None)

    def parent(self, code: str) -> str | None:
        """The code one level up; None for a category."""
        return self._parents.get(written(code))

    def children(self, code: str) -> tuple[str, ...]:
        """The codes one level down, of all editions."""
        return tuple(self._children.get(written(code), ()))

    def billable_descendants(self, code: str, on: date | None = None) -> tuple[str, ...]:
        """The code itself when it is billable on that day, else every billable code under it."""
        code = written(code)
        if self.is_billable(code, on):
            return (code,)
        return tuple(leaf for child in self._children.get(code, ()) for leaf in self.billable_descendants(child, on))

    def notes(self, code: str) -> Notes:
        """The instructional notes that apply to the code, its own first, then inherited ones."""
        return self._notes_of(code)

    def notes_at(self, place: str) -> Notes:
        """The notes of a chapter, or of a block and its chapter."""
        return self._notes.at([place, *(name for name, chapter in self.chapters.items() if place in chapter.blocks)])

    @property
    def headings(self) -> Mapping[str, str]:
        """Titles of blocks and chapters."""
        return self._notes.headings

    @cached_property
    def chapters(self) -> Mapping[str, Chapter]:
        """The chapters in their order."""
        return chapters(self._notes.places, [code for code in self._rows if code not in self._parents])

    def places(self, category: str) -> list[str]:
        """The block and the chapter of a category; the chapter alone where a newer edition tells no block."""
        if known := self._notes.places.get(category):
            return known
        return [name for name, chapter in self.chapters.items() if category in chapter.categories]

    def title(self, code: str) -> str | None:
        """Of whatever edition; None for what is no code of any."""
        row = self._rows.get(written(code))
        return row[0] if row else None

    def billable_days(self, code: str) -> tuple[tuple[date, date | None], ...]:
        """First and last day of each time in which the code was billable; None where no end is known."""
        row = self._rows.get(written(code))
        return tuple((a, None if b == OPEN else b) for a, b in read_intervals(row[2])) if row else ()

    @cached_property
    def indexes(self) -> Mapping[TermSource, Index]:
        """Made when one is first opened: only readers of the book need them."""
        terms = list(self.terms())
        return {source: Index(terms, source) for source in INDEXES}

    def lineage(self, code: str) -> list[str]:
        """The code and its ancestors up to the category."""
        code = written(code)
        lineage = [code]
        while (above := self._parents.get(lineage[-1])) is not None:
            lineage.append(above)
        return lineage

    def terms(self) -> Iterator[Term]:
        """Every term, in the order of its sources; titles of 7th-character codes by that of the code they extend."""
        for line in self._parts["terms.tsv"].decode().split("\n"):
            source, code, text, path, modifiers, see = line.split("\t")
            levels = tuple(path.split("|")) if path else ()
            free = tuple(modifiers.split("|")) if modifiers else ()
            yield Term(text or ", ".join(levels), code, TermSource(source), levels, free, see=see)

    def abbreviations(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Clinical abbreviations in lower case, each with what it may stand for, the likeliest first."""
        return Phrases(self._parts["abbreviations.tsv"].decode()).items()

    def search(self, words: str, on: date | None = None, limit: int = 10) -> list[SearchResult]:
        """Billable codes of that day by words or by the beginning of a code, best first."""
        return self._search.find(words, lru_cache(maxsize=None)(lambda code: self.get(code, on)), limit)

    def warm_up(self) -> None:
        """Makes what the first search makes, the tables of misspellings too; about half a second."""
        self.search("hypertensoin")

    def knowing(self, terms: Iterable[Term]) -> "CodeBook":
        """The same book whose search knows these terms alone: for measuring it on others."""
        return CodeBook(self._editions, {**self._parts, **pack_postings(terms)})

    @cached_property
    def _search(self) -> Search:
        """Made at the first search: the predictor's process never needs it."""
        postings = read_postings(self._parts)
        speller = Speller(postings.words, postings.frequency)
        interpreter = Interpreter(
            postings,
            speller,
            Phrases(self._parts["abbreviations.tsv"].decode()),
            Phrases(self._parts["synonyms.tsv"].decode()),
        )
        titles = {code: row[0] if row[1] else row[0].split(" [")[0] for code, row in self._rows.items()}
        return Search(
            postings,
            interpreter,
            Leaves(self.parent, self.children, titles, postings),
            Bands(titles),
            tuple(self._rows),
        )

    def _day(self, on: date | None) -> date:
        return self._editions[-1].valid_from if on is None else on


def written(code: str) -> str:
    """A code as the book writes it, from `e1165`, `E11.65` or the index's `S52.50-`."""
    bare = code.strip().upper().rstrip("-").replace(".", "")
    return bare if len(bare) <= 3 else f"{bare[:3]}.{bare[3:]}"


def _edition(value: Mapping[str, str | None]) -> Edition:
    first, last = value["valid_from"], value["valid_to"]
    return Edition(str(value["name"]), date.fromisoformat(str(first)), date.fromisoformat(last) if last else None)


def _around(day: date, intervals: tuple[Interval, ...]) -> Interval | None:
    return next((interval for interval in intervals if interval[0] <= day <= interval[1]), None)


def _tree(codes: Iterable[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Parents and children; a parent is the longest code that begins the code, so the rows must be in order."""
    parents: dict[str, str] = {}
    children: dict[str, list[str]] = {}
    above: list[str] = []
    for code in codes:
        while above and not code.startswith(above[-1]):
            above.pop()
        if above:
            parents[code] = above[-1]
            children.setdefault(above[-1], []).append(code)
        above.append(code)
    return parents, children
