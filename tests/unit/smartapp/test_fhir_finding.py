"""Finding the notes of an encounter in EHRs that search differently, and never those of another."""

from typing import Any

import pytest
from fhir_server import FakeFHIRServer, answers
from sample_chart import encoded, encounter, note, visit

from smartapp.errors import EHRRefused
from smartapp.fhir.chart import Chart, read_chart
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.identifiers import document_id
from smartapp.reviews import ReviewKey

US_CORE = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
CATEGORY = [{"coding": [{"system": US_CORE, "code": "clinical-note"}]}]
OTHER_VISIT = {"encounter": [{"reference": "Encounter/e2"}]}


@pytest.fixture(autouse=True)
def _a_visit(fhir_server: FakeFHIRServer) -> None:
    fhir_server.put(*visit())


def read(client: FHIRClient, **listed: set[str]) -> Chart:
    return read_chart(client, "p1", "e1", lambda _: None, listed)


def of_vendor(server: FakeFHIRServer, vendor: str) -> FHIRClient:
    return FHIRClient(server.base_url, lambda _: server.token, patient="p1", vendor=vendor, sleep=lambda _: None)


def searches(server: FakeFHIRServer, type: str = "DocumentReference") -> list[list[tuple[str, str]]]:
    return [[q for q in seen.query if q[0] != "_count"] for seen in server.sent("GET", type)]


def by_date(chart: Chart) -> dict[str, bool]:
    return {note.id: note.by_date for note in chart.notes}


@pytest.mark.parametrize("refused", [{"encounter"}, {"encounter", "period"}])
def test_refused_search(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, refused: set[str]) -> None:
    """An EHR that refuses a parameter is asked in the next way; the note says itself that it is of the encounter."""
    fhir_server.refuses = frozenset(refused)
    context = {"encounter": [{"reference": "Encounter/e1"}], "period": {"start": "2026-03-02T09:00:00-05:00"}}
    fhir_server.put(note(context=context))
    chart = read(fhir_client)
    assert by_date(chart) == {"n1": False}
    assert chart.way == ("period" if len(refused) == 1 else "date")
    assert chart.gaps == ()  # reports and procedures too were looked for by date


def test_every_search_refused(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """What the EHR said to the first is told."""
    fhir_server.refuses = frozenset({"patient"})
    with pytest.raises(EHRRefused, match="Unknown search parameter"):
        read(fhir_client)
    assert len(searches(fhir_server)) == 3


def test_permission_is_not_a_way(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A missing permission is not gone around by other searches."""
    fhir_server.fail("GET", "DocumentReference", answers(403), times=9)
    with pytest.raises(EHRRefused, match=r"permission patient/DocumentReference\.rs"):
        read(fhir_client)
    assert len(searches(fhir_server)) == 1


def test_empty_and_refused(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """No note was found, and one way could not be tried: that is said, since there may be notes."""
    fhir_server.knows_encounter_search, fhir_server.refuses = False, frozenset({"period", "date"})
    chart = read(fhir_client)
    assert chart.notes == ()
    assert sum("Notes may be missing" in gap for gap in chart.gaps) == 2


def test_ways_that_the_ehr_lists_come_first(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An EHR whose CapabilityStatement lists no search by encounter is first asked by date."""
    chart = read(fhir_client, DocumentReference={"patient", "category", "date", "type"})
    assert chart.way == "date"
    assert dict(searches(fhir_server)[0]) == {
        "patient": "Patient/p1",
        "category": "clinical-note",
        "date": "lt2026-03-05",
    }


@pytest.mark.parametrize(
    ("vendor", "first"),
    [
        ("generic", {"patient": "Patient/p1", "encounter": "Encounter/e1"}),
        ("oracle", {"patient": "Patient/p1", "encounter": "Encounter/e1"}),
        ("epic", {"patient": "Patient/p1", "encounter": "Encounter/e1", "category": "clinical-note"}),
    ],
)
def test_first_search_of_a_vendor(fhir_server: FakeFHIRServer, vendor: str, first: dict[str, str]) -> None:
    """Epic is asked for clinical notes only."""
    with of_vendor(fhir_server, vendor) as client:
        assert list(by_date(read(client))) == ["n1"]
    assert [dict(s) for s in searches(fhir_server)] == [first]


def test_oracle_by_period(fhir_server: FakeFHIRServer) -> None:
    """Oracle's period is a closed range of ge and lt, and its category is named with the system."""
    fhir_server.knows_encounter_search, fhir_server.knows_systems = False, True
    period = {"period": {"start": "2026-03-02T09:00:00-05:00"}, "encounter": [{"reference": "Encounter/e1"}]}
    fhir_server.put(note(category=CATEGORY, context=period))
    with of_vendor(fhir_server, "oracle") as client:
        assert by_date(read(client)) == {"n1": False}
    assert searches(fhir_server)[1] == [
        ("patient", "Patient/p1"), ("category", f"{US_CORE}|clinical-note"),
        ("period", "ge2026-03-01"), ("period", "lt2026-03-05"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"context": {}}, True),
        ({"context": {}, "date": "2026-03-03T23:00:00-05:00"}, True),  # signed the day after
        ({"context": {}, "date": "2026-03-02"}, True),
        ({"context": {}, "date": "2026-03-02T23:30:00-05:00"}, True),  # the third in UTC, the second where it was
        ({"context": {}, "date": "2026-03-04T12:00:00-05:00"}, False),
        ({"context": {}, "date": "2026-03-01T23:00:00-05:00"}, False),
        ({"context": {"period": {"start": "2026-03-02T09:00:00-05:00"}}, "date": "2026-03-20"}, True),
        ({"context": {"period": {"start": "2025-01-01"}}}, False),
        ({"context": OTHER_VISIT}, False),
        ({"context": {}, "date": None}, False),
        ({"context": {}, "subject": {"reference": "Patient/p2"}}, False),
    ],
)
def test_matched_by_date(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, changes: dict[str, Any], found: bool
) -> None:
    """A note that names no encounter counts when it is of these days, and is known as matched by date; one of another
    encounter, patient or time never counts, whatever the server sends."""
    fhir_server.ignores = frozenset({"patient", "encounter", "category", "date", "period"})
    fhir_server.put(note("n2", **changes))
    assert by_date(read(fhir_client)) == ({"n1": False, "n2": True} if found else {"n1": False})


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"status": "in-progress", "period": {"start": "2026-03-01T08:00:00-05:00"}}, True),  # it goes on
        ({"status": "finished", "period": {"start": "2026-02-01T08:00:00-05:00"}}, False),  # ended, nobody says when
        ({"status": "finished", "period": {"start": "2026-03-02T08:00:00-05:00"}}, True),
        ({"status": "finished", "period": {}}, False),
        ({"status": "finished", "period": None}, False),
    ],
)
def test_encounters_without_an_end(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, changes: dict[str, Any], found: bool
) -> None:
    """One that goes on lasts until now; one that is over and has no end, its first day; one without beginning matches
    nothing."""
    fhir_server.put(encounter(**changes), note(context={}))
    assert (by_date(read(fhir_client)) == {"n1": True}) is found


