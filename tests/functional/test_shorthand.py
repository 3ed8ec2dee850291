"""The same note in words and in the shorthand of clinicians has the same codes."""

import pytest

from model.document import Document
from model.prediction import Policy
from model.predictor import Predictor
from smartapp.config import HERE

START = "CHIEF COMPLAINT: Cough.\n\nHPI: 66-year-old with 3 days of cough. No chest pain.\n\n"
PAIRS = (
    (
        "PMH: Diabetes mellitus, hypertension, COPD, coronary artery disease\n\nASSESSMENT: Acute bronchitis.",
        "PMH: DM, HTN, COPD, CAD\n\nASSESSMENT: Acute bronchitis.",
    ),
    (
        "ASSESSMENT:\n1. Right knee osteoarthritis.\n2. Pain in the left hip.\n3. Gastroesophageal reflux disease.",
        "ASSESSMENT:\n1. R knee OA.\n2. Pain in the L hip.\n3. GERD.",
    ),
    (
        "ASSESSMENT: Patient with chronic kidney disease stage 3b and congestive heart failure.",
        "ASSESSMENT: Pt w/ CKD stage 3b and CHF.",
    ),
)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load(HERE / "model" / "artifact")


@pytest.mark.parametrize(("words", "shorthand"), PAIRS)
def test_shorthand_has_the_codes_of_the_words(predictor: Predictor, words: str, shorthand: str) -> None:
    found = []
    for text in (words, shorthand):
        codes = predictor.predict(Document("note", START + text), Policy.ENCOUNTER).codes
        found.append({str(code.code) for code in codes if code.suggested})
    assert found[0] == found[1]
    assert len(found[0]) > 1
