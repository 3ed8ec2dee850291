"""Masking finds the codes that do not hang on their words."""

from dataclasses import dataclass
from typing import Any

from model.document import Document, Span
from model.evaluate.masking import blank, mask, sample
from model.evaluate.outcomes import judge
from model.prediction import Policy, Prediction


@dataclass
class Believer:
    """Suggests fever where the word stands, and gout everywhere."""

    make_code: Any
    make_prediction: Any
    revision: str = "r"

    def predict(self, document: Document, policy: Policy) -> Prediction:
        codes = [self.make_code("R50.9", 0.9, "Fever")] if "Fever" in document.text else []
        return self.make_prediction([*codes, self.make_code("M10.9", 0.8, "gout")])


def test_blanking_keeps_offsets_and_white_space() -> None:
    assert blank("a fever,\n\tno cough", [Span(2, 12), Span(13, 30)]) == "a xxxxxx\n\txx xxxxx"
    assert blank("fever", []) == "fever"


def test_a_code_that_stays_without_its_words_is_named(code: Any, prediction: Any, gold: Any) -> None:
    believer = Believer(code, prediction)
    notes = [gold({}, id=name) for name in ("first", "second")]
    outcomes = [judge(note, believer.predict(note.document, Policy.ENCOUNTER), Policy.ENCOUNTER) for note in notes]
    masking = mask(believer, outcomes, Policy.ENCOUNTER)
    assert (masking.notes, masking.codes, masking.gone.value) == (2, 4, 0.5)
    assert masking.kept == (("first", "M10.9"), ("second", "M10.9"))


def test_a_code_that_is_not_suggested_is_not_masked(code: Any, prediction: Any, gold: Any) -> None:
    listed = prediction([code("R50.9", 0.1, suggested=False)])
    masking = mask(Believer(code, prediction), [judge(gold({}), listed, Policy.ENCOUNTER)], Policy.ENCOUNTER)
    assert (masking.codes, masking.gone.value) == (0, None)


def test_the_sample_is_the_same_each_time_and_never_too_large(prediction: Any, gold: Any) -> None:
    outcomes = [judge(gold({}, id=str(n)), prediction([]), Policy.ENCOUNTER) for n in range(9)]
    assert sample(outcomes, 4) == sample(outcomes, 4)
    assert len({o.gold.document.id for o in sample(outcomes, 4)}) == 4
    assert len(sample(outcomes, 40)) == 9
