"""The Tabular List as published by the CDC in XML: inclusion terms, notes, 7th-character tables, blocks."""

from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from model.codebook.entries import SourcesDisagree, Term, TermSource

NOTE_KINDS = {
    "includes": "includes",
    "excludes1": "excludes1",
    "excludes2": "excludes2",
    "codeFirst": "code_first",
    "useAdditionalCode": "use_additional",
    "codeAlso": "code_also",
}
NotesByKind = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Tabular:
    """What the code book takes from the Tabular List; codes with their dot."""

    terms: list[Term] = field(default_factory=list)
    notes: dict[str, NotesByKind] = field(default_factory=dict)  # code, block or chapter -> notes
    seventh: dict[str, dict[str, str]] = field(default_factory=dict)  # code -> 7th character -> meaning
    places: dict[str, tuple[str, str]] = field(default_factory=dict)  # category -> (block, chapter)
    chapters: dict[str, str] = field(default_factory=dict)  # "Chapter 4" -> its title
    blocks: dict[str, str] = field(default_factory=dict)  # "E08-E13" -> its title

    def chapter_of(self, category: str) -> str:
        """Title and number of the chapter of a category, also of one that a later edition adds."""
        before = [known for known in self.places if known[0] == category[0] and known <= category]
        chapter = self.places[max(before)][1] if before else ""
        return f"{self.chapters[chapter]} [title of {chapter}]" if chapter else "[title not yet verified]"


def read_tabular(path: Path) -> Tabular:
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 - a file of an installed package, not input
    except ElementTree.ParseError:
        raise SourcesDisagree(f"{path.name} is not the XML of the Tabular List") from None
    tabular = Tabular()
    for chapter in root.findall("chapter"):
        name = f"Chapter {_text(chapter, 'name')}"
        tabular.chapters[name] = _text(chapter, "desc").rsplit(" (", 1)[0]
        _take_notes(tabular, name, chapter)
        for section in chapter.findall("section"):
            block = section.get("id", "")
            tabular.blocks[block] = _text(section, "desc").rsplit(" (", 1)[0]
            _take_notes(tabular, block, section)
            for diagnosis in section.findall("diag"):
                tabular.places[_text(diagnosis, "name")] = (block, name)
                _take_diagnosis(tabular, diagnosis)
    return tabular


def _take_diagnosis(tabular: Tabular, diagnosis: ElementTree.Element) -> None:
    code = _text(diagnosis, "name")
    tabular.terms.append(Term(_text(diagnosis, "desc"), code, TermSource.TITLE))
    # "Includes" gives examples of what a category holds, inclusion terms those of a code (Section I.A.10, I.A.11).
    for words in _notes(diagnosis, "inclusionTerm") + _notes(diagnosis, "includes"):
        tabular.terms.append(Term(words, code, TermSource.INCLUSION))
    _take_notes(tabular, code, diagnosis)
    if (table := diagnosis.find("sevenChrDef")) is not None:
        tabular.seventh[code] = {e.get("char", ""): _squeeze(e.text) for e in table.findall("extension")}
    for child in diagnosis.findall("diag"):
        _take_diagnosis(tabular, child)


def _take_notes(tabular: Tabular, source: str, element: ElementTree.Element) -> None:
    found = {kind: notes for tag, kind in NOTE_KINDS.items() if (notes := _notes(element, tag))}
    if found:
        tabular.notes[source] = found


def _notes(element: ElementTree.Element, tag: str) -> list[str]:
    return [words for note in element.findall(f"{tag}/note") if (words := _squeeze(note.text))]


def _text(element: ElementTree.Element, tag: str) -> str:
    return _squeeze(element.findtext(tag))


def _squeeze(text: str | None) -> str:
    return " ".join((text or "").split())
