"""Building the code book from files in the published forms, here tiny and made up."""

import gzip
import json
import struct
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import lmdb
import pytest

from model.codebook import CodeBook, SourcesDisagree
from model.codebook.build import Packages, build
from model.codebook.build.outline import parse_line
from model.codebook.wordings import thesaurus_terms

ORDER = [
    ("J90", "0", "Fogs of the lung"),
    ("J900", "1", "Morning fog of the lung"),
    ("J909", "1", "Fog of the lung, unspecified"),
    ("S90", "0", "Bump of toe"),
    ("S901", "0", "Bump of left toe"),
    ("S901XXA", "1", "Bump of left toe, initial encounter"),
]
VALIDITY = [
    ("J900", 20151001, 20260930),
    ("J909", 20151001, 20200930),
    ("J909", 20201001, 20270331),
    ("S901XXA", 20151001, 20270331),
    ("J9001", 20261001, 20270331),
    ("K6A0", 20261001, 20270331),
]
DELTA = {"effective": "2026-10-01", "new": {"J9001": None, "K6A0": "Purple gut"}, "deleted": ["J900"]}
TABULAR = """<ICD10CM.tabular><chapter><name>10</name><desc>Foggy diseases (J00-K99)</desc>
<excludes2><note>clear skies (Z00)</note></excludes2>
<section id="J90-J94"><diag><name>J90</name><desc>Fogs of the lung</desc>
 <includes><note>mist</note></includes><excludes1><note>smog (J91.-)</note></excludes1>
 <diag><name>J90.0</name><desc>Morning fog of the lung</desc>
 <inclusionTerm><note>Dawn haze</note></inclusionTerm></diag>
 <diag><name>J90.9</name><desc>Fog of the lung, unspecified</desc></diag></diag></section>
<section id="K60-K69"><diag><name>K60</name><desc>Green gut</desc></diag></section></chapter>
<chapter><name>19</name><desc>Bumps (S00-T88)</desc><section id="S90-S99"><diag><name>S90</name><desc>Bump of toe</desc>
 <sevenChrDef><extension char="A">initial encounter</extension></sevenChrDef>
 <diag><name>S90.1</name><desc>Bump of left toe</desc></diag></diag></section></chapter></ICD10CM.tabular>"""
