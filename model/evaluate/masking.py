"""Whether the words carry the code: with its evidence blanked, a suggestion must be gone."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from model.document import Document, Span
from model.evaluate.figures import Measure, Resamples, interval, ratio
from model.evaluate.outcomes import Outcome
from model.prediction import Policy, Prediction

# A word that no term holds. A mark that is no word would let the words on its two sides meet and make a new mention.
_NEUTRAL = "x"


class Predicts(Protocol):
    """What is measured: the predictor, or whatever stands in for it."""

    revision: str

    def predict(self, document: Document, policy: Policy) -> Prediction: ...


@dataclass(frozen=True, slots=True)
class Masking:
    """Suggested codes of a sample of notes, and the share of them that went with their words."""

    notes: int
    codes: int
    gone: Measure
    kept: tuple[tuple[str, str], ...]  # document and code of each that stayed


def blank(text: str, spans: Iterable[Span]) -> str:
    """The text with each character of the spans, but for white space, made neutral; every offset stays."""
    characters = list(text)
    for span in spans:
        for at in range(span.start, min(span.end, len(text))):
            if not characters[at].isspace():
                characters[at] = _NEUTRAL
    return "".join(characters)


def sample(outcomes: Sequence[Outcome], number: int) -> list[Outcome]:
    """The same notes each time; all of them if there are no more."""
    draw = random.Random(0)  # noqa: S311 (a sample, not a secret)
    return draw.sample(list(outcomes), min(number, len(outcomes)))


def mask(predictor: Predicts, outcomes: Iterable[Outcome], policy: Policy) -> Masking:
    """Predicts again for each suggested code of each note, with that code's words blanked."""
    kept: list[tuple[str, str]] = []
    counts: list[tuple[int, int]] = []  # suggested codes of each note, and those of them that stayed
    for outcome in outcomes:
        stayed = [code for code in _suggested(outcome.prediction) if _stays(predictor, outcome, code, policy)]
        counts.append((len(_suggested(outcome.prediction)), len(stayed)))
        kept += [(outcome.gold.document.id, code) for code in stayed]
    resamples = Resamples(len(counts))
    codes, stayed_codes = resamples.total(np.array(counts)).T
    gone = interval(ratio(codes - stayed_codes, codes, np.nan))
    return Masking(len(counts), int(codes[0]), gone, tuple(kept))


def _stays(predictor: Predicts, outcome: Outcome, code: str, policy: Policy) -> bool:
    document = outcome.gold.document
    words = [e.span for c in outcome.prediction.codes if str(c.code) == code for e in c.evidence]
    masked = replace(document, text=blank(document.text, words))
    return code in _suggested(predictor.predict(masked, policy))


def _suggested(prediction: Prediction) -> list[str]:
    return [str(c.code) for c in prediction.codes if c.suggested]