def test_own_summaries_are_no_notes(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """The coding summary that Chartside files is not read as evidence for the next codes."""
    ours = document_id(ReviewKey(fhir_server.base_url, "p1", "e1"))
    fhir_server.put(note("ours", identifier=[{"system": "urn:ietf:rfc:3986", "value": ours}]))
    assert list(by_date(read(fhir_client))) == ["n1"]


def report(id: str = "r1", text: str = "Pneumonia.", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "DiagnosticReport",
        "id": id,
        "status": "final",
        "code": {"text": "Chest film"},
        "subject": {"reference": "Patient/p1"},
        "encounter": {"reference": "Encounter/e1"},
        "effectiveDateTime": "2026-03-02T15:00:00Z",
        "resultsInterpreter": [{"display": "Dr. Rao"}],
        "presentedForm": [{"contentType": "text/plain", "data": encoded(text)}],
        **more,
    }


def test_reports_are_notes(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """The written form of a DiagnosticReport of the encounter is read among the notes, under an id of its own."""
    fhir_server.put(
        report("n1"),
        report("bare", presentedForm=[]),
        report("void", status="entered-in-error"),
        report("off", status="cancelled"),
        report("other", encounter={"reference": "Encounter/e2"}),
        report("unlinked", encounter={}),
        report("hers", subject={"reference": "Patient/p2"}),
    )
    fhir_server.ignores = frozenset({"patient", "encounter"})
    first, second = read(fhir_client).notes
    assert (first.id, first.reference) == ("n1", "DocumentReference/n1")
    assert (second.id, second.reference, second.is_report) == ("DiagnosticReport/n1", "DiagnosticReport/n1", True)
    assert (second.title, second.author, second.text) == ("Chest film", "Dr. Rao", "Pneumonia.")


@pytest.mark.parametrize("by", ["text", "url"])
def test_report_shown_in_both_resources(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, by: str) -> None:
    """The same report as DocumentReference and DiagnosticReport is one note."""
    attached = {"contentType": "text/plain", "url": "Binary/b1"}
    fhir_server.put({"resourceType": "Binary", "id": "b1", "contentType": "text/plain", "data": encoded("Pneumonia.")})
    fhir_server.put(note(content=[{"attachment": attached}]))
    fhir_server.put(report(presentedForm=[attached] if by == "url" else [{"data": encoded("Pneumonia.")}]))
    assert [n.id for n in read(fhir_client).notes] == ["n1"]


def test_what_was_not_granted_is_a_named_gap(fhir_server: FakeFHIRServer) -> None:
    """Without the permission neither reports, procedures nor coverage are asked for, and each is named as not read."""
    scopes = [f"patient/{type}.rs" for type in ("Patient", "Encounter", "DocumentReference", "Condition")]
    with FHIRClient(fhir_server.base_url, lambda _: fhir_server.token, patient="p1", granted=scopes) as client:
        chart = read(client)
    assert [n.id for n in chart.notes] == ["n1"]
    assert [gap.partition(" were not read")[0] for gap in chart.gaps] == [
        "Diagnostic reports",
        "Procedures",
        "Coverages",
    ]
    assert "did not grant this launch the permission patient/DiagnosticReport.rs" in chart.gaps[0]
    assert not [s for s in fhir_server.seen if s.path in ("DiagnosticReport", "Procedure", "Coverage")]


def test_notes_not_granted(fhir_server: FakeFHIRServer) -> None:
    """Without the permission for notes the chart opens for coding by hand, and says why there is no note."""
    scopes = [f"patient/{type}.rs" for type in ("Patient", "Encounter", "Condition")]
    with FHIRClient(fhir_server.base_url, lambda _: fhir_server.token, patient="p1", granted=scopes) as client:
        chart = read(client)
    assert chart.notes == ()
    assert chart.gaps[0].startswith("Notes were not read: The EHR did not grant")
