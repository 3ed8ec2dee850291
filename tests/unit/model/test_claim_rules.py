"""Rules that read the rest of the note: measures, refinements, restatements, refusals. Texts differ in one thing."""

from collections.abc import Callable
from datetime import date

import pytest

from model.codebook import CodeBook
from model.document import Setting
from model.guidelines.claim import Claimed
from model.guidelines.combinations import combinations
from model.guidelines.measures import age, measures
from model.guidelines.reasons import reasons
from model.guidelines.refinements import refinements, restatements
from model.guidelines.refusals import refusals

Claim = Callable[..., Claimed]


def standing(claimed: Claimed) -> set[str]:
    return claimed.supports.keys() - claimed.replaced.keys()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Gestational diabetes.", "O24.419"),
        ("Gestational diabetes, diet controlled.", "O24.410"),
        ("Gestational diabetes. Continue insulin.", "O24.414"),
        ("Gestational diabetes, diet controlled until now. Start insulin.", "O24.414"),
        ("Gestational diabetes. Continue metformin.", "O24.415"),
        ("Gestational diabetes. No insulin needed.", "O24.419"),
    ],
)
def test_control_of_gestational_diabetes(claim: Claim, text: str, code: str) -> None:
    """Insulin before oral drugs before diet; without a word of control it is unspecified (I.C.15.i)."""
    assert {c for c in standing(claim(text)) if c.startswith(("O24", "E11"))} == {code}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("28 weeks gestation, gestational diabetes.", "Z3A.28"),
        ("Gestational diabetes at 30 weeks of pregnancy.", "Z3A.30"),
        ("Gestational age 39 weeks and 6 days. Gestational diabetes.", "Z3A.39"),
        ("G2P1 at 31 weeks, gestational diabetes.", "Z3A.31"),
        ("Gestational diabetes at 36 weeks of pregnancy. The head is that of 40 weeks gestation.", "Z3A.36"),
        ("Hypothyroidism. Return in 6 weeks.", None),
        ("Gestational diabetes. Return in 6 weeks.", None),
        ("28 weeks gestation.", None),
    ],
)
def test_weeks_of_gestation(claim: Claim, text: str, code: str | None) -> None:
    """Completed weeks beside a code of chapter 15, and never without one (I.C.21.c.11)."""
    assert {c for c in standing(claim(text)) if c.startswith("Z3A")} == ({code} if code else set())


@pytest.mark.parametrize(
    ("weeks", "codes"), [("10", {"O10.011"}), ("20", {"O10.012"}), ("28", {"O10.013"}), ("", {"O10.019"})]
)
def test_pre_existing_hypertension_in_pregnancy(claim: Claim, weeks: str, codes: set[str]) -> None:
    """Hypertension becomes a code of chapter 15 with the trimester; the patient who is not pregnant keeps I10."""
    told = f"Pregnant woman at {weeks} weeks gestation." if weeks else "She is pregnant."
    assert {c for c in standing(claim(f"{told} Hypertension.")) if c.startswith(("O10", "I10"))} == codes
    assert "I10" in standing(claim("She is not pregnant. Hypertension."))


def test_condition_in_pregnancy_keeps_its_code(claim: Claim) -> None:
    """Hypothyroidism in pregnancy takes O99.28 and its own code (I.C.15.a.1)."""
    claimed = claim("Pregnant woman at 20 weeks gestation with hypothyroidism.")
    assert {"O99.282", "E03.9"} <= standing(claimed)
    assert claimed.origins["O99.282"] == "E03.9"
    assert not {c for c in standing(claim("Hypothyroidism.")) if c.startswith("O")}
    assert not {c for c in standing(claim("Newborn of 39 weeks gestation, hypothyroidism.")) if c.startswith("O")}


def test_supervision_has_its_trimester(claim: Claim) -> None:
    assert "Z34.02" in standing(claim("Supervision of normal first pregnancy, 20 weeks gestation."))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("BMI 31.2. Obesity.", "Z68.31"), ("Obesity with a BMI of 43.", "Z68.41"),
        ("Obesity, BMI is 69.7.", "Z68.44"),
        ("Obesity. Body mass index: 39.99", "Z68.39"), ("Obesity. BMI 30, was BMI 45.", "Z68.42"),
        ("BMI 31.2. Hypertension.", None), ("Obesity in a 9-year-old boy, BMI 31.", None),
        ("Obesity. Weight 120 kg, height 170 cm.", None),
        ("Obesity, pregnant woman at 20 weeks gestation, BMI 31.", None),
    ],
)  # fmt: skip
def test_body_mass_index(claim: Claim, text: str, code: str | None) -> None:
    """The number makes the code, beside a weight diagnosis of an adult who is not pregnant (I.B.14, I.C.21.c.3)."""
    assert {c for c in standing(claim(text)) if c.startswith("Z68")} == ({code} if code else set())


