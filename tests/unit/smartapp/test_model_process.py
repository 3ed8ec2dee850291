"""The model in a child: what ends it fails one document and no other."""

from collections.abc import Iterator

import pytest
from fake_predictor import REVISION
from fragile_predictor import FragilePredictor, cannot_load

from model.document import Document
from model.prediction import Policy
from smartapp import model_process
from smartapp.inference import Refused
from smartapp.model_process import ModelProcess

GOOD = Document("e1", "Essential hypertension, stable.")
ENCOUNTER = Policy.ENCOUNTER


@pytest.fixture(scope="module")
def model() -> Iterator[ModelProcess]:
    model = ModelProcess(FragilePredictor, patience=5.0).start()
    yield model
    model.close()


def test_it_codes_as_the_model_does(model: ModelProcess) -> None:
    """The prediction of the child is the prediction of the model, and so is its revision."""
    assert model.revision == REVISION
    assert model.predict(GOOD, ENCOUNTER) == FragilePredictor().predict(GOOD, ENCOUNTER)


def test_an_error_does_not_end_the_child(model: ModelProcess) -> None:
    """A text that the model cannot code is refused, and the same child codes the next."""
    child = model._child
    with pytest.raises(Refused, match="could not code"):
        model.predict(Document("f", "We fail here."), ENCOUNTER)
    assert model.predict(GOOD, ENCOUNTER).codes
    assert model._child is child


def test_a_crash_costs_one_document(model: ModelProcess) -> None:
    """A text that kills the model is refused; the next one is coded by a new child."""
    with pytest.raises(Refused, match="ended while it read"):
        model.predict(Document("c", "crash"), ENCOUNTER)
    assert model.predict(GOOD, ENCOUNTER).codes


def test_a_text_that_takes_too_long(model: ModelProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up, its child with it, and the next text is coded."""
    monkeypatch.setattr(model, "_patience", 0.3)
    with pytest.raises(Refused, match="too long"):
        model.predict(Document("h", "hang"), ENCOUNTER)
    monkeypatch.setattr(model, "_patience", 20.0)
    assert model.predict(GOOD, ENCOUNTER).codes


def test_ends_in_a_row_make_a_pause(model: ModelProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second end in a row is followed by a pause in which nothing is asked, and after it by a new start."""
    now = [0.0]
    monkeypatch.setattr(model_process.time, "monotonic", lambda: now[0])
    for _ in range(2):
        with pytest.raises(Refused, match="ended while it read"):
            model.predict(Document("c", "crash"), ENCOUNTER)
    for ask in (lambda: model.revision, lambda: model.predict(GOOD, ENCOUNTER)):
        with pytest.raises(Refused, match="being started again"):
            ask()
    now[0] = 2.0
    assert model.predict(GOOD, ENCOUNTER).codes


def test_a_model_that_cannot_be_loaded() -> None:
    """The whole predictor ends as its child did, which has said why; it is not started again and again."""
    with pytest.raises(SystemExit) as ended:
        ModelProcess(cannot_load).start()
    assert ended.value.code == 2
