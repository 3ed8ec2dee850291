"""The code book as one turns its pages on a day: chapter, block, category, code, and the Alphabetic Index."""

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from model.codebook.book import CodeBook, written
from model.codebook.choices import Choices, choices_under
from model.codebook.entries import Edition, Entry, Notes, SearchResult, TermSource
from model.codebook.index import Index
from model.codebook.words import terms_of

_MOST_LEAVES = 400  # more codes under a heading are not told apart by side and encounter
_ASKED_SIDE = frozenset(terms_of("right left bilateral"))
_ASKED_SEVENTH = frozenset(terms_of("initial subsequent sequela aftercare healing nonunion malunion"))
_INDEXES = {
    "index": ("Alphabetic Index", TermSource.INDEX),
    "neoplasms": ("Table of Neoplasms", TermSource.NEOPLASM),
    "causes": ("External Cause Index", TermSource.EXTERNAL),
}
_INDEX_PLACE = re.compile(f"({'|'.join(_INDEXES)})(?::(.+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Step:
    """A place of the book as a link leads to it: a chapter, a block, a code, or a line of the index."""

    place: str
    title: str
    code: str = ""  # what is printed before the title
    mark: str = ""  # "billable", "not in force"; empty for a heading
    see: str = ""  # of a line: where it refers to, as printed
    leads: str = ""  # the place of that line


@dataclass(frozen=True, slots=True)
class Page:
    """An open page of the book."""

    step: Step
    above: tuple[Step, ...]  # from the chapter down
    under: tuple[Step, ...]
    entry: Entry | None  # None: no code, or not in force on the day
    notes: Notes | None
    choices: Choices | None
    days: tuple[tuple[date, date | None], ...] = ()  # first and last day on which a code is billable


@dataclass(frozen=True, slots=True)
class Found:
    """An answer of the search. `choices`: which of them is meant the words leave open; `result` is one."""

    result: SearchResult
    choices: Choices | None


class OpenBook:
    """The code book on a day of service."""

    def __init__(self, book: CodeBook, on: date | None) -> None:
        """`on`: None is the newest edition."""
        self._book, self.on = book, on

    @property
    def edition(self) -> Edition:
        return self._book.edition_on(self.on)

    @property
    def editions(self) -> tuple[Edition, ...]:
        return self._book.editions

    def title(self, code: str) -> str:
        """Of a code that the book has; empty for others."""
        return self._book.title(code) or ""

    def find(self, words: str, limit: int = 10) -> tuple[Found, ...]:
        """Codes that answer the words; those that share a heading with something left to choose count as one."""
        asked = frozenset(terms_of(words))
        found: dict[str, Found] = {}
        for result in self._book.search(words, self.on, 2 * limit):
            exact = result.code == written(words)
            choices = None if exact else self._open_choices(result.code, asked)
            found.setdefault(choices.heading if choices else result.code, Found(result, choices))
        return tuple(found.values())[:limit]

    def choices(self, code: str) -> Choices | None:
        """What is to choose at the nearest heading around the code at which there is something to choose."""
        return _choices_around(self._book, written(code), self.on)

    def turn_to(self, place: str) -> Page | None:
        """The page of a chapter, block, code or line of the index; the first page for ""; None where there is none."""
        if match := _INDEX_PLACE.fullmatch(place):
            return self._index_page(match[1], match[2] or "")
        if not place or place in self._book.headings:
            return self._heading_page(place)
        return self._code_page(written(place))

    def _open_choices(self, code: str, asked: frozenset[str]) -> Choices | None:
        """The choices that the words of a search leave open around the code."""
        nearest = None
        for heading in self._book.lineage(code)[1:]:
            choices = _choices(self._book, heading, self.on)
            if choices is None:
                break
            if "side" in choices.needs and asked & _ASKED_SIDE:
                break
            nearest = choices
        if nearest is None or (nearest.needs == ("7th character",) and asked & _ASKED_SEVENTH):
            return None
        return nearest

    def _heading_page(self, place: str) -> Page:
        book = self._book
        if not place:
            under = tuple(self._heading(chapter) for chapter in book.chapters)
            return Page(Step("", "Tabular List"), (), under, None, None, None)
        chapter = book.chapters.get(place)
        if chapter is not None:
            under = (*map(self._heading, chapter.blocks), *map(self._code, chapter.categories))
            return Page(self._heading(place), (), under, None, book.notes_at(place), None)
        above = next(name for name, chapter in book.chapters.items() if place in chapter.blocks)
        under = tuple(map(self._code, book.chapters[above].blocks[place]))
        return Page(self._heading(place), (self._heading(above),), under, None, book.notes_at(place), None)

    def _code_page(self, code: str) -> Page | None:
        book = self._book
        if book.title(code) is None:
            return None
        lineage = book.lineage(code)
        places = [self._heading(place) for place in reversed(book.places(lineage[-1]))]
        return Page(
            self._code(code),
            (*places, *(self._code(c) for c in reversed(lineage[1:]))),
            tuple(map(self._code, book.children(code))),
            book.get(code, self.on),
            book.notes(code),
            self.choices(code),
            book.billable_days(code),
        )

    def _index_page(self, name: str, line: str) -> Page | None:
        """`index`, `index:D` for a letter, `index:Diabetes|type 2` for a line; the other indexes alike."""
        title, source = _INDEXES[name]
        index, start = self._book.indexes[source], Step(name, title)
        if not line:
            others = (Step(other, title) for other, (title, _) in _INDEXES.items() if other != name)
            under = (*(Step(f"{name}:{letter}", letter) for letter in index.letters), *others)
            return Page(start, (), under, None, None, None)
        if line in index.letters:
            under = tuple(self._line(name, index, (term,)) for term in index.main_terms(line))
            return Page(Step(f"{name}:{line}", line), (start,), under, None, None, None)
        path = tuple(line.split("|"))
        if not index.knows(path):
            return None
        letter = path[0][0].upper()
        above = (Step(f"{name}:{letter}", letter), *(self._line(name, index, path[:n]) for n in range(1, len(path))))
        under = tuple(self._line(name, index, (*path, term)) for term in index.under(path))
        return Page(self._line(name, index, path), (start, *above), under, None, None, None)

    def _line(self, name: str, index: Index, path: tuple[str, ...]) -> Step:
        referred = index.referred(path) if index.see(path) else ()
        leads = f"{name}:{'|'.join(referred)}" if referred else ""
        return Step(f"{name}:{'|'.join(path)}", path[-1], index.code(path), "", index.see(path), leads)

    def _heading(self, place: str) -> Step:
        return Step(place, self._book.headings[place], place)

    def _code(self, code: str) -> Step:
        entry = self._book.get(code, self.on)
        mark = "not in force" if entry is None else "billable" if entry.billable else ""
        return Step(code, self._book.title(code) or "", code, mark)


@lru_cache(maxsize=4096)
def _choices_around(book: CodeBook, code: str, on: date | None) -> Choices | None:
    nearest = None
    for heading in book.lineage(code):
        choices = _choices(book, heading, on)
        if choices is not None:
            nearest = choices
        elif nearest is not None:
            break
    return nearest


@lru_cache(maxsize=4096)
def _choices(book: CodeBook, heading: str, on: date | None) -> Choices | None:
    if book.is_billable(heading, on):
        return None
    codes, entry = book.billable_descendants(heading, on), book.get(heading, on)
    if entry is None or not 1 < len(codes) <= _MOST_LEAVES:
        return None
    leaves = [leaf for code in codes if (leaf := book.get(code, on))]
    return choices_under(entry, leaves, lambda code: book.notes(code).seventh)
