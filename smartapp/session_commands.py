"""`chartside sessions`: who is signed in, and ending it, without a word about a patient."""

from typing import TYPE_CHECKING

import click

from smartapp.audit import AuditLog
from smartapp.config import Config, MissingSettings

if TYPE_CHECKING:  # imported where they are used, so that `--help` answers at once
    from launch.launcher import Launcher
    from launch.sessions import Session

iss_option = click.option("--iss", metavar="ISS", help="Only sessions of this EHR.")
user_option = click.option("--user", metavar="REFERENCE", help="Only sessions of this person, as Practitioner/123.")


@click.group()
def sessions() -> None:
    """Sessions of people who are signed in now."""


@sessions.command("list")
@iss_option
@user_option
def list_sessions(iss: str | None, user: str | None) -> None:
    """Show who is signed in: one line a launch."""
    found = _choose(_wired()[0], iss, user)
    for session in found:
        click.echo(_line(session))
    if not found:
        click.echo("Nobody is signed in.", err=True)


@sessions.command("end")
@iss_option
@user_option
@click.option("--all", "everybody", is_flag=True, help="All sessions.")
def end_sessions(iss: str | None, user: str | None, everybody: bool) -> None:
    """End sessions at once and give their access back to the EHR. Decisions already made are kept."""
    if everybody == bool(iss or user):
        raise click.UsageError("say whose sessions: --iss, --user or both; or --all")
    from smartapp.audit.account import account
    from smartapp.ehr_removal import end

    launcher, audit = _wired()
    found = _choose(launcher, iss, user)
    for session in found:
        end(session, launcher, audit, account=account())
        click.echo(f"ended  {_line(session)}")
    click.echo(f"{len(found)} session{'' if len(found) == 1 else 's'} ended.", err=True)


def _wired() -> "tuple[Launcher, AuditLog]":
    from launch.ehrs import InvalidEHRFile, TrustedEHRs
    from launch.vault import Vault
    from smartapp import store, utc_now
    from smartapp.launching import build_launcher

    try:
        config = Config.from_env()
        engine = store.connect(config.database_url)
        store.migrate(engine)
        ehrs = TrustedEHRs.load(config.ehrs_file)
        return build_launcher(config, ehrs, engine, Vault(config.secret_keys), utc_now), AuditLog(engine)
    except (MissingSettings, InvalidEHRFile, ValueError) as wrong:
        raise click.ClickException(str(wrong)) from None


def _choose(launcher: "Launcher", iss: str | None, user: str | None) -> "list[Session]":
    from launch.errors import SessionsUnavailable

    try:
        live = launcher.live_sessions()
    except SessionsUnavailable as away:
        raise click.ClickException(f"{away.title} ({away.detail})") from None
    of_ehr = [s for s in live if iss is None or s.context.iss == iss.removesuffix("/")]
    return [s for s in of_ehr if user is None or s.context.fhir_user == user]


def _line(session: "Session") -> str:
    """Neither patient nor encounter, and of the launch key as much as tells two sessions apart."""
    began, seen = (f"{at:%Y-%m-%d %H:%M}Z" for at in (session.created_at, session.seen_at))
    return f"{session.key[:6]}  {session.context.iss}  {session.context.fhir_user}  began {began}  last seen {seen}"
