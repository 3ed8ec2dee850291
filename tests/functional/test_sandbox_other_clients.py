"""The demonstration EHR is an honest server: SMART clients of others launch from it and read the patient."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from demo_app import EC_KEY, RSA_KEY, SCOPES, App, resources
from fhir_in_memory import FHIRInMemory
from fhirclient.client import FHIRClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from launch.sandbox import RegisteredClient, SandboxSettings, create_sandbox
from launch.sandbox.serving import find_free_port, serve_in_thread

CLIENTS = Path(__file__).resolve().parents[1] / "smart-clients"
SCOPE = " ".join(SCOPES)
SECRET = "a-secret"
APP = "http://127.0.0.1:8080"  # where Python's clients believe to be; nothing listens there


class DemoEHR:
    """The demonstration EHR on a port, with one app of each kind registered."""

    def __init__(self, app: str) -> None:
        self.port, redirect = find_free_port(), (f"{app}/callback",)
        self.base = f"http://127.0.0.1:{self.port}"
        self.fhir = f"{self.base}/fhir"
        jwks = {"keys": [key.as_dict(private=False) for key in (RSA_KEY, EC_KEY)]}
        clients = (
            RegisteredClient("public-app", "Public", "public", redirect, SCOPES),
            RegisteredClient("secret-app", "Secret", "client_secret_basic", redirect, SCOPES, secret=SECRET),
            RegisteredClient("signing-app", "Signing", "private_key_jwt", redirect, SCOPES, jwks=jwks),
        )
        settings = SandboxSettings(self.base, "http://127.0.0.1:9/fhir", f"{app}/launch", clients, id_token_alg="ES256")
        self.flask = create_sandbox(settings, FHIRInMemory(resources()))

    def launch(self) -> str:
        """The opaque launch parameter of Ana's visit."""
        return App(self.flask).launch()

    def allow(self, authorization_url: str) -> str:
        """What the user's browser does there; the address it is sent back to."""
        answer = requests.get(authorization_url, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])

    def configuration(self) -> dict[str, str]:
        found: dict[str, str] = requests.get(f"{self.fhir}/.well-known/smart-configuration", timeout=10).json()
        return found


@pytest.fixture
def start() -> Iterator[Callable[..., DemoEHR]]:
    running = []

    def start(app: str = APP) -> DemoEHR:
        ehr = DemoEHR(app)
        serving = serve_in_thread(ehr.flask, ehr.port)
        serving.__enter__()
        running.append(serving)
        return ehr

    yield start
    for serving in running:
        serving.__exit__(None, None, None)


def signing(key: RSAKey | ECKey, alg: str, token_endpoint: str) -> PrivateKeyJWT:
    """Authlib's own method, told what SMART asks for: `typ`, `kid`, five minutes at most."""
    claims, headers = {"exp": int(time.time()) + 240}, {"typ": "JWT", "kid": key.kid}
    return PrivateKeyJWT(token_endpoint, claims=claims, headers=headers, alg=alg)


