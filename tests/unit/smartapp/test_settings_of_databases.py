"""Whether somebody could listen on the way to a database is said, not left to chance (OWASP ASVS 5.0, 12.3.1)."""

from pathlib import Path

import pytest

from smartapp.config import Config, MissingSettings

WANTED = "must say whether the way to the database is encrypted"
REDIS = ("CHARTSIDE_SESSIONS_URL", "CHARTSIDE_QUEUE_URL")


def complaints(tmp_path: Path, url: str = "", **more: str) -> str:
    ehrs = tmp_path / "ehrs.toml"
    ehrs.write_text("ehr = []\n", "utf-8")
    needed = {
        "CHARTSIDE_PUBLIC_URL": "https://codes.example",
        "CHARTSIDE_SECRET_KEYS": "x",
        "CHARTSIDE_EHRS": str(ehrs),
    }
    try:
        Config.from_env(needed | {"CHARTSIDE_DATABASE_URL": url} | more)
    except MissingSettings as missing:
        return str(missing)
    return ""


@pytest.mark.parametrize("query", ["", "?sslmode=prefer", "?sslmode=allow", "?connect_timeout=5", "?sslmode="])
@pytest.mark.parametrize("host", ["db.example.org", "10.0.0.7:5433", "[fd00::7]", "127.0.0.1.example"])
def test_a_way_that_may_be_open_is_refused(tmp_path: Path, host: str, query: str) -> None:
    """PostgreSQL's client would encrypt where the server offers it, and go on without a word where it does not."""
    said = complaints(tmp_path, f"postgresql+psycopg://chartside:a-password@{host}/chartside{query}")
    assert WANTED in said
    assert "a-password" not in said


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca", "require", "disable"])
def test_a_way_that_is_named_is_taken(tmp_path: Path, mode: str) -> None:
    """Encrypted, or open because somebody said so."""
    assert complaints(tmp_path, f"postgresql+psycopg://chartside@db.example.org/chartside?sslmode={mode}") == ""


@pytest.mark.parametrize("where", ["127.0.0.1:5432/test", "localhost/test", "/test?host=/run/postgresql", "[::1]/test"])
def test_this_machine_needs_no_word(tmp_path: Path, where: str) -> None:
    """Nobody listens between two processes of one machine."""
    assert complaints(tmp_path, f"postgresql+psycopg://chartside@{where}") == ""


@pytest.mark.parametrize("name", REDIS)
@pytest.mark.parametrize("host", ["redis.example.org/0", "10.0.0.7:6380", "[fd00::7]", "127.0.0.1.example"])
def test_an_open_way_to_redis_is_refused(tmp_path: Path, name: str, host: str) -> None:
    """Each address that is not this machine's, unless somebody said that nobody listens; no other word says so."""
    url = f"redis://chartside:a-password@{host}"
    for said in ("", "prefer", "no"):
        told = complaints(tmp_path, **{name: url, "CHARTSIDE_REDIS_TLS": said})
        assert f"{name} must begin with rediss://" in told
        assert "a-password" not in told
    assert complaints(tmp_path, **{name: url, "CHARTSIDE_REDIS_TLS": "disable"}) == ""


@pytest.mark.parametrize("name", REDIS)
@pytest.mark.parametrize(
    "url",
    [
        "rediss://chartside:pw@redis.example.org/0",
        "rediss://redis.example.org:6380/1?ssl_ca_certs=/etc/chartside/ca.pem",
        "redis://127.0.0.1:6379/0",
        "redis://localhost",
        "redis://[::1]:6379",
        "unix:///run/redis.sock",
    ],
)
def test_tls_and_this_machine_are_taken(tmp_path: Path, name: str, url: str) -> None:
    """Without a further word."""
    assert complaints(tmp_path, **{name: url}) == ""
