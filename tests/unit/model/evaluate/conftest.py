"""Small coded notes and predictions, made by hand."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import pytest

from model.codes import ICD10CMCode
from model.document import Document, Span
from model.evaluate.gold import Barred, Gold, quoted
from model.prediction import Assertion, Candidate, CodePrediction, Evidence, FiredRule, NotCoded, Policy, Prediction

TEXT = "Fever and cough. No chest pain. Diabetes with kidney disease. Father had gout. Sore right knee."


class MakesCode(Protocol):
    def __call__(self, code: str, confidence: float, words: str = "Fever", **more: Any) -> CodePrediction: ...


def make_code(code: str, confidence: float, words: str = "Fever", **more: Any) -> CodePrediction:
    """A suggested code; its evidence is where `words` stand in the text, present unless said otherwise."""
    said = more.get("assertion", Assertion.PRESENT)
    evidence = tuple(Evidence(span, span.of(TEXT), None, said) for span in quoted(TEXT, [words]))
    rivals = tuple(Candidate(ICD10CMCode(c), c, score) for c, score in more.get("candidates", ()))
    suggested, first = more.get("suggested", True), more.get("first", False)
    return CodePrediction(ICD10CMCode(code), code, confidence, suggested, first, evidence, rivals, ())


def make_prediction(codes: Sequence[CodePrediction], refused: Mapping[str, str] | None = None) -> Prediction:
    """`refused`: code -> id of the rule that refused it."""
    evidence = Evidence(Span(0, 5), "Fever", None, Assertion.ABSENT)
    rules = {code: FiredRule(rule, "", "") for code, rule in (refused or {}).items()}
    not_coded = tuple(NotCoded(evidence, ICD10CMCode(c), c, "", rule) for c, rule in rules.items())
    return Prediction("note", "", Policy.ENCOUNTER, "r", "FY", tuple(codes), not_coded)


def make_gold(codes: Mapping[str, str], **more: Any) -> Gold:
    """`codes`: code -> its words; `must_not`: code, reason and words."""
    barred = tuple(Barred(code, reason, quoted(TEXT, [words])) for code, reason, words in more.get("must_not", ()))
    right = {code: quoted(TEXT, [words]) for code, words in codes.items()}
    acceptable = frozenset(more.get("acceptable", ()))
    return Gold(Document(more.get("id", "note"), TEXT), right, acceptable, barred, more.get("first_listed"))


@pytest.fixture
def code() -> MakesCode:
    return make_code


@pytest.fixture
def prediction() -> Callable[..., Prediction]:
    return make_prediction


@pytest.fixture
def gold() -> Callable[..., Gold]:
    return make_gold
