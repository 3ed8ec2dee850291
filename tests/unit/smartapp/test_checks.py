"""Each numbered rule before a signature: a claim on which it speaks, and one on which it does not."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice

import pytest
from claims import DAY, admitted, book, claim, decision, numbers, only, suggested

from smartapp.checks import Level, remarks_if_accepted, remarks_on, rules
from smartapp.checks.exempt import LISTED, is_exempt
from smartapp.reviews import Action, Review

KNEE = "Right knee pain after a fall. No swelling of the left ankle."
ASTHMA = "Mild persistent asthma with acute exacerbation today."

SPEAKS: list[tuple[int, Review, Review]] = [
    (101, claim("I10", "E11"), claim("I10", "E11.9")),
    (101, claim("I10", "H36"), claim("I10", "H36.89")),
    (102, claim("S52.501"), claim("S52.501A")),
    (201, claim("E11.9", "E10.9"), claim("E11.9", "E78.5")),
    (201, claim("J44.9", "J42"), claim("J44.9", "J45.20")),
    (202, claim("I11.0", "I50.9", "I10"), claim("I11.0", "I50.9")),
    (202, claim("E66.9", "M80.08XA", "M81.0"), claim("M80.08XA")),
    (203, claim("I10", "I50.9"), claim("I11.0", "I50.9")),
    (203, claim("E11.9", "N18.31"), claim("E11.22", "N18.31")),
    (204, claim("J45.909", "J45.20"), claim("J45.20", "J44.9")),
    (205, claim("J18.9", "R05.9"), claim("J18.9", "R21")),
    (401, claim("Z97.5", gender="male"), claim("Z97.5", gender="female")),
    (401, claim("N99.3", gender="male"), claim("N99.3", gender="female")),
    (402, claim("R68.11", birth_date="2020-03-01"), claim("R68.11", birth_date="2026-01-11")),
    (505, claim("M25.562", note=KNEE, quotes={"M25.562": "knee pain"}), claim("M25.562")),
    (206, claim("M16.11", "M16.12"), claim("M25.561", "M25.562")),
    (206, claim("H25.11", "H25.12"), claim("H25.13")),
    (207, claim("F02.80"), claim("G30.9", "F02.80")),
    (207, claim("I10", "D63.1"), claim("N18.31", "D63.1")),
    (208, claim("D63.1", "N18.31"), claim("N18.31", "D63.1")),
    (208, claim("I10", "F02.80", "G30.9"), claim("I10", "G30.9", "F02.80")),
    (209, claim("E11.9"), claim("E11.9", "Z79.84")),
    (210, claim("I10", "Z68.41"), claim("E66.01", "Z68.41")),
    (210, claim("I10", "Z3A.20"), claim("O26.891", "Z3A.20")),
    (301, claim("W19.XXXA", "S93.401A"), claim("S93.401A", "W19.XXXA")),
    (301, claim("B96.20", "N39.0"), claim("N39.0", "B96.20")),
    (301, claim("Z59.00", "I10"), claim("I10", "Z59.00")),
    (302, claim("S93.401S", "M25.371"), claim("M25.371", "S93.401S")),
    (302, claim("B90.9", "J47.9"), claim("I69.351")),
    (303, claim("I10", "Z00.00"), claim("Z00.00", "I10")),
    (304, claim("J18.9", "A41.9"), claim("A41.9", "J18.9")),
    (304, claim("I10", "O26.891"), claim("O26.891", "Z3A.20")),
    (401, claim("N40.1", gender="female"), claim("N40.1", gender="male")),
    (401, claim("O26.891", gender="male"), claim("O26.891", gender="other")),
    (401, claim("C50.021", gender="female"), claim("C50.011", gender="female")),
    (401, claim("Z12.5", gender="female"), claim("Z12.5")),
    (402, claim("P07.30", birth_date="1961-08-02"), claim("P07.30", birth_date="2026-03-01")),
    (402, claim("Z38.00", birth_date="2025-03-01"), claim("Z38.00", birth_date="2026-03-11")),
    (402, claim("Z00.129", birth_date="2000-01-01"), claim("Z00.129", birth_date="2019-01-01")),
    (402, claim("Z00.00", birth_date="2015-01-01"), claim("Z00.00", birth_date="1961-08-02")),
    (402, claim("E66.01", "Z68.54", birth_date="1961-08-02"), claim("E66.01", "Z68.41", birth_date="1961-08-02")),
    (402, claim("O26.891", birth_date="1950-01-01"), claim("O26.891", birth_date="1995-01-01")),
    (402, claim("H25.11", birth_date="2020-01-01"), claim("H25.11", birth_date="2020")),
    (501, claim("M25.569", note=KNEE, quotes={"M25.569": "knee pain"}), claim("M25.569")),
    (
        502,
        claim("J45.909", note=ASTHMA, quotes={"J45.909": "asthma"}),
        claim("J45.909", note="Asthma. Prednisone for five days.", quotes={"J45.909": "Asthma"}),
    ),
    (305, admitted("I10", "E11.9", led=False), admitted("I10", "E11.9")),
    (305, admitted("I10", "E11.9", led=False), admitted("I10", led=False)),
    (305, admitted("I10", "E11.9", led=False), claim("I10", "E11.9")),
    (601, admitted("I10", "E11.9", poa=False), admitted("I10", "E11.9")),
    (601, admitted("I10", "E11.9", poa=False), claim("I10", "E11.9")),
    (601, admitted("I10", "E11.9", poa=False), admitted("Z87.891", "Z79.4", poa=False)),
]  # fmt: skip


@pytest.mark.parametrize(("number", "fires", "rests"), SPEAKS)
def test_a_rule_speaks_of_one_claim_and_not_of_the_other(number: int, fires: Review, rests: Review) -> None:
    assert number in numbers(fires)
    assert number not in numbers(rests)


def test_an_ordinary_claim_has_no_error_and_no_warning() -> None:
    review = claim("E11.42", "E11.65", "J44.1", "I10", "Z79.4", "Z87.891", gender="female", birth_date="1961-08-02")

    assert [r for r in remarks_on(review, book()) if r.level is not Level.INFORMATION] == []


def test_nothing_is_said_where_nothing_is_accepted() -> None:
    assert remarks_on(claim(), book()) == ()


def test_every_rule_has_its_own_number() -> None:
    given = [rule.number for rule in rules().values()]

    assert given == sorted(set(given))


def test_a_code_twice_is_an_error() -> None:
    from smartapp.checks import single
    from smartapp.checks.case import Case

    review = claim("I10", "E11.9")
    one, other = review.accepted()

    assert [r.text for r in single.once(Case(review, (one, other, one), book()))] == ["I10 is on the claim 2 times."]
    assert list(single.once(Case(review, (one, other), book()))) == []


def test_the_claim_form_holds_12_or_25_codes() -> None:
    codes = list(islice((c for c in book().billable_codes(DAY) if c.startswith("D1")), 26))

    assert only(claim(*codes[:13]), 306).codes == (codes[12],)
    assert 306 not in numbers(claim(*codes[:12]))
    assert only(admitted(*codes), 306).codes == (codes[25],)
    assert 306 not in numbers(admitted(*codes[:25]))


def test_codes_that_the_same_words_prove_are_one_condition_and_no_reason_helps() -> None:
    note = "Diabetes mellitus, on diet."
    apart = claim("E11.9", "E10.9")
    same = claim("E11.9", "E10.9", note=note, quotes={"E11.9": "Diabetes mellitus", "E10.9": "Diabetes mellitus"})

    assert (only(apart, 201).level, only(same, 201).level) == (Level.WARNING, Level.ERROR)


def test_a_manifestation_without_its_disease_is_an_error_and_other_missing_diseases_a_warning() -> None:
    assert only(claim("F02.80"), 207).level is Level.ERROR
    assert only(claim("D63.1"), 207).level is Level.WARNING
    assert only(claim("I10", "F02.80"), 207).level is Level.WARNING  # the list of diseases is open: I10 may be meant


@pytest.mark.parametrize(
    ("codes", "level"),
    [
        (("S93.401S", "M25.371"), Level.ERROR),
        (("S93.401S",), Level.WARNING),
        (("S93.401S", "W19.XXXS"), Level.WARNING),
    ],
)
def test_a_sequela_alone_is_signed_with_a_reason(codes: tuple[str, ...], level: Level) -> None:
    """Where another code can go first it must; where none can, the notes may not name what was left behind."""
    assert only(claim(*codes), 302).level is level


def test_a_remark_says_what_would_mend_it() -> None:
    assert only(claim("I10", "I50.9"), 203).add == ("I11.0",)
    assert only(claim("D63.1", "N18.31"), 208).lead == "N18.31"
    assert only(claim("I10", "F02.80", "G30.9"), 208).move == ("G30.9", "F02.80")
    sided = only(claim("M25.569", note=KNEE, quotes={"M25.569": "knee pain"}), 501)
    assert (sided.add, sided.instead_of) == (("M25.561",), "M25.569")


def test_what_was_suggested_is_offered_as_the_missing_companion() -> None:
    review = claim("E11.9")
    insulin = suggested("Z79.4", "Takes insulin.", "insulin")

    assert only(replace(review, suggestions=(insulin,)), 209).add == ("Z79.4",)
    assert only(review, 209).add == ()


@pytest.mark.parametrize(
    ("codes", "offered", "level"),
    [
        (("I13.0", "I50.23"), "N18.32", Level.WARNING),  # the type of heart failure is told, the stage is not
        (("I13.0", "N18.32"), "I50.23", Level.WARNING),
        (("E11.22", "Z79.4"), "N18.32", Level.WARNING),  # insulin answers another instruction
        (("I13.0",), "", Level.WARNING),  # neither is told
        (("I12.9",), "", Level.INFORMATION),  # nothing says which stage
        (("E11.9",), "Z79.4", Level.INFORMATION),  # no stage and no type
    ],
)
def test_each_instruction_to_code_more_is_held_by_itself(codes: tuple[str, ...], offered: str, level: Level) -> None:
    note = "As the note says."
    more = (suggested(offered, note, note),) if offered else ()
    found = remarks_on(replace(claim(*codes), suggestions=more), book())
    (remark,) = (r for r in found if (r.rule.number, r.codes) == (209, codes[:1]))

    assert (remark.level, remark.add) == (level, (offered,) if offered else ())
    assert level is not Level.WARNING or remark.rule.reasons


def test_all_instructions_of_a_code_are_met_by_a_code_each() -> None:
    asking = {r.codes for r in remarks_on(claim("I13.0", "I50.23", "N18.32"), book()) if r.rule.number == 209}

    assert ("I13.0",) not in asking


def test_a_rejected_stage_is_not_asked_for_again() -> None:
    review = replace(claim("I12.9"), suggestions=(suggested("N18.32", "CKD 3b.", "CKD 3b"),))
    rejected = replace(review, decisions=(*review.decisions, decision(9, Action.REJECT, "N18.32")))

    assert (only(review, 209).level, only(rejected, 209).level) == (Level.WARNING, Level.INFORMATION)


@pytest.mark.parametrize(
    ("day", "year"), [(date(2026, 9, 30), "FY2026"), (date(2026, 10, 1), "FY2027"), (None, "of the newest edition")]
)
def test_a_citation_names_the_fiscal_year_of_the_date_of_service(day: date | None, year: str) -> None:
    review = claim("I10", "I50.9", date_of_service=day)

    assert f"Official Guidelines {year}, Section I.C.9.a.1" in only(review, 203).citation


def test_validity_goes_by_the_date_of_service() -> None:
    assert 101 in numbers(claim("M54.5", date_of_service=date(2026, 1, 5)))
    assert 101 not in numbers(claim("M54.5", date_of_service=date(2021, 1, 5)))


def test_a_side_that_is_said_of_something_else_is_not_heard() -> None:
    note = "Knee pain for a week. The left ankle is not swollen."

    assert 501 not in numbers(claim("M25.569", note=note, quotes={"M25.569": "Knee pain"}))


def test_a_side_that_is_said_of_another_code_of_the_claim_is_not_heard() -> None:
    """Section I.B.13: in "lung cancer with left pleural effusion" it is the effusion that is on the left."""
    note = "Lung carcinoma with left malignant pleural effusion."
    quotes = {"C34.90": "Lung carcinoma", "J91.0": "left malignant pleural effusion"}

    assert 501 in numbers(claim("C34.90", note=note, quotes=quotes))
    assert 501 not in numbers(claim("C34.90", "J91.0", note=note, quotes=quotes))


def test_what_the_patient_had_before_heads_the_claim_of_a_visit_for_a_reason_only() -> None:
    """Section I.C.21.a: such a code is listed first or not, as the encounter was; never that of an admission."""
    assert only(claim("Z98.890", "R74.8"), 301).level is Level.WARNING
    assert only(admitted("Z98.890", "R74.8"), 301).level is Level.ERROR
    assert only(claim("W19.XXXA", "S93.401A"), 301).level is Level.ERROR


def test_words_that_changed_after_the_decision_are_to_be_read_again() -> None:
    before = claim("I10", note="Hypertension.", quotes={"I10": "Hypertension"})
    changed = tuple(replace(n, changed_at=datetime(2026, 3, 14, tzinfo=UTC)) for n in before.notes)

    assert 503 not in numbers(before)
    assert only(replace(before, notes=changed), 503).level is Level.WARNING


def test_a_suggestion_without_a_decision_is_named() -> None:
    note = "Hypertension and type 2 diabetes."
    review = claim("I10", note=note, quotes={"I10": "Hypertension", "E11.9": "type 2 diabetes"})
    decided = replace(review, decisions=(*review.decisions, decision(9, Action.REJECT, "E11.9")))

    assert only(review, 504).codes == ("E11.9",)
    assert 504 not in numbers(decided)


def test_a_person_confirms_the_principal_diagnosis_that_stands_first_already() -> None:
    review = admitted("I10", "E11.9", led=False)
    confirmed = replace(review, decisions=(*review.decisions, decision(9, Action.LEAD, "I10")))

    assert (305 in numbers(review), 305 in numbers(confirmed)) == (True, False)
    assert only(review, 305).lead == "I10"
    assert only(admitted("D63.1", "N18.31", led=False), 305).lead == ""  # 208 keeps it from the head


def test_a_code_newer_than_the_list_of_exempt_codes_may_be_exempt() -> None:
    day = date(2026, 11, 2)
    newer = next(c for c in book().billable_codes(day) if not book().get(c, LISTED[1]))
    remark = only(admitted(newer, poa=False, day=day), 602)

    assert (remark.level, remark.codes) == (Level.WARNING, (newer,))
    assert 601 not in numbers(admitted(newer, poa=False, day=day))


def test_the_packed_list_of_exempt_codes_holds_the_published_number_and_no_newer_code() -> None:
    """CMS publishes 38,349 for FY2026."""
    assert sum(map(is_exempt, book().billable_codes(LISTED[0]))) == 38_349
    assert is_exempt("Z79.4") and is_exempt("S52.501D") and not is_exempt("S52.501A") and not is_exempt("I10")


def test_what_the_rules_would_say_of_a_suggestion_is_told_before_it_is_accepted() -> None:
    """Of an undecided one only, and nothing of how the claim would be ordered; once rejected it is silent."""
    note = "Hypertension and type 1 diabetes."
    review = claim("E11.9", "I10", note=note, quotes={"I10": "Hypertension", "E10.9": "type 1 diabetes"})
    rejected = replace(review, decisions=(*review.decisions, decision(9, Action.REJECT, "E10.9")))

    assert [(r.rule.number, r.codes) for r in remarks_if_accepted(review, book())] == [(201, ("E11.9", "E10.9"))]
    assert remarks_if_accepted(rejected, book()) == ()


def asserting(code: str, assertion: str, inpatient: bool = False) -> Review:
    """A claim of I10 and the code, for which the words say so much."""
    text = "Possible words for it."
    review = admitted("I10", code, note=text) if inpatient else claim("I10", code, note=text)
    (evidence,) = suggested(code, text, "words").evidence
    return replace(
        review,
        suggestions=(replace(suggested(code, text, "words"), evidence=(replace(evidence, assertion=assertion),)),),
    )


def test_the_other_side_is_offered_and_both_sides_are_no_other() -> None:
    """The code that says the same of the side in the note; where the note speaks of both, nothing is said."""
    remark = only(claim("M25.562", note=KNEE, quotes={"M25.562": "knee pain"}), 505)
    assert remark.add == ("M25.561",) and remark.instead_of == "M25.562"
    both = "Knee pain on the right and on the left."
    assert 505 not in numbers(claim("M25.562", note=both, quotes={"M25.562": "Knee pain"}))
    assert 505 not in numbers(claim("M25.561", note=KNEE, quotes={"M25.561": "knee pain"}))


@pytest.mark.parametrize(
    ("code", "inpatient", "speaks"),
    [
        ("J18.9", False, True),
        ("J18.9", True, False),
        ("B20", True, True),
        ("U07.1", True, True),
        ("Z03.89", False, False),
    ],
)
def test_a_diagnosis_in_doubt_is_coded_in_a_hospital_only(code: str, inpatient: bool, speaks: bool) -> None:
    """Sections IV.H and II.H; what must be confirmed is so everywhere."""
    assert (506 in numbers(asserting(code, "possible", inpatient))) is speaks
    assert 506 not in numbers(asserting(code, "present", inpatient))


@pytest.mark.parametrize(("assertion", "words"), [("absent", "deny it"), ("family", "of a relative")])
def test_words_that_do_not_say_that_the_patient_has_it_are_told(assertion: str, words: str) -> None:
    """Z codes may stand for what is denied or of a relative."""
    assert words in only(asserting("J18.9", assertion), 507).text
    assert 507 not in numbers(asserting("Z83.3", assertion)) and 507 not in numbers(asserting("J18.9", "present"))


def test_a_sign_with_a_treatment_of_its_own_is_no_mere_sign() -> None:
    """The notes are asked, as the predictor asks them: an effusion that was drained is coded beside heart failure."""
    assert 205 in numbers(claim("I50.9", "J90", note="Heart failure with pleural effusion."))
    assert 205 not in numbers(claim("I50.9", "J90", note="Heart failure. Pleural effusion, thoracentesis today."))


@pytest.mark.parametrize(
    ("code", "day", "words"),
    [
        ("E11", DAY, "codes under it say more"),
        ("I42.0", date(2026, 11, 1), "codes under it"),
        ("E66.8", DAY, "it is a heading"),
        ("I1A", DAY, "one code under it says more (I1A.0)"),
    ],
)
def test_a_code_that_is_not_billable_says_why(code: str, day: date, words: str) -> None:
    """A heading is told from a code that is no more."""
    assert words in only(claim("I10", code, date_of_service=day), 101).text
