"""What the documentation says is so."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from launch.ehrs import TrustedEHRs
from smartapp.cli import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def fenced(language: str) -> list[str]:
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^ *```", README, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in blocks]


def test_every_setting_is_documented() -> None:
    """Each variable that the application reads stands in the README's table, and no other."""
    sources = ["smartapp/config.py", "smartapp/cli.py", "smartapp/data_commands.py", "smartapp/process_commands.py"]
    read = set(re.findall(r'"(CHARTSIDE_[A-Z_]+)"', "".join((ROOT / s).read_text("utf-8") for s in sources)))
    read = {name for name in read if not name.startswith("CHARTSIDE_DEMO_")}
    assert set(re.findall(r"^ *\| `(CHARTSIDE_[A-Z_]+)` \|", README, re.MULTILINE)) == read


def test_deployment_names_settings_that_there_are() -> None:
    """The examples of deployment and the page about it set nothing that nobody reads."""
    files = [ROOT / "docs" / "deployment.md", *(f for f in (ROOT / "deploy").iterdir() if f.is_file())]
    named = set(re.findall(r"\bCHARTSIDE_[A-Z_]+", "".join(f.read_text("utf-8") for f in files)))
    named = {name.removesuffix("_FILE") for name in named}  # read from a file that is mounted
    assert len(named) >= 5
    assert named <= set(re.findall(r"^ *\| `(CHARTSIDE_[A-Z_]+)` \|", README, re.MULTILINE))


def test_make_commands_exist() -> None:
    """Every `make TARGET` of the README is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join([*fenced("sh"), *re.findall(r"`[^`\n]+`", README)])))
    assert named
    assert named <= targets


def test_chartside_commands_exist() -> None:
    """Every `chartside COMMAND` of the README answers to --help."""
    named = set(re.findall(r"\bchartside ([a-z]+)", "\n".join([*fenced("sh"), *re.findall(r"`[^`\n]+`", README)])))
    assert named
    for command in named:
        assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0, command


def test_the_example_ehr_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `chartside ehr` commands of the README, but for the one that asks the EHR, do what they say."""
    monkeypatch.setenv("CHARTSIDE_PUBLIC_URL", "https://codes.example.org")
    monkeypatch.setenv("CHARTSIDE_EHRS", str(tmp_path / "ehrs.toml"))
    commands = re.findall(r"^\.venv/bin/chartside (ehr .*)$", "\n".join(fenced("sh")).replace("\\\n", ""), re.MULTILINE)
    register, add, check, *changes = (shlex.split(command) for command in commands)
    assert "https://codes.example.org/callback" in CliRunner().invoke(main, register).stdout
    assert CliRunner().invoke(main, add).exit_code == 0
    for change in changes:
        assert CliRunner().invoke(main, change).exit_code == 0, change
    listed = TrustedEHRs.load(tmp_path / "ehrs.toml").find(check[-1])
    assert (listed.name, listed.billing_pool) == ("Example Hospital", "Group/billing")


@pytest.mark.parametrize("page", ["README.md", "GLOSSARY.md", "CHANGELOG.md"])
def test_links_and_paths_lead_somewhere(page: str) -> None:
    """Every relative link and every path in the glossary's last column is there."""
    text = (ROOT / page).read_text("utf-8")
    linked = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    named = re.findall(r"\| `([a-z]+/[\w/.]*)` \|$", text, re.MULTILINE)
    missing = [target for target in (*linked, *named) if not (ROOT / target).exists()]
    assert missing == []
