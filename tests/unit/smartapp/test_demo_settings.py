"""The demo's settings: what somebody added stays, and other commands find them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from launch.ehr_file import add_ehr, change_ehr
from launch.ehrs import TrustedEHRs
from launch.key_rotation import publish
from smartapp.demo_settings import DemoFailed, Ports, admin_line, settings

OWN = {"iss": "https://ehr.example/fhir", "name": "Ours", "client_id": "us", "client_auth": "client_secret_basic"}


def listed(state: Path) -> dict[str, str]:
    return {ehr.iss: ehr.name for ehr in TrustedEHRs.load(state / "ehrs.toml")}


def test_what_was_added_survives_a_restart(tmp_path: Path) -> None:
    """Another EHR, a rotated key and a further setting of the demo EHR; what the demo sets itself is set again."""
    settings(Ports(), tmp_path)
    path, demo = tmp_path / "ehrs.toml", f"{Ports().ehr_url}/fhir"
    add_ehr(path, {**OWN, "client_secret": "s"})
    publish(path, demo, "ES384")
    change_ehr(path, demo, {"billing_pool": "Group/1", "scopes": ["launch", "openid", "fhirUser"]})
    settings(Ports(), tmp_path)
    assert listed(tmp_path) == {demo: "Demo EHR", OWN["iss"]: "Ours"}
    found = TrustedEHRs.load(path).find(demo)
    assert (len(found.keys), found.billing_pool) == (2, "Group/1")
    assert "user/Condition.crus" in found.scopes


def test_on_another_port_there_is_one_demo_ehr(tmp_path: Path) -> None:
    """The one that nobody answers for any more is gone, others stay."""
    settings(Ports(), tmp_path)
    add_ehr(tmp_path / "ehrs.toml", {**OWN, "client_secret": "s"})
    settings(Ports(ehr=9090), tmp_path)
    assert set(listed(tmp_path)) == {"http://127.0.0.1:9090/fhir", OWN["iss"]}


def test_a_list_that_was_broken_is_left_alone(tmp_path: Path) -> None:
    """It is named with what to do, and not overwritten."""
    settings(Ports(), tmp_path)
    path = tmp_path / "ehrs.toml"
    path.write_text(path.read_text() + "colour = 'red'\n")
    before = path.read_text()
    with pytest.raises(DemoFailed, match="colour is not a setting") as failed:
        settings(Ports(), tmp_path)
    assert "Mend it" in str(failed.value)
    assert path.read_text() == before


@pytest.mark.skipif(not shutil.which("sh"), reason="a shell reads it")
def test_other_commands_find_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that the demo prints sets all of them, whatever the folder is called; nobody else reads the file."""
    state = tmp_path / "o'clock $HOME"
    state.mkdir()
    ours = settings(Ports(), state)
    assert (state / "environment").stat().st_mode & 0o777 == 0o600
    monkeypatch.chdir(tmp_path)
    line = admin_line(state)
    assert line.endswith("chartside admin link)")
    reading = line.partition(" && ")[0].removeprefix("(")
    shown = subprocess.run(["sh", "-c", f"{reading} && env"], capture_output=True, text=True, check=True, env={})
    assert set(ours.items()) <= {tuple(row.split("=", 1)) for row in shown.stdout.splitlines()}
