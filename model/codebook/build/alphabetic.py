"""Terms of the Alphabetic Index and of the External Cause Index: every line by the path of its ancestors."""

import re
from collections.abc import Iterator

from model.codebook.build.outline import Line
from model.codebook.build.references import References, alternatives
from model.codebook.entries import Term, TermSource

_ABBREVIATED = re.compile(r",? ?\b(?:NEC|NOS)\b")  # no words of a note (Section I.A.6)


def index_terms(root: Line, references: References, source: TermSource) -> Iterator[Term]:
    """One term for every line that leads to a code."""
    for line in root.under:
        yield from _terms(line, (), (), references, source)


def _terms(
    line: Line, above: tuple[str, ...], modifiers: tuple[str, ...], references: References, source: TermSource
) -> Iterator[Term]:
    path = (*above, line.term)
    modifiers = (*modifiers, *line.modifiers)
    if code := references.code_of(line):
        first, *others = alternatives(path[0])
        text = ", ".join(_ABBREVIATED.sub("", words) for words in (first, *path[1:]))
        yield Term(text.strip(", "), code, source, path, (*others, *modifiers), see=_printed(line))
    for child in line.under:
        yield from _terms(child, path, modifiers, references, source)


def _printed(line: Line) -> str:
    return f"see {line.see}" if line.see else f"see also {line.see_also}" if line.see_also else ""
