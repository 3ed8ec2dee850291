"""What the pictures show: how far confidence keeps its promise, and what is risked by showing more."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from model.evaluate.figures import Floats, Pairs, Resamples, ratio
from model.evaluate.outcomes import Outcome

_BINS = 15
_POINTS = 200  # of a risk-coverage curve, at most
_Z = 1.959964  # 95 % of a normal distribution


@dataclass(frozen=True, slots=True)
class Bin:
    """Codes of similar confidence; `low` and `high` are Wilson's 95 % interval of the share that is right."""

    least: float
    most: float
    confidence: float  # mean
    right: float  # share
    low: float
    high: float
    codes: int


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Of the most confident codes, `coverage` of all listed, `risk` are wrong (95 % interval over the documents)."""

    coverage: float
    risk: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curves:
    """Both pictures of one policy; `chosen` is where the suggested codes stand: coverage and risk."""

    bins: tuple[Bin, ...]
    risk: tuple[RiskPoint, ...]
    chosen: tuple[float, float]


def curves(outcomes: Sequence[Outcome], resamples: Resamples) -> Curves:
    pairs = Pairs.of(outcomes)
    shown = [one for outcome in outcomes for one in outcome.suggested]
    right = sum(one.met is not None for one in shown)
    chosen = (len(shown) / max(len(pairs.right), 1), 1 - right / max(len(shown), 1))
    return Curves(tuple(_bins(pairs)), tuple(_risk(pairs, resamples)), chosen)


def wilson(right: int, codes: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which has a width also when all or none are right."""
    share, extra = right / codes, _Z * _Z / codes
    middle = (share + extra / 2) / (1 + extra)
    half = _Z * sqrt(share * (1 - share) / codes + extra / (4 * codes)) / (1 + extra)
    return min(middle - half, share) if right else 0.0, max(middle + half, share) if right < codes else 1.0


def _ends(pairs: Pairs) -> list[int]:
    """The last place of each confidence: codes of one confidence are shown together or not at all."""
    last = np.flatnonzero(np.diff(pairs.confidence, append=-1.0))
    return [int(at) for at in last]


def _bins(pairs: Pairs) -> list[Bin]:
    """Bins of equal mass, the least confident first; codes of one confidence stay together, so there may be fewer."""
    total, start = len(pairs.right), 0
    members: dict[int, list[int]] = {}
    for end in _ends(pairs):
        middle = (start + end) / 2
        members.setdefault(int(_BINS * middle / total), []).extend(range(start, end + 1))
        start = end + 1
    bins = []
    for places in reversed(members.values()):
        confidence, right = pairs.confidence[places], int(pairs.right[places].sum())
        low, high = wilson(right, len(places))
        mean, share = float(confidence.mean()), right / len(places)
        bins.append(Bin(float(confidence.min()), float(confidence.max()), mean, share, low, high, len(places)))
    return bins


def _risk(pairs: Pairs, resamples: Resamples) -> list[RiskPoint]:
    ends = _ends(pairs)
    if not ends:
        return []
    chosen = sorted({ends[int(at)] for at in np.linspace(0, len(ends) - 1, _POINTS)})
    coverage = (np.array(chosen) + 1) / len(pairs.right)
    risks = np.array([_risks_at(coverage, w[pairs.document], pairs.right, ends) for w in resamples.weights])
    spread = np.sort(risks[1:], axis=0)
    skipped = int(len(spread) * 0.025)
    columns = (coverage, risks[0], spread[skipped], spread[-1 - skipped])
    return [RiskPoint(*(float(v) for v in point)) for point in zip(*columns, strict=True)]


def _risks_at(coverage: Floats, drawn: Floats, right: Floats, ends: Sequence[int]) -> Floats:
    """The risk of one resample at the coverages that are drawn."""
    listed, found = np.cumsum(drawn)[ends], np.cumsum(drawn * right)[ends]
    there = listed > 0
    if not there.any():
        return np.zeros(len(coverage))
    own = ratio(listed, np.full(len(ends), listed[-1]))
    return np.interp(coverage, own[there], 1 - ratio(found, listed)[there])
