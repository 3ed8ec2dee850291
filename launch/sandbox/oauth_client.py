"""A registered app as Authlib, which publishes no types, asks about it."""

import secrets

from authlib.oauth2.rfc6749 import ClientMixin

from launch.sandbox.scopes import grant_scopes
from launch.sandbox.settings import RegisteredClient


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
