"""The authorization server's rules: which launches, apps and tokens it believes (SMART App Launch 2.2)."""

import logging
import secrets
from datetime import timedelta
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import InvalidClientError
from authlib.oauth2.rfc6749.errors import UnsupportedGrantTypeError, UnsupportedResponseTypeError
from flask import Flask
from joserfc.jwk import Key

from launch.sandbox.client_auth import ClientAssertion, authenticate_basic
from launch.sandbox.flows import CodeGrant, RequiredPKCE, Revocation, RotatingRefresh, SignIn, SMARTLaunch
from launch.sandbox.grants import Grant, GrantStore, Token
from launch.sandbox.keys import create_signing_key
from launch.sandbox.oauth_client import OAuthClient
from launch.sandbox.scopes import STANDALONE_SCOPES
from launch.sandbox.settings import Faults, SandboxSettings

# Its grants write whole tokens into the log at DEBUG.
logging.getLogger("authlib.oauth2.rfc6749.grants").setLevel(logging.INFO)


class SMARTAuthorizationServer(AuthorizationServer):  # type: ignore[misc]  # Authlib publishes no types
    """Authlib's server with this EHR's memory, and error texts free of what the request said."""

    def __init__(self, app: Flask, settings: SandboxSettings, store: GrantStore, faults: Faults) -> None:
        clients = {client.client_id: OAuthClient(client) for client in settings.clients}
        super().__init__(app, query_client=clients.get, save_token=self._keep_tokens)
        self.settings, self.store, self.faults = settings, store, faults
        self.signing_key: Key = create_signing_key(settings.id_token_alg)
        self.register_token_generator("default", self._generate_tokens)
        token_url, revoke_url = f"{settings.public_url}/auth/token", f"{settings.public_url}/auth/revoke"
        assertion = ClientAssertion(store, token_url, revoke_url, settings.clock)
        self.register_client_auth_method("private_key_jwt", assertion)
        self.register_client_auth_method("client_secret_basic", authenticate_basic)
        self.register_grant(CodeGrant, [RequiredPKCE(), SMARTLaunch(), SignIn()])
        self.register_grant(RotatingRefresh)
        self.register_endpoint(Revocation)

    def get_authorization_grant(self, request: Any) -> Any:
        if request.payload.response_type != "code":
            raise UnsupportedResponseTypeError("other than code")
        return super().get_authorization_grant(request)

    def get_token_grant(self, request: Any) -> Any:
        if request.payload.grant_type not in ("authorization_code", "refresh_token"):
            raise UnsupportedGrantTypeError("other")
        return super().get_token_grant(request)

    def authenticate_client(self, request: Any, methods: list[str], endpoint: str = "token") -> Any:
        client = self._find_refreshing(request) or super().authenticate_client(request, methods, endpoint)
        if request.payload.client_id not in (None, client.client_id):
            raise InvalidClientError(description="client_id is not that of the authenticated client.")
        return client

    def _find_refreshing(self, request: Any) -> OAuthClient | None:
        """A public app need not name itself to refresh ("Refresh access token"): its refresh token says whose it is."""
        sent = request.payload.data
        if sent.get("grant_type") != "refresh_token" or request.headers.get("Authorization"):
            return None
        if {"client_id", "client_assertion"} & sent.keys():
            return None
        token = self.store.find_token(sent.get("refresh_token", ""))
        client: OAuthClient | None = self.query_client(token.grant.client_id) if token else None
        return client if client and client.registration.auth == "public" else None

    def describe_launch(self, grant: Grant) -> dict[str, Any]:
        """Builds the launch context that goes with the token ("Scopes and launch context")."""
        settings, launch, scopes = self.settings, grant.launch, grant.scope.split()
        patient, encounter = (not launch.standalone or scope in scopes for scope in STANDALONE_SCOPES)
        context = {
            "patient": launch.patient if patient and not self.faults.omit_patient else None,
            "encounter": launch.encounter if encounter and not self.faults.omit_encounter else None,
            "fhirContext": list(settings.fhir_context) or None,
            "need_patient_banner": launch.alone or settings.need_patient_banner,
            "smart_style_url": settings.smart_style_url,
            "intent": settings.intent,
            "tenant": settings.tenant,
            "appContext": launch.app_context,  # CDS Hooks 2.0, "Link"
        }
        return {name: value for name, value in context.items() if value is not None}

    def _generate_tokens(self, *, user: Grant, scope: str, **_: Any) -> dict[str, Any]:
        life = self.faults.token_life or self.settings.token_life
        token = {
            "token_type": "Bearer",
            "access_token": secrets.token_urlsafe(32),
            "expires_in": int(life.total_seconds()),
            "scope": scope,
        }
        if {"online_access", "offline_access"} & set(user.scope.split()):
            token["refresh_token"] = secrets.token_urlsafe(32)
        return token

    def _keep_tokens(self, token: dict[str, Any], request: Any) -> None:
        grant, now = request.user, self.settings.clock()
        expires_at = now + timedelta(seconds=token["expires_in"])
        self.store.add_access(Token(token["access_token"], grant, token["scope"], expires_at))
        if refresh := token.get("refresh_token"):
            # RFC 6749 section 6: a new refresh token keeps the scope of the old one
            self.store.add_refresh(Token(refresh, grant, grant.scope, now + self.settings.refresh_life))
