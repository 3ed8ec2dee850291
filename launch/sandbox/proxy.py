"""The door to the FHIR server: a live token, the right scope, the launch patient, or an OperationOutcome."""

import json
from collections.abc import Callable

from flask import Blueprint, Response, request

from launch.sandbox.capability import narrow_capabilities
from launch.sandbox.compartment import PATIENT_ELEMENT, SHARED, Compartment
from launch.sandbox.fhir_rules import (
    ELSEWHERE,
    check_formats,
    check_patch,
    limit_search,
    may_see,
    read_body,
    unwrap_binary,
    wants_json,
)
from launch.sandbox.fhir_server import FHIR_JSON, FHIRAnswer, FHIRServer, FHIRServerSilent
from launch.sandbox.grants import GrantStore, Token
from launch.sandbox.interactions import FHIRRefusal, Interaction, read_interaction
from launch.sandbox.scopes import permits
from launch.sandbox.settings import Faults, SandboxSettings

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
_SENT_ON = ("Content-Type", "If-Match", "Prefer")
_PASSED_BACK = ("etag", "last-modified", "location", "retry-after", "www-authenticate")


class FHIRProxy:
    """Carries out one app's FHIR requests as far as its token allows."""

    def __init__(self, settings: SandboxSettings, fhir: FHIRServer, store: GrantStore, faults: Faults) -> None:
        self._settings, self._fhir, self._store, self._faults = settings, fhir, store, faults

    def answer(self, path: str) -> Response:
        token = self._check_token()
        if self._faults.fhir and (fault := self._faults.fhir(request.method, path)):
            status, headers, body = fault
            return _respond(FHIRAnswer(status, {name.lower(): value for name, value in headers.items()}, body))
        interaction = read_interaction(request.method, path)
        self._check_scope(token, interaction)
        check_formats(interaction)
        compartment = Compartment(self._fhir, self._settings.fhir_base, token.grant.launch.patient)
        handlers: dict[str, Callable[[Interaction, Compartment, Token], FHIRAnswer]] = {
            "read": self._read,
            "search": self._search,
            "create": self._create,
        }
        return _respond(handlers.get(interaction.name, self._change)(interaction, compartment, token))

    def describe(self) -> Response:
        """Answers the CapabilityStatement, which needs no token."""
        answer = self._fhir.send("GET", "metadata")
        statement = answer.resource()
        if answer.status != 200 or statement is None:
            raise FHIRServerSilent
        return _respond(FHIRAnswer(200, {}, json.dumps(narrow_capabilities(statement, self._settings)).encode()))

    def _check_token(self) -> Token:
        """RFC 6750: the token comes in the Authorization header and nowhere else."""
        realm = f'Bearer realm="{self._settings.facility}"'
        sent = request.authorization
        if sent is None or sent.type != "bearer" or not sent.token:
            raise FHIRRefusal(401, "login", "A bearer token is required.", realm)
        token = self._store.find_access(sent.token)
        if token is None or token.expires_at <= self._settings.clock():
            challenge = f'{realm}, error="invalid_token"'
            raise FHIRRefusal(401, "login", "The token is unknown, revoked or has expired.", challenge)
        return token

    def _check_scope(self, token: Token, interaction: Interaction) -> None:
        own = interaction.path == token.grant.launch.user.fhir_user and interaction.letter == "r"
        if own and "fhirUser" in token.scope.split():
            return  # "Scopes for requesting identity data": fhirUser lets the app read that one resource
        if not permits(token.scope, interaction.type, interaction.letter):
            need = f"{interaction.type}.{interaction.letter}"
            words = f"The granted scopes hold neither patient/{need} nor user/{need}."
            challenge = f'Bearer error="insufficient_scope", scope="patient/{need}"'
            raise FHIRRefusal(403, "forbidden", words, challenge)

    def _read(self, interaction: Interaction, compartment: Compartment, token: Token) -> FHIRAnswer:
        answer = self._fhir.send("GET", interaction.path)
        if answer.status != 200:
            return answer
        resource = answer.resource()
        if resource is None or not compartment.holds(resource):
            raise FHIRRefusal(403, "forbidden", ELSEWHERE)
        etag = answer.headers.get("etag")
        if etag and request.headers.get("If-None-Match") == etag:
            return FHIRAnswer(304, {"etag": etag})
        if interaction.type == "Binary" and not wants_json():
            return unwrap_binary(resource)
        return answer

    def _search(self, interaction: Interaction, compartment: Compartment, token: Token) -> FHIRAnswer:
        params = [*request.args.items(multi=True), *(request.form.items(multi=True) if request.form else ())]
        answer = self._fhir.send("GET", interaction.path, params=limit_search(interaction.type, params, compartment))
        bundle = answer.resource()
        if answer.status != 200 or bundle is None:
            return answer
        entries = bundle.get("entry", [])
        kept = [entry for entry in entries if may_see(entry.get("resource", {}), compartment, token)]
        if len(kept) != len(entries):
            bundle["entry"] = kept
            bundle.pop("total", None)  # it counts what this app may not see
        return FHIRAnswer(200, answer.headers, json.dumps(bundle).encode())

    def _create(self, interaction: Interaction, compartment: Compartment, token: Token) -> FHIRAnswer:
        read_body(interaction, compartment)
        headers = {}
        if condition := request.headers.get("If-None-Exist"):
            if interaction.type in PATIENT_ELEMENT:  # matched inside the compartment only
                condition += f"&patient=Patient/{compartment.patient}"
            headers["If-None-Exist"] = condition
        answer = self._forward(interaction, headers)
        resource = answer.resource() if answer.status == 200 else None
        if resource and resource.get("resourceType") == interaction.type and not compartment.holds(resource):
            raise FHIRRefusal(403, "forbidden", ELSEWHERE)
        return answer

    def _change(self, interaction: Interaction, compartment: Compartment, token: Token) -> FHIRAnswer:
        """Update, patch and delete: of something that is there, is this patient's, and stays this patient's."""
        current = self._fhir.send("GET", interaction.path)
        if current.status != 200:
            raise FHIRRefusal(404, "not-found", "There is nothing to change; this server chooses ids itself.")
        if interaction.type in SHARED or not compartment.holds(current.resource() or {}):
            raise FHIRRefusal(403, "forbidden", ELSEWHERE)
        if interaction.name != "delete" and "If-Match" not in request.headers:
            raise FHIRRefusal(428, "required", "If-Match with the version that was read is required.")
        if interaction.name == "update" and read_body(interaction, compartment).get("id") != interaction.id:
            raise FHIRRefusal(400, "invalid", "The id in the body is not that of the address.")
        if interaction.name == "patch":
            check_patch(interaction)
        return self._forward(interaction, {})

    def _forward(self, interaction: Interaction, headers: dict[str, str]) -> FHIRAnswer:
        kept = {name: request.headers[name] for name in _SENT_ON if name in request.headers}
        answer = self._fhir.send(request.method, interaction.path, headers=kept | headers, body=request.get_data())
        if self._faults.lost and self._faults.lost(request.method, interaction.path):
            raise FHIRServerSilent
        return answer