def test_a_child_has_a_percentile(claim: Claim) -> None:
    """The percentile is what the words say; an adult has none."""
    text = "Obesity in a {}-year-old, pediatric BMI 85th percentile to less than 95th percentile."
    assert {c[:5] for c in standing(claim(text.format(9)))} == {"E66.9", "Z68.5"}
    assert not {c for c in standing(claim(text.format(40))) if c.startswith("Z68")}


def test_measures_follow_the_editions(codebook: CodeBook) -> None:
    """Every code of every table is billable from its first to its last day, and the numbers rise."""
    for measure in measures():
        for row in measure.table:
            for day in (max(row.since, date(2025, 10, 1)), min(row.until, date(2026, 10, 1))):
                assert codebook.is_billable(row.code, day), row
        assert [r.least for r in measure.table] == sorted(r.least for r in measure.table)
    index = measures()[0]
    assert index.code(19.0, date(2026, 9, 30)) == "Z68.1"
    assert index.code(19.0, date(2026, 10, 1)) == "Z68.19"


@pytest.mark.parametrize(
    ("text", "years"),
    [("A 9-year-old boy.", 9), ("45 y/o man", 45), ("Age: 70", 70), ("A 3-month-old girl.", 0), ("A man.", 99)],
)
def test_age(text: str, years: int) -> None:
    assert age(text) == years


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Diabetes, poorly controlled.", "E11.65"), ("Poorly controlled diabetes.", "E11.65"),
        ("Type 1 diabetes, out of control.", "E10.65"), ("Diabetes, well controlled.", "E11.9"),
        ("Diabetes. Poorly controlled hypertension.", "E11.9"), ("Steroid-induced diabetes.", "E09.9"),
        ("Diabetes due to prednisone.", "E09.9"), ("Secondary diabetes.", "E13.9"),
    ],
)  # fmt: skip
def test_kind_of_diabetes(claim: Claim, text: str, code: str) -> None:
    """Words right beside it say how it is controlled and what brought it (index, Diabetes)."""
    assert {c for c in standing(claim(text)) if c.startswith("E")} == {code}


@pytest.mark.parametrize(
    ("text", "kept", "gone"),
    [
        ("History of breast cancer, currently on chemotherapy.", "C50.919", "Z85.3"),
        ("History of breast cancer, receiving adjuvant tamoxifen.", "C50.919", "Z85.3"),
        ("History of breast cancer. History of breast cancer, receiving chemotherapy.", "C50.919", "Z85.3"),
        ("History of breast cancer, completed chemotherapy.", "Z85.3", "C50.919"),
        ("History of breast cancer, no evidence of disease.", "Z85.3", "C50.919"),
    ],
)
def test_malignancy_under_treatment(claim: Claim, text: str, kept: str, gone: str) -> None:
    """As long as treatment is directed to it, a malignancy is no history (I.C.2.m)."""
    codes = standing(claim(text))
    assert kept in codes
    assert gone not in codes


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Radius fracture. Splint applied.", "S52.501A"),
        ("Radius fracture, healing.", "S52.501D"),
        ("Here for follow-up of a radius fracture.", "S52.501D"),
        ("Cast check. Radius fracture.", "S52.501D"),
        ("Radius fracture, 6 weeks out from surgery.", "S52.501D"),
        ("PLAN\n\nRadius fracture. Return for cast check.", "S52.501A"),
        ("Radius fracture. Follow up in two weeks.", "S52.501A"),
        ("Follow-up of a radius fracture with nonunion.", "S52.501A"),
        ("Scar, sequela of hand burn.", "T23.001S"),
    ],
)
def test_seventh_character(claim: Claim, text: str, code: str) -> None:
    """Routine care after active treatment is D, a late effect S, everything else stays A (I.C.19.a)."""
    assert {c for c in standing(claim(text)) if c[0] in "ST"} == {code}


def test_follow_up_in_an_emergency_department_is_active_treatment(claim: Claim) -> None:
    assert "S52.501A" in standing(claim("Here for follow-up of a radius fracture.", Setting.ED))


@pytest.mark.parametrize(
    ("said", "meant", "rule"),
    [
        ("Continue insulin.", "Insulin sliding scale.", "insulin-for-the-moment"),
        ("Here for a screening mammogram.", "She is due for a screening mammogram.", "screening-to-come"),
        ("Screening mammogram today.", "Will schedule a screening mammogram.", "screening-to-come"),
        ("Influenza vaccination given today.", "Influenza vaccination is due.", "vaccination-not-given"),
        ("Vaccination.", "She declined vaccination.", "vaccination-not-given"),
        ("Feet burn, scalded by hot water.", "His feet burn at night.", "burning-is-a-sensation"),
        ("Injured in a fall.", "Worse in the fall.", "autumn"),
        ("Breast cancer.", "Breast cancer in remission.", "solid-malignancy-in-remission"),
        ("Skin rash.", "Allergic to penicillin, causes skin rash.", "reaction-of-an-allergy"),
        ("She has a cold.", "Worse in cold weather.", "cold-is-a-temperature"),
    ],
)
def test_words_that_make_it_something_else(claim: Claim, said: str, meant: str, rule: str) -> None:
    """The words right beside a mention decide what it is; without them it is what its term says."""
    assert claim(said).supports
    refused = claim(meant)
    assert not refused.supports
    assert [r.id for _, r in refused.refused.values()] == [rule]


