"""Our own launch completes against the demonstration EHR over HTTP, whatever it authenticates with and signs with."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import sqlalchemy as sa
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from demo_app import SCOPES, App, resources
from fhir_in_memory import FHIRInMemory

from launch import sessions
from launch.client_keys import SigningKey
from launch.ehrs import EHR, TrustedEHRs
from launch.errors import AuthorizationDenied, MissingContext, SessionEnded
from launch.launcher import Launcher
from launch.sandbox import RegisteredClient, SandboxSettings, create_sandbox
from launch.sandbox.serving import find_free_port, serve_in_thread
from launch.sessions import Session, SQLSessionStore
from launch.vault import Vault

BROWSER = "a-browser"


class _Pair:
    """The demonstration EHR on a port, and our launcher registered there."""

    def __init__(self, port: int, auth: str, keys: tuple[SigningKey, ...], **settings: Any) -> None:
        base = f"http://127.0.0.1:{port}"
        secret = "a secret: & more" if auth == "client_secret_basic" else None
        jwks = {"keys": [key.public_jwk() for key in keys]} if keys else None
        callback = "http://127.0.0.1:8080/callback"
        client = RegisteredClient("app", "App", auth, (callback,), SCOPES, secret=secret, jwks=jwks)
        chosen = SandboxSettings(base, "http://127.0.0.1:9/fhir", "http://127.0.0.1:8080/launch", (client,), **settings)
        self.flask = create_sandbox(chosen, FHIRInMemory(resources()))
        self.faults = self.flask.extensions["sandbox_faults"]
        self.iss = f"{base}/fhir"
        ehr = EHR(self.iss, "Demo", "app", client_auth=auth, client_secret=secret, keys=keys, scopes=SCOPES)
        engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
        sessions.metadata.create_all(engine)
        store = SQLSessionStore(engine, Vault([Fernet.generate_key().decode()]))
        self.launcher = Launcher(TrustedEHRs([ehr]), store, "http://127.0.0.1:8080")

    def launch(self) -> Session:
        asked = self.launcher.begin(self.iss, App(self.flask).launch(), BROWSER)
        assert asked.by_post
        back = requests.post(asked.endpoint, asked.parameters, allow_redirects=False, timeout=10)
        return self.launcher.complete(dict(parse_qsl(urlsplit(back.headers["Location"]).query)), BROWSER)

    def read(self, path: str, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{self.iss}/{path}", headers=headers, timeout=10).status_code


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Callable[..., _Pair]]:
    running = []

    def make(auth: str = "public", key: Any = None, **settings: Any) -> _Pair:
        keys: tuple[SigningKey, ...] = ()
        if key:
            path = tmp_path / "key.pem"
            path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            keys = (SigningKey.load(path),)
        port = find_free_port()
        made = _Pair(port, auth, keys, **{"id_token_alg": "ES256"} | settings)
        serving = serve_in_thread(made.flask, port)
        serving.__enter__()
        running.append(serving)
        return made

    yield make
    for serving in running:
        serving.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("auth", "key"),
    [
        ("public", None),
        ("client_secret_basic", None),
        ("private_key_jwt", ec.generate_private_key(ec.SECP384R1())),
        ("private_key_jwt", rsa.generate_private_key(65537, 2048)),
    ],
)
def test_launches_with_each_authentication(pair: Callable[..., _Pair], auth: str, key: Any) -> None:
    """Public, secret, ES384 and RS384: the session knows patient, encounter, user and grant, and its token reads."""
    both = pair(auth, key)
    session = both.launch()
    context = session.context
    assert (context.patient, context.encounter) == ("ana", "ana-visit")
    assert context.fhir_user == "Practitioner/demo-clinician"
    assert set(context.scopes) == set(SCOPES)
    assert both.read("Patient/ana", both.launcher.access_token(session.key)) == 200


@pytest.mark.parametrize("alg", ["RS256", "RS384", "ES256", "ES384"])
@pytest.mark.parametrize("kid", [True, False])
def test_believes_each_signature(pair: Callable[..., _Pair], alg: str, kid: bool) -> None:
    """Whatever the EHR signs id_tokens with, and whether or not it names the key, the user is known."""
    session = pair(id_token_alg=alg, id_token_kid=kid).launch()
    assert session.context.fhir_user == "Practitioner/demo-clinician"


def test_refreshes_and_ends(pair: Callable[..., _Pair]) -> None:
    """A short token is renewed through rotation; ending the session revokes what it held."""
    both = pair()
    both.faults.token_life = timedelta(seconds=2)
    session = both.launch()
    both.faults.token_life = None
    renewed = both.launcher.access_token(session.key)
    assert renewed != session.tokens.access_token
    assert both.launcher.access_token(session.key, refresh=True) != renewed
    last = both.launcher.access_token(session.key)
    assert both.read("Patient/ana", last) == 200
    both.launcher.end(session.key, BROWSER)
    assert both.read("Patient/ana", last) == 401
    with pytest.raises(SessionEnded):
        both.launcher.access_token(session.key)


def test_a_denied_launch_is_told(pair: Callable[..., _Pair]) -> None:
    """The user's no arrives as AuthorizationDenied."""
    both = pair()
    both.faults.deny = True
    with pytest.raises(AuthorizationDenied):
        both.launch()


@pytest.mark.parametrize("fault", ["omit_patient", "omit_encounter"])
def test_missing_context_stops_the_launch(pair: Callable[..., _Pair], fault: str) -> None:
    """Without patient or encounter there is no session."""
    both = pair()
    setattr(both.faults, fault, True)
    with pytest.raises(MissingContext):
        both.launch()
