"""How the predictor's suggestions fare at this site: what people signed beside what was suggested, from the audit log.

Shares by chapter of the code set. No chart, person or code is named; what rests on fewer than `LEAST` encounters is
told with others or not at all, so that nobody is found by a rare diagnosis.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Engine

from model.codebook import CodeBook
from model.evaluate.terms import wilson
from smartapp.audit.events import Kind
from smartapp.audit.log import events
from smartapp.audit.verify import reading
from smartapp.reviews import Action

LEAST: Final = 11  # encounters; CMS shows no cell of 1 to 10 (its cell size suppression policy)
LATEST: Final = 50_000  # events that are read: 2,500 encounters with twenty each, in a second of one core
ANEW_AFTER: Final = timedelta(hours=1)
OTHERS: Final = "Other chapters"
_KINDS: Final = (Kind.PREDICTION, Kind.SUGGESTION, Kind.DECISION, Kind.ATTESTATION)


class Told(NamedTuple):
    """An event of a chart, as far as it is needed."""

    chart: tuple[str, ...]
    kind: str
    at: str
    what: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Share:
    """Part of `whole`, with Wilson's 95 % interval; None where the whole is too small to be told."""

    part: int
    whole: int

    def interval(self) -> tuple[float, float]:
        return wilson(self.part, self.whole)

    def to_json(self) -> dict[str, Any] | None:
        if self.whole < LEAST:
            return None
        low, high = self.interval()
        return {
            "share": round(self.part / self.whole, 3),
            "low": round(low, 3),
            "high": round(high, 3),
            "n": self.whole,
        }


