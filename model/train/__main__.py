"""`python -m model.train --reports FILE --encounters FILE --split FILE --out DIRECTORY`: trains the predictor."""

import argparse
import json
import sys
from pathlib import Path

from model.codebook import CodeBook
from model.parts import CODEBOOK, CONFIDENCE, LEARNT, TERMS, write_manifest
from model.prediction import Policy
from model.train.boosting import Settings
from model.train.building import (
    Workshop,
    all_terms,
    cross_rows,
    micro_f1,
    train_confidence,
    train_first_listed,
    write_terms,
)
from model.train.learning import read_encounters, read_reports

_SHORTHAND = ("abbreviations.tsv", "synonyms.tsv")
SETTINGS = {
    Policy.EXHAUSTIVE: Settings(rounds=160, depth=4, rate=0.07),
    Policy.ENCOUNTER: Settings(rounds=140, depth=4, rate=0.07, ridge=4.0),
}
_FIRST = Settings(rounds=60, depth=3, rate=0.08, ridge=5.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=Path, required=True, help="coded case reports (CodiEsp train.jsonl)")
    parser.add_argument("--encounters", type=Path, required=True, help="coded US encounters (train.jsonl)")
    parser.add_argument("--split", type=Path, required=True, help="codes of an old edition met by any descendant")
    parser.add_argument("--out", type=Path, required=True, help="the artifact; holds the packed code book already")
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    book = CodeBook.load(options.out / CODEBOOK)
    codebook_sources = Path(sys.modules[CodeBook.__module__].__file__ or "").parent
    terms = all_terms(book, [codebook_sources / name for name in _SHORTHAND])
    workshop = Workshop(book, terms, frozenset(options.split.read_text(encoding="utf-8").split()))
    coded = [*read_reports(options.reports), *read_encounters(options.encounters)]
    rows = cross_rows(workshop, coded, options.folds)
    plain = {}
    for policy, kind in ((Policy.EXHAUSTIVE, "reports"), (Policy.ENCOUNTER, "encounters")):
        gold = sum(len(c.right) for c in coded if c.kind == kind)
        confidence, held_out = train_confidence(rows[policy], gold, SETTINGS[policy])
        judged = [(p, r.label) for p, r in zip(held_out.tolist(), rows[policy], strict=True) if r.label >= 0]
        f1 = _f1(judged, gold, confidence.threshold)
        sys.stdout.write(f"{policy.value}: cross-validated F1 {f1:.3f} at {confidence.threshold}\n")
        plain[policy.value] = confidence.to_json()
    plain["first_listed"] = train_first_listed(rows[Policy.ENCOUNTER], _FIRST).to_json()
    write_terms(terms, options.out / TERMS)
    workshop.teach(coded)[1].save(options.out / LEARNT)
    (options.out / CONFIDENCE).write_text(json.dumps(plain, separators=(",", ":")), encoding="utf-8")
    manifest = write_manifest(options.out, "chartside-predictor")
    sys.stdout.write(f"revision {manifest.revision}\n")
    return 0


def _f1(judged: list[tuple[float, int]], gold: int, threshold: float) -> float:
    import numpy as np

    probabilities, labels = (np.array(column, dtype=np.float64) for column in zip(*judged, strict=True))
    return micro_f1(probabilities, labels, gold, threshold)


if __name__ == "__main__":
    sys.exit(main())
