"""The predictor behind its door, with the committed artifact."""

import json
from datetime import date
from pathlib import Path

import pytest

from model.codebook import CodeBook
from model.document import NOTE_BREAK, Document, Setting
from model.prediction import Assertion, Policy, Prediction
from model.predictor import Predictor

ARTIFACT = Path(__file__).parents[3] / "model" / "artifact"

NOTE = """CHIEF COMPLAINT

Right knee pain.

HISTORY OF PRESENT ILLNESS

The patient has hypertension and type 2 diabetes and takes metformin. Denies chest pain, fever, or dyspnea.

FAMILY HISTORY

Mother: breast cancer.

ASSESSMENT AND PLAN

1. Right knee pain.
2. Hypertension. Continue lisinopril.
3. Type 2 diabetes. Continue metformin.
"""


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load(ARTIFACT)


def predict(predictor: Predictor, text: str, policy: Policy = Policy.ENCOUNTER) -> Prediction:
    return predictor.predict(Document("note", text), policy)


def suggested(prediction: Prediction) -> set[str]:
    return {c.code.text for c in prediction.codes if c.suggested}


def test_office_note(predictor: Predictor) -> None:
    """What the assessment names is suggested; what the note denies or tells of a relative is not."""
    prediction = predict(predictor, NOTE)
    assert {"M25.561", "I10", "E11.9"} <= suggested(prediction)
    assert not {"R07.9", "R50.9", "R06.00"} & suggested(prediction)
    refused = {n.code.text: n for n in prediction.not_coded}
    assert refused["R07.9"].evidence.assertion is Assertion.ABSENT
    assert refused["R07.9"].rule is not None
    assert sum(c.first_listed for c in prediction.codes) == 1


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize(
    "text",
    [
        "", " ", "x", "\ud800 diabetes \udfff", "DIABETES HYPERTENSION COPD " * 30, "糖尿病と高血圧。",
        "El paciente presenta fiebre y diabetes.", "a|b|c\r\ndiabetes|hypertension|x\rcopd", "no sentence end " * 200,
        "İstanbul 🫀 naïve: congestive heart failure", NOTE, NOTE.replace("\n", "\r\n"), NOTE + NOTE_BREAK + NOTE,
    ],
)  # fmt: skip
def test_any_text(predictor: Predictor, codebook: CodeBook, policy: Policy, text: str) -> None:
    """Quotes are exact, codes billable and listed once, and the prediction survives JSON, whatever the text."""
    prediction = predict(predictor, text, policy)
    codes = [c.code.text for c in prediction.codes]
    assert len(codes) == len(set(codes))
    for code in prediction.codes:
        assert codebook.is_billable(code.code.text)
        assert all(e.span.of(text) == e.quote for e in code.evidence)
    assert [c.confidence for c in prediction.codes] == sorted((c.confidence for c in prediction.codes), reverse=True)
    assert Prediction.from_json(json.loads(json.dumps(prediction.to_json()))) == prediction


def test_the_same_each_time(predictor: Predictor) -> None:
    """The same note gives the same prediction, and so does a predictor loaded anew."""
    assert predict(predictor, NOTE) == predict(predictor, NOTE) == predict(Predictor.load(ARTIFACT), NOTE)


@pytest.mark.parametrize("policy", list(Policy))
def test_masking_the_evidence_removes_the_code(predictor: Predictor, policy: Policy) -> None:
    """The evidence is the cause: without its words the code is gone."""
    for code in predict(predictor, NOTE, policy).codes:
        masked = list(NOTE)
        for evidence in code.evidence:
            masked[evidence.span.start : evidence.span.end] = "_" * len(evidence.span)
        left = predict(predictor, "".join(masked), policy)
        assert code.code not in {c.code for c in left.codes}, code.code


def test_uncertain_diagnosis_by_setting(predictor: Predictor) -> None:
    """A suspected pneumonia is not coded for an outpatient; the rule says why."""
    text = "ASSESSMENT\n\nCough. Suspected pneumonia."
    prediction = predict(predictor, text)
    assert "J18.9" not in {c.code.text for c in prediction.codes}
    assert {n.rule.id for n in prediction.not_coded if n.rule} == {"uncertain-outpatient"}
    inpatient = predictor.predict(Document("note", text, Setting.INPATIENT), Policy.ENCOUNTER)
    assert "J18.9" in {c.code.text for c in inpatient.codes}


