"""`chartside ehr`: the list of trusted EHRs, and whether Chartside will work with one."""

import json
import os
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from launch.client_keys import ALGORITHMS
from launch.ehrs import GENERIC, PRIVATE_KEY, PUBLIC, SECRET, VENDORS, InvalidEHRFile
from smartapp import ehr_list, registration
from smartapp.config import Config, MissingSettings
from smartapp.ehr_list import NewEHR
from smartapp.registration import MARKETPLACES

if TYPE_CHECKING:  # imported where it is used, so that `--help` answers at once
    from launch.ehrs import EHR
    from smartapp.ehr_removal import Removal
    from smartapp.fhir.ehr_check import Finding

file_option = click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="CHARTSIDE_EHRS",
    required=True,
    help="The list of trusted EHRs.  [default: CHARTSIDE_EHRS]",
)
vendor_option = click.option(
    "--vendor", type=click.Choice(VENDORS), default=GENERIC, show_default=True, help="Whose EHR it is."
)
public_url_option = click.option(
    "--public-url",
    envvar="CHARTSIDE_PUBLIC_URL",
    help="Where browsers reach Chartside.  [default: CHARTSIDE_PUBLIC_URL]",
)


@click.group()
def ehr() -> None:
    """The EHRs that Chartside trusts."""


@ehr.command("register")
@click.option("--for", "place", type=click.Choice(list(MARKETPLACES)), default=GENERIC, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with the client's metadata of RFC 7591.")
@click.option("--public-url", envvar="CHARTSIDE_PUBLIC_URL", required=True, help="Where browsers reach Chartside.")
def register(place: str, as_json: bool, public_url: str) -> None:
    """Print what to type where Chartside is registered; a running Chartside shows it at /register."""
    try:
        config = Config.to_register(public_url)
    except MissingSettings as missing:
        raise click.ClickException(str(missing)) from None
    if as_json:
        click.echo(json.dumps(registration.as_json(MARKETPLACES[place], config), indent=2, ensure_ascii=False))
        return
    for section in registration.build_sections(MARKETPLACES[place], config):
        click.echo(f"{section.title}\n")
        for field in section.fields:
            click.echo("\n".join([f"  {field.label}", *(f"      {value}" for value in field.values)]))
        click.echo()
    if blank := registration.to_be_filled_in(MARKETPLACES[place], config):
        click.echo(f"Not set yet: {', '.join(blank)}.", err=True)


@ehr.command("add")
@click.argument("iss")
@click.option("--name", required=True, help="As people call it.")
@click.option("--client-id", required=True, help="What the EHR calls Chartside.")
@vendor_option
@click.option("--client-auth", type=click.Choice([PRIVATE_KEY, SECRET, PUBLIC]), default=PRIVATE_KEY, show_default=True)
@click.option(
    "--client-secret-file", type=click.File("r"), help="Holds the secret; - is standard input. Asked for without it."
)
@click.option("--alg", type=click.Choice(ALGORITHMS), default=ALGORITHMS[0], show_default=True, help="Of the new key.")
@click.option("--scope", "scopes", multiple=True, help="Ask for these instead of what fits the vendor; once for each.")
@click.option("--scope-version", type=click.Choice(["v1", "v2"]), default="v2", show_default=True)
@click.option("--embed-origin", "embed_origins", multiple=True, help="Whose window may frame Chartside; once for each.")
@click.option("--assume-s256", is_flag=True, help="The EHR supports PKCE with S256 and does not say so.")
@file_option
@public_url_option
def add(
    iss: str, client_auth: str, client_secret_file: TextIO | None, path: Path, public_url: str | None, **said: object
) -> None:  # fmt: skip
    """Trust the EHR with the FHIR base address ISS.

    The list is made where there is none. For private_key_jwt a key is made beside it.
    """
    secret = None
    if client_auth == SECRET:
        secret = client_secret_file.read().strip() if client_secret_file else click.prompt("Secret", hide_input=True)
    new = NewEHR(iss=iss, client_auth=client_auth, client_secret=secret, **said)  # type: ignore[arg-type]
    try:
        added = ehr_list.add(path, new)
    except InvalidEHRFile as invalid:
        raise click.ClickException(str(invalid)) from None
    except OSError as error:
        told = f"{path} cannot be written ({error.strerror}). Put this into it by hand:"
        raise click.ClickException(f"{told}\n\n{new.to_paste()}") from None
    click.echo(f"{added.name} is trusted now; a running Chartside knows it from the next launch on.")
    if client_auth == PRIVATE_KEY:
        click.echo(f"Its key is {path.parent / new.key_file}. Give the EHR this address of the public keys:")
        click.echo(f"  {public_url or 'https://YOUR-HOST'}/jwks.json")
    click.echo(f"Next: chartside ehr check {added.iss}")


@ehr.command("set")
@click.argument("iss")
@click.argument("settings", metavar="NAME=VALUE...", nargs=-1, required=True)
@file_option
def set_(iss: str, settings: tuple[str, ...], path: Path) -> None:
    """Change settings of the EHR at ISS, as `billing_pool=Group/billing` or `standalone=true`.

    A list has spaces between its values; `NAME=` takes a setting away. What is said together is checked together.
    """
    said = dict(setting.partition("=")[::2] for setting in settings)
    try:
        changed = ehr_list.change(path, iss, said)
    except (InvalidEHRFile, ValueError) as wrong:
        raise click.ClickException(str(wrong)) from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written ({error.strerror}).") from None
    click.echo(f"{changed.name} is changed; a running Chartside follows from now on.")


@ehr.command("remove")
@click.argument("iss")
@click.option("--yes", is_flag=True, help="Do not ask.")
@file_option
def remove(iss: str, yes: bool, path: Path) -> None:
    """Trust the EHR at ISS no more. Says first what becomes of sessions and of what is not written yet, and asks.

    It needs the settings of the running application, whose sessions it ends.
    """
    from launch.errors import SessionsUnavailable
    from smartapp.audit.account import account

    try:
        removal = _removal(path)
        leaving = removal.look(iss)
        click.echo("\n".join([f"{leaving.name} ({leaving.iss})", *(f"  {told}" for told in leaving.becomes())]))
        if not yes:
            click.confirm("Remove it?", abort=True)
        gone = removal.remove(iss, account())
    except (MissingSettings, InvalidEHRFile, ValueError) as wrong:
        raise click.ClickException(str(wrong)) from None
    except SessionsUnavailable as away:
        raise click.ClickException(f"{away.title} ({away.detail})") from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written ({error.strerror}).") from None
    click.echo(f"{gone.name} is trusted no more; sessions ended: {gone.sessions}.")


def _removal(path: Path) -> "Removal":
    """Raises MissingSettings, InvalidEHRFile, ValueError."""
    from launch.ehrs import TrustedEHRs
    from launch.vault import Vault
    from smartapp import store, utc_now
    from smartapp.audit import AuditLog
    from smartapp.ehr_removal import Removal
    from smartapp.launching import build_launcher

    config = Config.from_env(os.environ | {"CHARTSIDE_EHRS": str(path)})
    engine, vault = store.connect(config.database_url), Vault(config.secret_keys)
    store.migrate(engine)
    try:
        ehrs = TrustedEHRs.load(path)
    except InvalidEHRFile as invalid:
        ehrs = TrustedEHRs(invalid.usable)  # what cannot be used is what one wants to remove
    launcher, audit = build_launcher(config, ehrs, engine, vault, utc_now), AuditLog(engine)
    return Removal(path, launcher, store.ReviewStore(engine, vault, audit), audit)


@ehr.command("list")
@file_option
def list_ehrs(path: Path) -> None:
    """Show the EHRs, without their secrets.

    Where something is wrong with one of them the others are shown, and the exit status is 1.
    """
    try:
        ehrs = ehr_list.read(path)
    except InvalidEHRFile as invalid:
        _show(invalid.usable)
        raise click.ClickException(str(invalid)) from None
    if not ehrs:
        click.echo(
            f"There is no EHR in {path} yet. Add one: chartside ehr add ISS --name ... --client-id ...", err=True
        )
    _show(ehrs)


def _show(ehrs: "tuple[EHR, ...]") -> None:
    if not ehrs:
        return
    rows: list[tuple[str, ...]] = [("NAME", "ADDRESS", "VENDOR", "CLIENT ID", "CLIENT AUTH", "KEYS", "FRAMED BY")]
    rows += [_row(listed) for listed in ehrs]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())