INDEX = """RowID,Letter,Level,Term,See,SeeAlso,NonEssModif,Code
1,F,0,"Fog, foggy",,,(thick),J90.9
2,F,1,lung,,,,J90.9
3,F,2,with,,,,
4,F,3,dawn,,,,J90.0
5,H,0,Haze,"Fog, lung, dawn",,,
6,M,0,Murk,,,,Q00.0
7,O,0,Old word,,,,J90.9
8,W,0,Wrong,,,,J90.9
9,G,0,Growth,"Neoplasm, gill, benign",,,
"""
ADDENDA = """                 INDEX
                 2026 Addenda
No Change     F
No Change     Fog, foggy (thick) J90.9
No Change     - lung J90.9
Add           - - evening
              (late) J90.9
Delete        Old word J90.9
Revise from   Wrong J90.9
Revise to     Right (side) - see Fog, lung
"""
EXTERNAL = """RowID,Letter,Level,Term,See,SeeAlso,NonEssModif,Code
1,S,0,Stubbing,,,(accidental),S90.1-
"""
NEOPLASMS = """<ICD10CM.index><letter><title>N</title><mainTerm><title>Neoplasm</title><cell col="2">J90.9</cell>
<term level="1"><title>gill<nemod>(left)</nemod></title><cell col="2">J90.0</cell><cell col="5">J90.9</cell>
<cell col="3">-</cell></term><term level="1"><title>tail</title><cell col="2">J90.9</cell></term></mainTerm></letter>
</ICD10CM.index>"""
NEOPLASM_ADDENDA = """Neoplasm                  Malignant
- gill (left)             J90.0     -     -    J90.9   -   -
Add: - - slit             Add: J90.9-   Add: -   Add: -   Add: -   Add: -   Add: -
Delete: - tail            Delete: J90.9   Delete: -   Delete: -   Delete: -   Delete: -   Delete: -
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Files that agree with each other; a test breaks one."""
    folder = tmp_path / "sources"
    folder.mkdir()
    lines = [f"{n:05d} {code:<7} {flag} {title[:60]:<60} {title}" for n, (code, flag, title) in enumerate(ORDER, 1)]
    (folder / "icd10cm-order-fy2026.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    texts = {
        "icd10cm-fy2027-delta.json": json.dumps(DELTA),
        "icd10cm-index-fy2025.csv": INDEX,
        "icd10cm-index-addenda-fy2026.txt": ADDENDA,
        "icd10cm-external-cause-index-fy2025.csv": EXTERNAL,
        "icd10cm-eindex-addenda-fy2026.txt": "",
        "icd10cm-neoplasm-table-fy2025.xml": NEOPLASMS,
        "icd10cm-neoplasm-addenda-fy2026.txt": NEOPLASM_ADDENDA,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    (tmp_path / "tabular.xml").write_text(TABULAR)
    _write_validity(tmp_path / "dates.mdb", VALIDITY)
    return Packages(tmp_path / "tabular.xml", tmp_path / "dates.mdb")


@pytest.fixture
def book(sources: Path, packages: Packages, tmp_path: Path) -> CodeBook:
    build(sources, tmp_path / "out", lambda line: None, packages)
    return CodeBook.load(tmp_path / "out")


def _write_validity(path: Path, rows: list[tuple[str, int, int]]) -> None:
    records = b"".join(struct.pack("<8sIIII", code.encode(), start, stop, 0, 0) for code, start, stop in rows)
    table = struct.pack("<4sIIII12x", b"DECM", len(rows), 32, 32 + len(records), 20270331) + records + b"names"
    with lmdb.open(str(path), subdir=False, map_size=1 << 20) as environment, environment.begin(write=True) as writing:
        writing.put(b"mce_i10dx_master", table)


def test_editions_come_from_the_dates(book: CodeBook) -> None:
    """Codes are billable on the days of the editor; periods that touch are one."""
    assert list(book.billable_codes(date(2026, 9, 30))) == ["J90.0", "J90.9", "S90.1XXA"]
    assert list(book.billable_codes(None)) == ["J90.01", "J90.9", "K6A.0", "S90.1XXA"]
    entry = book.get("J90.9")
    assert entry is not None and (entry.valid_from, entry.valid_to) == (date(2015, 10, 1), None)


def test_new_codes_get_headings_and_marked_titles(book: CodeBook) -> None:
    """A new code hangs in the tree; without a title of its own it bears that of what is above, and says so."""
    divided, category = book.get("J90.01"), book.get("K6A")
    assert divided is not None and divided.title == "Morning fog of the lung [title of J90.0]"
    assert category is not None and category.title == "Foggy diseases [title of Chapter 10]" and not category.billable


def test_wordings_of_the_thesaurus_are_found_and_are_no_terms(book: CodeBook) -> None:
    """They help the search alone; a wording that the search knows as an abbreviation is left to it."""
    wordings = {term.text: term.code for term in thesaurus_terms()}
    assert wordings["fluid around lung"] == "J90" and "vap" not in wordings
    assert book.search("fluid around the lung")[0].code == "J90.9"
    assert "fluid around lung" not in {term.text for term in book.terms()}


def test_terms_follow_addenda_and_references(book: CodeBook) -> None:
    """Lines are added, deleted, revised; a reference takes the code of its target; unknown codes are left out."""
    terms = {t.text: t for t in book.terms()}
    assert terms["Fog, lung, evening"].code == "J90.9" and terms["Fog, lung, evening"].modifiers == (
        "foggy",
        "thick",
        "late",
    )
    assert terms["Haze"].code == "J90.0" and terms["Right"].code == "J90.9" and terms["Growth"].code == "J90.9"
    assert terms["Fog, lung, with, dawn"].path == ("Fog, foggy", "lung", "with", "dawn")
    assert terms["Dawn haze"].source == "inclusion" and terms["mist"].code == "J90"
    assert terms["Stubbing"].code == "S90.1" and terms["Stubbing"].source == "external"
    assert not {"Old word", "Wrong", "Murk"} & set(terms)


def test_neoplasm_table_gives_site_by_behaviour(book: CodeBook) -> None:
    """Each cell is a term; rows are added and deleted by the addenda."""
    terms = {t.text: t.code for t in book.terms() if t.source == "neoplasm"}
    assert terms == {
        "Malignant neoplasm": "J90.9",
        "Malignant neoplasm of gill": "J90.0",
        "Benign neoplasm of gill": "J90.9",
        "Malignant neoplasm of gill, slit": "J90.9",
    }


def test_notes_and_seventh_characters_are_packed(book: CodeBook) -> None:
    """Notes reach the codes below, from the chapter down; the 7th-character table too."""
    notes = book.notes("J90.0")
    assert [n.text for n in notes.excludes1] == ["smog (J91.-)"] and notes.excludes2[0].source == "Chapter 10"
    assert book.notes("S90.1XXA").seventh == {"A": "initial encounter"}


def test_built_book_can_be_searched(book: CodeBook) -> None:
    """The words of the made-up sources find their codes."""
    assert book.search("haze at dawn", date(2026, 1, 1))[0].code == "J90.0"
    assert book.search("left toe bump")[0].code == "S90.1XXA"


def test_same_sources_give_the_same_bytes(sources: Path, packages: Packages, tmp_path: Path) -> None:
    """Two builds are equal byte for byte."""
    for name in ("one", "two"):
        build(sources, tmp_path / name, lambda line: None, packages)
    assert dict(_files(tmp_path / "one")) == dict(_files(tmp_path / "two"))


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    return ((p.name, p.read_bytes()) for p in folder.iterdir())


def test_missing_source_is_named(sources: Path, packages: Packages, tmp_path: Path) -> None:
    """The build names the file that it lacks, and writes nothing."""
    (sources / "icd10cm-index-fy2025.csv").unlink()
    with pytest.raises(SourcesDisagree, match="icd10cm-index-fy2025"):
        build(sources, tmp_path / "out", lambda line: None, packages)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "rows", [VALIDITY[1:], [*VALIDITY, ("J91", 20151001, 20270331)], [*VALIDITY, ("J92", 20261001, 20270331)]]
)
def test_sources_that_contradict_each_other_are_refused(
    sources: Path, packages: Packages, tmp_path: Path, rows: list[tuple[str, int, int]]
) -> None:
    """A code that only one of order file, dates and delta knows stops the build."""
    path = tmp_path / "other.mdb"
    _write_validity(path, rows)
    with pytest.raises(SourcesDisagree, match="different"):
        build(sources, tmp_path / "out", lambda line: None, Packages(packages.tabular, path))


