"""Which codes the book holds on which day."""

from datetime import date

import pytest

from model.codebook import CodeBook
from model.codes import ICD10CMCode

FY2026 = date(2026, 9, 30)
FY2027 = date(2026, 10, 1)


@pytest.mark.parametrize(
    ("day", "count"), [(date(2025, 10, 1), 74_719), (FY2026, 74_719), (FY2027, 74_879), (None, 74_879)]
)
def test_every_billable_code_of_an_edition_is_there(codebook: CodeBook, day: date | None, count: int) -> None:
    """An edition has exactly as many billable codes as were published."""
    assert sum(1 for _ in codebook.billable_codes(day)) == count


def test_edition_follows_the_date_of_service(codebook: CodeBook) -> None:
    """The fiscal year turns on 1 October; no date means the newest edition, an early one the oldest."""
    assert codebook.edition_on(FY2026).name == "FY2026"
    assert codebook.edition_on(FY2027).name == "FY2027"
    assert codebook.edition_on(None).name == "FY2027"
    assert codebook.edition_on(date(2019, 1, 1)).name == "FY2026"


def test_new_code_is_not_valid_before_its_day(codebook: CodeBook) -> None:
    """A code of FY2027 does not exist on the last day of FY2026."""
    assert codebook.get("QA1.71", FY2026) is None
    entry = codebook.get("QA1.71", FY2027)
    assert entry is not None and entry.billable and entry.title == "Lynch syndrome" and entry.valid_from == FY2027


def test_deleted_code_is_not_valid_after_its_day(codebook: CodeBook) -> None:
    """A code that FY2027 deletes ends with FY2026."""
    entry = codebook.get("S23.420A", FY2026)
    assert entry is not None and entry.billable and entry.valid_to == FY2026
    assert codebook.get("S23.420A", FY2027) is None


def test_code_that_is_divided_becomes_a_heading(codebook: CodeBook) -> None:
    """D69.1 may be billed in FY2026 only; afterwards its subdivisions may."""
    assert codebook.is_billable("D69.1", FY2026) and not codebook.is_billable("D69.1", FY2027)
    assert codebook.billable_descendants("D69.1", FY2026) == ("D69.1",)
    assert codebook.billable_descendants("D69.1", FY2027) == ("D69.11", "D69.19")


def test_title_that_could_not_be_verified_says_whose_it_is(codebook: CodeBook) -> None:
    """A new code without a published title shows that of its parent, marked in the words and in the flag."""
    entry = codebook.get("D69.11", FY2027)
    assert entry is not None and not entry.title_verified
    assert entry.title == "Qualitative platelet defects [title of D69.1]"


def test_every_billable_code_has_a_title_and_is_well_formed(codebook: CodeBook) -> None:
    """No code without words, and none that the type of codes refuses."""
    for code in codebook.billable_codes():
        entry = codebook.get(code)
        assert entry is not None and entry.title and ICD10CMCode(code).text == entry.code


@pytest.mark.parametrize("code", ["B20", "F99", "P84", "R99", "Z66"])
def test_codes_named_like_their_block_are_billable(codebook: CodeBook, code: str) -> None:
    """A category whose block bears the same name is still a code."""
    assert codebook.is_billable(code)


def test_code_is_found_however_it_is_written(codebook: CodeBook) -> None:
    """Case, dot and the dash of the index make no difference; what is no code is not found."""
    assert {e.code for w in ("E11.65", "e1165", " e11.65 ") if (e := codebook.get(w))} == {"E11.65"}
    assert (heading := codebook.get("S52.50-")) is not None and not heading.billable
    assert codebook.get("") is None and codebook.get("hypertension") is None and not codebook.is_billable("E11")


def test_tree_leads_up_and_down(codebook: CodeBook) -> None:
    """A 7th-character code hangs under the code it extends, also across the placeholder X."""
    assert codebook.lineage("S93.401A") == ["S93.401A", "S93.401", "S93.40", "S93.4", "S93"]
    assert codebook.parent("I10") is None
    assert codebook.children("J45") == ("J45.2", "J45.3", "J45.4", "J45.5", "J45.9")
    assert codebook.parent("V27.59XA") in codebook.lineage("V27.59XA")


def test_every_term_names_a_code_of_the_book(codebook: CodeBook) -> None:
    """Terms of all five sources lead to codes or headings that exist in one of the editions."""
    sources = set()
    for term in codebook.terms():
        assert term.text and (codebook.get(term.code) or codebook.get(term.code, FY2026)), term
        sources.add(str(term.source))
    assert sources == {"title", "inclusion", "index", "neoplasm", "external"}


def test_terms_of_the_index_are_paths(codebook: CodeBook) -> None:
    """A line of the index reads as the path to it, with nonessential modifiers apart and references followed."""
    terms = {term.text: term for term in codebook.terms() if term.source == "index"}
    kidney = terms["Diabetes, type 2, with, chronic kidney disease"]
    assert kidney.code == "E11.22" and kidney.path[0] == "Diabetes, diabetic" and "mellitus" in kidney.modifiers
    assert terms["Edema, lower limbs"].code == "R60.0"  # see Edema, legs
    assert terms["Disease, eye, thyroid"].code == "H05.83"  # added by the FY2026 addenda
    assert terms["Abrasion, flank"].code == "S30.81A"  # revised by them