def _row(listed: "EHR") -> tuple[str, ...]:
    keys, frames = " ".join(key.alg for key in listed.keys), " ".join(listed.embed_origins)
    return (listed.name, listed.iss, listed.vendor, listed.client_id, listed.client_auth, keys or "-", frames or "-")


@ehr.command("check")
@click.argument("iss")
@vendor_option
@file_option
@public_url_option
def check(iss: str, vendor: str, path: Path, public_url: str | None) -> None:
    """Say what will work with the EHR at ISS, listed or not, what will not, and why. No token is needed or sent.

    The exit status is 1 when something stops Chartside.
    """
    from launch.transport import is_loopback
    from smartapp.fhir import ehr_check
    from smartapp.fhir.hearing import asker

    try:
        asked = ehr_list.to_check(path, iss, vendor)
    except (InvalidEHRFile, ValueError) as wrong:
        raise click.ClickException(str(wrong)) from None
    if not asked.listed:
        click.echo(f"{asked.ehr.iss} is not in {path} yet; it is judged as {vendor} would be added.\n", err=True)
    ask = asker(public_only=False, loopback=is_loopback(asked.ehr.iss))
    findings = ehr_check.check(asked.ehr, ask, public_url, asked.broken)
    click.echo(_as_text(findings))
    if ehr_check.blocks(findings):
        sys.exit(1)


def _as_text(findings: "tuple[Finding, ...]") -> str:
    lines: list[str] = []
    for about, found in groupby(findings, lambda finding: finding.about):
        lines.append(f"\n{about}" if lines else about)
        for finding in found:
            lines.append(f"  {finding.sign} {finding.what}")
            lines += [f"      {text}" for text in (finding.why, finding.mend) if text]
    return "\n".join(lines)
