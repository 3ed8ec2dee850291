"""The whole measurement: predict every coded note, judge, count."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from model.codebook import CodeBook
from model.evaluate.curves import Curves, curves
from model.evaluate.errors import Error, Titles, errors_of
from model.evaluate.figures import Measure, Resamples, measures
from model.evaluate.gold import Gold, read_encounters, read_reports, read_split_codes, read_unseen
from model.evaluate.groups import BANDS, CHAPTERS, Group, Seen, chapter, groups
from model.evaluate.masking import Masking, Predicts, mask, sample
from model.evaluate.outcomes import Outcome, is_grounded, judge
from model.prediction import Policy

UNSEEN = "own labels, by language models working as coders; seen by no training"
_FIRST_YEAR = 2015  # ICD-10-CM has been in use in the US since 1 October 2015


@dataclass(frozen=True, slots=True)
class Sources:
    """What is measured, by policy; `seen` counts codes in training notes, where those are given."""

    coded: dict[Policy, list[Gold]]
    split_codes: frozenset[str]
    seen: Seen | None
    labels: dict[Policy, str]  # who labelled them, where we know

    @classmethod
    def read(
        cls,
        reports: Path | None,
        encounters: Path | None,
        unseen: Path | None,
        split: Path | None,
        train: tuple[Path, Path] | None,
    ) -> "Sources":
        """Reads the files. `unseen` holds the notes of our own labels, which are measured in the place of `encounters`;
        `train` names reports and encounters that the predictor learnt from. Raises BadGold.
        """
        split_codes = read_split_codes(split) if split else frozenset()
        coded = {Policy.EXHAUSTIVE: read_reports(reports)} if reports else {}
        coded |= {Policy.ENCOUNTER: read_encounters(encounters)} if encounters else {}
        coded |= {Policy.ENCOUNTER: read_unseen(unseen)} if unseen else {}
        seen = Seen([*read_reports(train[0]), *read_encounters(train[1])], split_codes) if train else None
        return cls(coded, split_codes, seen, {Policy.ENCOUNTER: UNSEEN} if unseen else {})


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything measured under one policy."""

    policy: Policy
    revision: str  # of the predictor
    labels: str  # who labelled the notes; empty where we do not know
    documents: int
    gold_codes: int
    listed_codes: int  # suggested or not
    ungrounded: tuple[tuple[str, str], ...]  # document and code of each listed code without its words
    measures: dict[str, Measure]
    bands: dict[str, Group]  # empty without training notes
    chapters: dict[str, Group]
    masking: Masking | None
    curves: Curves
    errors: tuple[Error, ...]


def evaluate(predictor: Predicts, sources: Sources, titles: Titles, masked_notes: int) -> list[Evaluation]:
    """Measures every policy of the sources; progress goes to standard error."""
    return [_measure(predictor, policy, sources, titles, masked_notes) for policy in sources.coded]


def titles_of(book: CodeBook) -> Titles:
    """Titles of codes in force today, or in the last year in which they were; empty for a code of no year."""
    newest = book.editions[-1].valid_from
    days = [newest.replace(year=year) for year in range(newest.year, _FIRST_YEAR - 1, -1)]

    def title(code: str) -> str:
        return next((entry.title for day in days if (entry := book.get(code, day))), "")

    return title


def _measure(predictor: Predicts, policy: Policy, sources: Sources, titles: Titles, masked_notes: int) -> Evaluation:
    outcomes = _predict(predictor, sources.coded[policy], policy, sources.split_codes)
    masked = tqdm(sample(outcomes, masked_notes), f"{policy}, masked", unit="note", disable=None, file=sys.stderr)
    resamples = Resamples(len(outcomes))
    return Evaluation(
        policy=policy,
        revision=predictor.revision,
        labels=sources.labels.get(policy, ""),
        documents=len(outcomes),
        gold_codes=sum(len(o.gold.codes) for o in outcomes),
        listed_codes=sum(len(o.judged) for o in outcomes),
        ungrounded=_ungrounded(outcomes),
        measures=measures(outcomes, policy, resamples),
        bands=groups(outcomes, sources.seen.band, BANDS, resamples) if sources.seen else {},
        chapters=groups(outcomes, chapter, CHAPTERS, resamples),
        masking=mask(predictor, masked, policy) if masked_notes else None,
        curves=curves(outcomes, resamples),
        errors=tuple(error for outcome in outcomes for error in errors_of(outcome, titles)),
    )


def _predict(predictor: Predicts, coded: Sequence[Gold], policy: Policy, split_codes: frozenset[str]) -> list[Outcome]:
    notes = tqdm(coded, policy.value, unit="note", disable=None, file=sys.stderr)
    return [judge(gold, predictor.predict(gold.document, policy), policy, split_codes) for gold in notes]


def _ungrounded(outcomes: Sequence[Outcome]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (o.gold.document.id, str(code.code))
        for o in outcomes
        for code in o.prediction.codes
        if not is_grounded(o.gold.document.text, code)
    )
