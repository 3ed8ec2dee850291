"""An app registered with the address of its keys: read over HTTP, again when they rotate, and never too much."""

from collections.abc import Iterator
from typing import Any

import pytest
from demo_app import EC_KEY, RSA_KEY
from flask import Flask, redirect

from launch.sandbox import RegisteredClient
from launch.sandbox.keys import ClientKeys
from launch.sandbox.serving import find_free_port, serve_in_thread


class _KeyHost:
    """Where an app publishes its keys."""

    def __init__(self) -> None:
        self.asked, self.answer = 0, publish(RSA_KEY)
        self.flask, self.port = Flask("keys"), find_free_port()
        self.flask.add_url_rule("/jwks.json", "jwks", self._serve)
        self.flask.add_url_rule("/moved", "moved", lambda: redirect("/jwks.json"))

    def client(self, path: str = "/jwks.json") -> RegisteredClient:
        url = f"http://127.0.0.1:{self.port}{path}"
        return RegisteredClient("app", "App", "private_key_jwt", ("http://x/",), ("launch",), jwks_url=url)

    def _serve(self) -> Any:
        self.asked += 1
        return self.answer


def publish(*keys: Any) -> Any:
    """A JWK Set of public keys."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


@pytest.fixture
def host() -> Iterator[_KeyHost]:
    host = _KeyHost()
    with serve_in_thread(host.flask, host.port):
        yield host


def test_reads_keys_once_and_again_when_they_rotate(host: _KeyHost) -> None:
    """A known kid needs no second request; a new one brings the new set."""
    keys = ClientKeys()
    assert keys.find(host.client(), "rsa-1").kid == "rsa-1"
    assert keys.find(host.client(), "rsa-1").kid == "rsa-1"
    assert host.asked == 1
    host.answer = publish(RSA_KEY, EC_KEY)
    assert keys.find(host.client(), "ec-1").kid == "ec-1"
    assert host.asked == 2


@pytest.mark.parametrize("answer", [{"keys": "none"}, {}, "not json", "x" * 200_000, ("gone", 404), [1]])
def test_finds_no_key_in_a_useless_answer(host: _KeyHost, answer: Any) -> None:
    """Whatever else is answered, there is no key and no failure."""
    host.answer = answer
    assert ClientKeys().find(host.client(), "rsa-1") is None


def test_follows_no_redirect(host: _KeyHost) -> None:
    """Keys come from the registered address only."""
    assert ClientKeys().find(host.client("/moved"), "rsa-1") is None
    assert host.asked == 0


def test_finds_no_key_when_nobody_answers() -> None:
    """A silent host means that the app is not authenticated."""
    url = f"http://127.0.0.1:{find_free_port()}/jwks.json"
    client = RegisteredClient("app", "App", "private_key_jwt", ("http://x/",), ("launch",), jwks_url=url)
    assert ClientKeys().find(client, "rsa-1") is None
