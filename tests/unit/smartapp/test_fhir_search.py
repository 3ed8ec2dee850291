"""Searches against servers that page, warn, leave out and point elsewhere, each in one way at a time."""

import json
from collections.abc import Callable
from email.utils import formatdate
from time import time
from typing import Any

import pytest
from fhir_server import FakeFHIRServer, answers, says
from sample_chart import condition, visit

from smartapp.errors import EHRRefused, EHRUnavailable, SessionExpired
from smartapp.fhir.client import FHIRClient
from smartapp.fhir.errors import NotGranted
from smartapp.fhir.pages import Matches

WARNING = {"severity": "warning", "code": "processing", "details": {"text": "Only Patient/p1's open records."}}
ERROR = {"severity": "error", "code": "processing", "diagnostics": "The archive did not answer."}
HINT = {"severity": "information", "code": "informational", "diagnostics": "Have a nice day."}


@pytest.fixture(autouse=True)
def _a_visit(fhir_server: FakeFHIRServer) -> None:
    fhir_server.put(*visit(), condition("c1"), condition("c2"))


def find(client: FHIRClient) -> Matches:
    return client.find("Condition", patient="Patient/p1")


def ids(found: Matches) -> list[str]:
    return [r["id"] for r in found.resources]


def page(*entries: Any, next_url: str | None = None, **more: Any) -> bytes:
    links = [{"relation": "next", "url": next_url}] if next_url else []
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries} | more).encode()