def fhir_blueprint(proxy: FHIRProxy) -> Blueprint:
    blueprint = Blueprint("fhir", __name__, url_prefix="/fhir")
    blueprint.add_url_rule("/metadata", "metadata", proxy.describe)
    blueprint.add_url_rule("/<path:path>", "interaction", proxy.answer, methods=_METHODS)

    @blueprint.route("", methods=_METHODS, strict_slashes=False)
    def system() -> Response:
        raise FHIRRefusal(
            405, "not-supported", "This server takes no batch, transaction or search of the whole system."
        )

    @blueprint.errorhandler(FHIRRefusal)
    def refuse(refusal: FHIRRefusal) -> Response:
        response = _respond(FHIRAnswer(refusal.status, {}, _outcome(refusal.code, refusal.words)))
        if refusal.challenge:
            response.headers["WWW-Authenticate"] = refusal.challenge
        return response

    @blueprint.errorhandler(FHIRServerSilent)
    def time_out(_: FHIRServerSilent) -> Response:
        return _respond(FHIRAnswer(504, {}, _outcome("timeout", "The FHIR server did not answer in time.")))

    return blueprint


def _respond(answer: FHIRAnswer) -> Response:
    content_type = answer.headers.get("content-type") or f"{FHIR_JSON}; charset=utf-8"
    response = Response(answer.body, answer.status, content_type=content_type if answer.body else None)
    for name in _PASSED_BACK:
        if name in answer.headers:
            response.headers[name] = answer.headers[name]
    response.headers["Cache-Control"] = "no-store"
    return response


def _outcome(code: str, words: str) -> bytes:
    issue = {"severity": "error", "code": code, "diagnostics": words}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