@dataclass(slots=True)
class Counts:
    """Of one chapter: codes, and the encounters that they are of."""

    suggested: int = 0
    accepted: int = 0  # of the suggested, those that were signed
    overridden: int = 0  # of the suggested, those that a person rejected or replaced; the rest was left open
    signed: int = 0
    added: int = 0  # of the signed, those found by hand
    less_certain: int = 0  # of the signed, those taken from what was shown as less certain
    encounters: set[int] = field(default_factory=set)

    def add(self, other: "Counts") -> None:
        for name in ("suggested", "accepted", "overridden", "signed", "added", "less_certain"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.encounters |= other.encounters

    def shares(self) -> dict[str, Share]:
        return {
            "accepted": Share(self.accepted, self.suggested),
            "overridden": Share(self.overridden, self.suggested),
            "added by hand": Share(self.added, self.signed),
            "taken from the less certain": Share(self.less_certain, self.signed),
        }


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    encounters: int
    shares: dict[str, Share]


@dataclass(frozen=True, slots=True)
class Local:
    """Lines of chapters, all codes first; none where too little was signed."""

    revision: str
    at: datetime
    lines: tuple[Line, ...] = ()
    since: str = ""  # days of the first and the last signature, in UTC
    until: str = ""


@dataclass(slots=True)
class _Chart:
    """What was said of one chart since its last prediction, and what was signed of it."""

    revision: str
    shown: dict[str, bool] = field(default_factory=dict)  # code -> suggested, or less certain
    decided: list[dict[str, Any]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)  # as signed last
    signed_on: str = ""


class LocalValidity:
    """Worked out anew when it is asked for and an hour old: the page is public, and the log may be long."""

    def __init__(self, engine: Engine, book: CodeBook, clock: Callable[[], datetime]) -> None:
        self._engine, self._book, self._clock = engine, book, clock
        self._lock = Lock()
        self._last: Local | None = None

    def read(self, revision: str) -> Local:
        """Raises SQLAlchemyError."""
        with self._lock:
            last, now = self._last, self._clock()
            if last is None or last.revision != revision or now - last.at >= ANEW_AFTER:
                self._last = last = count(_events(self._engine), revision, now, self._chapter)
            return last

    def _chapter(self, code: str) -> str:
        places = self._book.places(code[:3])
        return f"{places[-1]}: {self._book.headings.get(places[-1], '')}" if places else OTHERS


def count(told: Iterable[Told], revision: str, at: datetime, chapter_of: Callable[[str], str]) -> Local:
    """Of the encounters that were signed and whose last prediction before was of this revision.

    An encounter counts once, as it was signed last: a correction is no second encounter.
    """
    charts: dict[tuple[str, ...], _Chart] = {}
    for event in told:
        if event.kind == Kind.PREDICTION:
            before = charts.get(event.chart)  # what a person decided stays decided when the notes are read again
            charts[event.chart] = _Chart(
                str(event.what.get("model_revision")), decided=before.decided if before else []
            )
            continue
        chart = charts.get(event.chart)
        if chart is None or chart.revision != revision:
            continue
        if event.kind == Kind.SUGGESTION:
            chart.shown[event.what["code"]] = bool(event.what["suggested"])
        elif event.kind == Kind.DECISION:
            chart.decided.append(event.what)
        else:
            chart.codes, chart.signed_on = event.what["codes"], event.at[:10]
    signed = [chart for chart in charts.values() if chart.signed_on and (chart.codes or True in chart.shown.values())]
    if len(signed) < LEAST:
        return Local(revision, at)
    chapters: dict[str, Counts] = {}
    for number, chart in enumerate(signed):
        _count_chart(chart, number, chapters, chapter_of)
    days = [chart.signed_on for chart in signed]
    return Local(revision, at, _lines(chapters), min(days), max(days))


def _count_chart(chart: _Chart, number: int, chapters: dict[str, Counts], chapter_of: Callable[[str], str]) -> None:
    refused, codes = _refused(chart.decided), chart.codes
    for code in {*codes, *(code for code, suggested in chart.shown.items() if suggested)}:
        counts = chapters.setdefault(chapter_of(code), Counts())
        counts.encounters.add(number)
        suggested, signed = chart.shown.get(code) is True, code in codes
        counts.suggested += suggested
        counts.accepted += suggested and signed
        counts.overridden += suggested and not signed and code in refused
        counts.signed += signed
        counts.added += signed and code not in chart.shown
        counts.less_certain += signed and chart.shown.get(code) is False


def _refused(decided: Iterable[dict[str, Any]]) -> set[str]:
    """Codes that a rejection or a replacement stands against; an undo takes back the latest act on its code."""
    kept: list[dict[str, Any]] = []
    for act in decided:
        if act["action"] == Action.UNDO:
            of = [n for n, other in enumerate(kept) if act["code"] in (other["code"], other.get("instead_of"))]
            if of:
                del kept[of[-1]]
        elif act["action"] != Action.NOTE:
            kept.append(act)
    return {act["code"] for act in kept if act["action"] == Action.REJECT} | {
        act["instead_of"] for act in kept if act["action"] == Action.EDIT and "instead_of" in act
    }


def _lines(chapters: dict[str, Counts]) -> tuple[Line, ...]:
    """All codes, then chapters. Small ones are told together, with the next larger ones until they are enough: else
    what is told of the others, taken from all, would tell of them."""
    everything, others = Counts(), Counts()
    for counts in chapters.values():
        everything.add(counts)
    rising = sorted(chapters.items(), key=lambda item: (item[0] != OTHERS, len(item[1].encounters), item[0]))
    while rising and (
        rising[0][0] == OTHERS or len(rising[0][1].encounters) < LEAST or 0 < len(others.encounters) < LEAST
    ):
        others.add(rising.pop(0)[1])
    named = sorted(rising, key=lambda item: -len(item[1].encounters))
    told = [("All codes", everything), *named]
    if others.encounters and named:
        told.append((OTHERS, others))
    return tuple(Line(name, len(counts.encounters), counts.shares()) for name, counts in told)


def _events(engine: Engine) -> Iterator[Told]:
    """The latest, in their order."""
    named = (events.c[name] for name in ("sequence", "iss", "patient", "encounter", "kind", "event"))
    kinds = [kind.value for kind in _KINDS]
    latest = sa.select(*named).where(events.c.kind.in_(kinds)).order_by(events.c.sequence.desc()).limit(LATEST)
    found = latest.subquery()
    with reading(engine) as connection:
        for row in connection.execute(sa.select(found).order_by(found.c.sequence).execution_options(yield_per=5000)):
            event = json.loads(row.event)
            yield Told((row.iss, row.patient, row.encounter), row.kind, event["at"], event["what"])
