"""From what the note says to what may be coded: how likely the codes are that a rule writes."""

import pytest

from model.candidates import Resolver
from model.codebook import CodeBook
from model.confidence import Confidence
from model.decisions import Decider, fill, judge
from model.document import Document, Setting
from model.experience import Experience
from model.lexicon import Lexicon
from model.prediction import Policy
from model.predictor import BookCodes
from model.tokens import content_words, term_key
from model.understanding import Reader, Understanding, lasting_conditions

TERMS = {
    "gestational diabetes": "O24.419",
    "insulin": "Z79.4",
    "obesity": "E66.9",
    "preoperative examination": "Z01.818",
}


@pytest.fixture(scope="module")
def reader(codebook: CodeBook) -> Reader:
    lexicon = Lexicon({term_key(content_words(t)): f"x:{c}" for t, c in TERMS.items()})
    return Reader((lexicon,), Resolver(BookCodes(codebook)), lasting_conditions())


def read(reader: Reader, text: str, setting: Setting = Setting.OUTPATIENT) -> Understanding:
    return reader.read(Document("note", text, setting))


def suggested(understood: Understanding, likely: float) -> set[str]:
    """What is suggested at a threshold of .5, where every code is as likely as said."""
    confidence = Confidence(("code_length",), 3.0, (), ((0.0, likely), (1.0, likely)), 0.5)
    judgement = judge(understood, Policy.ENCOUNTER, Experience())
    titles = dict.fromkeys([*judgement.weighed, *judgement.refused], "title")
    codes, _ = Decider(confidence, None, lambda code, other: False).decide(
        understood, judgement, titles, Policy.ENCOUNTER
    )
    return {c.code.text for c in codes if c.suggested}


def test_a_written_code_is_as_likely_as_the_one_the_words_name(reader: Reader) -> None:
    """The condition is what coded notes know; the rule says only how it is written."""
    experience = Experience()
    plain = judge(read(reader, "Gestational diabetes."), Policy.ENCOUNTER, experience).weighed["O24.419"]
    written = judge(read(reader, "Gestational diabetes, diet controlled."), Policy.ENCOUNTER, experience)
    features = written.weighed["O24.410"].features
    assert {k: features[k] for k in ("code_length", "unspecified", "chapter_O")} == {
        k: plain.features[k] for k in ("code_length", "unspecified", "chapter_O")
    }
    assert [r.id for r in written.weighed["O24.410"].rules] == ["gestational-diabetes-diet"]


def test_a_measure_is_as_likely_as_its_condition(reader: Reader) -> None:
    judgement = judge(read(reader, "Obesity, BMI 31."), Policy.ENCOUNTER, Experience())
    assert judgement.weighed["Z68.31"].features == judgement.weighed["E66.9"].features


def test_no_rule_acts_on_every_mention(reader: Reader) -> None:
    """`exhaustive` codes what stands there."""
    judgement = judge(read(reader, "Gestational diabetes, diet controlled. Insulin."), Policy.EXHAUSTIVE, Experience())
    assert set(judgement.weighed) == {"O24.419", "Z79.4"}


def test_rows_have_the_same_names() -> None:
    """What only some codes are described by is 0 for the others."""
    rows = {"A": {"a": 1.0}, "B": {"a": 2.0, "b": 3.0}}
    fill(rows)
    assert rows == {"A": {"a": 1.0, "b": 0.0}, "B": {"a": 2.0, "b": 3.0}}


def test_a_rule_decides_what_is_listed_first(reader: Reader) -> None:
    """The rule that moves a code to the front is told with it; a code behind it that may only lead goes."""
    confident = Confidence(("code_length",), 3.0, (), ((0.0, 0.9), (1.0, 0.9)), 0.5)
    understood = read(reader, "Preoperative examination. Gestational diabetes.")
    judgement = judge(understood, Policy.ENCOUNTER, Experience())
    decider = Decider(confident, None, lambda code, other: False)
    codes, not_coded = decider.decide(
        understood, judgement, dict.fromkeys(judgement.weighed, "title"), Policy.ENCOUNTER
    )
    (first,) = (c for c in codes if c.first_listed)
    assert first.code.text == "O24.419"
    assert first.rules == ()  # the likeliest leads by itself
    assert [(n.code.text, n.rule.id) for n in not_coded if n.rule] == [("Z01.818", "first-or-not-at-all")]


def test_an_encounter_has_a_reason(reader: Reader) -> None:
    """Where nothing is sure the likeliest of what the note confirms is suggested, if it is likely at all."""
    assert suggested(read(reader, "Assessment: obesity."), 0.3) == {"E66.9"}
    assert suggested(read(reader, "Assessment: obesity."), 0.2) == set()
    assert suggested(read(reader, "Assessment: possible obesity."), 0.3) == set()


def test_a_demanded_code_is_suggested(reader: Reader) -> None:
    """However rarely notes had it."""
    assert suggested(read(reader, "Assessment: obesity. Tdap given today."), 0.3) == {"Z23"}


def test_what_is_uncertain_at_discharge_is_as_likely_as_what_is_not(reader: Reader) -> None:
    """Of an inpatient."""
    experience = Experience()
    doubted, plain = (
        judge(read(reader, f"DISCHARGE DIAGNOSES:\n1. {words}", Setting.INPATIENT), Policy.ENCOUNTER, experience)
        for words in ("Probable obesity.", "Obesity.")
    )
    told = {"n_present": 1.0, "n_possible": 0.0, "present_share": 1.0}
    for judged in (doubted, plain):
        assert {name: judged.weighed["E66.9"].features[name] for name in told} == told


@pytest.mark.parametrize(
    ("text", "presents"),
    [
        ("She presents today with new obesity.", 1.0),
        ("He was referred for evaluation of obesity.", 1.0),
        ("Mother had insulin. Obesity.", 0.0),
        ("He comes with his wife; obesity.", 0.0),
    ],
)
def test_why_the_patient_comes(reader: Reader, text: str, presents: float) -> None:
    judgement = judge(read(reader, text), Policy.ENCOUNTER, Experience())
    assert judgement.weighed["E66.9"].features["presents"] == presents


@pytest.mark.parametrize(("heading", "assessing"), [("ASSESSMENT", 1.0), ("PLAN", 1.0), ("HISTORY", 0.0)])
def test_whether_the_note_has_an_assessment(reader: Reader, heading: str, assessing: float) -> None:
    """Where it has none, the reason of the visit stands in the history."""
    judgement = judge(read(reader, f"{heading}:\nObesity."), Policy.ENCOUNTER, Experience())
    assert judgement.weighed["E66.9"].features["assessing"] == assessing
