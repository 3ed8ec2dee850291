"""Rules that make a code say what the note says: kind, degree, organism, cause, what comes with it."""

from collections.abc import Callable

import pytest

from model.candidates import Resolver
from model.codebook import CodeBook
from model.document import Document, Setting
from model.guidelines.claim import for_claim
from model.guidelines.combinations import combinations
from model.guidelines.refinements import refinements
from model.lexicon import Lexicon
from model.predictor import BookCodes
from model.tokens import content_words, term_key
from model.understanding import Reader, lasting_conditions

TERMS = {
    "diabetes": "E11.9", "type 1 diabetes": "E10.9", "chronic pancreatitis": "K86.1", "diabetic neuropathy": "E11.40",
    "neuropathy": "G62.9", "polyneuropathy": "G62.9", "kidney disease": "N18.9", "periodontitis": "K05.30",
    "forearm burn": "T22.019A", "foot ulcer": "L97.519", "breast cancer": "C50.919", "HFrEF": "I50.20",
    "heart failure": "I50.9", "hypoxic respiratory failure": "J96.01", "deep venous thrombosis": "I82.409",
    "atrial fibrillation": "I48.91", "ectopic pregnancy": "O00.90", "anemia": "D64.9", "neutropenia": "D70.9",
    "iron deficiency anemia": "D50.9", "thrombocytopenia": "D69.6", "sepsis": "A41.9", "septic shock": "R65.21",
    "hemiparesis": "G81.9", "dysphagia": "R13.10", "graves disease": "E05.00", "thyroid storm": "E05.91",
    "alcohol use disorder severe": "F10.20", "alcohol withdrawal": "F10.939", "alcohol intoxication": "F10.929",
    "concussion": "S06.0X0A",
}  # fmt: skip
Standing = Callable[..., set[str]]


