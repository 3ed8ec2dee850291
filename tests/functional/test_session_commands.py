"""`chartside sessions`: an administrator sees who is signed in and ends it, wherever sessions are kept."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis
from deployment import ONE, OTHER, Deployment

from smartapp.config import Config, MissingSettings

REDIS_DATABASE = 1 + os.getpid() % 15  # of no other run at the same time, as far as sixteen go


@pytest.fixture(params=["database", "redis"])
def deployment(request: pytest.FixtureRequest, tmp_path: Path, need) -> Iterator[Deployment]:
    if request.param == "database":
        yield Deployment(tmp_path)
        return
    url = f"redis://127.0.0.1:6379/{REDIS_DATABASE}"
    client = redis.Redis.from_url(url)
    try:
        need(bool(client.ping()), "Redis")
    except redis.RedisError:
        need(False, "Redis")
    yield Deployment(tmp_path, CHARTSIDE_SESSIONS_URL=url)
    client.flushdb()
    client.close()


@pytest.mark.xdist_group("redis-database")
def test_sessions_are_listed_without_patients_and_tokens(deployment: Deployment) -> None:
    """A line each: EHR, person, times; nobody whose session is over; no patient, encounter, name, key or token."""
    session = deployment.sign_in(ONE, "Practitioner/1")
    long_ago = datetime.now(UTC) - timedelta(minutes=16)
    deployment.sign_in(OTHER, "Practitioner/2", seen_at=long_ago)
    result = deployment.run("sessions", "list")
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    assert ONE in line
    assert "Practitioner/1" in line
    for hidden in (session.key, "patient-77", "encounter-88", "Okafor", "token", "browser"):
        assert hidden not in result.output


@pytest.mark.xdist_group("redis-database")
@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("--iss", ONE), ["c"]),
        (("--iss", ONE + "/"), ["c"]),
        (("--user", "Practitioner/1"), ["b"]),
        (("--iss", ONE, "--user", "Practitioner/1"), ["b", "c"]),
        (("--user", "Practitioner/9"), ["a", "b", "c"]),
        (("--all",), []),
    ],
)
def test_the_sessions_named_end_at_once_and_no_others(
    deployment: Deployment, words: tuple[str, ...], left: list[str]
) -> None:
    """By EHR, by person, by both, or all; an EHR that does not answer does not keep a session open."""
    signed_in = {
        "a": deployment.sign_in(ONE, "Practitioner/1"),
        "b": deployment.sign_in(ONE, "Practitioner/2"),
        "c": deployment.sign_in(OTHER, "Practitioner/1"),
    }
    result = deployment.run("sessions", "end", *words)
    assert result.exit_code == 0, result.output
    assert [name for name, session in signed_in.items() if deployment.is_open(session)] == left
    assert f"{3 - len(left)} session" in result.stderr


def test_ending_everybody_must_be_said(tmp_path: Path) -> None:
    """`end` alone ends nothing, and --all beside a choice is refused."""
    deployment = Deployment(tmp_path)
    session = deployment.sign_in(ONE, "Practitioner/1")
    for words in ((), ("--all", "--iss", ONE)):
        result = deployment.run("sessions", "end", *words)
        assert result.exit_code == 2
        assert "--all" in result.output
    assert deployment.is_open(session)


def test_a_store_that_is_away_is_told_without_its_password(tmp_path: Path) -> None:
    """One sentence and exit code 1."""
    deployment = Deployment(tmp_path, CHARTSIDE_SESSIONS_URL="redis://:a-password@127.0.0.1:9/0")
    result = deployment.run("sessions", "list")
    assert result.exit_code == 1
    assert "cannot reach its store of sessions" in result.output
    assert "a-password" not in result.output + repr(Config.from_env(deployment.environ))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHARTSIDE_SESSIONS_URL", "http://:a-password@example"),
        ("CHARTSIDE_IDLE_MINUTES", "4"),
        ("CHARTSIDE_IDLE_MINUTES", "61"),
        ("CHARTSIDE_IDLE_MINUTES", "soon"),
        ("CHARTSIDE_DATABASE_URL", "postgres://chartside:a-password@db.example/chartside"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_unquoted(tmp_path: Path, name: str, value: str) -> None:
    """The complaint names the variable and what it takes."""
    environ = Deployment(tmp_path).environ | {name: value}
    with pytest.raises(MissingSettings, match=name) as refused:
        Config.from_env(environ)
    assert "a-password" not in str(refused.value)


def test_the_idle_time_is_the_setting(tmp_path: Path) -> None:
    """Five minutes where five are set."""
    deployment = Deployment(tmp_path, CHARTSIDE_IDLE_MINUTES="5")
    session = deployment.sign_in(ONE, "Practitioner/1", seen_at=datetime.now(UTC) - timedelta(minutes=6))
    assert not deployment.is_open(session)
