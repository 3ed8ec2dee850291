"""The writes of one signed review, in order: each is kept before the request leaves and again once it is answered.

pending -> sent -> written | already-there | refused | failed, to be tried again | undone, withdrawn again
                 | stray, must not stand and could not be withdrawn;       conflict and not-written: nothing was sent.
not-written -> taken, where the EHR itself made it from a suggestion of the CDS service (smartapp.cds).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from smartapp.fhir.ladder import DIRECT
from smartapp.reviews import Conflict, PlannedWrite, Rung, WrittenResource

IN_THE_CHART: Final = frozenset({"written", "already-there"})
CARRIERS: Final = frozenset({"DocumentReference", "Communication", "Task"})  # say in words what is not in the chart
# A request whose answer was lost may still be at work behind a gateway; none waits longer than this.
SETTLED_AFTER: Final = timedelta(seconds=60)
_UNFINISHED: Final = frozenset({"pending", "sent", "failed", "refused"})
_COULD_NOT_LOOK: Final = frozenset({"pending", "sent", "not-written", "failed"})

Keep = Callable[[int, WrittenResource], None]


def planned(writes: Iterable[PlannedWrite]) -> tuple[WrittenResource, ...]:
    """The lines of an outbox before anything was sent."""
    return tuple(
        WrittenResource(w.resource, w.purpose, "pending", None, "", w.rung)
        if w.will_write
        else WrittenResource(w.resource, w.purpose, "not-written", None, w.detail, w.rung)
        for w in writes
    )


def may_arrive(lines: Iterable[WrittenResource], now: datetime) -> bool:
    """Something was sent without an answer and may still take effect."""
    return any(line.outcome == "sent" and line.sent_at and now - line.sent_at < SETTLED_AFTER for line in lines)


class Outbox:
    """`keep` stores one line, by its place, before anything follows from it; what it raises ends the write-back."""

    def __init__(self, lines: Iterable[WrittenResource], keep: Keep, clock: Callable[[], datetime]) -> None:
        self._before = list(lines)  # as far as this run has not sent it anew
        self._lines = list(self._before)
        self._unanswered = {place for place, line in enumerate(self._before) if line.outcome == "sent"}
        self._keep, self._clock = keep, clock

    @property
    def lines(self) -> tuple[WrittenResource, ...]:
        return tuple(self._lines)

    def places(self, rung: Rung) -> tuple[int, ...]:
        return tuple(place for place, line in enumerate(self._lines) if line.rung is rung)

    def find(self, resource: str, purpose: str) -> int | None:
        """The place of the line, if such a one goes to the EHR: by its rung, or as the carrier of what does not."""
        named = (n for n, line in enumerate(self._lines) if (line.resource, line.purpose) == (resource, purpose))
        return next((n for n in named if self._lines[n].rung in DIRECT or resource in CARRIERS), None)

    def unfinished(self) -> tuple[int, ...]:
        """What is neither in the chart nor left out on purpose, nor waits for a choice."""
        return tuple(place for place, line in enumerate(self._lines) if line.outcome in _UNFINISHED)

    def sending(self, *places: int) -> None:
        """These leave now: from here on they are searched for before they are sent again."""
        for place in places:
            line = self._lines[place]
            self._open(place, replace(line, outcome="sent", attempts=line.attempts + 1, sent_at=self._clock()))
            self._unanswered.add(place)

    def told_before(self, place: int) -> str:
        """The outcome that an earlier run told, unless this one sent it anew."""
        return self._before[place].outcome

    def reopen(self, *places: int) -> None:
        """What an earlier run told of these holds no more, for something that they speak of has come into the chart."""
        for place in places:
            if self._lines[place].outcome in IN_THE_CHART | {"not-written"}:
                self._open(place, replace(self._lines[place], outcome="pending", detail=""))

    def answered(self, *places: int) -> None:
        """The EHR said what became of these, so none of them is under way."""
        self._unanswered.difference_update(places)

    def may_be_under_way(self, place: int) -> bool:
        """It was sent, by this run or an earlier one, the answer was lost, and it may still take effect."""
        sent_at = self._lines[place].sent_at
        return place in self._unanswered and sent_at is not None and self._clock() - sent_at < SETTLED_AFTER

    def tell(
        self, place: int, outcome: str, reference: str | None = None, detail: str = "", conflict: Conflict | None = None
    ) -> None:
        """How it ended. Where this run could not look, what an earlier one wrote or found stays told, and so does that
        an answer is outstanding."""
        before, line = self._before[place], self._lines[place]
        if outcome == "already-there" and line.attempts and before.outcome not in IN_THE_CHART:
            outcome = "written"  # it is ours: it was sent, and only its answer is new
        if before.outcome in IN_THE_CHART and (outcome == "already-there" or outcome in _COULD_NOT_LOOK):
            outcome, reference, detail = before.outcome, before.reference, before.detail
        elif self._outstanding(place, outcome):
            outcome, reference = "sent", reference or line.reference
        self._set(
            place,
            replace(line, outcome=outcome, reference=reference, detail=detail, conflict=conflict or line.conflict),
        )

    def _outstanding(self, place: int, outcome: str) -> bool:
        """Whether it may still take effect, for all that this run found."""
        if outcome == "not-written":  # looked for, and not there
            return self.may_be_under_way(place)
        return place in self._unanswered and outcome in _COULD_NOT_LOOK | {"refused"}

    def _open(self, place: int, line: WrittenResource) -> None:
        self._set(place, line)
        self._before[place] = line

    def _set(self, place: int, line: WrittenResource) -> None:
        if line != self._lines[place]:
            self._keep(place, line)
            self._lines[place] = line
