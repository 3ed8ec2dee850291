"""What is left of a measurement: tables to read, all numbers, every error, and the pictures."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from model.evaluate.errors import Error, Kind, count_kinds
from model.evaluate.figures import Measure
from model.evaluate.groups import UNSEEN, Group
from model.evaluate.running import Evaluation
from model.prediction import Policy

NOTES = {Policy.EXHAUSTIVE: "reports", Policy.ENCOUNTER: "encounters"}
_LABELS = {
    "precision": "precision",
    "recall": "recall",
    "micro_f1": "**micro F1**",
    "category_f1": "F1 of three-character categories",
    "map": "mean average precision",
    "exact_match": "notes whose codes are all right and complete",
    "first_listed": "first-listed right",
    "trap_rate": "traps fallen into",
    "evidence_f1": "evidence F1 (overlap)",
    "evidence_given_right_code": "evidence right, of right codes",
    "grounded": "grounded: codes with their exact words",
    "ece": "expected calibration error",
    "ece_by_chance": "the same of perfect calibration, by chance alone",
    "recall_at_95_precision": "share of codes reached at precision .95",
}
_ERROR_COLUMNS = ("document", "code", "title", "kind", "words", "confidence", "policy", "remark")
_DIGITS = 6  # in figures.json
Row = Sequence[str]


def write(evaluations: Sequence[Evaluation], folder: Path) -> str:
    """Writes figures.md, figures.json and errors.tsv into the folder, which is there; returns the tables of the first.

    errors.tsv quotes the notes: whoever may not read these may not read it.
    """
    tables = "\n\n".join(_tables(evaluations)) + "\n"
    plain = {e.policy.value: _plain(e) for e in evaluations}
    (folder / "figures.md").write_text(tables, encoding="utf-8")
    (folder / "figures.json").write_text(json.dumps(_rounded(plain), indent=1) + "\n", encoding="utf-8")
    rows = [_ERROR_COLUMNS, *(_error_row(e.policy, error) for e in evaluations for error in e.errors)]
    lines = "".join("\t".join(" ".join(cell.split()) for cell in row) + "\n" for row in rows)
    (folder / "errors.tsv").write_text(lines, encoding="utf-8", errors="surrogatepass")
    return tables


def shown(measure: Measure) -> str:
    """`.772 [.754, .789]`; a dash where there was nothing to measure."""
    if measure.value is None:
        return "–"
    if measure.low is None or measure.high is None:
        return _number(measure.value)
    return f"{_number(measure.value)} [{_number(measure.low)}, {_number(measure.high)}]"


def _number(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")


def _tables(evaluations: Sequence[Evaluation]) -> Iterator[str]:
    yield f"Predictor {evaluations[0].revision}, 95 % intervals from 1,000 resamples of the documents."
    yield from (f"{NOTES[e.policy].capitalize()}: {e.labels}." for e in evaluations if e.labels)
    yield _table(["", *(_head(e) for e in evaluations)], _main_rows(evaluations))
    seen = [e for e in evaluations if e.bands]
    if seen:
        yield from _groups("training notes with the code", seen, lambda e: e.bands)
    yield from _groups("chapter", evaluations, lambda e: e.chapters)
    counted = [count_kinds(e.errors) for e in evaluations]
    kinds = [[kind.value, *(str(c[kind]) for c in counted)] for kind in Kind]
    yield _table(["errors", *(NOTES[e.policy] for e in evaluations)], kinds)
    yield "\n".join(_check(e) for e in evaluations)


def _head(evaluation: Evaluation) -> str:
    e = evaluation
    return f"{NOTES[e.policy]}, `{e.policy}`, {e.documents:,} notes, {e.gold_codes:,} codes"


def _main_rows(evaluations: Sequence[Evaluation]) -> Iterator[Row]:
    for name, label in _LABELS.items():
        if any(name in e.measures for e in evaluations):
            yield [label, *(shown(e.measures[name]) if name in e.measures else "–" for e in evaluations)]
    if any(e.bands for e in evaluations):
        yield ["recall of codes never seen in training notes", *(_unseen(e) for e in evaluations)]
    if any(e.masking for e in evaluations):
        yield ["suggested codes that go when their words are blanked", *(_gone(e) for e in evaluations)]


def _unseen(evaluation: Evaluation) -> str:
    group = evaluation.bands.get(UNSEEN)
    if group is None or not group.gold:
        return "–"
    overall = evaluation.measures["precision"].value or 0.0
    return f"{shown(group.recall)} of {group.gold:,}, at overall precision {_number(overall)}"


def _gone(evaluation: Evaluation) -> str:
    masking = evaluation.masking
    return f"{shown(masking.gone)} of {masking.codes:,} in {masking.notes:,} notes" if masking else "–"


def _groups(
    what: str, evaluations: Sequence[Evaluation], of: Callable[[Evaluation], dict[str, Group]]
) -> Iterator[str]:
    for e in evaluations:
        rows = (
            [name, f"{g.gold:,}", f"{g.predicted:,}", shown(g.precision), shown(g.recall), shown(g.f1)]
            for name, g in of(e).items()
        )
        yield _table([f"{NOTES[e.policy]}: {what}", "codes", "suggested", "precision", "recall", "F1"], rows)


def _check(evaluation: Evaluation) -> str:
    without = len(evaluation.ungrounded)
    return (
        f"{NOTES[evaluation.policy]}: {without:,} of {evaluation.listed_codes:,} listed codes lack their exact words."
    )


def _table(head: Row, rows: Iterable[Row]) -> str:
    """A Markdown table that can be read as it stands."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(3, *(len(row[at]) for row in cells)) for at in range(len(head))]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    )


def _plain(evaluation: Evaluation) -> dict[str, Any]:
    """Everything but the words of the notes."""
    plain = asdict(evaluation)
    plain["errors"] = {kind.value: number for kind, number in count_kinds(evaluation.errors).items()}
    if UNSEEN in evaluation.bands:
        plain["never_seen"] = {
            "codes": evaluation.bands[UNSEEN].gold,
            "recall": asdict(evaluation.bands[UNSEEN].recall),
            "overall_precision": asdict(evaluation.measures["precision"]),
        }
    return plain


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, _DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list | tuple) else value


def _error_row(policy: Policy, error: Error) -> Row:
    confidence = "" if error.confidence is None else f"{error.confidence:.4f}"
    e = error
    return (e.document, e.code, e.title, e.kind.value, e.words, confidence, policy.value, e.remark)
