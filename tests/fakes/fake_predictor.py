"""A predictor that knows four phrases, and a process of it: `python fake_predictor.py SOCKET KEY`."""

import sys
import time
from pathlib import Path

from model.codes import ICD10CMCode
from model.document import Document, Span
from model.prediction import (
    Assertion,
    Candidate,
    CodePrediction,
    Evidence,
    FiredRule,
    NotCoded,
    Policy,
    Prediction,
)

REVISION = "fake-1"
PHRASES = {
    "Essential hypertension": ("I10", "Essential (primary) hypertension", 0.97),
    "Type 2 diabetes": ("E11.9", "Type 2 diabetes mellitus without complications", 0.7),
    "Former smoker": ("Z87.891", "Personal history of nicotine dependence", 0.95),
}
DENIED = "denies chest pain"


class FakePredictor:
    """Codes PHRASES. The text "be slow" takes a moment and "fail" fails, as no real text may."""

    revision = REVISION

    def predict(self, document: Document, policy: Policy) -> Prediction:
        if "be slow" in document.text:
            time.sleep(0.8)
        if "fail" in document.text:
            raise RuntimeError(f"cannot code: {document.text}")
        return Prediction(
            document.id,
            document.sha256,
            policy,
            REVISION,
            "FY2026",
            tuple(self._code(document.text, phrase) for phrase in PHRASES if phrase in document.text),
            tuple(
                NotCoded(
                    evidence(document.text, DENIED, Assertion.ABSENT),
                    ICD10CMCode("R07.9"),
                    "Chest pain",
                    "Denied.",
                    None,
                )
                for _ in range(document.text.count(DENIED))
            ),
        )

    def _code(self, text: str, phrase: str) -> CodePrediction:
        code, title, confidence = PHRASES[phrase]
        return CodePrediction(
            ICD10CMCode(code),
            title,
            confidence,
            suggested=confidence > 0.6,
            first_listed=code == "E11.9",
            evidence=(evidence(text, phrase, Assertion.PRESENT),),
            candidates=(
                Candidate(ICD10CMCode(code), title, 0.9),
                Candidate(ICD10CMCode("I15.9"), "Secondary hypertension", 0.3),
            ),
            rules=(FiredRule("rule-1", "Section IV.J, FY2026", "Documented conditions that affect care are coded."),),
        )

    def _denied(self, text: str) -> NotCoded:
        words = evidence(text, DENIED, Assertion.ABSENT)
        return NotCoded(words, ICD10CMCode("R07.9"), "Chest pain", "Denied.", None)


def evidence(text: str, phrase: str, assertion: Assertion) -> Evidence:
    start = text.index(phrase)
    return Evidence(Span(start, start + len(phrase)), phrase, "Assessment", assertion)


if __name__ == "__main__":
    from smartapp.inference import serve

    serve(FakePredictor(), Path(sys.argv[1]), [sys.argv[2]])
