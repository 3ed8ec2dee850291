"""Codes exempt from saying whether they were present on admission: the list of CMS, packed into prefixes.

`python -m smartapp.checks.exempt LIST` packs the yearly list (tab-separated, the code in the second column) against the
code book; a test proves that the prefixes hold its codes and no other.
"""

import gzip
import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from functools import lru_cache
from pathlib import Path

_PACKED = Path(__file__).with_name("poa_exempt.tsv")
_FULL = 8  # characters of a code with its 7th, the dot included
LISTED = date(2025, 10, 1), date(2026, 9, 30)  # the edition of the list, FY2026


@lru_cache(maxsize=1)
def _packed() -> dict[str, str]:
    lines = _PACKED.read_text(encoding="utf-8").splitlines()
    return {prefix: letters for prefix, _, letters in (line.partition("\t") for line in lines if line[:1] != "#")}


def is_exempt(code: str) -> bool:
    """Whether the list of FY2026 holds the code."""
    stem, letter = _split(code)
    rows = (_packed().get(stem[:length]) for length in range(len(stem) + 1))
    return any(row is not None and letter in (row or "-") for row in rows)


def _split(code: str) -> tuple[str, str]:
    """A code without its 7th character, and that; `-` where it has none."""
    return (code[:-1], code[-1]) if len(code) == _FULL else (code, "-")


def pack(exempt: Collection[str], billable: Iterable[str]) -> Iterator[str]:
    """Lines of a prefix and the 7th characters with which all billable codes under it are exempt."""
    listed: dict[str, dict[str, bool]] = defaultdict(lambda: defaultdict(lambda: True))
    codes = [(code, *_split(code)) for code in billable]
    for code, stem, letter in codes:
        for length in range(3, len(stem) + 1):
            listed[stem[:length]][letter] &= code in exempt
    for prefix in sorted(listed):
        above = listed[prefix[:-1]] if len(prefix) > 3 else {}
        letters = sorted(x for x, whole in listed[prefix].items() if whole and not above.get(x, False))
        if letters:
            yield f"{prefix}\t{''.join(letters)}" if letters != ["-"] else prefix


if __name__ == "__main__":
    from model.codebook import CodeBook
    from model.parts import CODEBOOK

    table = gzip.decompress(Path(sys.argv[1]).read_bytes()).decode("utf-8").splitlines()[1:]
    book = CodeBook.load(Path(__file__).parents[2] / "model" / "artifact" / CODEBOOK)
    lines = pack({row.split("\t")[1] for row in table}, book.billable_codes(LISTED[0]))
    head = f"# CMS, codes exempt from present-on-admission reporting, FY2026 ({len(table)} codes); public domain."
    _PACKED.write_text("\n".join([head, *lines, ""]), encoding="utf-8")
