"""A diagnosis of the chart that a person rejects: ours is marked as an error, anybody else's is named, none deleted."""

from dataclasses import replace

from fhir_server import FakeFHIRServer
from ladders import ladder
from sample_chart import SIGNED_AT, accepted, attestation, condition, visit

from smartapp.fhir.chart import Chart, read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.identifiers import URI_SYSTEM
from smartapp.fhir.ladder import SINGLE_WRITES
from smartapp.fhir.outbox import Outbox, planned
from smartapp.fhir.plan import WITHDRAWAL, WritePlan, plan
from smartapp.fhir.resources import condition_id
from smartapp.fhir.writeback import write_back
from smartapp.reviews import PlannedWrite, WrittenResource

REJECTED = frozenset({"E11.9"})


def chart_with(server: FakeFHIRServer, client: FHIRClient, *, ours: bool) -> Chart:
    """The sample visit with a diagnosis of an earlier day."""
    server.put(*visit(), condition())
    read = read_chart(client, "p1", "e1", lambda _: None)
    if not ours:
        return read
    identifier = {"system": URI_SYSTEM, "value": condition_id(read.key, "E11.9")}
    server.put(condition(identifier=[identifier]))
    return read_chart(client, "p1", "e1", lambda _: None)


def withdrawal(found: WritePlan) -> PlannedWrite:
    return next(line for line in found if line.purpose == f"{WITHDRAWAL}E11.9")


def signed(client: FHIRClient, chart: Chart, lines: tuple[WrittenResource, ...] = ()) -> tuple[WrittenResource, ...]:
    outbox = Outbox(
        lines or planned(plan(chart, accepted("I10"), SINGLE_WRITES, REJECTED)), lambda *_: None, lambda: SIGNED_AT
    )
    return write_back(
        client, chart.key, accepted("I10"), attestation(), "rev-1", chart=chart, outbox=outbox, ladder=SINGLE_WRITES
    )


def test_ours_is_marked_as_an_error(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """By status, without clinicalStatus as con-5 of R4 wants; it is not deleted, and not done twice."""
    chart = chart_with(fhir_server, fhir_client, ours=True)
    lines = signed(fhir_client, chart)
    told = next(line for line in lines if line.purpose.startswith(WITHDRAWAL))
    assert (told.outcome, told.reference, told.detail) == ("written", "Condition/c1", "Marked as entered in error.")
    held = fhir_server.get("Condition/c1")
    assert held["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in held
    assert fhir_server.sent("DELETE") == []
    before = len(fhir_server.sent("PUT", "Condition"))
    again = signed(fhir_client, chart, lines)
    assert next(line for line in again if line.purpose.startswith(WITHDRAWAL)).outcome == "written"
    assert len(fhir_server.sent("PUT", "Condition")) == before == 1


def test_somebody_elses_is_only_named(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    chart = chart_with(fhir_server, fhir_client, ours=False)
    line = withdrawal(plan(chart, accepted("I10"), SINGLE_WRITES, REJECTED))
    assert not line.will_write
    assert "Chartside did not write it: change it in the EHR" in line.detail
    told = next(line for line in signed(fhir_client, chart) if line.purpose.startswith(WITHDRAWAL))
    assert told.outcome == "not-written"
    assert fhir_server.sent("PUT", "Condition") == []


def test_an_ehr_that_lets_nobody_change_it(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    chart = chart_with(fhir_server, fhir_client, ours=True)
    line = withdrawal(plan(chart, accepted("I10"), ladder("Condition"), REJECTED))
    assert not line.will_write
    assert "lets nobody change it" in line.detail


def test_what_nobody_rejected_stays(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    chart = chart_with(fhir_server, fhir_client, ours=True)
    assert not any(line.purpose.startswith(WITHDRAWAL) for line in plan(chart, accepted("I10"), SINGLE_WRITES))
    kept = plan(chart, accepted("E11.9"), replace(SINGLE_WRITES), REJECTED)
    assert not any(line.purpose.startswith(WITHDRAWAL) for line in kept)
