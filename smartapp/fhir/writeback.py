"""Writes accepted codes into the chart, once, and says of each resource whether it is there.

Running it again after a kill, a time-out or a new launch completes what is missing: everything is searched for first.
"""

from collections.abc import Callable, Sequence
from functools import partial

from smartapp.errors import ChartsideError, EHRRefused, EHRUnavailable, ForeignResource, SessionExpired
from smartapp.fhir.chart import Chart
from smartapp.fhir.client import FHIRClient, typed
from smartapp.fhir.confirmation import differences
from smartapp.fhir.diagnoses import Diagnosis, as_diagnosis, is_void, of_encounter, read_diagnoses
from smartapp.fhir.elements import items, words
from smartapp.fhir.errors import EHRAnswered, NotConfirmed
from smartapp.fhir.plan import CLAIM, NO_COVERAGE, ORDER, ORIGIN, held_already, plan, purpose_of
from smartapp.fhir.references import Resource, literal
from smartapp.fhir.resources import (
    build_claim,
    build_condition,
    build_provenance,
    claim_id,
    condition_id,
    is_ours,
    merge_diagnoses,
    token,
)
from smartapp.reviews import AcceptedCode, Attestation, ReviewKey, WrittenResource

__all__ = ["plan", "write_back"]

_CHANGED = (
    "Somebody else changed the diagnoses of the encounter at the same moment, so Chartside left them as they are. "
    "Look at them in the EHR, then finish the write-back."
)
_VOID = "The chart holds what Chartside wrote earlier, but it was since marked as an error there; it was not changed."


def write_back(
    client: FHIRClient,
    key: ReviewKey,
    accepted: Sequence[AcceptedCode],
    attestation: Attestation,
    model_revision: str | None,
    *,
    chart: Chart,
) -> tuple[WrittenResource, ...]:
    """Conditions, Encounter.diagnosis, Claim and Provenance, each re-read and compared; idempotent.

    A failure becomes a line of the receipt. Raises only SessionExpired, and only before anything was sent, and
    ForeignResource when client, key and chart do not belong together.
    """
    if chart.key != key or (client.base_url, client.patient) != (key.iss, key.patient):
        raise ForeignResource("The chart to write to is not the one that was reviewed.")
    if not accepted:
        return ()
    try:
        client.read("Encounter", key.encounter)
        diagnoses = read_diagnoses(client, key.patient, key.encounter)
    except SessionExpired:
        raise
    except ChartsideError as error:
        return _nothing_sent(chart, accepted, error.detail)
    return _WriteBack(client, chart, accepted, attestation, model_revision, diagnoses).run()


def _nothing_sent(chart: Chart, accepted: Sequence[AcceptedCode], why: str) -> tuple[WrittenResource, ...]:
    return tuple(
        WrittenResource(p.resource, p.purpose, "failed", None, f"Nothing was sent. {why}")
        if p.will_write
        else WrittenResource(p.resource, p.purpose, "not-written", None, p.detail)
        for p in plan(chart, accepted)
    )


