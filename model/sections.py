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
_SOAP = re.compile(r"^[ \t]*([SOAP])[ \t]*:(?=[ \t]*(?:[^\W\d]|$|[#1-9][.) ]))", re.MULTILINE)  # 'P: 80' is a pulse
_MARKS = re.compile(r"^[\s#*_•·\-\d.)]+|[\s:*_#.\-,]+$")


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
        kind = kind_of(heading) if _is_inline_heading(heading) else None
        if kind:
            yield match.start(1), heading, kind, match.end()
    for match in _SOAP.finditer(text):
        yield match.start(1), match.group(1), _SOAP_KINDS[match.group(1)], match.end()


def _is_heading_line(line: str) -> bool:
    bare = _MARKS.sub("", line)
    if not bare or len(bare.split()) > 7:
        return False
    return bare.isupper() or (line[0] in "#*" and bare[0].isupper()) or (bare.istitle() and not line.endswith("."))


def _is_inline_heading(heading: str) -> bool:
    """'HISTORY OF PRESENT ILLNESS:' and 'Past Medical History:' head a section; 'Medical Treatment:' does not."""
    if heading.isupper():
        return True
    return heading.lower() in _INLINE_KNOWN
