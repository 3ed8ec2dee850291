"""The authorization server's addresses: discovery, authorize, token, revoke."""

from typing import Any
from urllib.parse import urlencode

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from flask import Blueprint, Response, jsonify, make_response, render_template, request

from launch.sandbox.authorization import SMARTAuthorizationServer
from launch.sandbox.grants import Launch
from launch.sandbox.keys import publish_keys
from launch.sandbox.scopes import CONTEXT_SCOPES
from launch.sandbox.standalone import ChartChooser

_CAPABILITIES = (
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-ehr-patient",
    "context-ehr-encounter",
    "context-standalone-patient",
    "context-standalone-encounter",
    "permission-patient",
    "permission-user",
    "permission-offline",
    "permission-online",
    "permission-v1",
    "permission-v2",
)


def auth_blueprint(server: SMARTAuthorizationServer, chooser: ChartChooser) -> Blueprint:
    blueprint = Blueprint("auth", __name__)

    @blueprint.get("/fhir/.well-known/smart-configuration")
    def smart_configuration() -> Response:
        return _publish(_describe_smart(server))

    @blueprint.get("/fhir/.well-known/openid-configuration")
    @blueprint.get("/.well-known/openid-configuration")
    def openid_configuration() -> Response:
        return _publish(_describe_openid(server))

    @blueprint.get("/auth/jwks.json")
    def jwks() -> Response:
        return _publish(publish_keys(server.signing_key, with_kid=server.settings.id_token_kid))

    @blueprint.route("/auth/authorize", methods=["GET", "POST"])
    def authorize() -> Any:
        return _unstored(_authorize(server, chooser))

    @blueprint.post("/auth/token")
    def token() -> Any:
        return _refuse_bad_form(server) or _unstored(server.create_token_response())

    @blueprint.post("/auth/revoke")
    def revoke() -> Any:
        return _refuse_bad_form(server) or _unstored(server.create_endpoint_response("revocation"))

    return blueprint


def _describe_smart(server: SMARTAuthorizationServer) -> dict[str, Any]:
    """Builds the SMART configuration ("Conformance")."""
    return _describe_openid(server) | {
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "capabilities": list(_CAPABILITIES),
    }


def _describe_openid(server: SMARTAuthorizationServer) -> dict[str, Any]:
    settings = server.settings
    public = settings.public_url
    return {
        "issuer": settings.issuer,
        "jwks_uri": f"{public}/auth/jwks.json",
        "authorization_endpoint": f"{public}/auth/authorize",
        "token_endpoint": f"{public}/auth/token",
        "revocation_endpoint": f"{public}/auth/revoke",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic", "none"],
        "scopes_supported": [*sorted(CONTEXT_SCOPES), "patient/*.cruds", "user/*.cruds"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [settings.id_token_alg],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser", "name"],
        "authorization_response_iss_parameter_supported": True,
    }


def _publish(document: dict[str, Any]) -> Response:
    response = jsonify(document)
    response.headers["Cache-Control"] = "max-age=300"
    response.headers["Access-Control-Allow-Origin"] = "*"  # "Conformance": readable by browser apps
    response.add_etag()
    response.make_conditional(request)
    return response


def _authorize(server: SMARTAuthorizationServer, chooser: ChartChooser) -> Any:
    launch = server.store.find_launch(request.values.get("launch", ""), server.settings.clock())
    try:
        grant = server.get_consent_grant(end_user=launch)
        if launch is None:
            return chooser.ask(grant)
        decision = _read_decision(server, launch)
        if decision is None and _must_ask(server, launch, grant):
            return _ask(server, launch, grant)
    except OAuth2Error as error:
        return _refuse(server, error)
    allowed = decision != "deny" and not server.faults.deny
    response = server.create_authorization_response(grant_user=launch if allowed else None, grant=grant)
    return _name_issuer(server, response)


def _must_ask(server: SMARTAuthorizationServer, launch: Launch, grant: Any) -> bool:
    return bool(launch.ask_consent or server.settings.ask_consent or grant.prompt in ("consent", "login"))


def _read_decision(server: SMARTAuthorizationServer, launch: Launch) -> str | None:
    """Reads Allow or Deny from the consent page; from that page only."""
    decision = request.form.get("decision")
    if decision is None:
        return None
    if decision not in ("allow", "deny") or not server.store.spend_consent(request.form.get("consent", ""), launch):
        raise InvalidRequestError("The answer did not come from the page that asked.")
    return decision


def _ask(server: SMARTAuthorizationServer, launch: Launch, grant: Any) -> str:
    client = grant.client.registration
    sent = [(name, value) for name, value in request.values.items(multi=True) if name not in ("decision", "consent")]
    return render_template(
        "consent.html",
        app_name=client.name,
        scopes=grant.request.scope.split(),
        user=launch.user,
        consent=server.store.add_consent(launch),
        action=f"/auth/authorize?{urlencode(sent)}",
    )


def _refuse(server: SMARTAuthorizationServer, error: OAuth2Error) -> Any:
    """Tells the app where its address is trusted, else the person (RFC 6749 section 4.1.2.1)."""
    if error.redirect_uri:
        return _name_issuer(server, server.handle_error_response(None, error))
    return render_template("refused.html", reason=error.get_error_description()), 400


def _name_issuer(server: SMARTAuthorizationServer, response: Response) -> Response:
    """Adds `iss`, so that an app talking to several EHRs notices a mix-up (RFC 9207)."""
    if response.location:
        response.location = add_params_to_uri(response.location, {"iss": server.settings.issuer})
    return response


def _refuse_bad_form(server: SMARTAuthorizationServer) -> Any:
    """Parameters belong in the form, once each, with one way of authenticating (RFC 6749 sections 2.3 and 3.2)."""
    repeated = any(len(values) > 1 for _, values in request.form.lists())
    if request.args or repeated or request.mimetype != "application/x-www-form-urlencoded":
        reason = "Parameters must be sent once each, as a form."
    elif "Authorization" in request.headers and "client_assertion" in request.form:
        reason = "Two ways of client authentication were used at once."
    elif "client_secret" in request.form:
        reason = "client_secret belongs in the Authorization header."
    else:
        return None
    return _unstored(server.handle_error_response(None, InvalidRequestError(reason)))


def _unstored(answer: Any) -> Any:
    response = make_response(answer)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
