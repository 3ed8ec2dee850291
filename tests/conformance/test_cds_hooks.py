"""CDS Hooks 2.0 (https://cds-hooks.hl7.org/2.0/): what binds a CDS service, each rule quoted."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cds_client import CODES, Client
from sample_chart import encounter
from smart_ehr import PUBLIC_URL
from sqlalchemy import text
from validators import complaints, node_is_ready

from smartapp.cds.linking import is_link_to
from smartapp.reviews import Action, ReviewStatus, Rung
from smartapp.views.cds import LARGEST_CALL


@pytest.fixture
def registered(client: Client) -> Callable[..., None]:
    """Registers the EHR anew, as of this vendor, with these settings."""

    def register(**changes: Any) -> None:
        ehrs = client.app.extensions["ehrs"]
        ehrs._by_iss[client.ehr.iss] = replace(ehrs.find(client.ehr.iss), **changes)

    return register


def test_discovery(client: Client) -> None:
    """ "The Discovery endpoint SHALL always be available at {baseUrl}/cds-services ... an object containing a list of
    CDS Services"; "Each CDS Service SHALL be described by": hook, description and id REQUIRED, prefetch an object
    of strings.
    """
    answer = client.app.test_client().get("/cds-services")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    services = answer.json["services"]
    assert {s["hook"] for s in services} == {"patient-view", "order-sign", "encounter-discharge"}
    for service in services:
        assert all(isinstance(service[name], str) and service[name] for name in ("hook", "description", "id", "title"))
        assert service["prefetch"] == {"encounter": "Encounter/{{context.encounterId}}"}


@pytest.mark.parametrize("hook", ["patient-view", "order-sign", "encounter-discharge"])
def test_an_encounter_that_was_never_opened(client: Client, hook: str) -> None:
    """ "CDS Services SHALL respond with a 200 HTTP response with an object containing a cards array"."""
    (card,) = client.cards(hook=hook)
    assert card["summary"] == "Review the codes of this encounter"
    assert "uuid" not in card  # nothing is kept of it, so no feedback is wanted


def well_formed(value: Any) -> bool:
    """No null, "", [] or {} anywhere."""
    if isinstance(value, dict | list):
        return bool(value) and all(map(well_formed, value.values() if isinstance(value, dict) else value))
    return value is not None and value != ""


def test_a_card(client: Client) -> None:
    """summary (<140 characters), indicator and source.label are REQUIRED; a smart link has label, url and type, and
    appContext; "JSON elements SHALL NOT be null ... SHALL NOT be empty"; with suggestions, selectionBehavior "MUST
    also be provided"; "the CDS Service MUST populate a display value for each reason's Coding".
    """
    client.sign()
    (card,) = client.cards()
    assert well_formed(card)
    assert len(card["summary"]) < 140
    assert (card["indicator"], card["source"]["label"], card["selectionBehavior"]) == ("info", "Chartside", "any")
    (link,) = card["links"]
    assert (link["type"], link["url"]) == ("smart", f"{PUBLIC_URL}/launch")
    assert link["label"] and "patient" not in link["appContext"].lower()  # sealed: letters by chance, no word
    assert all(reason["display"] and reason["code"] and reason["system"] for reason in card["overrideReasons"])
    assert is_link_to(client.vault, link["appContext"], client.here, client.clock())
    uuid.UUID(card["uuid"])


def test_who_is_shown_a_card_is_told(client: Client) -> None:
    """The audit log names the user of the call; a card about a chart that was never opened tells nothing of it."""
    client.cards()
    client.sign()
    client.cards()
    with client.engine.connect() as db:
        found = db.execute(text("SELECT event FROM audit_event WHERE kind = 'chart-viewed'")).scalars()
        told = [json.loads(event) for event in found]
    assert [(event["user"], event["encounter"], event["what"]) for event in told] == [
        ("Practitioner/ana", "Encounter/e1", {"page": "card"})
    ]


def test_a_suggestion_creates_the_diagnosis(client: Client) -> None:
    """ "When the type attribute is create, the resource attribute SHALL contain a new FHIR resource to be created";
    label, and the action's type and description, are REQUIRED. Only what a person accepted and signed is suggested.
    """
    client.sign(rejected="J44.1")
    (card,) = client.cards()
    assert [s["actions"][0]["resource"]["code"]["coding"][0]["code"] for s in card["suggestions"]] == list(CODES)
    for suggestion in card["suggestions"]:
        (action,) = suggestion["actions"]
        resource = action["resource"]
        assert (action["type"], resource["resourceType"]) == ("create", "Condition")
        assert "id" not in resource and action["description"] and suggestion["label"]
        assert resource["category"][0]["coding"][0]["code"] == "encounter-diagnosis"
        assert resource["subject"]["reference"] == "Patient/p1"
        assert resource["encounter"]["reference"] == "Encounter/e1"


def suggested(client: Client) -> list[dict[str, Any]]:
    (card,) = client.cards()
    return [s["actions"][0]["resource"] for s in card["suggestions"]]


def test_a_suggestion_is_as_the_ehr_wants_it(client: Client, registered: Callable[..., None]) -> None:
    """Epic, "Codesets for Create APIs": ICD-10 under its OID; others get the URI of HL7. The AI label is the site's
    choice, as for what is written.
    """
    client.sign(action=Action.ACCEPT)
    (coding,) = suggested(client)[0]["code"]["coding"]
    assert coding["system"] == "http://hl7.org/fhir/sid/icd-10-cm"
    assert suggested(client)[0]["meta"]["security"][0]["code"] == "AIAST"
    registered(vendor="epic", ai_label=False)
    for resource, code in zip(suggested(client), CODES, strict=True):
        assert [(c["system"], c["code"]) for c in resource["code"]["coding"]] == [
            ("urn:oid:2.16.840.1.113883.6.90", code)
        ]
        assert "security" not in resource["meta"]
        assert [c["code"] for c in resource["category"][0]["coding"]] == ["encounter-diagnosis"]
        assert not {"id", "modifierExtension", "implicitRules"} & resource.keys()


@pytest.mark.validator
@pytest.mark.parametrize("vendor", ["generic", "epic"])
def test_a_suggested_resource_is_valid(
    client: Client, registered: Callable[..., None], vendor: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("need")(node_is_ready(), "Node with the packages of tests/validators")
    registered(vendor=vendor)
    client.sign()
    assert complaints(suggested(client)) == []


def test_putting_off_a_review_hides_no_signed_codes(client: Client) -> None:
    """source.topic: what an EHR goes by to hide cards is not the same for both."""
    before = client.cards()[0]["source"]["topic"]
    client.sign()
    after = client.cards()[0]["source"]["topic"]
    assert before["code"] != after["code"]
    assert all(topic["code"].isalnum() and topic["system"].startswith(PUBLIC_URL) for topic in (before, after))


def test_the_same_is_said_in_the_same_words(client: Client) -> None:
    """ "card.uuid ... Uniquely identifies the card": asked again, on another hook too, the EHR sees that nothing is
    new.
    """
    client.sign()
    first, again = client.cards(), client.cards(hook="encounter-discharge")
    assert first[0]["uuid"] == again[0]["uuid"]
    assert [s["uuid"] for s in first[0]["suggestions"]] == [s["uuid"] for s in again[0]["suggestions"]]


@pytest.mark.parametrize("rung", [Rung.SINGLE_WRITES, Rung.TRANSACTION, Rung.DOCUMENT])
def test_no_suggestion_where_the_chart_is_written(client: Client, rung: Rung) -> None:
    """A code that Chartside writes itself is never suggested as well: the chart would hold it twice."""
    client.sign(rung, "written")
    assert all("suggestions" not in card for card in client.cards())


def test_nothing_to_say(client: Client) -> None:
    """ "If your CDS Service has no decision support for the user, your service should return a 200 HTTP response with
    an empty array of cards": a finished review, a cancelled or foreign encounter, no encounter at all, a patient
    who looks.
    """
    client.sign(outcome="written")
    with client.store.change(client.here, client.clock()) as draft:
        draft.set_status(ReviewStatus.WRITTEN)
    assert client.cards() == []
    context = {"userId": "Practitioner/ana", "patientId": "p1", "encounterId": "e2"}
    elsewhere = encounter("e2", subject={"reference": "Patient/p2"})
    for visit in (encounter("e2", status="cancelled"), elsewhere, encounter("e3"), None):
        assert client.cards(context=context, prefetch={"encounter": visit}) == []
    assert client.cards(context={"userId": "Practitioner/ana", "patientId": "p1"}) == []
    assert client.cards(context=context | {"userId": "Patient/p1"}, prefetch={"encounter": encounter("e2")}) == []


@pytest.mark.parametrize("prefetch", [None, {}, {"encounter": {"resourceType": "OperationOutcome"}}])
def test_without_the_data(client: Client, prefetch: dict[str, Any] | None) -> None:
    """ "If the CDS Service is unable to obtain required data ... the service SHALL respond with an HTTP 412"; it need
    not where it knows the encounter already; "CDS Services SHOULD check any prefetched data for ...
    OperationOutcomes".
    """
    answer = client.post(body=client.body(prefetch=prefetch))
    assert answer.status_code == 412
    assert "prefetch" in answer.json["error"]
    client.sign()
    assert client.cards(prefetch=prefetch)


def test_reads_what_was_not_prefetched(client: Client) -> None:
    """ "If the CDS Client provides both fhirServer and fhirAuthorization ... the CDS Service MAY use the FHIR server":
    the token goes there, once, and nowhere else.
    """
    client.ehr.before = lambda: encounter() if client.ehr.asked[-1].path == "/fhir/Encounter/e1" else None
    given = {
        "access_token": "lent",
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "user/Encounter.r",
        "subject": "x",
    }
    assert client.cards(prefetch=None, fhirAuthorization=given)
    (asked,) = client.ehr.asked_for("/fhir/Encounter/e1")
    assert asked.headers["Authorization"] == "Bearer lent"
    assert not [a for a in client.ehr.asked if a is not asked and "lent" in str(a.headers)]


BENT: dict[str, Callable[[Client], dict[str, Any]]] = {
    "hook": lambda c: c.body(hook="order-select"),
    "hookInstance": lambda c: c.body(hookInstance="1"),
    "context": lambda c: c.body(context=None),
    "patientId": lambda c: c.body(context={"userId": "Practitioner/ana", "encounterId": "e1"}),
    "userId": lambda c: c.body(context={"patientId": "p1", "encounterId": "e1"}),
    "encounterId": lambda c: c.body("encounter-discharge", context={"userId": "Practitioner/a", "patientId": "p1"}),
    "FHIR id": lambda c: c.body(context={"userId": "Practitioner/a", "patientId": "../p1", "encounterId": "e1"}),
    "fhirServer": lambda c: c.body(fhirServer=None, fhirAuthorization={"token_type": "Bearer", "access_token": "x"}),
    "prefetch": lambda c: c.body(prefetch=[]),
}


@pytest.mark.parametrize("what", BENT)
def test_a_malformed_call_is_refused_in_words(client: Client, what: str) -> None:
    """hook, hookInstance (a UUID) and context are REQUIRED; fhirServer too "If fhirAuthorization is provided";
    patientId and userId are REQUIRED in each hook's context, encounterId in encounter-discharge's.
    """
    answer = client.post(body=BENT[what](client))
    assert (answer.status_code, answer.mimetype) == (400, "application/json")
    assert what in answer.json["error"]


def test_only_json(client: Client) -> None:
    """ "All data exchanged through production RESTful APIs MUST be sent and received as JSON"; what is too large, of
    another type, or at no address is refused as JSON too.
    """
    assert client.post(body="{").status_code == 400
    assert client.post(body="[]").status_code == 400
    assert client.post(body="[" * 100_000).status_code == 400
    assert client.post(body=json.dumps("x" * LARGEST_CALL)).status_code == 413
    assert client.post(content_type="text/plain").status_code == 415
    assert client.app.test_client().post("/cds-services/another", json={}).status_code == 404
    for answer in (client.post(body="{"), client.post(content_type="text/plain")):
        assert answer.json["error"]