@pytest.mark.parametrize(
    ("client_id", "secret", "alg"),
    [
        ("public-app", None, None),
        ("secret-app", SECRET, None),
        ("signing-app", RSA_KEY, "RS384"),
        ("signing-app", EC_KEY, "ES384"),
    ],
)
def test_authlib_launches(start: Callable[..., DemoEHR], client_id: str, secret: object, alg: str | None) -> None:
    """Authlib's OAuth2Session gets a token in each way of authentication, proves the user, reads and refreshes."""
    ehr = start()
    said = ehr.configuration()
    method = {"public-app": "none", "secret-app": "client_secret_basic"}.get(client_id, "private_key_jwt")
    session = OAuth2Session(
        client_id,
        secret,
        scope=SCOPE,
        redirect_uri=f"{APP}/callback",
        token_endpoint_auth_method=method,
        code_challenge_method="S256",
    )
    if alg:
        session.register_client_auth_method(signing(secret, alg, said["token_endpoint"]))  # type: ignore[arg-type]
    verifier = "v" * 50
    url, state = session.create_authorization_url(
        said["authorization_endpoint"], code_verifier=verifier, aud=ehr.fhir, launch=ehr.launch(), nonce="n-0123456789"
    )
    back = ehr.allow(url)
    token = session.fetch_token(
        said["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
    )
    assert (token["patient"], token["encounter"]) == ("ana", "ana-visit")
    keys = KeySet.import_key_set(requests.get(said["jwks_uri"], timeout=10).json())
    claims = CodeIDToken(
        jwt.decode(token["id_token"], keys, algorithms=["ES256"]).claims,
        {},
        {"iss": {"value": said["issuer"]}, "aud": {"value": client_id}},
        {"nonce": "n-0123456789", "client_id": client_id},
    )
    claims.validate()
    assert session.get(claims["fhirUser"]).json()["id"] == "demo-clinician"
    assert session.get(f"{ehr.fhir}/Patient/ana").json()["id"] == "ana"
    if alg:  # given claims, Authlib repeats the jti it first put into them, and this EHR notices
        session.register_client_auth_method(signing(secret, alg, said["token_endpoint"]))  # type: ignore[arg-type]
    renewed = session.refresh_token(said["token_endpoint"], refresh_token=token["refresh_token"])
    assert renewed["access_token"] != token["access_token"]
    assert session.get(f"{ehr.fhir}/Patient/ana").status_code == 200
    assert session.get(f"{ehr.fhir}/Patient/ben").status_code == 403


@pytest.mark.parametrize(("client_id", "secret"), [("public-app", None), ("secret-app", SECRET)])
def test_fhirclient_for_python_launches(start: Callable[..., DemoEHR], client_id: str, secret: str | None) -> None:
    """It finds the endpoints in the CapabilityStatement, launches, and reads patient and encounter as models."""
    ehr = start()
    settings = {
        "app_id": client_id,
        "app_secret": secret,
        "api_base": ehr.fhir,
        "redirect_uri": f"{APP}/callback",
        "launch_token": ehr.launch(),
        "scope": SCOPE,
    }
    client = FHIRClient(settings=settings)
    assert not client.ready
    client.prepare()
    client.handle_callback(ehr.allow(client.authorize_url))
    assert client.ready
    assert client.patient.id == "ana"
    assert client.patient.name[0].family == "Test"
    assert client.launch_context["encounter"] == "ana-visit"
    client.server.session.close()


@pytest.mark.parametrize("key", [None, RSA_KEY, EC_KEY], ids=["public", "RS384", "ES384"])
def test_fhirclient_for_javascript_launches(
    start: Callable[..., DemoEHR], need: Callable[[bool, str], None], key: RSAKey | ECKey | None
) -> None:
    """In Node: launched by the EHR's link it finds the endpoints, signs in, reads patient and user, refreshes."""
    ready = shutil.which("node") is not None and (CLIENTS / "node_modules" / "fhirclient").is_dir()
    need(ready, "Node with tests/smart-clients (npm ci --prefix tests/smart-clients)")
    port = find_free_port()
    app = f"http://127.0.0.1:{port}"
    ehr = start(app)
    alg = "RS384" if isinstance(key, RSAKey) else "ES384"
    private = json.dumps({**key.as_dict(private=True), "alg": alg, "key_ops": ["sign"]}) if key else ""
    words = ["node", "launch.mjs", str(port), "signing-app" if key else "public-app", SCOPE, private]
    with subprocess.Popen(words, cwd=CLIENTS, stdout=subprocess.PIPE, text=True) as node:
        try:
            assert node.stdout is not None
            assert node.stdout.readline() == "listening\n"
            launched = requests.get(
                f"{app}/launch", {"iss": ehr.fhir, "launch": ehr.launch()}, allow_redirects=False, timeout=20
            )
            assert launched.status_code == 302, launched.text
            assert "launch" in parse_qs(urlsplit(launched.headers["Location"]).query)
            back = ehr.allow(launched.headers["Location"])
            assert dict(parse_qsl(urlsplit(back).query)).keys() >= {"code", "state"}
            read = requests.get(back, timeout=20)
        finally:
            node.terminate()
    assert read.status_code == 200, read.text
    assert read.json() == {
        "patient": "ana",
        "encounter": "ana-visit",
        "user": "Practitioner/demo-clinician",
        "again": "ana",
        "renewed": key is None,
    }
