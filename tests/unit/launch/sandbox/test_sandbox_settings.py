"""The file of registered apps, and ports."""

import socket
from pathlib import Path

import pytest

from launch.sandbox import SandboxSettings
from launch.sandbox.serving import PortTaken, check_port
from launch.sandbox.settings import InvalidClientFile, read_clients

GOOD = """
[[client]]
client_id = "app"
auth = "private_key_jwt"
jwks_file = "keys.json"
redirect_uris = ["http://127.0.0.1:8080/callback"]
scopes = ["launch", "patient/*.rs"]
"""


def test_reads_registered_apps(tmp_path: Path) -> None:
    """A table gives a client; its keys come from the file beside it."""
    (tmp_path / "keys.json").write_text('{"keys": []}')
    (tmp_path / "clients.toml").write_text(GOOD)
    (client,) = read_clients(tmp_path / "clients.toml")
    assert (client.client_id, client.name, client.jwks) == ("app", "app", {"keys": []})
    assert client.scopes == ("launch", "patient/*.rs")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('auth = "private_key_jwt"', 'auth = "none"', "auth must be one of"),
        ('auth = "private_key_jwt"', 'auth = "client_secret_basic"', "needs secret"),
        ('jwks_file = "keys.json"', "", "needs jwks or jwks_url"),
        ('jwks_file = "keys.json"', 'jwks_file = "gone.json"', "gone.json"),
        ('scopes = ["launch", "patient/*.rs"]', "", "redirect_uris and scopes"),
        ('client_id = "app"', "", "client_id"),
        ('client_id = "app"', 'client_id = "app"\ncolour = "red"', "colour"),
        ("[[client]]", "[[", "clients.toml"),
        ("[[client]]", "[[other]]", "no \\[\\[client\\]\\] table"),
    ],
)
def test_names_what_is_wrong_with_the_file(tmp_path: Path, before: str, after: str, words: str) -> None:
    """A registration that cannot work stops the start with one clear sentence."""
    (tmp_path / "keys.json").write_text('{"keys": []}')
    (tmp_path / "clients.toml").write_text(GOOD.replace(before, after))
    with pytest.raises(InvalidClientFile, match=words):
        read_clients(tmp_path / "clients.toml")


def test_a_secret_is_not_shown(tmp_path: Path) -> None:
    """The repr of a registration holds no secret."""
    text = GOOD.replace('"private_key_jwt"', '"client_secret_basic"').replace(
        'jwks_file = "keys.json"', 'secret = "hush"'
    )
    (tmp_path / "clients.toml").write_text(text)
    assert "hush" not in repr(read_clients(tmp_path / "clients.toml"))


def test_a_taken_port_is_named_with_its_setting() -> None:
    """The message says which port and what to change."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port} is taken.*--port"):
            check_port(port, "--port")


def test_refuses_an_unknown_signing_algorithm() -> None:
    """id_tokens are signed with one of the four algorithms that apps accept."""
    with pytest.raises(ValueError, match="RS256"):
        SandboxSettings("http://127.0.0.1:1", "", "", (), id_token_alg="HS256")
