"""The ways to tokens of the authorization server: code, refresh, revocation, and what SMART adds to each."""

from datetime import timedelta
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.errors import InvalidScopeError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import Key

from launch.sandbox.grants import Code, Grant, Launch, Token
from launch.sandbox.oauth_client import OAuthClient

# Authlib publishes no types, hence the ignores on its base classes in this module.
_AUTH_METHODS = ["private_key_jwt", "client_secret_basic", "none"]
_ID_TOKEN_LIFE = timedelta(minutes=5)
_ONCE = ("launch", "aud", "nonce", "code_challenge", "code_challenge_method", "prompt")


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
