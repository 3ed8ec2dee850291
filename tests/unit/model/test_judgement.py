"""From what the note says to what may be coded: how likely the codes are that a rule writes."""

import pytest

from model.candidates import Resolver
from model.codebook import CodeBook
from model.confidence import Confidence
from model.decisions import Decider, fill, judge
from model.document import Document
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


def read(reader: Reader, text: str) -> Understanding:
    return reader.read(Document("note", text))


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
