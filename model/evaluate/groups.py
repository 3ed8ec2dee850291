"""The same figures for some of the codes: by how often training notes carry them, and by chapter."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from model.evaluate.figures import Measure, Resamples, interval, ratio
from model.evaluate.gold import Gold
from model.evaluate.outcomes import Outcome

UNSEEN = "0"
_BANDS = ((0, UNSEEN), (5, "1-5"), (20, "6-20"))
_OFTEN = ">20"
BANDS = (*(name for _, name in _BANDS), _OFTEN)
# First category of each chapter of the ICD-10-CM tabular list, FY2026; QA0 to QA9 of FY2027 belong to the 17th.
_CHAPTERS = {
    "A00": "1 Infections",
    "C00": "2 Neoplasms",
    "D50": "3 Blood and immune system",
    "E00": "4 Endocrine, nutrition, metabolism",
    "F01": "5 Mental and behavioural",
    "G00": "6 Nervous system",
    "H00": "7 Eye",
    "H60": "8 Ear",
    "I00": "9 Circulation",
    "J00": "10 Breathing",
    "K00": "11 Digestion",
    "L00": "12 Skin",
    "M00": "13 Muscles, bones, joints",
    "N00": "14 Urinary tract and genitals",
    "O00": "15 Pregnancy and childbirth",
    "P00": "16 Perinatal period",
    "Q00": "17 Malformations",
    "R00": "18 Symptoms and findings",
    "S00": "19 Injury and poisoning",
    "U00": "22 Special purposes",
    "V00": "20 External causes",
    "Z00": "21 Factors and contact with services",
}
_FIRST = sorted(_CHAPTERS)
CHAPTERS = tuple(sorted(_CHAPTERS.values(), key=lambda name: int(name.split()[0])))


@dataclass(frozen=True, slots=True)
class Group:
    """Figures of the codes of one group; a wrong code belongs to the group it is in itself."""

    gold: int
    predicted: int
    precision: Measure
    recall: Measure
    f1: Measure


def chapter(code: str) -> str:
    """The chapter of the tabular list, by number and a short name."""
    return _CHAPTERS[_FIRST[max(bisect_right(_FIRST, code[:3]) - 1, 0)]]


class Seen:
    """How many training notes carry a code, as right or acceptable.

    A code and the split code of an old edition above it are one, whichever of them the training notes carry.
    """

    def __init__(self, train: Iterable[Gold], split_codes: Collection[str]) -> None:
        self._notes: dict[str, set[int]] = {}
        for at, gold in enumerate(train):
            for code in {*gold.codes, *gold.acceptable}:
                self._notes.setdefault(code, set()).add(at)
        self._split = frozenset(split_codes)

    def count(self, code: str) -> int:
        beginnings = (code[:length] for length in range(3, len(code)))
        kin = {code, *(c for c in beginnings if c in self._split)}
        if code in self._split:
            kin |= {known for known in self._notes if known.startswith(code)}
        return len(set().union(*(self._notes.get(c, ()) for c in kin)))

    def band(self, code: str) -> str:
        number = self.count(code)
        return next((name for most, name in _BANDS if number <= most), _OFTEN)


def groups(
    outcomes: Sequence[Outcome], group_of: Callable[[str], str], names: Sequence[str], resamples: Resamples
) -> dict[str, Group]:
    """Figures of each group that has a code, in the order of `names`."""
    tallies = [_tally(outcome, group_of) for outcome in outcomes]
    made = {}
    for name in names:
        per_document = np.array([[t[name, column] for column in ("gold", "predicted", "right")] for t in tallies])
        gold, predicted, right = resamples.total(per_document).T
        if gold[0] or predicted[0]:
            figures = (right, predicted), (right, gold), (2 * right, predicted + gold)
            precision, recall, f1 = (interval(ratio(part, whole, np.nan)) for part, whole in figures)
            made[name] = Group(int(gold[0]), int(predicted[0]), precision, recall, f1)
    return made


def _tally(outcome: Outcome, group_of: Callable[[str], str]) -> Counter[tuple[str, str]]:
    """Counts of one document; what meets a gold code belongs to the group of that."""
    tally = Counter((group_of(code), "gold") for code in outcome.gold.codes)
    for one in outcome.suggested:
        group = group_of(one.met or str(one.code.code))
        tally[group, "predicted"] += 1
        tally[group, "right"] += one.met is not None
    return tally
