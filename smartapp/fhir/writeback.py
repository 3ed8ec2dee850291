"""Writes accepted codes into the chart, once, and says of each resource whether it is there.

Running it again after a kill, a time-out or a new launch completes what is missing: everything is searched for first,
and what may still be under way is left alone.
"""

from collections.abc import Callable, Sequence
from functools import partial

from smartapp.errors import ChartsideError, EHRRefused, EHRUnavailable, ForeignResource, SessionExpired
from smartapp.fhir.at_once import AllAtOnce
from smartapp.fhir.bodies import Bodies
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.delivery import Delivery, Told
from smartapp.fhir.diagnoses import read_diagnoses
from smartapp.fhir.earlier import DIAGNOSIS, WITHDRAWAL
from smartapp.fhir.errors import EHRAnswered, NotChangeable, NotConfirmed
from smartapp.fhir.ladder import Ladder
from smartapp.fhir.one_by_one import OneByOne
from smartapp.fhir.outbox import IN_THE_CHART, Outbox
from smartapp.fhir.plan import CLAIM, MESSAGE, ORDER, ORIGIN, SUMMARY, plan, purpose_of
from smartapp.fhir.references import Resource
from smartapp.fhir.run import MAY_PASS, Held
from smartapp.reviews import AcceptedCode, Attestation, Correction, ReviewKey, WrittenResource

__all__ = ["plan", "write_back"]

_SESSION = "The session with the EHR ended. Open Chartside again from the chart and finish the write-back."
_WAITS = "Not sent. It waits for the choice on the encounter's diagnoses."
_MENDED = "The EHR did not carry out the transaction as one: this was completed by itself afterwards."


def write_back(
    client: FHIRClient,
    key: ReviewKey,
    accepted: Sequence[AcceptedCode],
    attestation: Attestation,
    model_revision: str | None,
    *,
    chart: Chart,
    outbox: Outbox,
    ladder: Ladder,
    corrections: Sequence[Correction] = (),
) -> tuple[WrittenResource, ...]:
    """Each line of the outbox, sent by its rung, re-read and compared; idempotent.

    A failure becomes a line of the receipt. Raises only SessionExpired, and only before anything was sent,
    ForeignResource when client, key and chart do not belong together, and what keeping a line raises.
    """
    if chart.key != key or (client.base_url, client.patient) != (key.iss, key.patient):
        raise ForeignResource("The chart to write to is not the one that was reviewed.")
    if not accepted and not corrections:
        return ()
    try:
        encounter = client.read("Encounter", key.encounter)
        diagnoses = read_diagnoses(client, key.patient, key.encounter)
    except SessionExpired:
        raise
    except ChartsideError as error:
        for place in outbox.unfinished():
            outbox.tell(place, "failed", None, f"Nothing was sent. {error.detail}")
        return outbox.lines
    bodies = Bodies(chart, accepted, attestation, model_revision, ladder, corrections)
    _WriteBack(Delivery(client, outbox, key.encounter), bodies, diagnoses).run(encounter)
    return outbox.lines


class _WriteBack(AllAtOnce, OneByOne):
    """At once where that is the rung, then line by line: whatever is there already is only looked at."""

    def run(self, encounter: Resource) -> None:
        try:
            self._choice(self._known_listing(encounter))
            one_by_one = self._all_at_once(encounter)
        except SessionExpired:
            raise
        except Held:
            self._tell_unfinished("pending", _WAITS)
        except ChartsideError as error:
            self._tell_unfinished("refused" if isinstance(error, EHRRefused) else "failed", error.detail)
        else:
            if one_by_one:
                self._one_by_one()

    def _one_by_one(self) -> None:
        for code in self._accepted:
            self._line("Condition", purpose_of(code.code), partial(self._condition, code))
        for line in self._outbox.lines:
            if line.purpose.startswith(WITHDRAWAL) and line.outcome != "not-written":
                self._line("Condition", line.purpose, partial(self._withdrawal, line.purpose.removeprefix(WITHDRAWAL)))
        self._line("Encounter", ORDER, self._encounter)
        self._line("Claim", CLAIM, self._claim)
        self._line("DocumentReference", SUMMARY, self._document)
        for resource in ("Communication", "Task"):
            self._line(resource, MESSAGE, partial(self._message, resource))
        self._line("Provenance", ORIGIN, self._provenance)

    def _line(self, resource: str, purpose: str, write: Callable[[int], Told]) -> None:
        """Whatever goes wrong is told here and stops nothing else, except when no later request could do better."""
        place = self._outbox.find(resource, purpose)
        if place is None:
            return
        if self._stopped:
            self._outbox.tell(place, "pending", None, self._stopped)
            return
        attempts = self._outbox.lines[place].attempts
        try:
            outcome, reference, detail = write(place)
            if outcome in IN_THE_CHART:
                self._reopen(place)
            mended = self._mending and self._outbox.lines[place].attempts > attempts
            self._outbox.tell(place, outcome, reference, f"{detail} {_MENDED}".strip() if mended else detail)
        except SessionExpired:
            if not self._delivery.sent:
                raise
            self._outbox.tell(place, "failed", None, _SESSION)
            self._stopped = f"Not sent. {_SESSION}"
        except Held:
            self._stopped = _WAITS
        except (EHRUnavailable, ForeignResource) as error:
            self._outbox.tell(place, "failed", None, error.detail)
            self._stopped = "Not sent, because of the failure above. Finish the write-back later."
        except NotChangeable as error:
            self._outbox.tell(place, "not-written", error.reference, error.detail)
        except NotConfirmed as error:
            self._outbox.tell(place, "failed", error.reference, error.detail)
        except EHRAnswered as error:
            seen_before = self._outbox.told_before(place) in IN_THE_CHART  # nothing was sent: only looking was refused
            if seen_before:
                self._take_as_told(place)
            passing = seen_before or error.http_status in MAY_PASS
            self._outbox.tell(place, "failed" if passing else "refused", None, error.detail)
        except ChartsideError as error:
            self._outbox.tell(place, "refused", None, error.detail)

    def _take_as_told(self, place: int) -> None:
        """An earlier run confirmed it and this one may not look: what rests on it, rests on that."""
        line = self._outbox.lines[place]
        if line.reference and line.purpose.startswith(DIAGNOSIS):
            self._conditions.append(line.reference)
        if line.reference and line.attempts:
            self._own.append(line.reference)

    def _reopen(self, place: int) -> None:
        """What newly comes into the chart changes what the list, the claim and the Provenance must say. If this run
        breaks off before it comes to them, they are not done for all that an earlier one told."""
        line = self._outbox.lines[place]
        if self._outbox.told_before(place) in IN_THE_CHART:
            return
        depend = [("Provenance", ORIGIN)]
        if line.resource == "Condition":
            depend += [("Encounter", ORDER), ("Claim", CLAIM)]
        self._outbox.reopen(*(n for named in depend if (n := self._outbox.find(*named)) is not None and n > place))
