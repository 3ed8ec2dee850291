"""The authorization server's rules: which launches, apps and tokens it believes (SMART App Launch 2.2)."""

import logging
import secrets
from datetime import timedelta
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, InvalidClientError, InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.errors import InvalidScopeError, UnsupportedGrantTypeError, UnsupportedResponseTypeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask
from joserfc.jwk import Key

from launch.sandbox.client_auth import ClientAssertion, authenticate_basic
from launch.sandbox.grants import Code, Grant, GrantStore, Launch, Token
from launch.sandbox.keys import create_signing_key
from launch.sandbox.scopes import STANDALONE_SCOPES, grant_scopes
from launch.sandbox.settings import Faults, RegisteredClient, SandboxSettings

# Its grants write whole tokens into the log at DEBUG.
logging.getLogger("authlib.oauth2.rfc6749.grants").setLevel(logging.INFO)

# Authlib publishes no types, hence the ignores on its base classes in this module.
_AUTH_METHODS = ["private_key_jwt", "client_secret_basic", "none"]
_ID_TOKEN_LIFE = timedelta(minutes=5)
_ONCE = ("launch", "aud", "nonce", "code_challenge", "code_challenge_method", "prompt")


class OAuthClient(ClientMixin):  # type: ignore[misc]
    """A registered app as Authlib asks about it."""

    def __init__(self, registration: RegisteredClient) -> None:
        self.registration = registration
        self.client_id = registration.client_id

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None  # redirect_uri must be sent

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return grant_scopes(scope or "", self.registration.scopes) or None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self.registration.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        secret = self.registration.secret
        return bool(secret) and secrets.compare_digest(str(secret).encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == ("none" if self.registration.auth == "public" else self.registration.auth)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


class SMARTAuthorizationServer(AuthorizationServer):  # type: ignore[misc]
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


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    """Authorization code: one launch gives one code, one code gives tokens once."""

    TOKEN_ENDPOINT_AUTH_METHODS = _AUTH_METHODS

    @staticmethod
    def validate_authorization_redirect_uri(request: Any, client: OAuthClient) -> str:
        redirect_uri = request.payload.redirect_uri
        if not redirect_uri or not client.check_redirect_uri(redirect_uri):
            raise InvalidRequestError("redirect_uri is not one that is registered for this app.")
        return str(redirect_uri)

    def create_authorization_response(self, redirect_uri: str, grant_user: Launch | None) -> Any:
        if not self.server.store.spend_launch(self.request.payload.data["launch"]):
            raise InvalidRequestError("launch was used before.", redirect_uri=redirect_uri)
        return super().create_authorization_response(redirect_uri, grant_user)

    def save_authorization_code(self, code: str, request: Any) -> None:
        settings, sent = self.server.settings, request.payload.data
        now = settings.clock()
        kept = Code(
            grant=Grant(request.client.client_id, request.user, request.scope),
            redirect_uri=request.payload.redirect_uri,
            code_challenge=sent["code_challenge"],
            nonce=sent.get("nonce"),
            auth_time=int(now.timestamp()),
            expires_at=now + settings.code_life,
        )
        self.server.store.add_code(code, kept)

    def query_authorization_code(self, code: str, client: OAuthClient) -> Code | None:
        found: Code | None = self.server.store.find_code(code, client.client_id, self.server.settings.clock())
        return found

    def authenticate_user(self, authorization_code: Code) -> Grant | None:
        # Spent here and not at the look-up: of two requests at once, one gets the tokens.
        return authorization_code.grant if self.server.store.spend_code(authorization_code) else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Keeps the used code: presenting it again must be noticed."""

    def create_token_response(self) -> Any:
        status, token, headers = super().create_token_response()
        return status, token | self.server.describe_launch(self.request.user), headers


class RotatingRefresh(RefreshTokenGrant):  # type: ignore[misc]
    """Refresh token: each is good for one exchange."""

    TOKEN_ENDPOINT_AUTH_METHODS = _AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        client, now = self.request.client, self.server.settings.clock()
        found: Token | None = self.server.store.find_refresh(refresh_token, client.client_id, now)
        return found

    def authenticate_user(self, refresh_token: Token) -> Grant:
        if not self.server.store.spend_refresh(refresh_token):
            raise InvalidGrantError("The refresh token was used before.")
        return refresh_token.grant

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """The old one is spent already, before the new one is made."""

    def create_token_response(self) -> Any:
        status, token, headers = super().create_token_response()
        return status, token | self.server.describe_launch(self.request.user), headers


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    """RFC 7009: a refresh token takes its grant along, an access token goes alone."""

    CLIENT_AUTH_METHODS = _AUTH_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        found: Token | None = self.server.store.find_token(token_string)
        return found

    def revoke_token(self, token: Token, request: Any) -> None:
        self.server.store.revoke_token(token)


class RequiredPKCE(CodeChallenge):  # type: ignore[misc]
    """PKCE with S256 and nothing else ("Considerations for PKCE Support")."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:
        sent = grant.request.payload.data
        if not sent.get("code_challenge") or sent.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge with code_challenge_method S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class SMARTLaunch:
    """What SMART adds to an authorization request: state, aud, and a launch that this EHR began."""

    def __call__(self, grant: Any) -> None:
        grant.register_hook("after_validate_authorization_request_payload", self.validate)

    def validate(self, grant: Any, redirect_uri: str) -> None:
        payload, server = grant.request.payload, grant.server
        if any(len(payload.datalist.get(name, [])) > 1 for name in _ONCE):
            raise InvalidRequestError("A parameter was sent twice.")
        if not payload.state:
            raise InvalidRequestError("state is required.")
        if payload.data.get("aud") != server.settings.fhir_base:
            raise InvalidRequestError("aud must be the FHIR base URL of this EHR.")
        self._check_scope(payload.data.get("launch"), grant.request.scope.split(), server)

    def _check_scope(self, sent: str | None, scopes: list[str], server: Any) -> None:
        """An app that sends a launch asks for `launch`; one without, and its user's choice, for `launch/patient`."""
        launch = server.store.find_launch(sent, server.settings.clock()) if sent is not None else None
        if sent is not None and launch is None:
            raise InvalidRequestError("launch is unknown, was used before or has expired.")
        if launch and not launch.standalone and "launch" not in scopes:
            raise InvalidScopeError("An EHR launch needs the launch scope.")
        if launch is None and "launch" in scopes:
            raise InvalidRequestError("The launch scope needs a launch of this EHR.")
        if (launch is None or launch.standalone) and "launch/patient" not in scopes:
            raise InvalidScopeError("Without a launch of this EHR, launch/patient must be asked for.")


class SignIn(OpenIDCode):  # type: ignore[misc]
    """The id_token: who is at the keyboard ("Scopes for requesting identity data")."""

    def __call__(self, grant: Any) -> None:
        self._server = grant.server
        super().__call__(grant)

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        seen: bool = self._server.store.nonce_seen(request.payload.client_id, nonce)
        return seen

    def resolve_client_private_key(self, client: OAuthClient) -> Key:
        key: Key = self._server.signing_key
        return key

    def get_client_algorithm(self, client: OAuthClient) -> str:
        alg: str = self._server.settings.id_token_alg
        return alg

    def get_encode_header(self, client: OAuthClient) -> dict[str, Any]:
        settings = self._server.settings
        kid = {"kid": self._server.signing_key.kid} if settings.id_token_kid else {}
        return {"alg": settings.id_token_alg} | kid

    def get_compatible_claims(self, request: Any) -> dict[str, Any]:
        settings = self._server.settings
        now = settings.clock()
        return {
            "iss": settings.issuer,
            "aud": request.client.client_id,
            "iat": int(now.timestamp()),
            "exp": int((now + _ID_TOKEN_LIFE).timestamp()),
        }

    def generate_user_info(self, user: Grant, scope: str) -> dict[str, Any]:
        person, granted = user.launch.user, scope.split()
        claims = {"sub": person.key}
        if "fhirUser" in granted:
            claims["fhirUser"] = f"{self._server.settings.fhir_base}/{person.fhir_user}"
        if "profile" in granted:
            claims["name"] = person.name
        return claims