@pytest.fixture(scope="module")
def standing(codebook: CodeBook) -> Standing:
    """The codes of a text that no combination has taken the place of, read with the terms above alone."""
    lexicon = Lexicon({term_key(content_words(term)): f"x:{code}" for term, code in TERMS.items()})
    reader = Reader((lexicon,), Resolver(BookCodes(codebook)), lasting_conditions())

    def standing(text: str, setting: Setting = Setting.OUTPATIENT) -> set[str]:
        read = reader.read(Document("note", text, setting))
        claimed = for_claim(read.reading, read.document, read.supports)
        return claimed.supports.keys() - claimed.replaced.keys()

    return standing


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("Steroid induced diabetes.", {"E09.9"}),
        ("Diabetes brought on by tacrolimus.", {"E09.9"}),
        ("Steroid induced diabetes, sugars too high.", {"E09.65"}),
        ("Diabetes. Rash from prednisone.", {"E11.9"}),
        ("Diabetes, poor glucose control.", {"E11.65"}),
        ("Diabetes due to chronic pancreatitis.", {"E08.9", "K86.1"}),
        ("Diabetes. Chronic pancreatitis.", {"E11.9", "K86.1"}),
        ("Diabetic neuropathy. Distal symmetric polyneuropathy on testing.", {"E11.42"}),
        ("Diabetic neuropathy. No polyneuropathy of the hands.", {"E11.40"}),
        ("Diabetes. Polyneuropathy.", {"E11.42"}),
        ("Type 1 diabetes. Neuropathy.", {"E10.40"}),
        ("Diabetes. Neuropathy due to alcohol.", {"E11.9", "G62.9"}),
        ("Diabetes. Kidney disease from lithium.", {"E11.9", "N18.9"}),
        ("Diabetes. Kidney disease due to long-standing diabetes.", {"E11.22", "N18.9"}),
        ("Diabetes. Periodontitis.", {"E11.630", "K05.30"}),
    ],
)
def test_diabetes(standing: Standing, text: str, codes: set[str]) -> None:
    """What brought it, its control, and what comes with it unless the note names another cause (I.A.15, I.C.4.a)."""
    assert {c for c in standing(text) if c[0] in "EGNK"} == codes


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Partial thickness left forearm burn.", "T22.212A"), ("Third-degree forearm burn.", "T22.319A"),
        ("Forearm burn.", "T22.019A"), ("Concussion.", "S06.0X0A"), ("Concussion recheck. Concussion.", "S06.0X0D"),
        ("Foot ulcer.\nEXAM: Fat layer exposed.", "L97.512"), ("Foot ulcer.\nEXAM: No fat visible.", "L97.519"),
        ("Left breast cancer. Ductal carcinoma, upper outer quadrant.", "C50.412"),
        ("Left breast cancer. Benign cyst in the upper outer quadrant.", "C50.912"),
        ("ADHF, HFrEF.", "I50.23"), ("HFrEF.", "I50.20"),
        ("HFrEF. No decompensated heart failure.", "I50.20"),
        ("Acute on chronic hypoxic respiratory failure.", "J96.21"), ("Acute hypoxic respiratory failure.", "J96.01"),
        ("Chronic deep venous thrombosis of the right leg.", "I82.501"),
        ("Acute deep venous thrombosis of the right leg, chronic kidney disease.", "I82.401"),
        ("Atrial fibrillation that comes and goes.", "I48.0"),
        ("Atrial fibrillation. Pain comes and goes.", "I48.91"),
        ("Ectopic pregnancy in the right fallopian tube.", "O00.101"), ("Ectopic pregnancy.", "O00.90"),
        ("Anemia due to chemotherapy.", "D64.81"), ("Anemia. Due for chemotherapy.", "D64.9"),
        ("Chemotherapy-induced neutropenia.", "D70.1"), ("Thrombocytopenia from alcohol.", "D69.59"),
        ("Iron deficiency anemia due to heavy menses.", "D50.0"), ("Iron deficiency anemia.", "D50.9"),
        ("Sepsis due to E. coli.", "A41.51"), ("Sepsis. E. coli in the urine.", "A41.9"), ("MRSA sepsis.", "A41.02"),
        ("Septic shock due to E. coli.", "A41.51"), ("Septic shock.", "A41.9"),
        ("Left hemiparesis.", "G81.94"), ("Left hemiparesis, left-handed.", "G81.92"),
        ("Right hemiparesis.", "G81.91"), ("Left hemiparesis since his stroke.", "I69.354"),
        ("Graves disease. Thyroid storm.", "E05.01"), ("Graves disease.", "E05.00"),
        ("Alcohol use disorder, severe. Alcohol withdrawal.", "F10.239"),
        ("Alcohol intoxication with alcohol use disorder, severe.", "F10.229"),
        ("Alcohol use disorder, severe. No alcohol withdrawal.", "F10.20"),
    ],
)  # fmt: skip
def test_as_the_note_says(standing: Standing, text: str, code: str) -> None:
    """The kind that the words name stands alone; without the words the code stays as it is (I.B.2, I.B.18)."""
    assert {c for c in standing(text) if c[:2] == code[:2]} == {code}


@pytest.mark.parametrize(
    ("text", "code", "there"),
    [
        ("Febrile neutropenia.", "R50.81", True), ("Neutropenia. No fever.", "R50.81", False),
        ("Sepsis with acute kidney injury.", "R65.20", True), ("Sepsis. AKI from dehydration.", "R65.20", False),
        ("Dysphagia since the stroke.", "I69.391", True), ("Dysphagia. Family history of stroke.", "I69.391", False),
    ],
)  # fmt: skip
def test_codes_that_go_with_it(standing: Standing, text: str, code: str, there: bool) -> None:
    """A second code where the note ties the two together, and not where they merely stand in one note."""
    assert (code in standing(text)) is there


def test_every_code_that_a_rule_writes_is_billable(codebook: CodeBook) -> None:
    """Whatever code a rule starts from, the one it makes is in the code book."""
    for rule in refinements():
        leaves = {c for of in rule.of if not rule.seventh for c in codebook.billable_descendants(of, None)}
        made = {rule.target(c) for c in leaves if c.endswith(rule.ends)}
        assert all(codebook.is_billable(c, None) for c in made - {"I69.350"}), rule.rule.id
    for pair in combinations():
        seconds = {c for of in pair.second for c in codebook.billable_descendants(of, None)}
        made = {pair.target(first, second) for first in pair.first for second in seconds}
        assert all(codebook.is_billable(c, None) for c in made), pair.rule.id
