"""How well codes are found for words that no term holds: terms of the code book held out, and asked by their words."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.codebook.entries import Term

_Z = 1.96  # of a 95 % interval
_FEW = 5

Answers = Callable[[Sequence[str]], Sequence[Sequence[tuple[str, float]]]]
Resolve = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class Found:
    """How many of the terms asked for had the right code first, and among the first five."""

    asked: int
    first: int
    among_five: int
    seconds: float  # a phrase


def ask(terms: Iterable[Term], nearest: Answers, resolve: Resolve) -> Found:
    """Asks by the words of each term. `resolve`: the billable code that a code and the words of a phrase stand for.

    Right is the code of the term or a billable code under it.
    """
    asked = first = among = 0
    began = time.perf_counter()
    for term in terms:
        code = term.code.rstrip("-.")
        leaves = [resolve(answer, term.text) for answer, _ in nearest([term.text])[0][:_FEW]]
        right = [leaf is not None and leaf.startswith(code) for leaf in leaves]
        asked, first, among = asked + 1, first + any(right[:1]), among + any(right)
    return Found(asked, first, among, (time.perf_counter() - began) / max(1, asked))


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The 95 % interval of a share after Wilson (1927); 0..1 where nothing was counted."""
    if not whole:
        return 0.0, 1.0
    share, spread = part / whole, _Z * _Z / whole
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / whole + spread / whole / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def as_table(found: Mapping[str, Found]) -> str:
    """Lines of Markdown, one for each kind of tables."""
    lines = ["| Terms known | asked | right code first | among the first five |", "|---|---|---|---|"]
    for name, one in found.items():
        cells = [_cell(part, one.asked) for part in (one.first, one.among_five)]
        lines.append(f"| {name} | {one.asked} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"


def _cell(part: int, whole: int) -> str:
    low, high = wilson(part, whole)
    return f"{part / max(1, whole):.3f} ({low:.3f} to {high:.3f})"
