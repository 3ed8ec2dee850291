"""Rules of the Official Guidelines on supports made by hand."""

from dataclasses import replace

import pytest

from model.codebook import CodeBook
from model.document import Setting, Span
from model.features import Support
from model.guidelines.combinations import combinations, combine
from model.guidelines.excluded import excluded_pairs
from model.guidelines.integral import integral_signs
from model.guidelines.statements import split_by_statement
from model.prediction import Assertion
from model.reading import Mention
from model.sections import SectionKind


def support(start: int, assertion: Assertion = Assertion.PRESENT) -> Support:
    mention = Mention(Span(start, start + 5), f"term {start}", 1, 0, start, start + 1, False)
    return Support(
        mention, assertion, SectionKind.ASSESSMENT, None, "X", "x", 0, 1,
        share=1.0, leads=True, nested=False, place=0.1,
    )  # fmt: skip


def test_hypertension_with_heart_failure() -> None:
    """I10 and heart failure become I11.0 with the evidence of both; heart failure keeps its own code (I.C.9.a.1)."""
    combined = combine({"I10": [support(0)], "I50.9": [support(10)]})
    assert [s.mention.span.start for s in combined.supports["I11.0"]] == [0, 10]
    assert set(combined.replaced) == {"I10"}
    assert combined.made["I11.0"].citation.endswith("I.C.9.a.1")


def test_hypertension_with_heart_and_kidney_disease() -> None:
    """All three take one code of I13 (I.C.9.a.3)."""
    combined = combine({"I10": [support(0)], "I50.9": [support(10)], "N18.4": [support(20)]})
    assert "I13.0" in combined.made
    assert set(combined.replaced) == {"I10", "I11.0", "I12.9"}


def test_diabetes_with_neuropathy() -> None:
    """'With' in the index presumes the link, for type 1 as for type 2 (I.A.15)."""
    assert "E11.40" in combine({"E11.9": [support(0)], "G62.9": [support(10)]}).made
    assert "E10.40" in combine({"E10.9": [support(0)], "G62.9": [support(10)]}).made


def test_nothing_is_combined_on_doubt() -> None:
    """A condition that is only possible makes no combination code."""
    assert not combine({"I10": [support(0)], "I50.9": [support(10, Assertion.POSSIBLE)]}).made


def test_every_rule_is_cited() -> None:
    """Each combination names its section of the Guidelines and the fiscal year."""
    assert all("FY2026, Section" in c.rule.citation and c.rule.reason.endswith(".") for c in combinations())


@pytest.mark.parametrize(
    ("first", "second", "made", "gone"),
    [
        ("I11.0", "N18.4", "I13.0", {"I11.0"}), ("I11.0", "N18.6", "I13.2", {"I11.0"}),
        ("I12.9", "I50.22", "I13.0", {"I12.9"}), ("I12.0", "I50.22", "I13.2", {"I12.0"}),
        ("I10", "I51.9", "I11.9", {"I10", "I51.9"}), ("E11.65", "N18.4", "E11.22", set()),
        ("E11.9", "E16.2", "E11.649", {"E11.9", "E16.2"}), ("E10.9", "I96", "E10.52", {"E10.9", "I96"}),
        ("E11.9", "H26.9", "E11.36", {"E11.9", "H26.9"}), ("E11.9", "M86.171", "E11.69", {"E11.9"}),
        ("J44.9", "J20.9", "J44.0", {"J44.9"}), ("D64.9", "N18.4", "D63.1", {"D64.9"}),
        ("K21.9", "K20.90", "K21.00", {"K21.9", "K20.90"}), ("K80.20", "K81.0", "K80.00", {"K80.20", "K81.0"}),
        ("K80.20", "K81.1", "K80.10", {"K80.20", "K81.1"}), ("N40.0", "R35.1", "N40.1", {"N40.0"}),
        ("K70.30", "R18.8", "K70.31", {"K70.30", "R18.8"}), ("J11.1", "J18.9", "J11.00", {"J11.1", "J18.9"}),
        ("G30.9", "F03.90", "F02.80", {"F03.90"}), ("M81.0", "S72.001A", "M80.051A", {"M81.0", "S72.001A"}),
        ("M81.0", "S52.502D", "M80.032D", {"M81.0", "S52.502D"}),
        ("M81.0", "S22.080A", "M80.08XA", {"M81.0", "S22.080A"}),
        ("M81.0", "S42.209A", "M80.029A", {"M81.0", "S42.209A"}),
        ("M81.0", "S82.201A", "M80.061A", {"M81.0", "S82.201A"}),
        ("M81.0", "S42.001A", "M80.011A", {"M81.0", "S42.001A"}),
    ],
)  # fmt: skip
def test_two_conditions_one_code(codebook: CodeBook, first: str, second: str, made: str, gone: set[str]) -> None:
    """The two together make a billable code; what it holds goes; one alone makes none."""
    combined = combine({first: [support(0)], second: [support(10)]})
    assert made in combined.made
    assert codebook.is_billable(made)
    assert set(combined.replaced) == gone
    assert not combine({first: [support(0)]}).made
    assert not combine({second: [support(10)]}).made


