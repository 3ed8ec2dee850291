"""The words are the cause, in the charts of the demonstration EHR, by the committed artifact."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from launch.sandbox.charts import CHARTS
from model.document import Document
from model.evaluate.gold import Gold
from model.evaluate.masking import mask
from model.evaluate.outcomes import judge
from model.prediction import Policy
from model.predictor import Predictor
from smartapp.fhir.text import to_text

ARTIFACT = Path(__file__).parents[2] / "model" / "artifact"
TYPES = {".txt": "text/plain", ".html": "text/html", ".rtf": "text/rtf", ".pdf": "application/pdf"}
NOTES = {
    chart: notes
    for chart in sorted(CHARTS.iterdir())
    if (notes := sorted(path for path in chart.glob("*") if path.suffix in TYPES))
}
_LONG = 5_000  # characters; a note that is read slowly
_CODES, _CODES_OF_LONG = 2, 1  # masked, of a note


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor.load(ARTIFACT)


def test_there_are_notes() -> None:
    """A note that is not found is not masked."""
    assert len(NOTES) == sum((chart / "patient.json").is_file() for chart in CHARTS.iterdir())
    assert {path.suffix for notes in NOTES.values() for path in notes} == TYPES.keys()


@pytest.mark.parametrize("policy", list(Policy))
def test_no_code_stays_without_its_words(predictor: Predictor, policy: Policy) -> None:
    """One note of every chart, some of its suggested codes, drawn the same way each time: each goes with its words."""
    draw = Random(policy.value)
    masked, kept = 0, []
    for notes in NOTES.values():
        path = draw.choice(notes)
        document = Document(path.name, to_text(path.read_bytes(), TYPES[path.suffix]))
        outcome = judge(Gold(document, {}), predictor.predict(document, policy), policy)
        codes = [code for code in outcome.prediction.codes if code.suggested]
        number = _CODES_OF_LONG if len(document.text) > _LONG else _CODES
        drawn = draw.sample(codes, min(number, len(codes)))
        done = mask(predictor, [replace(outcome, prediction=replace(outcome.prediction, codes=tuple(drawn)))], policy)
        masked += done.codes
        kept += done.kept
    assert masked > len(NOTES)
    assert kept == []
