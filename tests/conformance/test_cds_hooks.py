"""CDS Hooks 2.0 (https://cds-hooks.hl7.org/2.0/): what binds a CDS service, each rule quoted."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey
from sample_chart import encounter
from smart_ehr import PUBLIC_URL, Clock, FakeEHR
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from launch.cds_clients import CDSClients, SQLReplays
from launch.ehrs import EHR, TrustedEHRs
from launch.vault import Vault
from smartapp.cds import SERVICE, CodesToReview
from smartapp.reviews import Action, Attestation, Reviewer, ReviewKey, ReviewStatus, Rung, WrittenResource
from smartapp.store import CardStore, ReviewStore, connect, migrate
from smartapp.views.cds import LARGEST_CALL, blueprint

ANA = Reviewer("Practitioner/ana", "Ana Ruiz, MD")
ADDRESS = f"{PUBLIC_URL}/cds-services/{SERVICE}"
PAGE = "https://ehr.example"
CODES = {"I10": "Essential (primary) hypertension", "E11.9": "Type 2 diabetes mellitus without complications"}


@dataclass
class Client:
    """A CDS client that keeps every rule unless a test bends one."""

    ehr: FakeEHR
    clock: Clock
    app: Flask
    store: ReviewStore
    engine: Engine
    key: RSAKey | ECKey

    @property
    def here(self) -> ReviewKey:
        return ReviewKey(self.ehr.iss, "p1", "e1")

    def token(self, *, key: Any = None, alg: str = "RS384", header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(self.clock().timestamp())
        said = {"iss": self.ehr.iss, "aud": ADDRESS, "exp": now + 300, "iat": now, "jti": str(uuid.uuid4())} | claims
        full = {"alg": alg, "typ": "JWT", "kid": "first"} | (header or {})
        kept = [{k: v for k, v in part.items() if v is not None} for part in (full, said)]
        return jws.serialize_compact(kept[0], json.dumps(kept[1]), key or self.key, [alg])

    def body(self, hook: str = "patient-view", **changes: Any) -> dict[str, Any]:
        said = {
            "hook": hook,
            "hookInstance": str(uuid.uuid4()),
            "fhirServer": self.ehr.iss,
            "context": {"userId": "Practitioner/ana", "patientId": "p1", "encounterId": "e1"},
            "prefetch": {"encounter": encounter()},
        } | changes
        return {k: v for k, v in said.items() if v is not None}

    def post(self, path: str = "", body: Any = None, token: str | None = None, **more: Any) -> TestResponse:
        bearer = {"Authorization": f"Bearer {token or self.token()}"}
        data = body if isinstance(body, str) else json.dumps(self.body() if body is None else body)
        options = {"headers": bearer, "content_type": "application/json", "data": data} | more
        return self.app.test_client().post(f"/cds-services/{SERVICE}{path}", **options)

    def cards(self, **changes: Any) -> list[dict[str, Any]]:
        answer = self.post(body=self.body(**changes))
        assert answer.status_code == 200, answer.text
        return answer.json["cards"]

    def sign(self, rung: Rung = Rung.CDS_SUGGESTION, outcome: str = "not-written", rejected: str = "J44.1") -> None:
        """A person accepts two codes, rejects a third, and signs; the plan says by which rung they are to go."""
        now = self.clock()
        self.store.create(self.here, now)
        with self.store.change(self.here, now) as draft:
            for code, title in CODES.items():
                draft.add_decision(Action.ADD, code, title, None, ANA, now)
            draft.add_decision(Action.REJECT, rejected, "COPD", "unsupported", ANA, now)
            draft.attest(Attestation(ANA, now, "I stand for it."))
            draft.set_status(ReviewStatus.SIGNED)
            lines = [WrittenResource("Condition", f"diagnosis {c}", outcome, None, "", rung) for c in CODES]
            draft.set_receipt(lines)

    def report(self, *entries: dict[str, Any], **more: Any) -> TestResponse:
        stamped = [{"outcomeTimestamp": "2026-03-02T17:00:00Z"} | entry for entry in entries]
        return self.post("/feedback", {"feedback": stamped}, **more)

    def kept(self) -> list[Any]:
        with self.engine.connect() as db:
            return list(db.execute(text("SELECT code, outcome, reason FROM cds_feedback ORDER BY id")))


@pytest.fixture
def client(ehr: FakeEHR, clock: Clock, keys: SimpleNamespace, tmp_path: Path) -> Iterator[Client]:
    engine = connect(f"sqlite:///{tmp_path / 'cds.db'}")
    migrate(engine)
    vault = Vault([Fernet.generate_key().decode()])
    store = ReviewStore(engine, vault)
    here = EHR(
        ehr.iss, "Fake EHR", ehr.client_id, "public", embed_origins=(PAGE,),
        cds_issuer=ehr.iss, cds_jwks_url=f"{ehr.host}/keys",
    )  # fmt: skip
    ehrs = TrustedEHRs(
        [here, EHR("https://other.example/fhir", "Other", "us", embed_origins=("https://other.example",))]
    )
    app = Flask("only the CDS service")
    service = CodesToReview(store, CardStore(engine), vault, PUBLIC_URL, clock)
    app.register_blueprint(blueprint(service, CDSClients(ehrs, SQLReplays(engine), clock), ehrs, PUBLIC_URL))
    yield Client(ehr, clock, app, store, engine, keys.ehr)
    engine.dispose()


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
    uuid.UUID(card["uuid"])


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


def test_the_jwt_is_needed_each_time(client: Client) -> None:
    """ "the request MUST include an Authorization header presenting the JWT as a Bearer token ... every single CDS
    Service call"; jti is "used to protect against replay attacks".
    """
    bare = client.post(headers={})
    assert bare.status_code == 401
    assert bare.headers["WWW-Authenticate"].startswith("Bearer")
    token = client.token()
    assert client.post(token=token).status_code == 200
    assert client.post(token=token).status_code == 401
    client.clock.move(minutes=4)
    assert client.post(token=token).status_code == 401


WRONG: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://evil.example"},
    "no issuer": {"iss": None},
    "another service": {"aud": f"{PUBLIC_URL}/cds-services/another"},
    "the discovery endpoint": {"aud": f"{PUBLIC_URL}/cds-services"},
    "no audience": {"aud": None},
    "no expiry": {"exp": None},
    "no time of issue": {"iat": None},
    "no jti": {"jti": None},
    "an empty jti": {"jti": ""},
    "a jti that is too long": {"jti": "j" * 256},
    "no kid": {"header": {"kid": None}},
    "an unknown kid": {"header": {"kid": "another"}},
    "typ": {"header": {"typ": "at+jwt"}},
    "a strange jku": {"header": {"jku": "https://evil.example/keys"}},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_jwt_that_does_not_hold(client: Client, what: str) -> None:
    """alg, kid and typ, iss, aud, exp, iat and jti are REQUIRED; aud "MUST be the URL of the CDS Service endpoint
    being invoked"; "CDS Services SHOULD limit the CDS Clients they trust by maintaining an allowlist of iss and jku
    urls".
    """
    answer = client.post(token=client.token(**WRONG[what]))
    assert answer.status_code == 401, what
    assert "evil.example" not in answer.text


@pytest.mark.parametrize(("exp", "iat", "status"), [(300, 0, 200), (-120, -420, 401), (7200, 0, 401), (300, 600, 401)])
def test_the_jwt_is_young(client: Client, exp: int, iat: int, status: int) -> None:
    """exp and iat in seconds since the epoch: what has expired, is not yet issued or lives for hours is refused."""
    now = int(client.clock().timestamp())
    assert client.post(token=client.token(exp=now + exp, iat=now + iat)).status_code == status


def test_an_infinite_life(client: Client) -> None:
    """JSON as Python reads it knows Infinity and NaN; a JWT must not."""
    for value in (float("inf"), float("nan")):
        assert client.post(token=client.token(exp=value)).status_code == 401


def test_aud_may_be_a_list(client: Client) -> None:
    """ "the aud value is either a string or an array of strings"."""
    assert client.post(token=client.token(aud=["https://elsewhere.example", ADDRESS])).status_code == 200


def test_unsigned_and_symmetric_jwts_are_refused(client: Client) -> None:
    """No JWT without a signature ("SHALL NOT be signed using the none algorithm"), none with a shared key ("SHALL NOT
    be signed using any symmetric algorithm").
    """
    unsigned = client.token().rsplit(".", 1)[0] + "."
    assert client.post(token=unsigned).status_code == 401
    assert client.post(token=client.token(key=OctKey.generate_key(256), alg="HS256")).status_code == 401
    stranger = RSAKey.generate_key(2048)
    assert client.post(token=client.token(key=stranger)).status_code == 401


def test_es384(client: Client, keys: SimpleNamespace) -> None:
    """ "both ES384 and RS384 are RECOMMENDED"; a key that is new in the set is found: "keys" are read anew."""
    assert client.post().status_code == 200
    client.ehr.jwks = [keys.ehr_p384.as_dict(private=False) | {"kid": "new", "use": "sig"}]
    client.clock.move(minutes=2)
    new = client.token(key=keys.ehr_p384, alg="ES384", header={"kid": "new"})
    assert client.post(token=new).status_code == 200


def test_strangers_do_not_make_us_ask(client: Client) -> None:
    """Whatever kids are made up, the EHR's key set is read at most once a minute, and no other address ever."""
    for number in range(5):
        client.post(token=client.token(header={"kid": f"made up {number}"}))
    assert len(client.ehr.asked_for("/keys")) == 1


def test_only_the_callers_own_server(client: Client) -> None:
    """fhirServer is "The base URL of the CDS Client's FHIR server": that of another EHR is refused, its token not
    sent.
    """
    given = {"access_token": "x", "token_type": "Bearer"}
    foreign = client.body(fhirServer="https://other.example/fhir", prefetch=None, fhirAuthorization=given)
    assert client.post(body=foreign).status_code == 403
    assert client.cards(fhirServer=client.ehr.iss + "/")


def test_cors(client: Client) -> None:
    """ "CDS Services and browser-based CDS Clients will require CORS support": for pages of registered EHRs only."""
    asks = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    preflight = client.app.test_client().options(f"/cds-services/{SERVICE}", headers=asks)
    assert preflight.headers["Access-Control-Allow-Origin"] == PAGE
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    for origin in ("https://evil.example", "https://other.example"):  # the latter is not registered for the service
        answer = client.app.test_client().get("/cds-services", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Credentials" not in preflight.headers


def test_an_accepted_suggestion(client: Client) -> None:
    """ "The request to the feedback endpoint SHALL be an object containing an array"; acceptedSuggestions "Required for
    accepted outcomes", each with the id of the suggestion. The receipt tells of that code, and of no other.
    """
    client.sign()
    (card,) = client.cards()
    taken = card["suggestions"][1]["uuid"]
    report = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": [{"id": taken}]}
    assert client.report(report).status_code == 200
    assert client.report(report).status_code == 200  # "multiple times for a card or suggestion"
    assert client.kept() == [("E11.9", "accepted", None)]
    lines = {line.purpose: line.outcome for line in client.store.review(client.here).receipt}
    assert lines == {"diagnosis I10": "not-written", "diagnosis E11.9": "taken"}
    (left,) = client.cards()
    assert [s["label"] for s in left["suggestions"]] == [f"Add I10 {CODES['I10']}"]


def test_an_overridden_card(client: Client) -> None:
    """outcome overridden, "without providing an overrideReason" or with one from the card's list and a comment."""
    client.sign()
    (card,) = client.cards()
    coding = {k: v for k, v in card["overrideReasons"][0].items() if k != "display"}
    reason = {"reason": coding, "userComment": "seen already"}
    said = {"card": card["uuid"], "outcome": "overridden"}
    later = said | {"overrideReason": reason, "outcomeTimestamp": "2026-03-02T18:00:00+00:00"}
    assert client.report(said, later).status_code == 200
    assert client.kept() == [(None, "overridden", None), (None, "overridden", coding["code"])]
    with client.engine.connect() as db:  # somebody's own words are sealed
        (comment,) = db.execute(text("SELECT comment FROM cds_feedback WHERE comment IS NOT NULL")).scalars()
    assert b"seen already" not in bytes(comment)


FALSE_REPORTS: dict[str, dict[str, Any]] = {
    "no outcome": {"outcome": None},
    "another outcome": {"outcome": "ignored"},
    "accepted without suggestions": {"acceptedSuggestions": None},
    "an id that is no UUID": {"acceptedSuggestions": [{"id": "1"}]},
    "no time": {"outcomeTimestamp": None},
    "a time without zone": {"outcomeTimestamp": "2026-03-02T17:00:00"},
    "overridden with suggestions": {"outcome": "overridden"},
}


@pytest.mark.parametrize("what", FALSE_REPORTS)
def test_false_feedback(client: Client, what: str) -> None:
    """ "Each Feedback SHALL be described by": card, outcome and outcomeTimestamp (RFC 3339). Nothing is kept."""
    client.sign()
    (card,) = client.cards()
    good = {
        "card": card["uuid"],
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}],
    }
    bad = {k: v for k, v in (good | {"outcomeTimestamp": "2026-03-02T17:00:00Z"} | FALSE_REPORTS[what]).items() if v}
    assert (
        client.post("/feedback", {"feedback": [good | {"outcomeTimestamp": "2026-03-02T17:00:00Z"}, bad]}).status_code
        == 400
    )
    assert client.kept() == []


