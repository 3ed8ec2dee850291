"""Reading the chart of an office visit, and what EHRs do to it."""

import hashlib
import json
from datetime import date

import pytest
from fhir_server import FakeFHIRServer, answers, says
from sample_chart import NOTE, condition, coverage, encounter, note, patient, visit

from model.document import Setting
from smartapp.errors import EHRRefused, ForeignResource, SessionExpired
from smartapp.fhir.chart import Chart, read_chart
from smartapp.fhir.client import FHIRClient


@pytest.fixture(autouse=True)
def _a_visit(fhir_server: FakeFHIRServer) -> None:
    fhir_server.put(*visit())


@pytest.fixture
def stages() -> list[str]:
    return []


def read(client: FHIRClient, stages: list[str] | None = None) -> Chart:
    return read_chart(client, "p1", "e1", ([] if stages is None else stages).append)


def test_chart(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Header, note, setting, date of service, diagnoses and coverage come from the resources of the visit."""
    fhir_server.put(condition())
    chart = read(fhir_client)
    assert chart.header.patient_name == "Noa L. Maier"
    assert (chart.header.mrn, chart.header.birth_date, chart.header.gender) == ("MRN-0042", "1961-04-05", "female")
    assert (chart.header.encounter_title, chart.header.encounter_class) == ("Office visit", "AMB")
    assert chart.header.existing_diagnoses == ("E11.9 Type 2 diabetes",)
    assert (chart.setting, chart.date_of_service) == (Setting.OUTPATIENT, date(2026, 3, 2))
    assert chart.coverage == "Coverage/v1"
    (found,) = chart.notes
    assert (found.id, found.version_id, found.title, found.author) == ("n1", "1", "Progress note", "Dr. Ito")
    assert (found.text, found.unreadable) == (NOTE, None)
    assert found.sha256 == hashlib.sha256(NOTE.encode()).hexdigest()


def test_chart_survives_json(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A chart that was stored as JSON is the same chart."""
    fhir_server.put(condition(), note("n2", b"", date="2026"))
    chart = read(fhir_client)
    assert Chart.from_json(json.loads(json.dumps(chart.to_json()))) == chart


def test_bare_chart(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Nothing but ids: the chart is read, with nothing invented."""
    fhir_server.put({"resourceType": "Patient", "id": "p1"})
    fhir_server.put({"resourceType": "Encounter", "id": "e1", "subject": {"reference": "Patient/p1"}, "type": "oops"})
    chart = read(fhir_client)
    assert chart.header.patient_name == "Name not given"
    assert (chart.header.encounter_title, chart.setting, chart.date_of_service) == ("Encounter", Setting.OTHER, None)


@pytest.mark.parametrize(
    ("class_code", "setting", "day"),
    [("AMB", Setting.OUTPATIENT, 2), ("EMER", Setting.ED, 2), ("IMP", Setting.INPATIENT, 6),
     ("OBSENC", Setting.OUTPATIENT, 2), ("HH", Setting.OTHER, 2)],
)  # fmt: skip
def test_setting_and_date(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, class_code: str, setting: Setting, day: int
) -> None:
    """The class decides the setting; an inpatient's date of service is the discharge, as the EHR's clock shows it."""
    period = {"start": "2026-03-02T23:30:00-05:00", "end": "2026-03-06T10:00:00-05:00"}
    fhir_server.put(encounter(class_code=class_code, period=period))
    chart = read(fhir_client)
    assert (chart.setting, chart.date_of_service) == (setting, date(2026, 3, day))
    assert chart.header.began == date(2026, 3, 2)
    assert Chart.from_json(json.loads(json.dumps(chart.to_json()))).header == chart.header


def test_progress(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, stages: list[str]) -> None:
    """Progress is told note by note."""
    fhir_server.put(note("n2"))
    read(fhir_client, stages)
    assert [s for s in stages if "note " in s] == ["Reading note 1 of 2", "Reading note 2 of 2"]


def test_search_by_typed_reference(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Notes are searched by patient and encounter with their types, since bare ids find nothing on some servers."""
    read(fhir_client)
    query = dict(fhir_server.sent("GET", "DocumentReference")[0].query)
    assert (query["patient"], query["encounter"]) == ("Patient/p1", "Encounter/e1")


def test_fallback_to_patient_category_and_time(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Where search by encounter finds nothing: clinical notes of the time that name this encounter, or none at all."""
    fhir_server.knows_encounter_search = False
    other = {"encounter": [{"reference": "Encounter/e2"}]}
    fhir_server.put(
        note("unlinked", context={}), note("other", context=other), note("late", context={}, date="2026-03-09")
    )
    assert [n.id for n in read(fhir_client).notes] == ["n1", "unlinked"]


def test_notes_of_others_are_left_out(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A server that ignores the filters does not mix charts: other patients' and encounters' notes are dropped."""
    both = {"encounter": [{"reference": "Encounter/e1"}]}
    bundle = [note(), note("theirs", subject={"reference": "Patient/p2"}, context=both), note("other", context={})]
    fhir_server.put(*bundle)
    assert [n.id for n in read(fhir_client).notes] == ["n1"]


def test_status_of_notes(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Entered in error is out; superseded is out only when a newer note of its type is here; replaced is out."""
    other_type = {"coding": [{"system": "http://loinc.org", "code": "34117-2", "display": "History and physical"}]}
    fhir_server.put(
        note("error", status="entered-in-error"),
        note("error2", docStatus="entered-in-error"),
        note("old", status="superseded", date="2026-03-02T14:00:00Z"),
        note("alone", status="superseded", date="2026-03-02T14:00:00Z", type=other_type),
        note("replaced", date="2026-03-02T14:10:00Z"),
        note("newer", relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/replaced"}}]),
    )
    assert [n.id for n in read(fhir_client).notes] == ["alone", "n1", "newer"]


def test_authors(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An author without display is looked up once; one that cannot be read costs the name, not the note."""
    by = [{"reference": "Practitioner/dr"}]
    lost = [
        {"reference": "Practitioner/lost"},
        {"reference": "Practitioner?identifier=x|1"},
        {"identifier": {"value": "1"}},
    ]
    fhir_server.put({"resourceType": "Practitioner", "id": "dr", "name": [{"prefix": ["Dr."], "family": "Okafor"}]})
    fhir_server.put(note(author=by), note("n2", author=by), note("n3", author=lost))
    assert [n.author for n in read(fhir_client).notes] == ["Dr. Okafor", "Dr. Okafor", None]
    assert len(fhir_server.sent("GET", "Practitioner/dr")) == 1


@pytest.mark.parametrize("type", ["Procedure", "Coverage"])
def test_optional_resources_may_be_refused(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, type: str) -> None:
    """Without permission for procedures or coverage the chart is still read."""
    fhir_server.fail("GET", type, answers(403))
    chart = read(fhir_client)
    assert chart.notes[0].text == NOTE
    assert chart.coverage == ("Coverage/v1" if type == "Procedure" else None)


@pytest.mark.parametrize("type", ["Patient", "Encounter", "DocumentReference", "Condition"])
def test_needed_resources_may_not(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, type: str) -> None:
    """Without permission for what coding needs, the missing permission is named."""
    fhir_server.fail("GET", type, answers(403))
    with pytest.raises(EHRRefused, match=f"permission patient/{type}"):
        read(fhir_client)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "cancelled"}, None),
        ({"beneficiary": {"reference": "Patient/p2"}}, None),
        ({"period": {"end": "2025-12-31"}}, None),
        ({"period": {"start": "2026-01-01", "end": "2026-03-02"}}, "Coverage/v1"),
        ({"order": 2}, "Coverage/v0"),
    ],
)
def test_coverage(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, changes: dict[str, object], expected: str | None
) -> None:
    """Only an active coverage of this patient, in force on the date of service, counts; the primary one first."""
    if "order" in changes:
        fhir_server.put(coverage("v0", order=1))
    fhir_server.put(coverage(**changes))
    assert read(fhir_client).coverage == expected


