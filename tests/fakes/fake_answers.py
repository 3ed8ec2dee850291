"""What an EHR says of itself, without an EHR: a good one, to be bent one answer at a time."""

from collections.abc import Callable
from typing import Any

from metadata_server import statement

ISS = "https://ehr.example/fhir"
ALL = ["read", "search-type", "create", "update"]
SMART: dict[str, Any] = {
    "issuer": "https://ehr.example",
    "jwks_uri": "https://ehr.example/keys",
    "authorization_endpoint": "https://ehr.example/authorize",
    "token_endpoint": "https://ehr.example/token",
    "revocation_endpoint": "https://ehr.example/revoke",
    "code_challenge_methods_supported": ["S256"],
    "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
    "token_endpoint_auth_signing_alg_values_supported": ["ES384", "RS384"],
    "scopes_supported": ["launch", "openid", "fhirUser", "online_access", "patient/*.rs", "user/*.cruds"],
    "capabilities": [
        "launch-ehr",
        "context-ehr-patient",
        "context-ehr-encounter",
        "sso-openid-connect",
        "authorize-post",
        "permission-patient",
        "permission-user",
        "permission-v1",
        "permission-v2",
        "client-confidential-asymmetric",
    ],
}
TYPES: dict[str, dict[str, Any]] = {
    "Patient": {"interaction": ALL},
    "Encounter": {"interaction": ALL},
    "DocumentReference": {"interaction": ALL, "searchParam": ["patient", "encounter", "category", "period"]},
    "DiagnosticReport": {"interaction": ALL, "searchParam": ["patient"]},
    "Binary": {"interaction": ALL},
    "Condition": {"interaction": ALL, "searchParam": ["patient"]},
    "Claim": {"interaction": ALL},
    "Provenance": {"interaction": ALL},
}


def answers(
    smart: dict[str, Any] | None = None, types: dict[str, dict[str, Any]] | None = None, **more: Any
) -> Callable[[str], Any]:
    """What is asked is answered; `smart` and `types` change single entries, None takes one away."""
    said = {
        f"{ISS}/.well-known/smart-configuration": _bent(SMART, smart or {}),
        f"{ISS}/metadata": statement(_bent(TYPES, types or {}), interaction=["transaction"]),
        "https://ehr.example/keys": {"keys": [{"kty": "EC", "crv": "P-256"}]},
    } | more.pop("said", {})

    def ask(url: str) -> Any:
        answer = said[url]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def _bent(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (good | changes).items() if value is not None}
