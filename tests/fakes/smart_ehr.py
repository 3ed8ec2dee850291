"""A small strict SMART EHR on a loopback port: refuses what the guide forbids, and can be bent one answer at a time."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote_plus, urlencode

from flask import Flask, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import ECKey, JWKRegistry, RSAKey
from werkzeug.serving import make_server

PUBLIC_URL = "http://127.0.0.1:8080"
CALLBACK = PUBLIC_URL + "/callback"
CLIENT_ID, CLIENT_SECRET = "chartside at work", "s3cret/+:&é"  # characters that Basic must encode
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Clock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Asked:
    """One request that reached the EHR."""

    method: str
    path: str
    headers: dict[str, str]
    args: dict[str, str]
    form: dict[str, str]


@dataclass
class Code:
    client_id: str
    challenge: str
    nonce: str
    scope: str
    launch: str  # empty: standalone


class Refused(Exception):
    """An OAuth error: (error, description)."""


@dataclass
class FakeEHR:
    """Keeps the rules it can keep and refuses what breaks them. The attributes bend its answers, one at a time."""

    clock: Clock
    key: RSAKey | ECKey
    alg: str = "RS256"
    kid: str | None = "first"
    client_auth: str = "private_key_jwt"
    client_id: str = CLIENT_ID
    client_keys: list = field(default_factory=list)
    configuration: dict = field(default_factory=dict)  # None takes an entry away
    openid: dict = field(default_factory=dict)
    token: dict = field(default_factory=dict)
    claims: dict = field(default_factory=dict)
    jwks: list | None = None
    practitioner: dict | None = None
    denies: dict | None = None
    before: Callable[[], object] = lambda: None  # answers every request where it returns something
    asked: list[Asked] = field(default_factory=list)
    launches: set[str] = field(default_factory=lambda: {"launch-1"})
    scopes: str = "any"  # the grammar it understands: any, v1 or v2
    style: object = None  # what /style.json answers
    codes: dict[str, Code] = field(default_factory=dict)
    refresh_tokens: dict[str, Code] = field(default_factory=dict)
    jtis: set[str] = field(default_factory=set)
    revoked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        app = Flask("fake EHR")
        app.before_request(self.note)
        app.add_url_rule("/fhir/.well-known/smart-configuration", view_func=self.smart_configuration)
        app.add_url_rule("/.well-known/openid-configuration", view_func=self.openid_configuration)
        app.add_url_rule("/keys", view_func=self.key_set)
        app.add_url_rule("/authorize", view_func=self.authorize, methods=["GET", "POST"])
        app.add_url_rule("/style.json", view_func=lambda: jsonify(self.style))
        app.add_url_rule("/token", view_func=self.answer_token, methods=["POST"])
        app.add_url_rule("/revoke", view_func=self.revoke, methods=["POST"])
        app.add_url_rule("/fhir/Practitioner/p1", view_func=self.read_practitioner)
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.host = f"http://127.0.0.1:{self.server.server_port}"
        self.iss = self.host + "/fhir"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def note(self) -> object:
        self.asked.append(
            Asked(request.method, request.path, dict(request.headers), request.args.to_dict(), request.form.to_dict())
        )
        return self.before()

    def asked_for(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    @property
    def capabilities(self) -> list[str]:
        """As the configuration lists them."""
        return self.configuration.get("capabilities") or []

    def understands(self, scope: str) -> bool:
        """A resource scope of the grammar that this EHR knows; of other scopes all."""
        letters = scope.partition(".")[2].partition("?")[0] if "/" in scope and not scope.startswith("launch/") else ""
        return not letters or self.scopes in ("any", "v1" if letters in ("read", "write", "*") else "v2")

    def smart_configuration(self) -> object:
        said = {
            "issuer": self.host,
            "jwks_uri": self.host + "/keys",
            "authorization_endpoint": self.host + "/authorize",
            "token_endpoint": self.host + "/token",
            "revocation_endpoint": self.host + "/revoke",
            "code_challenge_methods_supported": ["S256"],
            "grant_types_supported": ["authorization_code"],
            "capabilities": ["launch-ehr", "sso-openid-connect", "context-ehr-patient", "context-ehr-encounter"],
        }
        answer = jsonify(_bent(said, self.configuration))
        answer.add_etag()
        return answer.make_conditional(request)

    def openid_configuration(self) -> object:
        return jsonify(_bent({"issuer": self.host, "jwks_uri": self.host + "/keys"}, self.openid))

    def key_set(self) -> object:
        own = {**self.key.as_dict(private=False), "kid": "first", "use": "sig"}
        return jsonify(keys=[own] if self.jwks is None else self.jwks)

    def authorize(self) -> object:
        """By GET in the query or by POST in the form, never in both."""
        said, other = (request.form, request.args) if request.method == "POST" else (request.args, request.form)
        scopes = said.get("scope", "").split()
        wrong = [
            name
            for name, fits in {
                "response_type": said.get("response_type") == "code",
                "client_id": said.get("client_id") == self.client_id,
                "redirect_uri": said.get("redirect_uri") == CALLBACK,
                "aud": said.get("aud", "").removesuffix("/") == self.iss,
                "launch": ("launch" in scopes and said.get("launch") in self.launches)
                or ("launch" not in said and "launch" not in scopes and "launch/patient" in scopes),
                "scope": all(map(self.understands, scopes)),
                "query and form": not set(other) & {"client_id", "scope", "state", "launch"},
                "authorize-post": request.method == "GET" or "authorize-post" in self.capabilities,
                "code_challenge_method": said.get("code_challenge_method") == "S256",
                "code_challenge": len(said.get("code_challenge", "")) == 43,
                "state": len(said.get("state", "")) >= 22,
            }.items()
            if not fits
        ]
        if wrong:
            return f"refused: {wrong}", 400
        if self.denies:
            return redirect(f"{CALLBACK}?{urlencode({**self.denies, 'state': said['state']})}")
        code = secrets.token_urlsafe(8) + "/+ %"  # to be sent back as it came
        asked = (said[k] for k in ("client_id", "code_challenge", "nonce", "scope"))
        self.codes[code] = Code(*asked, said.get("launch", ""))
        return redirect(f"{CALLBACK}?{urlencode({'code': code, 'state': said['state']})}")

    def answer_token(self) -> object:
        try:
            self.authenticate()
            return jsonify(self.grant())
        except Refused as refused:
            return jsonify(error=refused.args[0], error_description=refused.args[1]), 400

    def authenticate(self) -> None:
        form, basic = request.form, request.headers.get("Authorization")
        if self.client_auth == "public":
            _require(form.get("client_id") == self.client_id and not basic, "invalid_client", "public")
            return
        _require("client_id" not in form, "invalid_request", "client_id in the body of a confidential client")
        if self.client_auth == "client_secret_basic":
            pair = base64.b64decode((basic or "").removeprefix("Basic ")).decode().partition(":")
            _require(
                (unquote_plus(pair[0]), unquote_plus(pair[2])) == (self.client_id, CLIENT_SECRET),
                "invalid_client",
                "no",
            )
            return
        _require(form.get("client_assertion_type") == ASSERTION_TYPE, "invalid_client", "type")
        self.check_assertion(form.get("client_assertion", ""))

    def check_assertion(self, assertion: str) -> None:
        header = json.loads(base64.urlsafe_b64decode(assertion.split(".")[0] + "=="))
        keys = [JWKRegistry.import_key(k) for k in self.client_keys if k["kid"] == header.get("kid")]
        _require(len(keys) == 1 and header.get("typ") == "JWT", "invalid_client", "header")
        claims = jwt.decode(assertion, keys[0], algorithms=["RS384", "ES384"]).claims
        now = self.clock().timestamp()
        _require(claims["iss"] == claims["sub"] == self.client_id, "invalid_client", "iss, sub")
        _require(claims["aud"] == self.host + request.path, "invalid_client", "aud")
        _require(isinstance(claims["exp"], int) and now < claims["exp"] <= now + 300, "invalid_client", "exp")
        _require(claims["jti"] not in self.jtis, "invalid_client", "jti")
        self.jtis.add(claims["jti"])

    def grant(self) -> dict:
        form = request.form
        if form.get("grant_type") == "refresh_token":
            code = self.refresh_tokens.pop(form["refresh_token"], None)
            _require(code is not None, "invalid_grant", "refresh token used or unknown")
            return self.tokens(code)
        _require(form.get("grant_type") == "authorization_code", "unsupported_grant_type", "no")
        code = self.codes.pop(form["code"], None)
        _require(code is not None, "invalid_grant", "code used or unknown")
        _require(form.get("redirect_uri") == CALLBACK, "invalid_grant", "redirect_uri")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        _require(base64.urlsafe_b64encode(digest).decode().rstrip("=") == code.challenge, "invalid_grant", "verifier")
        context = (
            {"patient": "a1", "encounter": "e1"}
            if code.launch in ("launch-1", "")
            else {"patient": "patient-of-" + code.launch, "encounter": "encounter-of-" + code.launch}
        )
        return _bent({**self.tokens(code), **context, "id_token": self.id_token(code)}, self.token)

    def tokens(self, code: Code) -> dict:
        refresh_token = secrets.token_urlsafe(12)
        self.refresh_tokens[refresh_token] = code
        said = {
            "access_token": secrets.token_urlsafe(12),
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": code.scope,
            "refresh_token": refresh_token,
        }
        return _bent(said, {k: v for k, v in self.token.items() if k in said})

    def id_token(self, code: Code) -> str:
        now = int(self.clock().timestamp())
        said = {"iss": self.host, "sub": "u1", "aud": code.client_id, "iat": now, "exp": now + 300, "nonce": code.nonce}
        claims = _bent({**said, "fhirUser": "Practitioner/p1"}, self.claims)
        header = {"alg": self.alg} | ({"kid": self.kid} if self.kid else {})
        return jwt.encode(header, claims, self.key, algorithms=[self.alg])

    def revoke(self) -> object:
        self.authenticate()
        self.revoked.append(request.form["token"])
        return ""

    def read_practitioner(self) -> object:
        name = [{"use": "official", "given": ["Ines"], "family": "Okafor"}]
        return jsonify(self.practitioner or {"resourceType": "Practitioner", "id": "p1", "name": name})


def _require(fits: bool, error: str, description: str) -> None:
    if not fits:
        raise Refused(error, description)


def _bent(value: dict, by: dict) -> dict:
    return {k: v for k, v in {**value, **by}.items() if v is not None}
