"""An app that launches properly from the demonstration EHR unless a test bends one thing, and two charts for it."""

import base64
import hashlib
import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from werkzeug.test import TestResponse

from launch.sandbox import RegisteredClient

BASE = "http://127.0.0.1:8090/fhir"
REDIRECT = "http://127.0.0.1:8080/callback"
SCOPES = (
    *("launch", "openid", "fhirUser", "profile", "online_access"),
    *("patient/Patient.r", "patient/Encounter.rs", "patient/DocumentReference.rs", "patient/Binary.r"),
    *("patient/Condition.rs", "patient/Observation.read", "patient/Provenance.rs", "patient/Practitioner.rs"),
    *("user/Condition.c", "user/Encounter.u", "user/Provenance.c", "user/Claim.write"),
)
VERIFIER = "a-verifier-of-the-length-that-rfc-7636-asks-for"
RSA_KEY = RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
EC_KEY = ECKey.generate_key("P-384", {"kid": "ec-1", "use": "sig"})


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


class App:
    """The app's side of a launch, one request a method; keyword arguments replace or (None) leave out parameters."""

    def __init__(self, sandbox: Flask, client_id: str = "public-app") -> None:
        self.http, self.client_id = sandbox.test_client(), client_id
        self.scopes = " ".join(SCOPES)

    def launch(self, patient: str = "ana", encounter: str = "ana-visit", consent: str = "") -> str:
        page = self.http.get(f"/chart/{patient}/{encounter}?consent={consent}").text
        return parse_qs(urlsplit(re.search(r'<iframe src="([^"]+)"', page)[1].replace("&amp;", "&")).query)["launch"][0]

    def authorize(self, **changes: str | None) -> TestResponse:
        return self.http.get("/auth/authorize", query_string=self.request(**changes))

    def request(self, **changes: str | None) -> dict[str, str]:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        sent = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "scope": self.scopes,
            "state": "a-state-of-enough-entropy",
            "aud": BASE,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "nonce": str(uuid.uuid4()),
        } | changes
        if "launch" not in sent:
            sent["launch"] = self.launch()
        return {name: value for name, value in sent.items() if value is not None}

    def code(self, **changes: str | None) -> str:
        return answer_of(self.authorize(**changes))["code"]

    def exchange(
        self, authorization_code: str, headers: dict[str, str] | None = None, **changes: str | None
    ) -> TestResponse:
        sent = {
            "grant_type": "authorization_code",
            "code": authorization_code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            "client_id": self.client_id,
        } | changes
        return self.post("/auth/token", headers, **sent)

    def refresh(self, token: str, **changes: str | None) -> TestResponse:
        sent = {"grant_type": "refresh_token", "refresh_token": token, "client_id": self.client_id} | changes
        return self.post("/auth/token", None, **sent)

    def post(self, path: str, headers: dict[str, str] | None = None, **sent: str | None) -> TestResponse:
        form = {name: value for name, value in sent.items() if value is not None}
        return self.http.post(path, data=form, headers=headers)

    def tokens(self, **changes: str | None) -> dict[str, Any]:
        answer = self.exchange(self.code(**changes))
        assert answer.status_code == 200, answer.text
        return answer.json

    def fhir(self, method: str, path: str, token: str, **rest: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"} | rest.pop(
            "headers", {}
        )
        return self.http.open(f"/fhir/{path}", method=method, headers=headers, **rest)


def answer_of(response: TestResponse) -> dict[str, str]:
    """The parameters that came back to the app's redirect URI."""
    assert response.status_code == 302, response.text
    assert response.location.startswith(f"{REDIRECT}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(response.location).query).items()}


def assertion(
    key: RSAKey | ECKey = RSA_KEY, header: dict[str, Any] | None = None, alg: str = "RS384", **changes: Any
) -> dict[str, str]:
    """The form fields of private_key_jwt."""
    now = int(datetime.now(UTC).timestamp())
    claims = {
        "iss": "signing-app",
        "sub": "signing-app",
        "aud": "http://127.0.0.1:8090/auth/token",
        "exp": now + 240,
        "jti": str(uuid.uuid4()),
    } | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    full = {"alg": alg, "typ": "JWT", "kid": key.kid} | (header or {})
    signed = {name: value for name, value in full.items() if value is not None}
    token = jws.serialize_compact(signed, json.dumps(kept), key, [alg])
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": token,
    }


def clients() -> tuple[RegisteredClient, ...]:
    public = {"keys": [RSA_KEY.as_dict(private=False), EC_KEY.as_dict(private=False)]}
    return (
        RegisteredClient("public-app", "Public", "public", (REDIRECT,), SCOPES),
        RegisteredClient("secret-app", "Secret", "client_secret_basic", (REDIRECT,), SCOPES, secret="s3cret & more"),
        RegisteredClient("signing-app", "Signing", "private_key_jwt", (REDIRECT,), SCOPES, jwks=public),
    )


def resources() -> list[dict[str, Any]]:
    """Two patients, each with a visit, a note, a diagnosis and a Binary."""
    found: list[dict[str, Any]] = [{"resourceType": "Practitioner", "id": "demo-clinician", "name": [{"text": "Dr"}]}]
    for who in ("ana", "ben"):
        me, visit = {"reference": f"Patient/{who}"}, {"reference": f"Encounter/{who}-visit"}
        attachments = [{"contentType": "text/plain", "data": "bm90ZQ=="}, {"url": f"Binary/{who}-file"}]
        found += [
            {"resourceType": "Patient", "id": who, "name": [{"given": [who.title()], "family": "Test"}]},
            {"resourceType": "Encounter", "id": f"{who}-visit", "status": "finished", "subject": me},
            {"resourceType": "Condition", "id": f"{who}-dx", "subject": me, "encounter": visit},
            {"resourceType": "Observation", "id": f"{who}-obs", "subject": me},
            {"resourceType": "Binary", "id": f"{who}-file", "contentType": "text/rtf", "data": "e1xydGZ9"},
            {"resourceType": "Provenance", "id": f"{who}-prov", "target": [{"reference": f"Condition/{who}-dx"}]},
            {
                "resourceType": "DocumentReference",
                "id": f"{who}-note",
                "subject": me,
                "context": {"encounter": [visit]},
                "content": [{"attachment": attachment} for attachment in attachments],
            },
        ]
    return found
