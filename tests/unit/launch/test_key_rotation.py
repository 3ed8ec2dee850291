"""`chartside keys rotate`: publish, sign, drop; at every step the running application has a key that EHRs know."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from launch.client_keys import SigningKey, create_pem
from launch.ehr_file import add_ehr
from launch.ehrs import InvalidEHRFile, TrustedEHRs
from launch.key_rotation import TooEarly, activate, drop, publish
from smartapp.cli import main

ISS = "https://ehr.example/fhir"
NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=1)


@pytest.fixture(scope="module")
def pem():
    return create_pem("ES384")


@pytest.fixture
def path(tmp_path, pem):
    (tmp_path / "old.pem").write_text(pem)
    os.utime(tmp_path / "old.pem", (0, 0))
    path = tmp_path / "ehrs.toml"
    path.write_text("# Kim keeps this file\n", "utf-8")
    add_ehr(path, {"iss": ISS, "name": "Example", "client_id": "us", "private_keys": ["old.pem"]})
    return path


def signing(ehrs):
    (ehr,) = ehrs
    return ehr.keys[0].kid


@pytest.mark.requirement("@308")
@pytest.mark.requirement("@309")
@pytest.mark.parametrize("alg", ["ES384", "RS384"])
def test_a_rotation_from_start_to_end(path, alg):
    """The running application publishes both, signs with the old key, then with the new, then knows the new alone."""
    running = TrustedEHRs.watch(path)
    old = signing(running)

    made = publish(path, ISS, alg)
    new = SigningKey.load(path.parent / made.also[0])
    assert new.alg == alg
    assert (signing(running), {key["kid"] for key in running.public_keys()}) == (old, {old, new.kid})

    activate(path, ISS, LATER)
    assert (signing(running), {key["kid"] for key in running.public_keys()}) == (new.kid, {old, new.kid})

    assert drop(path, ISS).dropped == ("old.pem",)
    assert (signing(running), [key["kid"] for key in running.public_keys()]) == (new.kid, [new.kid])
    assert path.read_text("utf-8").startswith("# Kim keeps this file\n")


@pytest.mark.requirement("@295")
def test_the_new_key_is_for_its_owner_alone(path):
    """0600, whatever the list's own mode."""
    path.chmod(0o644)
    made = publish(path, ISS, "ES384")
    assert (path.parent / made.also[0]).stat().st_mode & 0o777 == 0o600
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_key_that_nobody_has_seen_does_not_sign(path):
    """An EHR may keep our key set for an hour, and would refuse us; in an emergency the admin may decide so."""
    publish(path, ISS, "ES384")
    before = path.read_text("utf-8")
    with pytest.raises(TooEarly, match="UTC"):
        activate(path, ISS, NOW + timedelta(minutes=59))
    assert path.read_text("utf-8") == before
    assert activate(path, ISS, NOW, at_once=True).also == ("old.pem",)


def test_a_second_time_takes_it_back(path):
    """When the EHR refuses the new key, the old one signs again."""
    publish(path, ISS, "ES384")
    activate(path, ISS, LATER)
    assert activate(path, ISS, LATER).signs == "old.pem"


def test_a_new_key_is_not_forgotten_before_it_signed(path):
    """Dropping straight after publishing would throw away the new key; one that the EHR refuses goes when said so."""
    made = publish(path, ISS, "ES384")
    before = path.read_text("utf-8")
    with pytest.raises(InvalidEHRFile, match=r"newer than the key that signs: sign with it first \(--activate\)"):
        drop(path, ISS)
    assert path.read_text("utf-8") == before
    assert drop(path, ISS, newer=True).dropped == made.also


def test_a_key_whose_file_is_gone_can_be_dropped(path):
    """There is nothing left of it to lose, and the list is good again."""
    made = publish(path, ISS, "ES384")
    (path.parent / made.also[0]).unlink()
    assert drop(path, ISS).dropped == made.also


@pytest.mark.parametrize("step", [lambda path: activate(path, ISS, LATER), lambda path: drop(path, ISS)])
def test_the_only_key_stays(path, step):
    """There is nothing to turn to and nothing to drop."""
    with pytest.raises(InvalidEHRFile, match="only one key"):
        step(path)


def test_a_third_key_is_not_made(path):
    """Which of them would sign next? No file is left behind."""
    publish(path, ISS, "ES384")
    before = sorted(path.parent.iterdir())
    with pytest.raises(InvalidEHRFile, match="two keys are published already"):
        publish(path, ISS, "ES384")
    assert sorted(path.parent.iterdir()) == before


def test_a_secret_is_no_key(path):
    """An EHR that knows us by a secret is left alone."""
    other = {"iss": "https://two.example", "name": "Two", "client_id": "us"}
    add_ehr(path, other | {"client_auth": "client_secret_basic", "client_secret": "s"})
    with pytest.raises(InvalidEHRFile, match="client_auth is not private_key_jwt"):
        publish(path, "https://two.example", "ES384")


def rotate(path, *words):
    """The list comes from where all commands about EHRs have it."""
    return CliRunner().invoke(main, ["keys", "rotate", *words], env={"CHARTSIDE_EHRS": str(path)})


def test_the_command_says_where_things_stand(path):
    """Which key signs, what is published beside it, and what to do next; a refusal is one sentence and status 2."""
    ran = rotate(path, ISS)
    assert ran.exit_code == 0
    assert "signs:           old.pem (kid " in ran.output
    assert "also published:  client-key-" in ran.output
    assert "--activate" in ran.output
    hasty = rotate(path, ISS, "--drop")
    assert (hasty.exit_code, "(--activate)" in hasty.output) == (2, True)
    early = rotate(path, ISS, "--activate")
    assert early.exit_code == 2
    assert "an hour" in early.output
    assert rotate(path, ISS, "--activate", "--at-once").exit_code == 0
    ended = rotate(path, ISS, "--drop")
    assert "old.pem; delete it" in ended.output
    unknown = rotate(path, "https://unknown.example")
    assert (unknown.exit_code, "there is no [[ehr]] table" in unknown.output) == (2, True)
