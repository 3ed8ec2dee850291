"""A CDS client (CDS Hooks 2.0) that calls the service as an EHR does, and signs codes for it to speak of."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet
from flask import Flask
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from sample_chart import encounter
from smart_ehr import PUBLIC_URL, Clock, FakeEHR
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from launch.cds_clients import CDSClients, SQLReplays
from launch.ehrs import EHR, TrustedEHRs
from launch.vault import Vault
from smartapp.cds import SERVICE, CodesToReview
from smartapp.reviews import Action, Attestation, Reviewer, ReviewKey, ReviewStatus, Rung, WrittenResource
from smartapp.store import CardStore, ReviewStore, connect, migrate
from smartapp.views.cds import blueprint

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
    vault: Vault
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

    def sign(
        self,
        rung: Rung = Rung.CDS_SUGGESTION,
        outcome: str = "not-written",
        rejected: str = "J44.1",
        action: Action = Action.ADD,
    ) -> None:
        """A person accepts two codes, rejects a third, and signs; the plan says by which rung they are to go."""
        now = self.clock()
        self.store.create(self.here, now)
        with self.store.change(self.here, now) as draft:
            for code, title in CODES.items():
                draft.add_decision(action, code, title, None, ANA, now)
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


def running_client(ehr: FakeEHR, clock: Clock, key: RSAKey, folder: Path) -> Iterator[Client]:
    """Of an app with nothing but the service."""
    engine = connect(f"sqlite:///{folder / 'cds.db'}")
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
    app.extensions["ehrs"] = ehrs
    service = CodesToReview(store, CardStore(engine), vault, PUBLIC_URL, clock)
    app.register_blueprint(blueprint(service, CDSClients(ehrs, SQLReplays(engine), clock), ehrs, PUBLIC_URL))
    yield Client(ehr, clock, app, store, vault, engine, key)
    engine.dispose()
