"""What an EHR says it offers is read once, checked, kept and asked for anew."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from metadata_server import MetadataServer, statement

from launch.transport import Limits
from smartapp.errors import EHRRefused, EHRUnavailable
from smartapp.fhir.capability import FRESH, Capabilities, Capability

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def server() -> Iterator[MetadataServer]:
    with MetadataServer() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def capabilities(clock: Callable[[], datetime]) -> Capabilities:
    return Capabilities(clock, Limits(connect=0.5, silence=0.3, whole=0.5, size=20_000, again=0))


def test_what_is_said_of_types_and_of_the_whole_is_kept() -> None:
    read = Capability.from_resource(
        statement(
            {
                "Condition": {"interaction": ["read", "create"], "searchParam": ["patient", "identifier"]},
                "Encounter": {"interaction": ["patch"], "versioning": "versioned-update"},
            },
            interaction=["transaction"],
            patchFormat=["application/json-patch+json"],
        )
    )
    assert read.offers("Condition", "create")
    assert not read.offers("Condition", "update")
    assert not read.offers("Claim", "create")
    assert read.patches_json("Encounter")
    assert read.of("Encounter").versioning == "versioned-update"
    assert read.system == {"transaction"}
    assert read.software == "Sample EHR 7"


def test_a_search_needs_the_interaction_and_all_parameters() -> None:
    types = {
        "Condition": {"interaction": ["search-type"], "searchParam": ["patient", "identifier"]},
        "Claim": {"interaction": ["read"], "searchParam": ["patient"]},
    }
    read = Capability.from_resource(statement(types))
    assert read.searches("Condition", "patient", "identifier")
    assert not read.searches("Condition", "patient", "code")
    assert not read.searches("Claim", "patient")


def test_xml_patch_is_no_json_patch() -> None:
    types = {"Encounter": {"interaction": ["patch"]}}
    assert Capability.from_resource(statement(types)).patches_json("Encounter")
    xml = statement(types, patchFormat=["application/xml-patch+xml"])
    assert not Capability.from_resource(xml).patches_json("Encounter")


@pytest.mark.parametrize(
    "broken",
    [
        [],
        {"resourceType": "OperationOutcome"},
        {"resourceType": "CapabilityStatement"},
        {"resourceType": "CapabilityStatement", "fhirVersion": "3.0.2"},
    ],
)
def test_what_is_no_r4_statement_is_refused(broken: Any) -> None:
    with pytest.raises(EHRRefused):
        Capability.from_resource(broken)


def test_shapes_that_are_wrong_read_as_nothing() -> None:
    odd = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "patchFormat": 7, "rest": [{"resource": [3]}]}
    assert Capability.from_resource(odd).types == {}


def test_no_token_is_sent_and_within_hours_it_is_asked_once(
    server: MetadataServer, capabilities: Capabilities, clock: Clock
) -> None:
    capabilities.read(server.base_url)
    clock.now += FRESH - timedelta(seconds=1)
    capabilities.read(server.base_url)
    assert len(server.seen) == 1
    assert "Authorization" not in server.seen[0]


def test_later_it_is_asked_by_etag(server: MetadataServer, capabilities: Capabilities, clock: Clock) -> None:
    first = capabilities.read(server.base_url)
    clock.now += FRESH
    assert capabilities.read(server.base_url) is first
    assert server.seen[1]["If-None-Match"] == server.etag


def test_a_new_release_is_noticed(server: MetadataServer, capabilities: Capabilities, clock: Clock) -> None:
    assert not capabilities.read(server.base_url).offers("Claim", "create")
    server.say(statement({"Claim": {"interaction": ["create"]}}), 'W/"2"')
    clock.now += FRESH
    assert capabilities.read(server.base_url).offers("Claim", "create")


def test_an_old_one_is_better_than_none(server: MetadataServer, capabilities: Capabilities, clock: Clock) -> None:
    first = capabilities.read(server.base_url)
    clock.now += FRESH
    server.status = 503
    assert capabilities.read(server.base_url) is first


@pytest.mark.parametrize("status", [401, 404, 500])
def test_an_error_is_told(server: MetadataServer, capabilities: Capabilities, status: int) -> None:
    server.status = status
    with pytest.raises(EHRUnavailable, match=str(status)):
        capabilities.read(server.base_url)


def test_what_is_not_json_is_refused(server: MetadataServer, capabilities: Capabilities) -> None:
    server.body = b"<html>Log in</html>"
    with pytest.raises(EHRRefused, match="not JSON"):
        capabilities.read(server.base_url)


def test_what_is_too_large_is_not_read(server: MetadataServer, capabilities: Capabilities) -> None:
    server.body = b" " * 30_000
    with pytest.raises(EHRUnavailable):
        capabilities.read(server.base_url)


def test_another_host_is_not_followed(server: MetadataServer, capabilities: Capabilities) -> None:
    server.redirect = "https://elsewhere.example.org/metadata"
    with pytest.raises(EHRUnavailable, match="302"):
        capabilities.read(server.base_url)
