"""The Table of Neoplasms: site by behaviour, with the additions and deletions of the addenda."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from model.codebook.entries import SourcesDisagree, Term, TermSource


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A column of the table."""

    name: str
    column: str
    phrase: str
    reference: str  # how the Alphabetic Index names it after "see Neoplasm"


BEHAVIOURS = (
    Behaviour("primary", "2", "Malignant neoplasm", "malignant"),
    Behaviour("secondary", "3", "Secondary malignant neoplasm", "secondary"),
    Behaviour("in situ", "4", "Carcinoma in situ", "in situ"),
    Behaviour("benign", "5", "Benign neoplasm", "benign"),
    Behaviour("uncertain", "6", "Neoplasm of uncertain behavior", "uncertain"),
    Behaviour("unspecified", "7", "Neoplasm of unspecified behavior", "unspecified"),
)
Site = tuple[str, ...]
_CHANGE = re.compile(r"(Add|Delete): ((?:- )+)(.+?)\s{2,}(.*)")
_CONTEXT = re.compile(r"((?:- )+)([^(\s][^(]*?)(?:\s{2,}|\s*\(| - see|$)")
_ABBREVIATED = re.compile(r",? ?\b(?:nec|nos)\b")
_CELL = re.compile(r"(?:Add|Delete): (\S+)")


class NeoplasmTable:
    """Rows of the table by site; a site is the path of its titles."""

    def __init__(self) -> None:
        self.rows: dict[Site, dict[str, str]] = {}
        self.modifiers: dict[Site, tuple[str, ...]] = {}

    def code(self, site: Site, behaviour: str) -> str:
        """The code of the cell; references name a site without the "NEC" or "NOS" of its row."""
        if site not in self.rows:
            site = next((row for row in self.rows if _ABBREVIATED.sub("", ", ".join(row)) == ", ".join(site)), site)
        return self.rows.get(site, {}).get(behaviour, "")

    def terms(self) -> Iterator[Term]:
        for site, cells in self.rows.items():
            for behaviour in BEHAVIOURS:
                if code := cells.get(behaviour.name):
                    where = _ABBREVIATED.sub("", ", ".join(site))
                    text = f"{behaviour.phrase} of {where}" if site else behaviour.phrase
                    path = ("Neoplasm", *site, behaviour.name)
                    yield Term(text, code, TermSource.NEOPLASM, path, self.modifiers.get(site, ()))


def read_neoplasms(path: Path) -> NeoplasmTable:
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 - a published file, read once at build time
    except ElementTree.ParseError:
        raise SourcesDisagree(f"{path.name} is not the XML of the Table of Neoplasms") from None
    table = NeoplasmTable()
    for main in root.iter("mainTerm"):
        _take(table, main, ())
    return table


def _take(table: NeoplasmTable, element: ElementTree.Element, site: Site) -> None:
    title = element.find("title")
    if element.tag == "term" and title is not None:
        site = (*site, " ".join((title.text or "").split()).lower())
    table.rows[site] = {
        b.name: code
        for b in BEHAVIOURS
        for cell in element.findall("cell")
        if cell.get("col") == b.column and (code := (cell.text or "").strip(" -."))
    }
    if title is not None and (words := title.findtext("nemod")):
        table.modifiers[site] = tuple(re.findall(r"\(([^()]+)\)", words))
    for child in element.findall("term"):
        _take(table, child, site)


def apply_neoplasm_addenda(table: NeoplasmTable, path: Path) -> None:
    """Adds and deletes whole rows. Revised cells only gain a dash ("more characters") and name the same code."""
    site: Site = ()
    for line in path.read_text(encoding="utf-8").splitlines():
        change = _CHANGE.match(line)
        found = change or _CONTEXT.match(line)
        if found is None:
            continue
        dashes, title = (found[2], found[3]) if change else (found[1], found[2])
        site = (*site[: len(dashes) // 2 - 1], _plain(title))
        if change is None:
            continue
        cells = [c.strip("-.") for c in _CELL.findall(change[4])]
        if change[1] == "Add":
            table.rows[site] = {b.name: code for b, code in zip(BEHAVIOURS, cells, strict=False) if code}
        else:
            table.rows.pop(site, None)


def _plain(title: str) -> str:
    return " ".join(re.sub(r"\([^)]*\)?", "", title).split()).lower()
