"""The token's way: to the FHIR base of the launch and to no other host."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fhir_server import FakeFHIRServer, answers, running, says
from sample_chart import visit

from smartapp.errors import EHRRefused
from smartapp.fhir.client import FHIRClient


@pytest.fixture(autouse=True)
def _a_visit(fhir_server: FakeFHIRServer) -> None:
    fhir_server.put(*visit())


@pytest.fixture
def other_host() -> Iterator[FakeFHIRServer]:
    yield from running()


def test_next_page_elsewhere(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, other_host: FakeFHIRServer) -> None:
    """A next page on another host gets no request and no token."""
    bundle = {"resourceType": "Bundle", "link": [{"relation": "next", "url": f"{other_host.base_url}/Condition?p=2"}]}
    fhir_server.fail("GET", "Condition", says(json.dumps(bundle).encode()))
    with pytest.raises(EHRRefused, match="another host"):
        fhir_client.search("Condition", patient="Patient/p1")
    assert other_host.seen == []


def test_redirect_elsewhere(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, other_host: FakeFHIRServer) -> None:
    """A redirect to another host is not followed."""
    fhir_server.fail("GET", "Patient", answers(302, Location=f"{other_host.base_url}/Patient/p1"))
    with pytest.raises(EHRRefused, match="another host"):
        fhir_client.read("Patient", "p1")
    assert other_host.seen == []


def test_redirect_within_the_base(fhir_server: FakeFHIRServer, fhir_client: FHIRClient) -> None:
    """A redirect within the FHIR base is followed; one without end is not."""
    fhir_server.fail("GET", "Patient/p1", answers(307, Location=f"{fhir_server.base_url}/Patient/p1"))
    assert fhir_client.read("Patient", "p1")
    fhir_server.fail("GET", "Patient/p1", answers(307, Location=f"{fhir_server.base_url}/Patient/p1"), times=9)
    with pytest.raises(EHRRefused, match="without end"):
        fhir_client.read("Patient", "p1")


@pytest.mark.parametrize("id", ["..", ".", "a/b", "a?b", "", "x" * 65, "a b"])
def test_ids_stay_in_their_place(fhir_server: FakeFHIRServer, fhir_client: FHIRClient, id: str) -> None:
    """What is not a FHIR id never becomes part of a URL."""
    with pytest.raises(EHRRefused):
        fhir_client.read("Encounter", id)
    assert fhir_server.seen == []


def test_netrc_does_not_replace_the_token(
    fhir_server: FakeFHIRServer, fhir_client: FHIRClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A .netrc file on the host does not put other credentials in place of the token."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    fhir_client.read("Patient", "p1")
    assert fhir_server.seen[-1].headers["Authorization"] == f"Bearer {fhir_server.token}"
