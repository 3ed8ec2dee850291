"""What Chartside is made of: pinned, listed, and asked about."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text("utf-8").split()


def of_deployment(name: str) -> ModuleType:
    """A script of deploy/, which is no package."""
    spec = importlib.util.spec_from_file_location(f"deploy_{name}", ROOT / "deploy" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def test_everything_is_pinned() -> None:
    """Each dependency to one version, and the lock holds that very one."""
    locked = dict(line.split("==") for line in LOCK)
    assert len(locked) == len(LOCK)
    locked = {plain(name): version for name, version in locked.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    for name, _, version in (one.partition("==") for one in wanted if not one.startswith("chartside[")):
        assert locked[plain(name)] == version, name


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', 0, "no known weakness in 1 packages"),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}]}',
            1,
            "a 1: X-1, mended in ['2']",
        ),
        ('{"dependencies": [{"name": "a", "skip_reason": "not there"}]}', 2, "NOT AUDITED: a"),
        ("", 3, "itself failed"),
        ("[]", 3, "itself failed"),
        ("{}", 3, "itself failed"),
        ('{"dependencies": []}', 3, "NOT AUDITED"),
    ],
)
def test_an_audit_that_found_nothing_out_says_so(said: str, status: int, words: str) -> None:
    """What could not be asked about is never taken for sound."""
    found, told = of_deployment("audit").judge(said, "")
    assert (found, words in told) == (status, True)


@pytest.mark.parametrize(
    ("last", "status"),
    [
        ("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='api.osv.dev', port=443): ...", 2),
        ("ERROR:pip_audit._cli:Tip: your network may be blocking this service. Try another one", 2),
        ("pip_audit._service.interface.ServiceError", 2),
        ("requests.exceptions.JSONDecodeError: Expecting value: line 1 column 1 (char 0)", 3),
        ("AttributeError: 'NoneType' object has no attribute 'get'", 3),
        ("/usr/bin/python: No module named pip_audit", 3),
    ],
)
def test_nobody_answered_is_not_it_broke(last: str, status: int) -> None:
    """By how pip-audit ended, whatever it met before that."""
    before = "Traceback (most recent call last):\nrequests.exceptions.ConnectionError: at first\n\nTraceback:\n"
    found, told = of_deployment("audit").judge("", before + last + "\n")
    assert found == status
    assert ("cannot be reached" in told, f"itself failed, so nothing is known: {last}" in told) == (
        status == 2,
        status == 3,
    )


def test_a_crash_fails_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a machine that reaches nobody is let pass."""
    (tmp_path / "pip_audit.py").write_text("raise RuntimeError('a defect')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    ended = subprocess.run([sys.executable, ROOT / "deploy" / "audit.py"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.strip()) == (
        3,
        "NOT AUDITED: pip-audit itself failed, so nothing is known: RuntimeError: a defect",
    )