def test_combination_code_carries_its_rule(predictor: Predictor) -> None:
    """Hypertension with heart failure: I11.0 with both quotes and the citation."""
    prediction = predict(predictor, "ASSESSMENT\n\n1. Hypertension.\n2. Congestive heart failure.")
    made = next(c for c in prediction.codes if c.code.text == "I11.0")
    assert made.rules[0].id == "hypertension-heart-failure"
    assert {e.quote for e in made.evidence} == {"Hypertension", "Congestive heart failure"}


def test_code_set_of_the_day(predictor: Predictor) -> None:
    """The prediction names the edition in force on the date of service."""
    now = predictor.predict(Document("n", NOTE, date_of_service=date(2026, 11, 1)), Policy.ENCOUNTER)
    before = predictor.predict(Document("n", NOTE, date_of_service=date(2026, 3, 1)), Policy.ENCOUNTER)
    assert (now.code_set_edition, before.code_set_edition) == ("FY2027", "FY2026")


@pytest.mark.parametrize("text", [NOTE, "no fever diabetes and right knee pain "], ids=["notes", "one sentence"])
def test_long_text_is_answered(small_artifact: Path, text: str) -> None:
    """50,000 characters are read to the end, also where no sentence ends, and the offsets are still exact.

    How long it takes with all that is known is measured by `make bench`.
    """
    long = (text * 2000)[:50_000]
    found = predict(Predictor.load(small_artifact), long)
    assert found.codes
    last = max(e.span.end for c in found.codes for e in c.evidence)
    assert last > 49_000
    assert all(long[e.span.start : e.span.end] == e.quote for c in found.codes for e in c.evidence)


def test_line_of_a_prediction(predictor: Predictor) -> None:
    """The line format holds code, confidence, marks and offsets."""
    line = predict(predictor, NOTE).to_line()
    assert line["id"] == "note"
    assert set(line["codes"][0]) == {"code", "confidence", "suggested", "first_listed", "evidence"}
    assert all(NOTE[e["start"] : e["end"]].strip() for c in line["codes"] for e in c["evidence"])


@pytest.mark.parametrize(
    ("words", "right", "wrong"),
    [
        ("Chronic kidney disease. CKD stage 3b, stable.", "N18.32", "N18.9"),
        ("Palpitations from premature atrial complexes.", "I49.1", "I48.91"),
        ("Sigmoid diverticulosis.", "K57.30", "K57.32"),
        ("Depression. Major depressive disorder, recurrent, moderate.", "F33.1", "F32.A"),
    ],
)
def test_what_the_words_say(predictor: Predictor, words: str, right: str, wrong: str) -> None:
    """The code that says what the note says is suggested, and its vaguer or mistaken neighbour is not."""
    found = suggested(predict(predictor, f"ASSESSMENT AND PLAN\n\n1. {words}\n"))
    assert right in found
    assert wrong not in found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("ASSESSMENT\n\nThere is no acute coronary syndrome.\n", "I24.9"), ("Mr. Hill sat up.", "I34.0"),
        ("SpO2 99% RA.", "M06.9"), ("She may go home, they thought.", "D72.0"), ("They live here.", "M32.9"),
        ("Intrauterine pregnancy at 30 weeks.", "O00.81"), ("Takes it twice daily.", "Z79.84"),
    ],
)  # fmt: skip
def test_words_that_are_no_condition(predictor: Predictor, text: str, code: str) -> None:
    """What is denied, and words that only look like a term, carry no code."""
    assert code not in {c.code.text for c in predict(predictor, text).codes}


def test_evidence_holds_whole_numbers(predictor: Predictor) -> None:
    """No evidence ends inside a number."""
    text = "ASSESSMENT\n\nType 2 diabetes, A1c 8.6, on metformin 500.5 mg.\n"
    ends = {e.span.end for c in predict(predictor, text).codes for e in c.evidence}
    assert ends
    assert not any(text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit() for end in ends)
