"""docs/openapi.json is of today, and what is sent after it, or in spite of it, meets no failure (schemathesis)."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
import schemathesis
from coding_bench import KEY
from flask import Flask, Request, request
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi import DESCRIPTION, FORM, build_description, described_routes, to_text
from schemathesis.generation import GenerationMode
from site_browser import Browser
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.test import TestResponse
from whole_site import Site

from launch.vault import Vault
from launch.views import COOKIE
from smartapp.store.admin_store import make_link
from smartapp.views.admin import COOKIE as ADMIN_COOKIE

SCHEMA = schemathesis.openapi.from_dict(json.loads(DESCRIPTION.read_text("utf-8")))
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
ENDS_IT = "POST /admin/leave", "POST /logout"  # tried as a stranger only: nothing after it would be let in
EACH = 8  # requests of each address and kind
COMMON = {"csrf_token", "patient", "encounter", "version", "launch_key", "began"}  # read ahead of every use case


class Heard(ImmutableMultiDict[str, str]):
    """Remembers the names of the fields that each endpoint asks for."""

    asked: ClassVar[dict[str, set[str]]] = defaultdict(set)
    listening: ClassVar[bool] = True  # not while fields are sent that there are not

    def __getitem__(self, key: str) -> str:
        self._hear(key)
        return super().__getitem__(key)

    def get(self, key: str, *args: Any, **more: Any) -> Any:
        self._hear(key)
        return super().get(key, *args, **more)

    def getlist(self, key: str, *args: Any, **more: Any) -> Any:
        self._hear(key)
        return super().getlist(key, *args, **more)

    def _hear(self, key: str) -> None:
        if Heard.listening:
            self.asked[f"{request.method} {request.endpoint}"].add(key)


class Hearing(Request):
    parameter_storage_class = Heard


@dataclass
class Insider:
    """A launched reviewer and an admin in one browser, with a review of their own."""

    site: Site
    app: Flask
    right: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def open(self) -> "Insider":
        site, browser = self.site, Browser(self.site, self.app)
        opened = site.open(site.visit(), browser).accept("I10")
        self.right = {"launch_key": opened.launch_key, "csrf_token": opened.token, **opened.chart}
        self.cookies = dict([browser.cookie.split("=", 1)])
        browser.request("POST", "/admin/enter", data={"link": make_link(Vault([KEY]), site.clock())})
        self.cookies |= dict([browser.cookie.split("=", 1)])
        token = re.search(r'name="csrf_token" value="(\w+)"', browser.get("/admin/").text)
        assert token and set(self.cookies) == {COOKIE, ADMIN_COOKIE}
        self.right["admin_token"] = token[1]
        return self

    def version(self) -> str:
        page = self.app.test_client(use_cookies=False).get(
            f"/r/{self.right['launch_key']}/", headers={"Cookie": self.header}
        )
        found = re.search(r'name="version" value="(\d+)"', page.text)
        return found[1] if found else "1"

    @property
    def header(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def send(self, case: Any, let_in: bool) -> TestResponse:
        """The request as it was drawn; with `let_in` what proves the sender is put right, so that the rest is heard."""
        body, headers = case.body, dict(case.headers or {})
        if let_in:
            headers["Cookie"] = self.header
            if "launch_key" in case.path_parameters:
                case.path_parameters["launch_key"] = self.right["launch_key"]
            if isinstance(body, dict) and case.media_type == FORM:
                admin = case.operation.path.startswith("/admin")
                right = self.right | ({"csrf_token": self.right["admin_token"]} if admin else {})
                body = body | {name: right[name] for name in ("csrf_token", "patient", "encounter")}
                body |= {"version": self.version()} if "version" in body and not admin else {}
        return self.app.test_client(use_cookies=False).open(
            case.formatted_path, method=case.method, query_string=_flat(case.query), headers=headers, buffered=True,
            **_sent(body, case.media_type),
        )  # fmt: skip


def _flat(drawn: Any) -> list[tuple[str, str]]:
    pairs = drawn.items() if isinstance(drawn, dict) else ()
    return [(n, str(v)) for n, many in pairs for v in (many if isinstance(many, list) else [many])]


def _sent(body: Any, media_type: str | None) -> dict[str, Any]:
    if media_type is None or type(body).__name__ == "NotSet":
        return {}
    if media_type == FORM and isinstance(body, dict):
        data: Any = defaultdict(list)
        for name, value in _flat(body):
            data[name.encode("utf-8", "replace").decode()].append(value.encode("utf-8", "replace").decode())
        return {"data": dict(data), "content_type": FORM}
    data = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8", "replace")
    return {"data": data, "content_type": media_type}


@pytest.fixture(scope="module")
def insider(_site: Site) -> Iterator[Insider]:
    app = _site.start()
    app.request_class = Hearing
    yield Insider(_site, app).open()
    _site.mend()


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_meets_a_failure(insider: Insider, label: str) -> None:
    """Nothing that is sent, by whoever is let in or is not, in the form that is described or in none, is answered 5xx.

    What is answered well is of a status that the description names.
    """
    operation = OPERATIONS[label]
    modes = [operation.as_strategy(generation_mode=GenerationMode.POSITIVE)]
    if operation.body or list(operation.iter_parameters()):
        modes.append(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))

    @settings(
        max_examples=EACH, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.one_of(*modes), st.booleans() if label not in ENDS_IT else st.just(False))
    def ask(case: Any, let_in: bool) -> None:
        Heard.listening = case.meta.generation.mode is GenerationMode.POSITIVE
        answer = insider.send(case, let_in)
        described = set(operation.definition.raw["responses"])
        assert answer.status_code < 500 or str(answer.status_code) in described, answer.text
        assert answer.status_code >= 400 or str(answer.status_code) in described, answer.status_code

    ask()


def test_every_address_is_described(site: Site) -> None:
    """And nothing else: `make openapi` would write what is there."""
    assert DESCRIPTION.read_text("utf-8") == to_text(build_description(site.app.url_map)), "stale: run `make openapi`"
    paths = json.loads(DESCRIPTION.read_text("utf-8"))["paths"]
    assert described_routes() == {f"{method.upper()} {path}" for path, said in paths.items() for method in said}


def test_every_field_that_is_read_is_described() -> None:
    """By what the addresses asked for while the requests above were sent; runs after them."""
    if not Heard.asked:
        pytest.skip("no request was sent in this process")
    for path, methods in json.loads(DESCRIPTION.read_text("utf-8"))["paths"].items():
        for method, said in methods.items():
            endpoint = said["operationId"].partition(" ")[0]
            form = said.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema", {})
            named = {p["name"] for p in said["parameters"]} | set(form.get("properties", ()))
            asked = Heard.asked[f"{method.upper()} {endpoint}"]
            assert asked - named <= COMMON, f"{method} {path}"
