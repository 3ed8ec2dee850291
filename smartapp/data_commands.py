"""`chartside backup`, `restore` and `purge`: the database as a whole."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smartapp.config import Config, MissingSettings

if TYPE_CHECKING:  # imported where they are used, so that `--help` answers at once
    from sqlalchemy import Engine

file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@file_argument
def backup(file: Path) -> None:
    """Write the database to FILE while Chartside runs. Keep the secret keys apart from it."""
    from smartapp.store.backup import BackupFailed, backup

    try:
        backup(_engine(), file)
    except BackupFailed as failed:
        raise click.ClickException(str(failed)) from None
    click.echo(f"{file}: {file.stat().st_size:,} bytes", err=True)


@click.command()
@file_argument
def restore(file: Path) -> None:
    """Fill an empty database from FILE. Stop Chartside before, start it afterwards."""
    from smartapp.store.backup import BackupFailed, restore

    try:
        restore(_engine(), file)
    except BackupFailed as failed:
        raise click.ClickException(str(failed)) from None
    click.echo("Restored. Start Chartside; it brings an older database to the current schema.", err=True)


@click.command()
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(1, 36_500),
    envvar="CHARTSIDE_RETENTION_DAYS",
    show_envvar=True,
    required=True,
    metavar="DAYS",
    help="Of reviews that did not change for so many days.",
)
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
def purge(days: int, dry_run: bool) -> None:
    """Remove charts and predictions of finished reviews. Decisions, attestations and the audit log stay."""
    from smartapp import store, utc_now
    from smartapp.store.retention import count_old, forget_charts

    engine = _engine()
    store.migrate(engine)
    before = utc_now() - timedelta(days=days)
    number = count_old(engine, before) if dry_run else forget_charts(engine, before)
    click.echo(f"{number} chart{'' if number == 1 else 's'} {'to remove' if dry_run else 'removed'}.", err=True)


def _engine() -> "Engine":
    from smartapp.store import connect

    try:
        return connect(Config.from_env().database_url)
    except MissingSettings as missing:
        raise click.ClickException(str(missing)) from None
