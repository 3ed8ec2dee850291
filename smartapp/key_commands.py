"""`chartside keys`: those that seal data at rest, and those that prove Chartside to an EHR."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from launch.client_keys import ALGORITHMS
from launch.ehrs import InvalidEHRFile
from launch.key_rotation import TooEarly, activate, drop, publish
from smartapp.ehr_commands import file_option


@click.group()
def keys() -> None:
    """Keys that seal tokens and patient data at rest, and keys that prove Chartside to an EHR."""


@keys.command("new")
def new() -> None:
    """Print a fresh key for CHARTSIDE_SECRET_KEYS; put it first and keep the old ones behind it to rotate."""
    from cryptography.fernet import Fernet

    click.echo(Fernet.generate_key().decode())


@keys.command("rotate")
@click.argument("iss")
@click.option("--alg", type=click.Choice(ALGORITHMS), default=ALGORITHMS[0], show_default=True, help="Of the new key.")
@click.option(
    "--activate", "step", flag_value="activate", help="Sign with the key published last; again: take it back."
)
@click.option("--drop", "step", flag_value="drop", help="Publish the key that signs and no other.")
@click.option(
    "--at-once",
    is_flag=True,
    help="With --activate: do not wait until every EHR has seen the key. With --drop: even one that is newer.",
)
@file_option
def rotate(iss: str, alg: str, step: str | None, at_once: bool, path: Path) -> None:
    """Change the key that proves Chartside to the EHR with this ISS, in three steps.

    Without an option a new key is made beside the list of EHRs and published; an hour later --activate signs with it;
    when that works, --drop takes the old one away. The running application follows each step by itself.
    """
    try:
        if step == "activate":
            found = activate(path, iss, datetime.now(UTC), at_once=at_once)
        else:
            found = drop(path, iss, newer=at_once) if step == "drop" else publish(path, iss, alg)
    except (InvalidEHRFile, TooEarly, OSError) as refused:
        click.echo(f"chartside: {refused}", err=True)
        sys.exit(2)
    click.echo(f"signs:           {found.signs} (kid {found.kid(path, found.signs)})")
    for name in found.also:
        click.echo(f"also published:  {name} (kid {found.kid(path, name)})")
    for name in found.dropped:
        click.echo(f"not used here:   {name}; delete it when no other EHR lists it")
    if step is None:
        click.echo("An EHR that was given keys rather than the address of /jwks.json needs the new one from you.")
        click.echo(f"In an hour: chartside keys rotate {iss} --activate")
