"""What a note says that drugs did to the patient, and what of them was missing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from model.codebook import CodeBook
from model.guidelines.adverse import effects
from model.guidelines.claim import Claimed
from model.guidelines.drugs import compiled, drug_before, drug_rules, drug_table, drugs_from

Claim = Callable[..., Claimed]
TABLE = Path(__file__).parents[3] / "model" / "guidelines" / "drugs.tsv"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Transaminases up, due to the methotrexate.", {"T45.1X5A", "R74.01"}),
        ("Transaminases from the methotrexate.", {"T45.1X5A", "R74.01"}),
        ("Statin-induced hypoglycemia.", {"T46.6X5A", "E16.0"}),
        ("Hypothyroidism caused by amiodarone.", {"T46.2X5A", "E03.2"}),
        ("Hypothyroidism, amiodarone to blame.", {"T46.2X5A", "E03.2"}),
        ("Diabetes brought on by prednisone and tacrolimus.", {"T38.0X5A", "T45.1X5A", "E09.9", "Z79.52"}),
        ("Skin rash due to lamotrigine.", {"T42.6X5A", "L27.0"}),
        ("Hypothyroidism due to a medication.", {"E03.2"}),
        ("Kidney stone with bleeding caused by her blood thinner.", {"D68.32", "T45.515A", "N20.0"}),
        ("Hypothyroidism. She is immunosuppressed by mycophenolate.", {"D84.821", "E03.9"}),
        ("Diabetes that came from the damaged pancreas.", {"E08.9"}),
    ],
)
def test_a_drug_is_blamed(claim: Claim, text: str, codes: set[str]) -> None:
    """The condition keeps its code or takes that of the cause, and the drug stands beside it (I.C.19.e.5.a)."""
    claimed = claim(text)
    assert claimed.supports.keys() - claimed.replaced.keys() == codes


@pytest.mark.parametrize(
    "text",
    [
        "Hypothyroidism not due to amiodarone.",
        "No hypothyroidism from amiodarone.",
        "Family history: hypothyroidism due to amiodarone.",
        "If hypothyroidism due to amiodarone develops, stop it.",
        "Risk of hypothyroidism due to amiodarone.",
        "Hypothyroidism, on amiodarone.",
        "Hypoglycemia due to insulin overdose.",
        "Hypertension due to missed amlodipine.",
        "Diabetes due to insulin resistance.",
        "Type 2 diabetes. Diabetes due to insulin failure.",
        "Immunosuppression with tacrolimus.",
        "Allergies: lisinopril. Skin rash due to allergy to lisinopril.",
    ],
)
def test_no_drug_is_blamed(claim: Claim, text: str) -> None:
    claimed = claim(text)
    assert not [c for c in claimed.supports if c.endswith("5A") or c.startswith(("E09", "E03.2", "D84"))]


def test_type_2_diabetes_stays(claim: Claim) -> None:
    """Steroids make known diabetes worse; they did not bring it."""
    assert "E11.9" in claim("Type 2 diabetes. Diabetes, worse due to prednisone.").supports


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("He ran out of his insulin because he could not pay for it.", {"T38.3X6A", "Z91.120"}),
        ("Seizures after missed lamotrigine doses while travelling.", {"T42.6X6A", "Z91.138"}),
        ("She put away her methimazole because she believed it made her fat.", {"T38.2X6A", "Z91.128"}),
        ("He has been without his amlodipine and chlorthalidone.", {"T46.1X6A", "T50.2X6A"}),
        ("We stopped her lisinopril.", set()),
        ("She denies missed doses of insulin.", set()),
        ("He was told to stop, and has stopped his lisinopril.", set()),
        ("She rarely missed insulin.", set()),
        ("She stopped taking omeprazole.", set()),
        ("Plan: call if she ran out of insulin.", set()),
    ],
)
def test_less_than_prescribed(claim: Claim, text: str, codes: set[str]) -> None:
    """Underdosing and its reason (I.C.19.e.5.c)."""
    claimed = claim(text)
    assert {c for c in claimed.supports if c.startswith("Z91") or c.endswith("6A")} == codes


def test_a_pump_that_failed(claim: Claim) -> None:
    """Its code and the insulin that was missing (I.C.4.a.5.a)."""
    claimed = claim("Type 1 diabetes, poorly controlled. Insulin pump failure.")
    assert {"T85.614A", "T38.3X6A"} <= claimed.supports.keys()


def test_drugs_are_sure_and_cited(claim: Claim) -> None:
    claimed = claim("Hypothyroidism caused by amiodarone.")
    assert claimed.sure["T46.2X5A"].id == "adverse-effect"
    assert claimed.origins["E03.2"] == "E03.9"


def test_every_drug_has_its_codes(codebook: CodeBook) -> None:
    names = [n for line in TABLE.read_text().splitlines() if line[0] != "#" for n in line.split("\t")[1].split("|")]
    assert len(set(names)) == len(names)
    for subcategory in set(drug_table().values()):
        assert codebook.is_billable(f"{subcategory}5A", None) and codebook.is_billable(f"{subcategory}6A", None)


def test_every_effect_has_its_code(codebook: CodeBook) -> None:
    for effect in effects():
        assert codebook.get(effect.code or effect.category, None), effect.rule.id
        assert "FY2026" in effect.rule.citation and effect.rule.reason.endswith(".")


@pytest.mark.parametrize(
    ("words", "drugs"),
    [("the long-term beta-blockers", "T44.7X"), ("ACE inhibitor cough", "T46.4X"), ("insulin resistance", "")],
)
def test_names_of_drugs(words: str, drugs: str) -> None:
    fillers = compiled(rf"(?:{drug_rules()['filler']}[ -]+)*")
    found = drugs_from(words, 0, fillers)
    assert (found.subcategories[0] if found else "") == drugs


def test_a_name_before(words: str = "on an ACE inhibitor") -> None:
    found = drug_before(words, len(words))
    assert found and words[found.start : found.end] == "ACE inhibitor"
