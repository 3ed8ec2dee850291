"""Pictures for the model card. The only module that knows matplotlib, which comes with the extra `train`."""

# mypy: disable-error-code="import-not-found"
# The extra is optional: types are checked where it is installed.

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from model.evaluate.curves import Bin
from model.evaluate.running import Evaluation
from model.evaluate.writing import NOTES
from model.prediction import Policy

# Blue and vermilion of Okabe and Ito: told apart also by people who do not see red or green.
_COLOURS = {Policy.EXHAUSTIVE: "#0072b2", Policy.ENCOUNTER: "#d55e00"}
_LINES = {Policy.EXHAUSTIVE: "-", Policy.ENCOUNTER: "--"}
_GREY = "#767676"
_EDGES = (-0.02, 1.02)  # leaves room for points at 0 and 1


def draw(evaluations: Sequence[Evaluation], folder: Path) -> list[Path]:
    """Writes reliability and risk-coverage as SVG and PNG; returns the files."""
    with mpl.rc_context(
        {
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#e4e4e4",
            "axes.axisbelow": True,
            "svg.hashsalt": "chartside",  # the same figures make the same file
        }
    ):
        figures = {"reliability": reliability(evaluations), "risk-coverage": risk_coverage(evaluations)}
        files = []
        for name, figure in figures.items():
            for ending in ("svg", "png"):
                path = folder / f"{name}.{ending}"
                figure.savefig(path, dpi=160, metadata={"Date": None} if ending == "svg" else {"Software": None})
                files.append(path)
    return files


def reliability(evaluations: Sequence[Evaluation]) -> Figure:
    """One column a policy: the share that is right over confidence, and below it how many codes each bin holds."""
    width = 4.6 * len(evaluations)
    figure = Figure(figsize=(width, 5.8), layout="constrained")
    grid = figure.subplots(2, len(evaluations), squeeze=False, sharex=True, height_ratios=(3.4, 1))
    for at, evaluation in enumerate(evaluations):
        bins, colour = evaluation.curves.bins, _COLOURS[evaluation.policy]
        _draw_bins(grid[0, at], bins, colour)
        grid[0, at].set_title(_title(evaluation))
        _draw_counts(grid[1, at], bins, colour)
    grid[0, 0].set_ylabel("share that is right")
    grid[1, 0].set_ylabel("codes in bin")
    figure.supxlabel("confidence", fontsize=10)
    return figure


def risk_coverage(evaluations: Sequence[Evaluation]) -> Figure:
    """The share of wrong codes among the most confident ones, both policies on one pair of axes."""
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axes = figure.subplots()
    for evaluation in evaluations:
        colour, points = _COLOURS[evaluation.policy], evaluation.curves.risk
        across = [p.coverage for p in points]
        axes.fill_between(across, [p.low for p in points], [p.high for p in points], color=colour, alpha=0.15, lw=0)
        axes.plot(across, [p.risk for p in points], _LINES[evaluation.policy], color=colour, label=_title(evaluation))
        axes.plot(*evaluation.curves.chosen, "o", color=colour, ms=7, mec="white", clip_on=False)
    axes.plot([], [], "o", color=_GREY, ms=7, mec="white", label="what is suggested")
    axes.fill_between([], [], color=_GREY, alpha=0.3, lw=0, label="95 % interval")
    axes.set(
        xlim=(0, 1), ylim=(0, None), xlabel="share of listed codes, most confident first", ylabel="wrong among them"
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="upper left", frameon=False)
    return figure


def _title(evaluation: Evaluation) -> str:
    judged = sum(b.codes for b in evaluation.curves.bins)  # without the acceptable ones
    return f"{NOTES[evaluation.policy]} ({evaluation.documents:,} notes, {judged:,} codes)"


def _draw_bins(axes: Axes, bins: Sequence[Bin], colour: str) -> None:
    across, right = [b.confidence for b in bins], [b.right for b in bins]
    bars = [[b.right - b.low for b in bins], [b.high - b.right for b in bins]]
    axes.plot([0, 1], [0, 1], ":", color=_GREY, label="confidence kept exactly")
    axes.errorbar(across, right, yerr=bars, fmt="o", color=colour, ms=5, capsize=2, lw=1.2, label="bin, 95 % interval")
    axes.set(xlim=_EDGES, ylim=_EDGES)
    axes.legend(loc="upper left", frameon=False)


def _draw_counts(axes: Axes, bins: Sequence[Bin], colour: str) -> None:
    """How many codes each bin holds, right below its point."""
    across, codes = [b.confidence for b in bins], [b.codes for b in bins]
    axes.vlines(across, 0, codes, color=colour, lw=2)
    axes.plot(across, codes, "o", color=colour, ms=4)
    axes.set(ylim=(0, 1.15 * max(codes, default=1)))