class _WriteBack:
    """One run: what is in the chart so far, what was sent, and why it had to stop, if it had to."""

    def __init__(
        self,
        client: FHIRClient,
        chart: Chart,
        accepted: Sequence[AcceptedCode],
        attestation: Attestation,
        model_revision: str | None,
        diagnoses: tuple[Diagnosis, ...],
    ) -> None:
        self._client, self._chart, self._key = client, chart, chart.key
        self._accepted, self._attestation, self._model_revision = accepted, attestation, model_revision
        self._diagnoses = diagnoses
        self._conditions: list[str] = []  # references, in the order of the accepted codes
        self._own: list[str] = []  # what Chartside wrote, as versioned references
        self._sent = False
        self._stopped: str | None = None

    def run(self) -> tuple[WrittenResource, ...]:
        lines = [
            self._line("Condition", purpose_of(code.code), partial(self._write_condition, code))
            for code in self._accepted
        ]
        lines.append(self._line("Encounter", ORDER, self._write_encounter))
        lines.append(self._line("Claim", CLAIM, self._write_claim))
        lines.append(self._line("Provenance", ORIGIN, self._write_provenance))
        return tuple(lines)

    def _line(self, resource: str, purpose: str, write: Callable[[], tuple[str, str | None, str]]) -> WrittenResource:
        """Outcome, reference and detail of one resource; whatever goes wrong is told here and stops nothing else,
        except when no later request could do better."""
        if self._stopped:
            return WrittenResource(resource, purpose, "not-written", None, self._stopped)
        try:
            return WrittenResource(resource, purpose, *write())
        except SessionExpired:
            if not self._sent:
                raise
            detail = "The session with the EHR ended. Open Chartside again from the chart and finish the write-back."
            self._stopped = f"Not sent. {detail}"
        except (EHRUnavailable, ForeignResource) as error:
            detail = error.detail
            self._stopped = "Not sent, because of the failure above. Finish the write-back later."
        except NotConfirmed as error:
            return WrittenResource(resource, purpose, "failed", error.reference, error.detail)
        except ChartsideError as error:
            detail = error.detail
        return WrittenResource(resource, purpose, "failed", None, detail)

    def _write_condition(self, accepted: AcceptedCode) -> tuple[str, str | None, str]:
        identifier = condition_id(self._key, accepted.code)
        held = held_already(self._key, accepted.code, self._diagnoses)
        if held is None and (found := self._find("Condition", identifier)):
            if is_void(found) or not of_encounter(self._client.base_url, found, self._key.encounter):
                raise EHRRefused(_VOID)
            held = as_diagnosis(found)
        if held and held.code != accepted.code:
            raise NotConfirmed("The EHR took it earlier but holds another code than was sent.", held.reference)
        if held:
            self._conditions.append(held.reference)
            if token(identifier) in held.identifiers:
                self._keep(self._read(held.reference))
            return "already-there", held.reference, ""
        reference = self._create(build_condition(self._key, accepted), identifier)
        self._conditions.append(reference)
        return "written", reference, ""

    def _write_encounter(self) -> tuple[str, str | None, str]:
        if not self._conditions:
            return "not-written", None, "None of the diagnoses is in the chart."
        reference = typed("Encounter", self._key.encounter)
        merged = self._update_encounter()
        held = self._read(reference)
        if merged is None:
            if self._own:
                self._keep(held)
            return "already-there", reference, ""
        self._compare(merged, held)
        self._keep(held)
        missing = len(self._accepted) - len(self._conditions)
        return "written", reference, f"{missing} of the diagnoses could not be listed: see above." if missing else ""

    def _update_encounter(self) -> Resource | None:
        """The Encounter as sent; None when it lists the diagnoses already. 412 = somebody was faster."""
        before: Resource | None = None
        while True:
            current = self._read(typed("Encounter", self._key.encounter))
            merged = merge_diagnoses(self._client.base_url, current, self._conditions, self._chart.setting)
            if merged == current:
                return None
            if before is not None and current.get("diagnosis") != before.get("diagnosis"):
                raise EHRRefused(_CHANGED)
            self._sent = True
            try:
                self._client.update(merged)
            except EHRAnswered as error:
                if error.http_status != 412 or before is not None:
                    raise
                before = current
            except EHRUnavailable:
                # Committed or not? What the EHR now holds tells.
                if differences(self._client.base_url, merged, self._read(typed("Encounter", self._key.encounter))):
                    raise
                return merged
            else:
                return merged

    def _write_claim(self) -> tuple[str, str | None, str]:
        if self._chart.coverage is None:
            return "not-written", None, NO_COVERAGE
        if len(self._conditions) < len(self._accepted):
            return "not-written", None, "A claim needs all the diagnoses in the chart first: see above."
        identifier = claim_id(self._key)
        if found := self._find("Claim", identifier):
            if found.get("status") in ("cancelled", "entered-in-error"):
                raise EHRRefused(_VOID)
            self._keep(found)
            return "already-there", typed("Claim", str(found["id"])), ""
        claim = build_claim(self._chart, self._accepted, self._attestation.by, self._attestation.at)
        return "written", self._create(claim, identifier), ""

    def _write_provenance(self) -> tuple[str, str | None, str]:
        if not self._own:
            return "not-written", None, "Nothing was written that it could speak of."
        earlier, told = self._provenance_so_far()
        untold = [target for target in self._own if str(literal(self._client.base_url, target)) not in told]
        if not untold:
            return "already-there", earlier, ""
        provenance = build_provenance(self._chart, untold, self._attestation, self._model_revision)
        self._sent = True
        tag = provenance["meta"]["tag"][0]
        try:
            reference = self._client.create(provenance, if_none_exist=f"_tag={tag['system']}|{tag['code']}")
        except EHRUnavailable:
            earlier, told = self._provenance_so_far()
            if earlier is None or any(str(literal(self._client.base_url, t)) not in told for t in untold):
                raise
            reference = earlier
        self._compare(provenance, self._read(reference))
        return "written", reference, ""

    def _provenance_so_far(self) -> tuple[str | None, set[str]]:
        """The Provenance of this attestation that is there already, and what it speaks of."""
        reference, told = None, set()
        for target in dict.fromkeys(str(literal(self._client.base_url, t)) for t in self._own):
            for found in self._client.search("Provenance", target=target):
                if is_ours(self._client.base_url, found, self._attestation):
                    reference = typed("Provenance", str(found["id"]))
                    told.add(target)
        return reference, told

    def _create(self, resource: Resource, identifier: str) -> str:
        """POST once; where the answer is lost, look whether it arrived. Raises unless the EHR holds what was sent."""
        self._sent = True
        try:
            reference = self._client.create(resource, if_none_exist=f"identifier={token(identifier)}")
        except EHRUnavailable:
            found = self._find(str(resource["resourceType"]), identifier)
            if found is None:
                raise
            reference = typed(str(found["resourceType"]), str(found["id"]))
        held = self._read(reference)
        self._compare(resource, held)
        self._keep(held)
        return reference

    def _find(self, type: str, identifier: str) -> Resource | None:
        """Ours by its identifier: checked, since some servers ignore the parameter."""
        found = self._client.search(type, patient=typed("Patient", self._key.patient), identifier=token(identifier))
        return next((r for r in found if any(i.get("value") == identifier for i in items(r, "identifier"))), None)

    def _read(self, reference: str) -> Resource:
        type, _, id = reference.partition("/")
        return self._client.read(type, id)

    def _compare(self, sent: Resource, held: Resource) -> None:
        changed = differences(self._client.base_url, sent, held)
        if changed:
            reference = typed(str(held["resourceType"]), str(held["id"]))
            detail = f"The EHR took it but holds something else than was sent: {', '.join(changed)}."
            raise NotConfirmed(detail, reference)

    def _keep(self, resource: Resource) -> None:
        version = words(resource, "meta", "versionId")
        reference = typed(str(resource["resourceType"]), str(resource["id"]))
        self._own.append(f"{reference}/_history/{version}" if version else reference)
