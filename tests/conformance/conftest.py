"""An app that is only `launch`, a strict SMART EHR, and a browser between them: a working launch to break."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import sqlalchemy as sa
from bs4 import BeautifulSoup
from cds_client import Client, running_client
from cryptography.fernet import Fernet
from flask import Flask, Response, render_template_string
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, RSAKey
from smart_ehr import CLIENT_SECRET, PUBLIC_URL, Clock, FakeEHR
from werkzeug.test import TestResponse

from launch.client_keys import SigningKey
from launch.ehrs import EHR, TrustedEHRs
from launch.errors import LaunchError
from launch.launcher import Launcher
from launch.oauth import AuthorizationRequest
from launch.sessions import Session, SQLSessionStore, metadata
from launch.vault import Vault
from launch.views import COOKIE, blueprint, browser_id


def form_of(page: TestResponse) -> tuple[str, dict[str, str]]:
    """Where the one form of a page goes, and what it sends."""
    form = BeautifulSoup(page.text, "html.parser").form
    return form["action"], {field["name"]: field["value"] for field in form.find_all("input")}


class Browser:
    """A browser with its own cookies, walking between app and EHR."""

    def __init__(self, app: Flask, ehr: FakeEHR) -> None:
        self.client: FlaskClient = app.test_client()
        self.ehr = ehr

    def launch(self, launch: str | None = "launch-1", **args: str) -> TestResponse:
        """The EHR opens our launch address; without `launch` its user does."""
        query = {"iss": self.ehr.iss, "launch": launch, **args}
        query = {name: value for name, value in query.items() if value is not None}
        return self.client.get("/launch", query_string=query, base_url=PUBLIC_URL)

    def authorization_request(self, **args: str) -> dict[str, str]:
        launched = self.launch(**args)
        if "Location" not in launched.headers:
            return form_of(launched)[1]
        location = launched.headers["Location"]
        return {k: v[0] for k, v in parse_qs(urlsplit(location).query).items()}

    def consent(self, launched: TestResponse) -> str:
        """The user says yes at the EHR; the address it sends the browser back to."""
        if "Location" in launched.headers:
            answer = requests.get(launched.headers["Location"], allow_redirects=False, timeout=5)
        else:
            action, form = form_of(launched)
            answer = requests.post(action, form, allow_redirects=False, timeout=5)
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def get(self, url: str) -> TestResponse:
        return self.client.get(url, base_url=PUBLIC_URL)

    def open(self, launch: str | None = "launch-1") -> TestResponse:
        """A whole launch; the answer of our redirect URI."""
        return self.get(self.consent(self.launch(launch)))

    def open_session(self, launcher: Launcher) -> Session:
        """A whole launch; the session it made."""
        return launcher.session(self.open().headers["Location"].split("/")[2], self.cookie)

    @property
    def cookie(self) -> str:
        return self.client.get_cookie(COOKIE, "127.0.0.1").value

    def leave(self, key: str) -> TestResponse:
        return self.client.post("/logout", data={"launch_key": key}, base_url=PUBLIC_URL)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Key pairs: made once, they take time. `rsa` and `ec` are ours, the others the EHR's."""
    folder: Path = tmp_path_factory.mktemp("keys")
    ours = {"rsa": RSAKey.generate_key(2048), "ec": ECKey.generate_key("P-384")}
    for name, key in ours.items():
        (folder / f"{name}.pem").write_bytes(key.as_pem(private=True))
    return SimpleNamespace(
        folder=folder,
        rsa=SigningKey.load(folder / "rsa.pem"),
        ec=SigningKey.load(folder / "ec.pem"),
        ehr=RSAKey.generate_key(2048),
        ehr_p256=ECKey.generate_key("P-256"),
        ehr_p384=ECKey.generate_key("P-384"),
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ehr(clock: Clock, keys: SimpleNamespace) -> Iterator[FakeEHR]:
    fake = FakeEHR(clock, keys.ehr)
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'launch.db'}")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def build_app(ehr: FakeEHR, engine: sa.Engine, clock: Clock, keys: SimpleNamespace) -> Callable[..., Flask]:
    """An app that is only `launch`, registered with the fake EHR as the arguments say."""

    def build(*also: EHR, client_auth: str = "private_key_jwt", key: str = "ec", **profile: object) -> Flask:
        secret = CLIENT_SECRET if client_auth == "client_secret_basic" else None
        signing = (getattr(keys, key),) if client_auth == "private_key_jwt" else ()
        settings = {"client_auth": client_auth, "client_secret": secret, "keys": signing, **profile}
        trusted = TrustedEHRs([EHR(ehr.iss, "Fake EHR", ehr.client_id, **settings), *also])
        store = SQLSessionStore(engine, Vault([Fernet.generate_key().decode()]))
        launcher = Launcher(trusted, store, PUBLIC_URL, clock=clock)
        app = Flask("only launch")
        app.register_blueprint(blueprint(launcher, lambda session: f"/r/{session.key}/", _as_form))
        app.add_url_rule("/r/<key>/", view_func=lambda key: launcher.session(key, browser_id()).context.to_json())
        app.register_error_handler(LaunchError, _show)
        app.extensions |= {"launcher": launcher, "store": store}
        ehr.client_auth = client_auth
        ehr.client_keys = app.test_client().get("/jwks.json").json["keys"]
        return app

    return build


def _as_form(asked: AuthorizationRequest) -> Response:
    """The page of an app that is only `launch`; `Browser.consent` presses its button."""
    fields = "{% for n, v in asked.parameters.items() %}<input name='{{ n }}' value='{{ v }}'>{% endfor %}"
    page = "<form method=post action='{{ asked.endpoint }}'>" + fields + "<button>Go on</button></form>"
    return Response(render_template_string(page, asked=asked))


def _show(error: LaunchError) -> tuple[str, int]:
    page = "{{ error.title }} | {{ error.detail }} | {{ error.advice }}"
    return render_template_string(page, error=error), error.status


@pytest.fixture
def app(build_app: Callable[..., Flask]) -> Flask:
    return build_app()


@pytest.fixture
def launcher(app: Flask) -> Launcher:
    return app.extensions["launcher"]


@pytest.fixture
def store(app: Flask) -> SQLSessionStore:
    return app.extensions["store"]


@pytest.fixture
def browser(app: Flask, ehr: FakeEHR) -> Browser:
    return Browser(app, ehr)


@pytest.fixture
def new_browser(ehr: FakeEHR) -> Callable[[Flask], Browser]:
    """Another browser, or one for an app that the test built itself."""
    return lambda app: Browser(app, ehr)


@pytest.fixture
def client(ehr: FakeEHR, clock: Clock, keys: SimpleNamespace, tmp_path: Path) -> Iterator[Client]:
    yield from running_client(ehr, clock, keys.ehr, tmp_path)
