"""The client against a server that misbehaves in one way at a time."""

import json
import socket
from collections.abc import Callable
from email.utils import formatdate
from time import time

import pytest
from fhir_server import FakeFHIRServer, answers, cuts_the_body, is_silent, says
from sample_chart import condition, encounter, patient, visit
from werkzeug.wrappers import Response

from launch.errors import LaunchError, SessionsUnavailable
from smartapp.errors import EHRRefused, EHRUnavailable, ForeignResource, SessionExpired, SessionsAway
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.errors import EHRAnswered, TooLarge


@pytest.fixture(autouse=True)
def _a_visit(fhir_server: FakeFHIRServer) -> None:
    fhir_server.put(*visit())


def test_read_patient(fhir_client: FHIRClient) -> None:
    """A resource of the launch patient is read, with its version."""
    assert fhir_client.read("Patient", "p1")["meta"]["versionId"] == "1"


def test_401_refreshes_once(fhir_server: FakeFHIRServer) -> None:
    """After a 401 the token is refreshed and the request goes through."""
    asked: list[bool] = []

    def token(refresh: bool) -> str:
        asked.append(refresh)
        return fhir_server.token if refresh else "stale"

    with FHIRClient(fhir_server.base_url, token, patient="p1") as client:
        client.read("Patient", "p1")
    assert asked == [False, True]


def test_401_twice_ends_the_session(fhir_server: FakeFHIRServer) -> None:
    """A fresh token that is refused too means that the session is over; nothing is tried a third time."""
    with FHIRClient(fhir_server.base_url, lambda _: "stale", patient="p1") as client, pytest.raises(SessionExpired):
        client.read("Patient", "p1")
    assert len(fhir_server.seen) == 2


def test_ended_launch_session(fhir_server: FakeFHIRServer) -> None:
    """A token that cannot be had because the launch is over is an ended session, not a crash."""

    def token(_: bool) -> str:
        raise LaunchError

    with FHIRClient(fhir_server.base_url, token, patient="p1") as client, pytest.raises(SessionExpired):
        client.read("Patient", "p1")


def test_a_store_of_sessions_that_is_away_ends_no_session(fhir_server: FakeFHIRServer) -> None:
    """The access to the EHR is asked for again, and the words are not those of the store."""

    def token(_: bool) -> str:
        raise SessionsUnavailable("ConnectionError")

    client = FHIRClient(fhir_server.base_url, token, patient="p1", sleep=lambda _: None)
    with client, pytest.raises(SessionsAway) as away:
        client.read("Patient", "p1")
    assert away.value.detail == ""
    assert fhir_server.seen == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "does not allow reading Condition: the permission patient/Condition.rs is missing"),
        (409, "conflict"),
        (410, "deleted"),
        (412, "changed meanwhile"),
        (422, "own rules"),
        (400, "finds fault"),
    ],
)
def test_refusals_carry_the_ehrs_words(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, status: int, words: str
) -> None:
    """An error status becomes plain words of ours and the OperationOutcome's, without the patient's id."""
    fhir_server.fail("GET", "Condition", answers(status, "No such luck for Patient/p1."))
    with pytest.raises(EHRAnswered) as refused:
        fhir_client.search("Condition", patient="Patient/p1")
    assert words in refused.value.detail
    assert "It says: No such luck" in refused.value.detail
    assert "p1" not in refused.value.detail
    assert len(fhir_server.seen) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_get_is_repeated(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, waits: list[float], status: int) -> None:
    """A passing failure of a read is tried again, waiting longer each time."""
    fhir_server.fail("GET", "Patient", answers(status, "busy"), times=2)
    assert fhir_client.read("Patient", "p1")
    assert waits == [1.0, 2.0]


