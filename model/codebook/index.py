"""The indexes as outlines to be read: main terms, subterms, the code of each line; the Table of Neoplasms is one."""

import re
from collections.abc import Iterable, Sequence

from model.codebook.entries import Term, TermSource

Path = tuple[str, ...]
INDEXES = (TermSource.INDEX, TermSource.NEOPLASM, TermSource.EXTERNAL)
_UNSTATED = "unspecified site"  # of the Table of Neoplasms: its row without a site
_SEE = re.compile(r"see (?:also )?")
_FREE = re.compile(r"\([^)]*\)")
_CONNECTIVES = ("with", "due to", "in", "in (due to)")  # left out where a line is referred to


class Index:
    """The lines that lead to a code, and those above them."""

    def __init__(self, terms: Iterable[Term], source: TermSource) -> None:
        """`terms`: all of a code book; those of the source are taken, in their order."""
        self._codes: dict[Path, str] = {}
        self._see: dict[Path, str] = {}
        self._under: dict[Path, list[str]] = {(): []}
        for term in terms:
            if term.source is source:
                path = _by_site(term.path) if source is TermSource.NEOPLASM else term.path
                self._place(path)
                self._codes.setdefault(path, term.code)
                if term.see:
                    self._see.setdefault(path, term.see)
        self.letters = tuple(sorted({term[0].upper() for term in self._under[()]}))
        self._main = {
            name: term for term in reversed(self._under[()]) for name in (_key(term), _key(term.split(",")[0]))
        }

    def main_terms(self, letter: str) -> list[str]:
        return [term for term in self._under[()] if term[0].upper() == letter]

    def knows(self, path: Path) -> bool:
        return path in self._under

    def under(self, path: Path) -> list[str]:
        """The terms indented under a line."""
        return self._under[path]

    def code(self, path: Path) -> str:
        """The code of a line, or of the line that it refers to; empty when it has none."""
        return self._codes.get(path, "")

    def see(self, path: Path) -> str:
        """Where the line refers to, as it is printed: `see Pain, abdominal`."""
        return self._see.get(path, "")

    def referred(self, path: Path) -> Path:
        """The line that `see` names, as far as it is found: a reference may name what stands deeper only by the way."""
        words = [_key(w) for w in _SEE.sub("", _FREE.sub("", self.see(path)), count=1).split(",")]
        for length in range(len(words), 0, -1):
            if main := self._main.get(", ".join(words[:length])):
                return self._descend((main,), words[length:])
        return ()

    def _descend(self, path: Path, words: Sequence[str]) -> Path:
        for length in range(len(words), 0, -1):
            wanted = ", ".join(words[:length])
            for above in (path, *((*path, word) for word in self._under[path] if word in _CONNECTIVES)):
                if found := next((term for term in self._under[above] if _key(term) == wanted), None):
                    return self._descend((*above, found), words[length:])
        return path

    def _place(self, path: Path) -> None:
        if path not in self._under:
            self._place(path[:-1])
            self._under[path[:-1]].append(path[-1])
            self._under[path] = []


def _by_site(path: Path) -> Path:
    """Sites are the main terms of the table, all of which stand under `Neoplasm`."""
    return path[1:] if len(path) > 2 else (_UNSTATED, *path[1:])


def _key(term: str) -> str:
    return " ".join(term.lower().split())