def test_void_and_foreign_diagnoses(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Diagnoses entered in error, refuted or of another encounter are not shown; SNOMED CT ones by their words."""
    void = {"coding": [{"code": "entered-in-error"}]}
    fhir_server.put(
        condition("c1", verificationStatus=void),
        condition("c2", encounter={"reference": "Encounter/e2"}),
        condition("c3") | {"code": {"coding": [{"system": "http://snomed.info/sct", "code": "1"}], "text": "Sprain"}},
        condition("c4") | {"code": {}},
    )
    assert read(fhir_client).header.existing_diagnoses == ("Sprain", "diagnosis without a name")


def test_foreign_encounter(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An encounter of another patient is refused before any note is looked for."""
    fhir_server.put(encounter(subject={"reference": "Patient/p2"}))
    with pytest.raises(ForeignResource):
        read(fhir_client)
    assert not fhir_server.sent("GET", "DocumentReference")


def test_session_ends_while_reading_notes(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An ended session is not taken for an unreadable note."""
    fhir_server.fail("GET", "Binary", answers(401), times=9)
    fhir_server.put(patient(), note(content=[{"attachment": {"contentType": "text/plain", "url": "Binary/b1"}}]))
    with pytest.raises(SessionExpired):
        read(fhir_client)


@pytest.mark.parametrize(
    ("changes", "class_code", "setting"),
    [
        ({"class": None}, None, Setting.OTHER),
        ({"class": {}, "classHistory": []}, None, Setting.OTHER),
        ({"class": {"code": "IMP"}, "classHistory": [{"class": {"code": "EMER"}}]}, "IMP", Setting.INPATIENT),
        (
            {
                "class": None,
                "classHistory": [
                    {"class": {"code": "IMP"}, "period": {"start": "2026-03-02T12:00:00-05:00"}},
                    {"class": {"code": "EMER"}, "period": {"start": "2026-03-02T09:00:00-05:00"}},
                ],
            },
            "IMP",
            Setting.INPATIENT,
        ),
    ],
)
def test_class_and_its_history(
    fhir_server: FakeFHIRServer,
    fhir_client: FHIRClient,
    changes: dict[str, object],
    class_code: str | None,
    setting: Setting,
) -> None:
    """The class decides; where there is none, the latest of its history; where there is no history, it is said."""
    fhir_server.put(encounter(**changes))
    chart = read(fhir_client)
    assert (chart.header.encounter_class, chart.setting) == (class_code, setting)
    assert any("no class" in gap for gap in chart.gaps) is (class_code is None)


def test_encounter_without_a_period(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """It is coded by the newest edition, and that is said."""
    fhir_server.put(encounter(period=None))
    chart = read(fhir_client)
    assert chart.date_of_service is None
    assert [n.id for n in chart.notes] == ["n1"]
    assert any("gives no date for this encounter" in gap for gap in chart.gaps)


@pytest.mark.parametrize("status", ["planned", "arrived", "triaged", "in-progress", "onleave"])
def test_encounter_under_way(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, status: str) -> None:
    """It is read as it stands, and known as going on."""
    fhir_server.put(encounter(status=status))
    header = read(fhir_client).header
    assert (header.under_way, header.void) == (True, False)


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_encounter_that_did_not_take_place(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, status: str) -> None:
    """Its notes are not even looked for."""
    fhir_server.put(encounter(status=status))
    chart = read(fhir_client)
    assert (chart.header.void, chart.notes) == (True, ())
    assert not fhir_server.sent("GET", "DocumentReference")


def test_merged_patient(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A record that was replaced by another says so; one that replaced another says nothing."""
    other = {"reference": "Patient/p2"}
    fhir_server.put(patient() | {"link": [{"type": "replaces", "other": other}]})
    assert read(fhir_client).gaps == ()
    fhir_server.put(patient() | {"link": [{"type": "replaced-by", "other": other}]})
    assert read(fhir_client).gaps == (
        "The EHR has merged this patient's record into another. Open the chart of that record instead.",
    )


@pytest.mark.parametrize("status", [400, 404, 200])
def test_diagnoses_where_encounters_cannot_be_searched_for(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, status: int
) -> None:
    """The patient's encounter diagnoses are asked for, and those of other encounters left out; so for the notes.

    Some servers say with status 200, or with 404, that they do not know the parameter.
    """
    issue = {"severity": "error", "code": "not-supported", "diagnostics": "encounter is no search parameter"}
    said = json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
    for type in ("Condition", "DocumentReference"):
        fhir_server.fail("GET", type, says(said) if status == 200 else answers(status))
    fhir_server.put(condition("c1"), condition("c2", code="I10", encounter={"reference": "Encounter/e2"}))
    chart = read(fhir_client)
    assert [d.reference for d in chart.diagnoses] == ["Condition/c1"]
    assert [n.text for n in chart.notes] == [NOTE]