def test_get_is_repeated_at_most_three_times(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """After three attempts the EHR counts as unavailable."""
    fhir_server.fail("GET", "Patient", answers(500, "out of order"), times=9)
    with pytest.raises(EHRUnavailable, match="out of order"):
        fhir_client.read("Patient", "p1")
    assert len(fhir_server.seen) == 3


def test_retry_after_is_obeyed(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, waits: list[float]) -> None:
    """Retry-After decides the pause, in seconds or as a date."""
    fhir_server.fail("GET", "Patient", answers(429, Retry_After="4"))
    fhir_server.fail("GET", "Patient", answers(503, Retry_After=formatdate(time() + 5, usegmt=True)))
    fhir_client.read("Patient", "p1")
    assert waits[0] == 4.0
    assert 2 < waits[1] <= 5


def test_long_retry_after_is_not_waited_for(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, waits: list[float]
) -> None:
    """An EHR that asks for an hour's patience is unavailable now."""
    fhir_server.fail("GET", "Patient", answers(429, Retry_After="3600"))
    with pytest.raises(EHRUnavailable):
        fhir_client.read("Patient", "p1")
    assert waits == []


def test_silence(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """No answer within the time-out, three times, is unavailability; the error holds no URL and no id."""
    fhir_server.fail("GET", "Patient", is_silent, times=3)
    with pytest.raises(EHRUnavailable, match="did not answer in time") as error:
        fhir_client.read("Patient", "p1")
    assert "p1" not in str(error.value)
    assert error.value.__cause__ is None


def test_an_answer_that_drips(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that sends a byte now and then does not hold the reader for ever."""
    monkeypatch.setattr("smartapp.fhir.connection.WHOLE_ANSWER_SECONDS", 0.2)

    def drip(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        return Response((b" " * 65536 for _ in range(500) if not server.stopping.wait(0.05)), 200)

    fhir_server.fail("GET", "Patient", drip, times=3)
    with pytest.raises(EHRUnavailable, match="in time"):
        fhir_client.read("Patient", "p1")


def test_nobody_listens() -> None:
    """A refused connection is unavailability."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (
        FHIRClient(f"http://127.0.0.1:{port}/fhir", lambda _: "t", patient="p1", sleep=lambda _: None) as client,
        pytest.raises(EHRUnavailable),
    ):
        client.read("Patient", "p1")


def test_cut_body_is_read_again(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A body that ends early is never taken for the whole; the read is repeated."""
    fhir_server.fail("GET", "Patient", cuts_the_body)
    assert fhir_client.read("Patient", "p1")["id"] == "p1"
    assert len(fhir_server.seen) == 2


@pytest.mark.parametrize(
    "body",
    [b'{"resourceType": "Patient", "id": "p1"', b"<html>Please log in</html>", b"[]", b'"text"', b"", b"[" * 100_000,
     b"\xff\xfe\x00", b'{"resourceType": "Encounter", "id": "p1"}'],
)  # fmt: skip
def test_not_the_resource(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, body: bytes) -> None:
    """Cut JSON, a login page, another type: refused in words."""
    fhir_server.fail("GET", "Patient", says(body, "text/html"))
    with pytest.raises(EHRRefused, match="The EHR answered with"):
        fhir_client.read("Patient", "p1")


def test_outcome_with_status_200(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An OperationOutcome instead of the resource is told in its own words."""
    issue = {"severity": "error", "code": "x", "details": {"text": "Chart is locked"}}
    fhir_server.fail(
        "GET", "Patient", says(json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode())
    )
    with pytest.raises(EHRRefused, match="Chart is locked"):
        fhir_client.read("Patient", "p1")


def test_half_an_emoji(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Half of a surrogate pair becomes a question mark, so that it can be stored; a whole emoji stays."""
    body = rb'{"resourceType": "Patient", "id": "p1", "name": [{"text": "No\ud83d a \ud83d\ude00"}]}'
    fhir_server.fail("GET", "Patient", says(body))
    assert fhir_client.read("Patient", "p1")["name"] == [{"text": "No? a \N{GRINNING FACE}"}]


def test_other_patient_on_read(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A resource of another patient is not used, even when the server gives it."""
    fhir_server.put(encounter("e2", subject={"reference": "Patient/p2"}), patient("p2"))
    for type, id in (("Encounter", "e2"), ("Patient", "p2")):
        with pytest.raises(ForeignResource):
            fhir_client.read(type, id)


def test_other_resource_than_asked_for(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An answer with another id is not used."""
    fhir_server.fail("GET", "Encounter", says(json.dumps(encounter("e9")).encode()))
    with pytest.raises(ForeignResource):
        fhir_client.read("Encounter", "e1")


def test_search_leaves_out_what_was_not_asked_for(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Other patients, other types, OperationOutcomes and nonsense among the entries are left out."""
    entries = [
        {"resource": condition("mine")},
        {"resource": condition("absolute", subject={"reference": f"{fhir_server.base_url}/Patient/p1"})},
        {"resource": condition("hers", subject={"reference": "Patient/p2"})},
        {"resource": condition("namesake", subject={"reference": "https://elsewhere.example/fhir/Patient/p1"})},
        {"resource": condition("unclear", subject={"reference": "Patient?identifier=a|b"})},
        {"resource": condition("bad/../id")},
        {"resource": {"resourceType": "OperationOutcome", "issue": []}},
        {"resource": encounter()},
        {"search": {"mode": "match"}},
        "nonsense",
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    fhir_server.fail("GET", "Condition", says(json.dumps(bundle).encode()))
    assert [r["id"] for r in fhir_client.search("Condition", patient="Patient/p1")] == ["mine", "absolute"]


def test_pages_are_followed(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """All pages are read; there is no total to rely on."""
    fhir_server.page_size = 2
    fhir_server.put(*(condition(f"c{n}") for n in range(5)))
    assert len(fhir_client.search("Condition", patient="Patient/p1")) == 5


def test_paging_loop(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Pages that point to themselves end in a refusal, not in a half-read list."""
    loop = {"resourceType": "Bundle", "link": [{"relation": "next", "url": f"{fhir_server.base_url}/Condition?page=2"}]}
    fhir_server.fail("GET", "Condition", says(json.dumps(loop).encode()), times=99)
    with pytest.raises(EHRRefused, match="do not come to an end"):
        fhir_client.search("Condition", patient="Patient/p1")
    assert len(fhir_server.seen) == 2


def test_endless_pages(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Ever new pages are cut off by number."""
    count = iter(range(10_000))

    def page(server: FakeFHIRServer, carry_on: Callable[[], Response]) -> Response:
        url = f"{server.base_url}/Condition?page={next(count)}"
        bundle = {"resourceType": "Bundle", "link": [{"relation": "next", "url": url}]}
        return Response(json.dumps(bundle), content_type="application/fhir+json")

    fhir_server.fail("GET", "Condition", page, times=10_000)
    with pytest.raises(EHRRefused, match="do not come to an end"):
        fhir_client.search("Condition", patient="Patient/p1")
    assert len(fhir_server.seen) == 40


def test_answer_too_large(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An answer beyond the limit is dropped while it arrives."""
    fhir_server.fail("GET", "Binary", says(b"x" * 3_000_000))
    with pytest.raises(TooLarge):
        fhir_client.fetch(f"{fhir_server.base_url}/Binary/b", "*/*", what="Binary.r", limit=1024 * 1024)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_post_is_never_repeated(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, status: int) -> None:
    """A create that failed in passing is not sent again blindly."""
    fhir_server.fail("POST", "Condition", answers(status, "busy"))
    with pytest.raises(EHRUnavailable):
        fhir_client.create(condition())
    assert len(fhir_server.sent("POST")) == 1


def test_create_takes_the_id_from_location(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Without a body the id comes from Location, whose host is not used."""
    fhir_server.fail("POST", "Condition", answers(201, Location="http://inner.invalid/fhir/Condition/77/_history/1"))
    assert fhir_client.create(condition()) == "Condition/77"


def test_create_without_an_id(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An EHR that does not tell the id leaves open whether it is there."""
    fhir_server.fail("POST", "Condition", answers(201))
    with pytest.raises(EHRUnavailable, match="under which id"):
        fhir_client.create(condition())


def test_nothing_is_sent_for_another_patient(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A resource of another patient does not leave Chartside."""
    with pytest.raises(ForeignResource):
        fhir_client.create(condition(subject={"reference": "Patient/p2"}))
    assert fhir_server.seen == []


def test_update_needs_a_version(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Without a version to match nothing is changed; with it, If-Match is sent."""
    with pytest.raises(EHRRefused, match="no version"):
        fhir_client.update(encounter())
    assert fhir_server.seen == []
    fhir_client.update(fhir_client.read("Encounter", "e1"))
    assert fhir_server.sent("PUT")[0].headers["If-Match"] == 'W/"1"'
