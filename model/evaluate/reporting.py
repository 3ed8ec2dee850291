"""From coded notes to a folder with everything that was measured."""

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from model.codebook import CodeBook
from model.evaluate.masking import Predicts
from model.evaluate.running import Sources, evaluate, titles_of
from model.evaluate.writing import write

_NO_PICTURES = "No pictures: matplotlib is not installed; say: pip install -c requirements.lock -e '.[train]'\n"


@dataclass(frozen=True, slots=True)
class Report:
    """The tables that are in the folder, and whether every listed code has its exact words."""

    tables: str
    grounded: bool


def report(predictor: Predicts, book: CodeBook, sources: Sources, masked_notes: int, folder: Path) -> Report:
    """Measures and writes tables, numbers, errors and, where matplotlib is installed, pictures.

    `masked_notes` of each kind are predicted again with the words of each suggested code blanked. Raises OSError when
    the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawable = find_spec("matplotlib") is not None
    if not drawable:
        sys.stderr.write(_NO_PICTURES)
    evaluations = evaluate(predictor, sources, titles_of(book), masked_notes)
    tables = write(evaluations, folder)
    if drawable:
        from model.evaluate.pictures import draw

        draw(evaluations, folder)
    return Report(tables, grounded=not any(e.ungrounded for e in evaluations))
