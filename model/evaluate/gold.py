"""Coded notes as they are measured against: right codes with their words, and what else their coders said."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.document import Document, Setting, Span
from model.train.marked import add_own_labels

UNSEEN_LABELS = Path(__file__).parents[1] / "train" / "labels" / "unseen.jsonl"


class BadGold(Exception):
    """A file of coded notes that cannot be used: which line, and what is wrong with it; never words of a note."""


@dataclass(frozen=True, slots=True)
class Barred:
    """A code that coders say must not be given, why (`negated`, `family`, `integral` ...), and the words that tempt."""

    code: str
    reason: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Gold:
    """A coded note. Reports have codes alone; encounters also what is acceptable, barred and listed first."""

    document: Document
    codes: Mapping[str, tuple[Span, ...]]  # the right codes, each with its words
    acceptable: frozenset[str] = frozenset()
    must_not: tuple[Barred, ...] = ()
    first_listed: str | None = None


def read_reports(path: Path) -> list[Gold]:
    """Case reports in which every mention of a diagnosis is coded; raises BadGold."""
    return list(_read(path, _report))


def read_encounters(path: Path) -> list[Gold]:
    """Encounters with core, acceptable and barred codes; raises BadGold."""
    return list(_read(path, _encounter))


def read_unseen(notes: Path) -> list[Gold]:
    """Our own labels that nothing learnt from, with the text of their notes; raises BadGold."""
    try:
        return [_encounter(row) for row in add_own_labels(UNSEEN_LABELS, [notes])]
    except KeyError as missing:
        raise BadGold(f'{notes}: "{missing.args[0]}" is missing') from None
    except (ValueError, TypeError):
        raise BadGold(f"{notes} does not hold the notes that were labelled") from None


def read_split_codes(path: Path) -> frozenset[str]:
    """Codes of an old edition that any billable descendant meets, one a line; raises BadGold."""
    try:
        return frozenset(path.read_text(encoding="utf-8").split())
    except UnicodeDecodeError:
        raise BadGold(f"{path} is not a list of codes") from None


def quoted(text: str, quotes: Iterable[str]) -> tuple[Span, ...]:
    """Every place where one of the quotes stands, also those that overlap."""
    places: list[Span] = []
    for quote in quotes:
        at = text.find(quote) if quote else -1
        while at >= 0:
            places.append(Span(at, at + len(quote)))
            at = text.find(quote, at + 1)
    return tuple(places)


def overlap(some: Sequence[Span], others: Sequence[Span]) -> bool:
    """Whether a span of the one shares a character with a span of the other."""
    return any(a.start < b.end and b.start < a.end for a in some for b in others)


def _read(path: Path, read_row: Callable[[Mapping[str, Any]], Gold]) -> Iterator[Gold]:
    lines = path.read_bytes().splitlines()
    if not any(line.strip() for line in lines):
        raise BadGold(f"{path} holds no coded note")
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield read_row(json.loads(line.decode("utf-8")))
            except KeyError as missing:
                raise BadGold(f'{path}, line {number}: "{missing.args[0]}" is missing') from None
            except (ValueError, TypeError, AttributeError):
                raise BadGold(f"{path}, line {number}: not a coded note of this kind") from None


def _report(row: Mapping[str, Any]) -> Gold:
    codes = {
        c["code"]: tuple(Span(first, last) for e in c["evidence"] for first, last in e["spans"])
        for c in row["codes"]
        if c["kind"] == "diagnosis"
    }
    return Gold(_document(row), codes)


def _encounter(row: Mapping[str, Any]) -> Gold:
    document = _document(row)
    return Gold(
        document,
        codes={c["code"]: quoted(document.text, c["evidence"]) for c in row["core"]},
        acceptable=frozenset(c["code"] for c in row["acceptable"]),
        must_not=tuple(Barred(b["code"], b["reason"], quoted(document.text, [b["quote"]])) for b in row["must_not"]),
        first_listed=row["first_listed"],
    )


def _document(row: Mapping[str, Any]) -> Document:
    """The day of service is not known, so that the newest edition of the code book is asked, as `predict` does."""
    said = str(row.get("setting") or Setting.OUTPATIENT)
    known = (s for s in Setting if said == s or said.startswith(f"{s}_"))  # `inpatient_discharge` is inpatient
    return Document(str(row["id"]), str(row["text"]), next(known, Setting.OTHER))