def test_a_fall_that_breaks_healthy_bones_is_no_osteoporotic_fracture() -> None:
    """A collision breaks healthy bones too: the traumatic fracture stands beside the osteoporosis (I.C.13.d.2)."""
    supports = {"M81.0": [support(0)], "S72.001A": [support(13)]}
    assert "M80.051A" in combine(supports, "Osteoporosis. Hip fracture after she slipped.").made
    assert not combine(supports, "Osteoporosis. Hip fracture after a motor vehicle accident.").made


def test_a_picture_confirms_no_heart_disease() -> None:
    """A large heart on a picture is a finding; as a diagnosis it makes hypertensive heart disease (I.C.9.a.1)."""
    seen = replace(support(10), kind=SectionKind.RESULTS)
    assert not combine({"I10": [support(0)], "I51.7": [seen]}).made
    assert "I11.9" in combine({"I10": [support(0)], "I51.7": [support(10)]}).made


def test_uncertain_diagnosis_outpatient_and_inpatient() -> None:
    """'Possible' is not coded for outpatients (IV.H), and is coded as if it existed at discharge (II.H)."""
    supports = {"J18.9": [support(0, Assertion.POSSIBLE)]}
    standing, refused = split_by_statement(supports, Setting.OUTPATIENT)
    assert not standing
    assert refused["J18.9"][1].id == "uncertain-outpatient"
    standing, refused = split_by_statement(supports, Setting.INPATIENT)
    assert set(standing) == {"J18.9"}
    assert not refused


@pytest.mark.parametrize(("kind", "stands"), [(SectionKind.COURSE, True), (SectionKind.ADMISSION, False)])
def test_uncertain_at_discharge(kind: SectionKind, stands: bool) -> None:
    """A doubt of the admission may have been settled since; one that is left at discharge is coded (II.H)."""
    supports = {"J18.9": [replace(support(0, Assertion.POSSIBLE), kind=kind)]}
    standing, _ = split_by_statement(supports, Setting.INPATIENT)
    assert bool(standing) is stands


def test_absent_family_and_hypothetical_are_never_coded() -> None:
    """What the patient has not, a relative has or may come carries no code in any setting."""
    for assertion in (Assertion.ABSENT, Assertion.FAMILY, Assertion.HYPOTHETICAL):
        for setting in Setting:
            standing, refused = split_by_statement({"J18.9": [support(0, assertion)]}, setting)
            assert not standing
            assert refused["J18.9"][1].id == assertion.value


def test_family_history_needs_a_relative() -> None:
    """Z80 to Z84 stand on what is said of a relative, and not on a disease of the patient (I.C.21.c.4)."""
    standing, _ = split_by_statement({"Z80.3": [support(0, Assertion.FAMILY)]}, Setting.OUTPATIENT)
    assert set(standing) == {"Z80.3"}
    for assertion in (Assertion.PRESENT, Assertion.HISTORICAL):
        standing, refused = split_by_statement({"Z80.3": [support(0, assertion)]}, Setting.OUTPATIENT)
        assert not standing
        assert refused["Z80.3"][1].id == "no-relative"


def test_history_codes_stand_on_the_past() -> None:
    """A past condition carries a history code and not its own."""
    supports = {"Z86.73": [support(0, Assertion.HISTORICAL)], "I63.9": [support(0, Assertion.HISTORICAL)]}
    standing, refused = split_by_statement(supports, Setting.OUTPATIENT)
    assert set(standing) == {"Z86.73"}
    assert refused["I63.9"][1].id == "past"


def test_integral_signs() -> None:
    """Shortness of breath goes beside confirmed pneumonia, and stays without it (I.B.5)."""
    titles = {"J18.9": "Pneumonia, unspecified organism"}
    assert set(integral_signs({"J18.9", "R06.02"}, titles)) == {"R06.02"}
    assert integral_signs({"R06.02", "I10"}, titles) == {}


def test_an_effusion_of_heart_failure_is_coded_where_it_was_treated() -> None:
    titles = {"I50.9": "Heart failure, unspecified", "J90": "Pleural effusion"}
    assert set(integral_signs(titles, titles, "Small bilateral effusions.")) == {"J90"}
    assert integral_signs(titles, titles, "Thoracentesis of the effusion.") == {}


def test_excluded_pair_keeps_the_more_confident() -> None:
    """Of two codes that exclude each other the less confident goes, with a rule."""
    dropped = excluded_pairs(["E11.9", "E10.9", "I10"], lambda a, b: (a, b) == ("E10.9", "E11.9"))
    assert set(dropped) == {"E10.9"}
    assert dropped["E10.9"].id == "excludes1"