def test_warnings_are_kept(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A warning among the entries is no match and no failure; its words are kept, without the patient's id."""
    fhir_server.says = (WARNING, HINT, WARNING)
    found = find(fhir_client)
    assert ids(found) == ["c1", "c2"]
    assert found.warnings == ("Only Patient/(this patient)'s open records.",)
    assert found.missing == ()


def test_errors_make_the_list_incomplete(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An error among the entries: what came is used where that will do, and refused where the list must be whole."""
    fhir_server.says = (ERROR,)
    found = find(fhir_client)
    assert ids(found) == ["c1", "c2"]
    assert found.missing == (
        "The EHR left something out of the list of Condition. It says: The archive did not answer.",
    )
    with pytest.raises(EHRRefused, match="The archive did not answer"):
        fhir_client.search("Condition", patient="Patient/p1")


@pytest.mark.parametrize("kind", ["batch-response", "collection", "history"])
def test_bundle_of_another_kind(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, kind: str) -> None:
    """What is no answer to a search is not read as one."""
    fhir_server.fail("GET", "Condition", says(page({"resource": condition()}, type=kind)))
    with pytest.raises(EHRRefused, match="a Bundle of another kind"):
        find(fhir_client)


@pytest.mark.parametrize("total", [None, 0, 99, "many"])
def test_total_is_not_relied_on(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, total: object) -> None:
    """A total that is missing or wrong changes nothing."""
    fhir_server.fail("GET", "Condition", says(page({"resource": condition("c1")}, total=total)))
    assert ids(find(fhir_client)) == ["c1"]


def test_duplicates(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A resource that comes twice counts once, as it came last."""
    first, last = condition("c1"), condition("c1", recordedDate="2026-03-02")
    fhir_server.fail("GET", "Condition", says(page({"resource": first}, {"resource": last})))
    assert find(fhir_client).resources == (last,)


def test_empty_page_on_the_way(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An empty page, and entries without a resource, do not end the list where a next page is named."""
    fhir_server.fail(
        "GET", "Condition", says(page({"search": {}}, None, next_url=f"{fhir_server.base_url}/Condition?p=2"))
    )
    assert ids(find(fhir_client)) == ["c1", "c2"]


@pytest.mark.parametrize("where", ["{base}?", "{base}/?", "{base}/Condition?"])
def test_next_page_by_a_token(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, where: str) -> None:
    """HAPI keeps further pages at the FHIR base itself, under a token and without the search: followed."""
    there = where.format(base=fhir_server.base_url) + "_getpages=9f1c-4%2Bx&_getpagesoffset=1&_bundletype=searchset"
    fhir_server.fail("GET", "Condition", says(page({"resource": condition("c1")}, next_url=there)))
    fhir_server.fail("GET", "", says(page({"resource": condition("c2")})))
    found = find(fhir_client)
    assert (ids(found), found.missing) == (["c1", "c2"], ())
    assert dict(fhir_server.seen[-1].query)["_getpages"] == "9f1c-4+x"


@pytest.mark.parametrize(
    "url",
    ["https://elsewhere.example/fhir/Condition?p=2", "//elsewhere.example/fhir/Condition", "{base}evil/Condition",
     "{base}/../Condition", "http://user@{host}/fhir/Condition"],
)  # fmt: skip
def test_next_page_on_another_host(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, url: str) -> None:
    """It is not asked for, and so gets no token; what was read before stays, and the list is said to be incomplete."""
    url = url.format(base=fhir_server.base_url, host=fhir_server.base_url.split("/")[2])
    fhir_server.fail("GET", "Condition", says(page({"resource": condition("c1")}, next_url=url)))
    found = find(fhir_client)
    assert ids(found) == ["c1"]
    assert found.missing == ("The EHR's next page lies on another host, so the list is not complete.",)
    assert len(fhir_server.seen) == 1


def test_redirect_to_another_host(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A redirect out of the FHIR base is not followed with the token, nor without it."""
    other = FakeFHIRServer()
    try:
        fhir_server.fail("GET", "Condition", answers(307, Location=f"{other.base_url}/Condition"))
        with pytest.raises(EHRRefused, match="another host"):
            find(fhir_client)
        assert other.seen == []
    finally:
        other.stop()


def test_redirect_within_the_base(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """One inside the base is followed; a relative one is read from the address that was asked (RFC 9110, 10.2.2)."""
    for to in (f"{fhir_server.base_url}/Condition?patient=Patient/p1", "/fhir/Condition", "../fhir/Condition", "?p=1"):
        fhir_server.fail("GET", "Condition", answers(307, Location=to))
        assert ids(find(fhir_client)) == ["c1", "c2"]
    fhir_server.fail("GET", "Condition", answers(307, Location="../Condition"))
    with pytest.raises(EHRRefused, match="another host"):
        find(fhir_client)


def test_second_page_fails(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Where a later page is refused, what was read stays and what is missing is said; nothing at all is a failure."""
    more = page({"resource": condition("c1")}, next_url=f"{fhir_server.base_url}/Condition?p=2")
    fhir_server.fail("GET", "Condition", says(more))
    fhir_server.fail("GET", "Condition", answers(403, "Not that page."))
    found = find(fhir_client)
    assert ids(found) == ["c1"]
    assert "Not that page." in found.missing[0]
    fhir_server.fail("GET", "Condition", answers(500), times=3)
    with pytest.raises(EHRUnavailable):
        find(fhir_client)


def test_session_ends_between_pages(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """An ended session is not an incomplete list."""
    more = page({"resource": condition("c1")}, next_url=f"{fhir_server.base_url}/Condition?p=2")
    fhir_server.fail("GET", "Condition", says(more))
    fhir_server.fail("GET", "Condition", answers(401), times=2)
    with pytest.raises(SessionExpired):
        find(fhir_client)


def test_server_that_ignores_the_patient(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """Some servers enforce the resource type and not the patient: the others' are left out here."""
    fhir_server.ignores = frozenset({"patient"})
    fhir_server.put(condition("hers", subject={"reference": "Patient/p2"}))
    assert ids(find(fhir_client)) == ["c1", "c2"]


@pytest.mark.parametrize(("header", "words"), [("5", "5 s"), ("30", "30 s"), ("date", "s")])
def test_waiting_is_told(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, waits: list[float], header: str, words: str
) -> None:
    """The pause that the EHR asks for is told; while it is told, up to half a minute is borne."""
    if header == "date":
        header = formatdate(time() + 20, usegmt=True)
    fhir_server.fail("GET", "Condition", answers(429, Retry_After=header))
    told: list[str] = []
    with fhir_client.telling(told.append):
        assert ids(find(fhir_client)) == ["c1", "c2"]
    assert len(told) == len(waits) == 1
    assert told[0].startswith("The EHR asks us to wait ") and told[0].endswith(words)


@pytest.mark.parametrize(("told", "header"), [(True, "31"), (False, "9"), (True, "999999999999999999999")])
def test_no_longer_than_can_be_borne(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, waits: list[float], told: bool, header: str
) -> None:
    """Beyond that the EHR counts as unavailable; a page that stands still bears less."""
    fhir_server.fail("GET", "Condition", answers(503, Retry_After=header))
    tell: Callable[[str], None] = [].append
    with pytest.raises(EHRUnavailable):
        if told:
            with fhir_client.telling(tell):
                find(fhir_client)
        else:
            find(fhir_client)
    assert waits == []


def test_brief(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, waits: list[float]) -> None:
    """What is not worth waiting for is asked once."""
    fhir_server.fail("GET", "Condition", answers(503, Retry_After="1"), times=9)
    with pytest.raises(EHRUnavailable):
        find(fhir_client.brief())
    assert (len(fhir_server.seen), waits) == (1, [])


GRANTED = ("launch", "openid", "patient/Patient.r", "patient/Encounter.read", "patient/Condition.rs?category=x|y")


def granted(server: FakeFHIRServer, *scopes: str) -> FHIRClient:
    return FHIRClient(server.base_url, lambda _: server.token, patient="p1", granted=scopes, sleep=lambda _: None)


def test_what_was_not_granted_is_not_asked_for(fhir_server: FakeFHIRServer) -> None:
    """No request leaves for what the scopes do not allow, and the missing one is named."""
    with granted(fhir_server, *GRANTED) as client:
        with pytest.raises(NotGranted, match=r"permission patient/Coverage\.rs"):
            client.find("Coverage", patient="Patient/p1")
        with pytest.raises(NotGranted, match=r"permission patient/Practitioner\.r\b"):
            client.read("Practitioner", "dr")
        assert fhir_server.seen == []


def test_what_was_granted_is_asked_for(fhir_server: FakeFHIRServer) -> None:
    """Scopes of v1, of v2, and those narrowed to a search allow asking; so do wildcards and no resource scopes."""
    with granted(fhir_server, *GRANTED) as client:
        assert client.read("Encounter", "e1") and ids(find(client)) == ["c1", "c2"]
    for scopes in (("patient/*.read",), ("patient/*.rs",), ("launch", "openid"), ()):
        with granted(fhir_server, *scopes) as client:
            assert ids(find(client)) == ["c1", "c2"]
