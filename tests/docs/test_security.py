"""docs/security.md says what the code does: times, algorithms, settings and commands."""

import re
from pathlib import Path

import click

from launch.client_keys import ALGORITHMS as OURS
from launch.identity import ALGORITHMS as THEIRS
from launch.sessions import IDLE, SESSION_LIFE, STATE_LIFE
from smartapp.cli import main
from smartapp.config import SSL_MODES

ROOT = Path(__file__).resolve().parents[2]
SAID = (ROOT / "docs" / "security.md").read_text("utf-8")


def test_times_are_those_of_the_code() -> None:
    """Idle, at most, and for a launch under way."""
    assert f"`CHARTSIDE_IDLE_MINUTES` ({IDLE.total_seconds() / 60:.0f})" in SAID
    assert f"{SESSION_LIFE.total_seconds() / 3600:.0f} hours" in SAID
    assert STATE_LIFE.total_seconds() == 600
    assert "the state's ten minutes" in SAID


def test_algorithms_are_those_of_the_code() -> None:
    """Of our keys and of the EHR's, all and no other."""
    keys = SAID.partition("## Keys")[2].partition("\n## ")[0]
    named = set(re.findall(r"\b(?:RS|ES|PS|HS)(?:256|384|512)\b", keys))
    assert named == set(OURS) | set(THEIRS)
    assert {mode for mode in ("verify-full", "require") if mode in SAID} <= set(SSL_MODES)


def test_settings_and_commands_are_there() -> None:
    """Nothing is told to be set or typed that is not."""
    readme = (ROOT / "README.md").read_text("utf-8")
    settings = set(re.findall(r"`(CHARTSIDE_[A-Z_]+)`", SAID))
    assert settings
    assert settings <= set(re.findall(r"^ *\| `(CHARTSIDE_[A-Z_]+)` \|", readme, re.MULTILINE))
    for words in re.findall(r"`chartside ([a-z ]+?)(?: --[a-z]+)?`", SAID):
        command: click.Command = main
        for word in words.split():
            assert isinstance(command, click.Group), words
            command = command.commands[word]


def test_files_that_are_named_are_there() -> None:
    for path in re.findall(r"\]\(([a-z0-9./-]+\.md)\)|`(deploy/[a-z.]+|requirements\.lock)`", SAID):
        found = [ROOT / "docs" / path[0], ROOT / path[1]]
        assert all(one.exists() for one in found), path
