"""Claims for the rules before a signature: a review of the sample visit in which a person took these codes."""

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sample_review import ready_review

from model.codebook import CodeBook
from smartapp.checks import Remark, remarks_on
from smartapp.reviews import (
    Action,
    Decision,
    Note,
    NoteEvidence,
    Particulars,
    PresentOnAdmission,
    Review,
    Reviewer,
    Suggestion,
)

BY = Reviewer("Practitioner/1", "Dr. Elena Ruiz")
DECIDED = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
DAY = date(2026, 3, 12)


@cache
def book() -> CodeBook:
    return CodeBook.load(Path(__file__).parents[2] / "model" / "artifact" / "codebook")


def claim(*codes: str, note: str = "", quotes: dict[str, str] | None = None, **header: Any) -> Review:
    """The codes, taken in this order; `quotes`: for a code the words of the note that speak for it."""
    header = {"encounter_class": "AMB", "date_of_service": DAY, "gender": None, "birth_date": None, **header}
    visit = ready_review()
    notes = (Note("n", "1", "Progress note", DECIDED, None, note, None, "0"),) if note else ()
    day = header["date_of_service"]
    suggestions = tuple(suggested(code, note, words, day) for code, words in (quotes or {}).items())
    known = {s.code for s in suggestions}
    decisions = tuple(
        decision(n, Action.ACCEPT if code in known else Action.ADD, code, day) for n, code in enumerate(codes, 1)
    )
    return replace(
        visit, notes=notes, suggestions=suggestions, decisions=decisions, header=replace(visit.header, **header)
    )


def suggested(code: str, note: str, words: str, day: date | None = DAY) -> Suggestion:
    start = note.index(words)
    evidence = NoteEvidence("n", start, start + len(words), words, None, "present")
    return Suggestion(code, title(code, day), 0.95, False, True, (evidence,), (), ())


def decision(number: int, action: Action, code: str, day: date | None = DAY, **particulars: Any) -> Decision:
    return Decision(number, action, code, title(code, day), None, BY, DECIDED, Particulars(**particulars))


def title(code: str, day: date | None) -> str:
    entry = book().get(code, day)
    return entry.title if entry else code


def admitted(*codes: str, led: bool = True, poa: bool = True, day: date = DAY, note: str = "") -> Review:
    """The codes of an admission; `led`: a person chose the principal one; `poa`: and said what was there before."""
    review = claim(*codes, note=note, encounter_class="IMP", date_of_service=day)
    more = [decision(50, Action.LEAD, codes[0], day)] if led else []
    if poa:
        more += [decision(60 + n, Action.POA, code, day, poa=PresentOnAdmission.YES) for n, code in enumerate(codes)]
    return replace(review, decisions=(*review.decisions, *more))


def numbers(review: Review) -> list[int]:
    return [remark.rule.number for remark in remarks_on(review, book())]


def only(review: Review, number: int) -> Remark:
    """The one remark of that rule."""
    (found,) = (r for r in remarks_on(review, book()) if r.rule.number == number)
    return found
