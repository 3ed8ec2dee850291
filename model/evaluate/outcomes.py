"""What became of each prediction: right, wrong or neither; and the counts of a document, which every figure adds up."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.evaluate.gold import Gold, overlap
from model.prediction import CodePrediction, Policy, Prediction


@dataclass(frozen=True, slots=True)
class Judged:
    """A predicted code beside the gold code it meets."""

    code: CodePrediction
    met: str | None  # the gold code; None: the prediction is wrong, or acceptable
    counts: bool  # False: acceptable, neither rewarded nor punished
    shown_by_its_words: bool  # met, and its evidence overlaps with that of the gold code


@dataclass(frozen=True, slots=True)
class Outcome:
    """A document with its gold, its prediction and the judgement of each predicted code, most confident first."""

    gold: Gold
    prediction: Prediction
    judged: tuple[Judged, ...]
    counts: Mapping[str, float]  # of this document alone

    @property
    def pairs(self) -> list[tuple[float, bool]]:
        """Confidence and whether it was right, of every listed code that counts."""
        return [(_as_written(j.code), j.met is not None) for j in self.judged if j.counts]

    @property
    def suggested(self) -> list[Judged]:
        """The judged codes that are suggested and count."""
        return [j for j in self.judged if j.counts and j.code.suggested]


def judge(gold: Gold, prediction: Prediction, policy: Policy, split_codes: Collection[str] = ()) -> Outcome:
    """Compares a prediction with its gold. `split_codes` are gold codes that any code beginning with them meets.

    Codes are ranked by confidence, those of equal confidence as they are listed.
    """
    ranked = sorted(prediction.codes, key=lambda c: -_as_written(c))
    met = match(gold.codes, split_codes, [str(c.code) for c in ranked])
    judged = tuple(_judged(gold, code, hit) for code, hit in zip(ranked, met, strict=True))
    counts = _common(gold, judged)
    counts |= _report(gold, judged) if policy is Policy.EXHAUSTIVE else _encounter(gold, judged)
    return Outcome(gold, prediction, judged, counts)


def match(gold: Iterable[str], split_codes: Collection[str], ranked: Sequence[str]) -> list[str | None]:
    """The gold code that each predicted code meets; each is met once, by the first that can.

    Of several split codes that a predicted code begins with, the longest is met.
    """
    left, met = set(gold), []
    for code in ranked:
        loose = sorted((g for g in left if g in split_codes and code.startswith(g)), key=len)
        hit = code if code in left else loose[-1] if loose else None
        met.append(hit)
        left.discard(hit or "")
    return met


def is_grounded(text: str, code: CodePrediction) -> bool:
    """Whether the code has words, and all of them stand in the text exactly as quoted."""
    return bool(code.evidence) and all(e.span.end <= len(text) and e.span.of(text) == e.quote for e in code.evidence)


def _as_written(code: CodePrediction) -> float:
    """The confidence as the line of `predict` writes it: what is not written apart is not ranked apart."""
    return round(code.confidence, 4)


def _judged(gold: Gold, code: CodePrediction, met: str | None) -> Judged:
    words = met is not None and overlap([e.span for e in code.evidence], gold.codes[met])
    return Judged(code, met, str(code.code) not in gold.acceptable, words)


def _common(gold: Gold, judged: Sequence[Judged]) -> dict[str, float]:
    shown = [j for j in judged if j.counts and j.code.suggested]
    every = [j.code for j in judged if j.code.suggested]
    return {
        "documents": 1,
        "gold": len(gold.codes),
        "predicted": len(shown),
        "right": sum(j.met is not None for j in shown),
        "right_words": sum(j.shown_by_its_words for j in shown),
        "shown": len(every),
        "grounded": sum(is_grounded(gold.document.text, c) for c in every),
    }


def _report(gold: Gold, judged: Sequence[Judged]) -> dict[str, float]:
    found, precisions = 0, 0.0
    for rank, one in enumerate(judged, 1):
        if one.met:
            found += 1
            precisions += found / rank
    average = precisions / len(gold.codes) if gold.codes else 0.0
    return {"average_precision": average} | _categories(
        gold.codes, [j.code.code.category for j in judged if j.code.suggested]
    )


def _encounter(gold: Gold, judged: Sequence[Judged]) -> dict[str, float]:
    every = [j.code for j in judged if j.code.suggested]
    shown = [j for j in judged if j.counts and j.code.suggested]
    acceptable = {c[:3] for c in gold.acceptable}
    fine = {c[:3] for c in gold.codes} | acceptable
    # A code in the category of an acceptable one is no wrong category.
    judged_categories = [j.code.code.category for j in shown if j.met or j.code.code.category not in acceptable]
    traps = [b.code[:3] for b in gold.must_not if b.code[:3] not in fine]
    first = next((str(c.code) for c in every if c.first_listed), None)
    right = sum(j.met is not None for j in shown)
    return {
        "exact": right == len(gold.codes) == len(shown),
        "first": first == gold.first_listed,
        "traps": len(traps),
        "fallen": sum(t in {c.code.category for c in every} for t in traps),
    } | _categories(gold.codes, judged_categories)


def _categories(gold: Iterable[str], predicted: Iterable[str]) -> dict[str, float]:
    right, shown = {c[:3] for c in gold}, set(predicted)
    return {
        "gold_categories": len(right),
        "predicted_categories": len(shown),
        "right_categories": len(right & shown),
    }
