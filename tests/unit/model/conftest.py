"""The committed code book, read once for all tests of the model, and a reader that knows a few terms."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tiny import tiny_artifact

from model.candidates import Resolver
from model.codebook import CodeBook
from model.document import Document, Setting
from model.guidelines.claim import Claimed, for_claim
from model.lexicon import Lexicon
from model.predictor import BookCodes
from model.tokens import content_words, term_key
from model.understanding import Reader, lasting_conditions

PACKED = Path(__file__).parents[3] / "model" / "artifact" / "codebook"
TERMS = {
    "gestational diabetes": "O24.419", "insulin": "Z79.4", "metformin": "Z79.84", "diabetes": "E11.9",
    "type 1 diabetes": "E10.9", "hypertension": "I10", "hypothyroidism": "E03.9", "obesity": "E66.9", "bmi": "Z68",
    "supervision of normal first pregnancy": "Z34.00", "pregnant": "Z33.1", "breast cancer": "C50.919",
    "history of breast cancer": "Z85.3", "radius fracture": "S52.501A", "ankle sprain": "S93.401A",
    "alzheimer disease": "G30.9", "parkinson disease": "G20.A1", "diabetic kidney disease": "E11.22",
    "basal cell carcinoma": "C44.91", "squamous cell carcinoma": "C44.92", "melanoma": "C43.9", "nevus": "D22.9",
    "screening mammogram": "Z12.31", "vaccination": "Z23", "burn": "T30.0", "feet burn": "T25.029A", "skin rash": "R21",
    "fall": "W19.XXXA",
    "cold": "J00", "family history of breast cancer": "Z80.3", "osteoarthritis of knee": "M17.9",
    "hip fracture": "S72.001A", "osteoporosis": "M81.0", "compression fracture": "S22.080A",
    "gangrene": "I96", "slough": "I96",
    "heart failure": "I50.9", "stage 4 kidney disease": "N18.4", "hypertensive kidney disease": "I12.9",
    "hypertensive heart failure": "I11.0", "hypoglycemia": "E16.2", "burn scar": "L90.5", "hand burn": "T23.001A",
    "prostate cancer": "C61", "prednisone": "Z79.52", "cigarette smoker": "F17.210", "kidney stone": "N20.0",
    "ureteral stone": "N20.1", "liveborn infant": "Z38.2", "pancreas carcinoma": "C25.9", "liver metastasis": "C78.7",
    "hypertensive heart and kidney disease": "I13.11", "diuresis": "R35.89",
    "base": "C01", "coronaries": "I25.10",
    "stent": "Z95.5", "lobectomy": "Z90.2", "transaminases": "R74.01", "annual physical": "Z00.01",
    "pancreas metastasis": "C78.89", "alcoholic cirrhosis": "K70.30", "esophageal varices": "I85.00",
}  # fmt: skip


@pytest.fixture(scope="session")
def codebook() -> CodeBook:
    return CodeBook.load(PACKED)


@pytest.fixture(scope="session")
def small_artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact for tests of what is done with one, whichever it is; not to be changed."""
    return tiny_artifact(tmp_path_factory.mktemp("artifact"))


@pytest.fixture(scope="session")
def claim(codebook: CodeBook) -> Callable[..., Claimed]:
    """What the rules make of a text that is read with the terms above alone."""
    lexicon = Lexicon({term_key(content_words(term)): f"x:{code}" for term, code in TERMS.items()})
    reader = Reader((lexicon,), Resolver(BookCodes(codebook)), lasting_conditions())

    def claim(text: str, setting: Setting = Setting.OUTPATIENT, on: date | None = None) -> Claimed:
        understood = reader.read(Document("note", text, setting, on))
        return for_claim(understood.reading, understood.document, understood.supports)

    return claim
