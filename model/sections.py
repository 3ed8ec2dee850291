"""Sections of a note: what the writer headed them, and what kind of matter stands under each."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class SectionKind(StrEnum):
    """What a heading promises; decides how its mentions are read."""

    NONE = "none"
    COMPLAINT = "complaint"
    PRESENT_ILLNESS = "present_illness"
    PAST = "past"
    SURGICAL = "surgical"
    FAMILY = "family"
    SOCIAL = "social"
    MEDICINES = "medicines"
    ALLERGIES = "allergies"
    REVIEW = "review"
    EXAMINATION = "examination"
    RESULTS = "results"
    ASSESSMENT = "assessment"
    PLAN = "plan"
    PROCEDURE = "procedure"
    COURSE = "course"
    PROBLEMS = "problems"
    INSTRUCTIONS = "instructions"
    ADMISSION = "admission"


@dataclass(frozen=True, slots=True)
class Section:
    """Characters `start` to `end` under one heading; the heading's own characters are included."""

    heading: str | None
    kind: SectionKind
    start: int
    body: int
    end: int


_WIDTH = 70
_LINE = re.compile(r"[^\n\r\f]+")
_INLINE = re.compile(r"(?:(?<=[\n\r\f,.;])|^)[ \t]*([A-Z][A-Za-z/&' \-]{1,50}?)[ \t]*:", re.MULTILINE)
_MARKED = re.compile(
    r"^[ \t]*[*_#>=\[]*[ \t]*([A-Za-z][A-Za-z/&+' ]{0,50}?)[ \t]*(?::[*_\]=]*|[*_\]=]+:?|[\-–—](?=[ \t]))", re.MULTILINE
)
_CAPITALS = re.compile(r"(?<=[^\W_] )([A-Z][A-Z/&]+(?: [A-Z/&]+){0,4})[ \t]*:")
# Line ends that became commas: 'stable.,DISCHARGE DIAGNOSES,1.  Gastroenteritis'.
_FLATTENED = re.compile(r"(?:(?<=[\n\r\f,.;])|^)[ \t]*([A-Z][A-Z/&' ]{3,50}),(?=[ \t]*(?:1[.)]|[A-Z]))", re.MULTILINE)
# 'P: 80' is a pulse.
_SOAP = re.compile(r"^[ \t]*([SOAP])[ \t]*([:)\-–])(?=[ \t]*(?:[^\W\d]|$|[#1-9][.) ]))", re.MULTILINE)
_MARKS = re.compile(r"^[\s#*_•·\-\d.)>=\[]+|[\s:*_#.\-,=\]]+$")
_SMALL = re.compile(r"\b(?:and|of|the|for|with|to)\b")
_JOINED = re.compile(r" ?(?:/|&|\+|\band\b) ?")


def _read_headings() -> tuple[tuple[tuple[re.Pattern[str], SectionKind], ...], re.Pattern[str], frozenset[str]]:
    lines = Path(__file__).with_name("section_headings.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    kinds = [(re.compile(p, re.IGNORECASE), SectionKind(k)) for k, p in rows if k not in ("body", "inline")]
    body = next(re.compile(p, re.IGNORECASE) for k, p in rows if k == "body")
    return tuple(kinds), body, frozenset(p for k, p in rows if k == "inline")


_SOAP_KINDS = {
    "S": SectionKind.PRESENT_ILLNESS,
    "O": SectionKind.EXAMINATION,
    "A": SectionKind.ASSESSMENT,
    "P": SectionKind.PLAN,
}
_KINDS, _BODY_PARTS, _INLINE_KNOWN = _read_headings()


def kind_of(heading: str) -> SectionKind | None:
    """The kind a heading promises, None where it is not a heading known of notes."""
    if _BODY_PARTS.match(heading):
        return None
    return next((kind for pattern, kind in _KINDS if pattern.search(heading)), None)


def kind_of_section(heading: str) -> SectionKind | None:
    """The kind of a section that was read, by its heading; the parts of a SOAP note are headed by letters."""
    return _SOAP_KINDS.get(heading) or kind_of(heading)


def read_sections(text: str) -> tuple[Section, ...]:
    """The sections of a note in order; they cover the whole text, and a text without headings is one section."""
    starts = sorted({s: (h, k, b) for s, h, k, b in _headings(text)}.items())
    edges = [0, *(s for s, _ in starts), len(text)]
    sections = [Section(None, SectionKind.NONE, 0, 0, edges[1])]
    for (start, (heading, kind, body)), end in zip(starts, edges[2:], strict=True):
        sections.append(Section(heading, kind, start, body, end))
    return tuple(s for s in sections if s.end > s.start)


def section_at(sections: tuple[Section, ...], position: int) -> Section | None:
    """The section a character stands in."""
    index = bisect_right(sections, position, key=lambda s: s.start) - 1
    return sections[index] if index >= 0 else None


def _headings(text: str) -> Iterator[tuple[int, str | None, SectionKind, int]]:
    for match in re.finditer("\f", text):  # the next note of the encounter begins with no heading
        yield match.start(), None, SectionKind.NONE, match.end()
    for match in _LINE.finditer(text):
        line = match.group().strip()
        if 1 < len(line) <= _WIDTH and _is_heading_line(line):
            heading = _MARKS.sub("", line)
            kind = kind_of(heading)
            if kind:
                yield match.start(), heading, kind, match.end()
    for match in _INLINE.finditer(text):
        heading = match.group(1).strip()
        kind = kind_of(heading) if heading.isupper() or is_known(heading) else None
        if kind:
            yield match.start(1), heading, kind, match.end()
    # '**Plan:** rest', 'plan - rest'; 'no rash PLAN: rest'; 'PLAN,Rest'
    for pattern, begins in ((_MARKED, 0), (_CAPITALS, 1), (_FLATTENED, 1)):
        for match in pattern.finditer(text):
            kind = kind_of(match.group(1)) if is_known(match.group(1)) else None
            if kind:
                yield match.start(begins), match.group(1), kind, match.end()
    yield from _letters(text)


def _letters(text: str) -> Iterator[tuple[int, str, SectionKind, int]]:
    """'S:' to 'P:'; with another mark than a colon only where one of S and O and one of A and P head something."""
    found = list(_SOAP.finditer(text))
    letters = {match.group(1) for match in found}
    whole = bool(letters & {"S", "O"} and letters & {"A", "P"})
    for match in found:
        if match.group(2) == ":" or whole:
            yield match.start(1), match.group(1), _SOAP_KINDS[match.group(1)], match.end()


def _is_heading_line(line: str) -> bool:
    bare = _MARKS.sub("", line)
    if not bare or len(bare.split()) > 7:
        return False
    if bare.isupper() or (line[0] in "#*" and bare[0].isupper()):
        return True
    titled = _SMALL.sub("", bare).istitle() or (bare[0].isupper() and is_known(bare))
    return titled and not line.endswith(".")


def is_known(heading: str) -> bool:
    """'Past Medical History' heads a section inside a line too, and so do two such in one."""
    plain = heading.lower().strip()
    return plain in _INLINE_KNOWN or all(part in _INLINE_KNOWN for part in _JOINED.split(plain))