def test_unknown_layout_of_the_dates_is_refused(sources: Path, packages: Packages, tmp_path: Path) -> None:
    """A table that is not laid out as known is not read as if it were."""
    path = tmp_path / "broken.mdb"
    with lmdb.open(str(path), subdir=False, map_size=1 << 20) as environment, environment.begin(write=True) as writing:
        writing.put(b"mce_i10dx_master", b"XXXX" + bytes(40))
    with pytest.raises(SourcesDisagree, match="layout"):
        build(sources, tmp_path / "out", lambda line: None, Packages(packages.tabular, path))


@pytest.mark.parametrize("broken", ["tabular", "table"])
def test_broken_xml_is_refused_by_name(sources: Path, packages: Packages, tmp_path: Path, broken: str) -> None:
    """XML that ends too early is named."""
    path = packages.tabular if broken == "tabular" else sources / "icd10cm-neoplasm-table-fy2025.xml"
    path.write_text(path.read_text()[:80])
    with pytest.raises(SourcesDisagree, match=path.name):
        build(sources, tmp_path / "out", lambda line: None, packages)


@pytest.mark.parametrize(
    ("words", "term", "code", "see", "see_also"),
    [
        ("cervix R87.619", "cervix", "R87.619", "", ""),
        ("eye Z44.2-", "eye", "Z44.2", "", ""),
        ("Desmoid (tumor) - see Neoplasm, skin", "Desmoid", "", "Neoplasm, skin", ""),
        ("coccyx (see also subcategory) M43.8", "coccyx", "M43.8", "", "subcategory"),
        ("bleb H59.4 - see also Bleb, infected (late)", "bleb", "H59.4", "", "Bleb, infected (late)"),
        ("sclerosis G35.D [F02.80]", "sclerosis", "G35.D", "", ""),
    ],
)
def test_line_of_the_addenda_is_taken_apart(words: str, term: str, code: str, see: str, see_also: str) -> None:
    """Term, code and reference of a printed line."""
    line = parse_line(words)
    assert (line.term, line.code, line.see, line.see_also) == (term, code, see, see_also)