def test_a_family_history_needs_a_relative(claim: Claim) -> None:
    """Z80 to Z84 only where a relative is spoken of (I.C.21.c.4)."""
    assert "Z80.3" in standing(claim("Family history of breast cancer."))


def test_words_of_a_combination(claim: Claim) -> None:
    """Slough in a wound has the code of gangrene by the index, and is no gangrene of a diabetic."""
    assert "E11.52" in standing(claim("Diabetes, gangrene of the toe."))
    assert "E11.52" not in standing(claim("Diabetes, slough in the wound."))


def test_rules_tell_why(claim: Claim) -> None:
    """The rule lands on the code with its citation, and the words it asks for are part of the evidence."""
    claimed = claim("Gestational diabetes. Continue insulin.")
    (rule,) = claimed.rules["O24.414"]
    assert (rule.id, "I.C.15.i" in rule.citation) == ("gestational-diabetes-insulin", True)
    assert {s.mention.key for s in claimed.supports["O24.414"]} == {"diabete gestational", "insulin"}


def test_every_rule_is_cited_once() -> None:
    """Ids are unique; each rule names its source, its year and a reason in a sentence."""
    tables = (refinements(), restatements(), refusals(), measures(), combinations(), reasons()[0])
    rules = [r.rule for table in tables for r in table]
    assert len({r.id for r in rules}) == len(rules)
    assert all("FY2026" in r.citation and r.reason.endswith(".") for r in rules)


def test_every_refinement_writes_billable_codes(codebook: CodeBook) -> None:
    """What a rule writes is in the code book."""
    for refinement in (r for r in refinements() if r.code and not {"%", "{"} & set(r.code)):
        assert codebook.is_billable(refinement.code, date(2025, 10, 1)), refinement


def test_what_a_treatment_names_is_said(claim: Claim) -> None:
    """Words of long-term treatment hold the condition too; words of a history do not."""
    assert "E11.9" in standing(claim("Diabetes on insulin."))
    assert "C50.919" not in standing(claim("History of breast cancer."))


def test_kidney_disease_by_stage(claim: Claim) -> None:
    """A stage of 1 to 4 is not the code of stage 5, whatever the term was known for."""
    assert "I12.0" not in standing(claim("Hypertensive kidney disease. Stage 4 kidney disease."))


def test_the_writer_is_no_stage(claim: Claim) -> None:
    """'I' behind the disease is who writes, where a word follows."""
    assert "N18.1" not in standing(claim("Stage 4 kidney disease. Given his kidney disease, I will refer him."))
    assert "N18.32" in standing(claim("Diabetic kidney disease, stage IIIb."))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("She is here for cycle 3 of carboplatin.", "Z51.11"),
        ("Here for follow up after chemotherapy.", None),
        ("Not here for chemotherapy.", None),
        ("Presents for average-risk screening colonoscopy.", "Z12.11"),
        ("Influenza vaccine given today.", "Z23"),
        ("Immunizations: none today.", None),
        ("A 52-year-old here for his annual physical.", "Z00.01"),
        ("A 52-year-old here for a yearly wellness visit.", "Z00.00"),
        ("A 6-year-old here for an annual physical.", None),
        ("The patient is DNR.", "Z66"),
    ],
)
def test_reasons_that_the_note_says(claim: Claim, text: str, code: str | None) -> None:
    """Words that say what the encounter is for, gave or ordered make the code sure, and prove it."""
    claimed = claim(text)
    assert set(claimed.sure) == ({code} if code else set())
    assert all(claimed.supports[c] for c in claimed.sure)


@pytest.mark.parametrize(
    ("text", "other", "code"),
    [
        ("ERCP. A stent was placed.", "Drug-eluting stent in the LAD.", "Z95.5"),
        ("Right frontal lobectomy.", "Left upper lobe lobectomy.", "Z90.2"),
        ("Stable transaminases.", "Transaminases are up.", "R74.01"),
    ],
)
def test_words_of_another_organ(claim: Claim, text: str, other: str, code: str) -> None:
    """A general word is what the words around it make of it."""
    assert code not in standing(claim(text))
    assert code in standing(claim(other))