def test_feedback_on_what_was_not_shown(client: Client) -> None:
    """Feedback speaks of "The card.uuid from the CDS Hooks response": an unknown card or suggestion is refused whole,
    and so is a call without a JWT.
    """
    client.sign()
    (card,) = client.cards()
    stranger = str(uuid.uuid4())
    good = {"card": card["uuid"], "outcome": "overridden"}
    assert client.report(good, {"card": stranger, "outcome": "overridden"}).status_code == 404
    accepted = {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": [{"id": stranger}]}
    assert client.report(accepted).status_code == 404
    assert client.report(good, headers={}).status_code == 401
    assert client.kept() == []
    assert client.report(good, token=client.token(aud=f"{ADDRESS}/feedback")).status_code == 200


@pytest.mark.parametrize("statement", ["UPDATE cds_feedback SET outcome = 'accepted'", "DELETE FROM cds_offer"])
def test_feedback_is_append_only(client: Client, statement: str) -> None:
    """What the EHR reported cannot be changed afterwards, whoever writes to the database."""
    client.sign()
    (card,) = client.cards()
    client.report({"card": card["uuid"], "outcome": "overridden"})
    with pytest.raises(DBAPIError, match="append-only"), client.engine.begin() as db:
        db.execute(text(statement))


def test_clock_skew(client: Client) -> None:
    """A minute of difference between the clocks is borne, and a spent jti is remembered for it."""
    token = client.token()
    client.clock.now += timedelta(seconds=330)
    assert client.post(token=token).status_code == 200
    assert client.post(token=token).status_code == 401
