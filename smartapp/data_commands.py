"""`chartside backup`, `restore` and `purge`: the database as a whole."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from smartapp.config import Config, MissingSettings

if TYPE_CHECKING:  # imported where they are used, so that `--help` answers at once
    from sqlalchemy import Engine

RETENTION = "CHARTSIDE_RETENTION_DAYS"
NO_KEY = (
    "there is no key of the audit log at {key}: put it back from where it is kept. Where it is lost, make "
    "another and put the old public key below it in the same file, as docs/compliance.md says"
)

file_argument = click.argument("file", type=click.Path(dir_okay=False, path_type=Path))


@click.command()
@file_argument
def backup(file: Path) -> None:
    """Write the database to FILE while Chartside runs.

    The secret keys, the key of the audit log and its second place are not in it: keep them elsewhere.
    """
    from smartapp.store.backup import BackupFailed, backup

    config = _config()
    try:
        backup(_engine(config), file)
    except BackupFailed as failed:
        raise click.ClickException(str(failed)) from None
    click.echo(f"{file}: {file.stat().st_size:,} bytes", err=True)
    apart = f"CHARTSIDE_SECRET_KEYS, {config.audit_key}, {config.audit_checkpoints}"
    click.echo(f"Not in it, and needed for a restore: {apart}. Keep them elsewhere.", err=True)


@click.command()
@file_argument
def restore(file: Path) -> None:
    """Fill an empty database from FILE, and go on with the audit log. Stop Chartside before, start it afterwards."""
    from smartapp import store
    from smartapp.store.backup import BackupFailed, restore

    config = _config()
    engine = _engine(config)
    try:
        if not config.audit_key.exists():
            raise BackupFailed(NO_KEY.format(key=config.audit_key))
        restore(engine, file)
    except BackupFailed as failed:
        raise click.ClickException(str(failed)) from None
    store.migrate(engine)
    _go_on(config, engine)
    click.echo("Restored. Start Chartside.", err=True)


def _go_on(config: Config, engine: "Engine") -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from smartapp import utc_now
    from smartapp.audit.account import account
    from smartapp.audit.checkpoint import BadCheckpoint, BadKey
    from smartapp.audit.notary import BrokenLog
    from smartapp.audit.resuming import resume
    from smartapp.auditing import build_notary

    try:
        resumed = resume(build_notary(config, engine, utc_now), account())
    except (BadKey, BadCheckpoint, BrokenLog, OSError, SQLAlchemyError) as trouble:
        told = f"{type(trouble).__name__}: {trouble}" if isinstance(trouble, (BadKey, BadCheckpoint)) else ""
        why = told or type(trouble).__name__
        raise click.ClickException(f"the database is restored, but the audit log cannot go on ({why})") from None
    if resumed.aside:
        click.echo(
            f"The backup ends at event {resumed.events}; up to event {resumed.signed} had been signed, so "
            f"{resumed.lost} are lost. The checkpoints before are in {resumed.aside}; the log says so.",
            err=True,
        )


@click.command()
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(1, 36_500),
    envvar=RETENTION,
    show_envvar=True,
    required=True,
    metavar="DAYS",
    help="Of reviews that did not change for so many days.",
)
@click.option("--dry-run", is_flag=True, help="Only say how many there are.")
def purge(days: int, dry_run: bool) -> None:
    """Remove charts, predictions and queries of reviews that nobody works on.

    Decisions, attestations and the audit log stay.
    """
    from click.core import ParameterSource

    from smartapp import store, utc_now
    from smartapp.audit import AuditLog
    from smartapp.audit.account import account
    from smartapp.store.retention import Rule, count_old, forget_charts

    engine = _engine(_config())
    store.migrate(engine)
    before = utc_now() - timedelta(days=days)
    source = click.get_current_context().get_parameter_source("days")
    by = RETENTION if source is ParameterSource.ENVIRONMENT else "--older-than"
    number = (
        count_old(engine, before)
        if dry_run
        else forget_charts(AuditLog(engine, utc_now), before, Rule(days, by, account()))
    )
    click.echo(f"{number} chart{'' if number == 1 else 's'} {'to remove' if dry_run else 'removed'}.", err=True)


def _config() -> Config:
    try:
        return Config.from_env()
    except MissingSettings as missing:
        raise click.ClickException(str(missing)) from None


def _engine(config: Config) -> "Engine":
    from smartapp.store import connect

    return connect(config.database_url)
