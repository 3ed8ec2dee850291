"""Whom the application calls: the EHR of the launch and nobody else, whatever the chart says (server-side forgery)."""

import ast
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from fhir_server import FakeFHIRServer, running
from requests.adapters import HTTPAdapter
from sample_chart import note
from whole_site import Site

from launch.transport import LimitedAdapter
from smartapp.config import HERE

# Who may make connections, with what keeps each to its hosts.
MAY_CALL = {
    "launch/transport.py": "limits, and redirects within the host",
    "launch/public_hosts.py": "public addresses only, for what an admin typed",
    "launch/oauth.py": "Authlib's session with the limits of launch/transport.py, to the endpoints of a trusted EHR",
    "smartapp/fhir/connection.py": "the FHIR base of the launch",
    "smartapp/inference.py": "a Unix socket to the predictor",
    "smartapp/demo.py": "ports of this machine, to see whether the demo is up",
    "smartapp/demo_settings.py": "ports of this machine, to find one that is free",
}
CONNECT = {"Session", "OAuth2Session", "urlopen", "create_connection", "HTTPConnection", "HTTPSConnection", "socket"}
VERBS = {"get", "post", "put", "patch", "delete", "head", "options", "request"}


@pytest.fixture
def elsewhere() -> Iterator[FakeFHIRServer]:
    yield from running()


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def calls_out(source: str) -> Iterator[str]:
    """What opens a connection: by name, or by a verb of requests or httpx."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        of = node.func.value if isinstance(node.func, ast.Attribute) else None
        module = of.id if isinstance(of, ast.Name) else ""
        if module in ("requests", "httpx", "urllib3") and name in VERBS | CONNECT:
            yield f"{module}.{name}"
        elif name in CONNECT - {"Session"} and module in ("", "socket", "http", "request"):
            yield name


def test_nothing_calls_out_but_the_parts_that_may() -> None:
    """A new part that opens connections has to be named above, with what keeps it to its hosts."""
    sources = [p for package in ("launch", "smartapp", "model") for p in (HERE / package).rglob("*.py")]
    ours = {p.relative_to(HERE).as_posix(): p.read_text("utf-8") for p in sources}
    found = {name for name, source in ours.items() if not name.startswith("launch/sandbox/") and [*calls_out(source)]}
    assert found <= MAY_CALL.keys()
    assert [*calls_out("requests.get(x)\nhttpx.post(x)\nsocket.socket()\nurlopen(x)")] == [
        "requests.get", "httpx.post", "socket", "urlopen",
    ]  # fmt: skip


def test_a_visit_calls_nobody_but_its_ehr(
    site: Site, elsewhere: FakeFHIRServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From launch to receipt, with a chart that names another host wherever FHIR lets it name one."""
    called = set[str]()
    for adapter in (LimitedAdapter, HTTPAdapter):
        send = adapter.send

        def listened(self, request, *args, _send=send, **more):  # type: ignore[no-untyped-def]
            if isinstance(self, LimitedAdapter) or "Bearer" in request.headers.get("Authorization", ""):
                called.add(origin_of(request.url))
            return _send(self, request, *args, **more)

        monkeypatch.setattr(adapter, "send", listened)
    bad = elsewhere.base_url
    visit = site.visit(
        note(text="Essential hypertension."),
        note(id="n2") | {"content": [{"attachment": {"contentType": "text/plain", "url": f"{bad}/Binary/b1"}}]},
        note(id="n3") | {"author": [{"reference": f"{bad}/Practitioner/1"}]},
        link=[{"other": {"reference": f"{bad}/Patient/2"}, "type": "seealso"}],
        generalPractitioner=[{"reference": f"{bad}/Practitioner/1"}],
    )
    opened = site.open(visit).accept("I10")
    assert "Written to the chart" in opened.sign().text
    assert called <= {site.ehr, origin_of(site.fhir.base_url)}  # the second: the demo EHR to its own server
    assert site.ehr in called
    assert elsewhere.seen == []
