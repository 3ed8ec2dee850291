"""`chartside audit`: is the log whole, was this event in it, and what does it say."""

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from smartapp.config import Config, MissingSettings

if TYPE_CHECKING:  # imported where they are used, so that `--help` answers at once
    from sqlalchemy import Engine

    from smartapp.audit.checkpoint import AuditKeys
    from smartapp.audit.events import Event

day_option = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
key_option = click.option(
    "--key",
    "keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Public keys in PEM, instead of CHARTSIDE_AUDIT_KEY.",
)
CSV_COLUMNS = (
    "sequence", "at", "kind", "ehr", "patient", "encounter", "user", "launch", "code", "what", "previous", "hash",
)  # fmt: skip


@click.group()
def audit() -> None:
    """The record of who saw, suggested, decided and wrote what; nobody changes it unseen."""


@contextmanager
def _complaining() -> Iterator[None]:
    """Known troubles in a sentence."""
    from sqlalchemy.exc import SQLAlchemyError

    from smartapp.audit.checkpoint import BadCheckpoint, BadKey
    from smartapp.audit.notary import BrokenLog
    from smartapp.audit.proof import NotProven

    try:
        yield
    except SQLAlchemyError as error:
        raise click.ClickException(f"the database cannot be read ({type(error).__name__})") from None
    except BrokenLog:
        raise click.ClickException("what was signed last is not what the database says; say: audit verify") from None
    except (MissingSettings, BadKey, BadCheckpoint, NotProven, OSError, ValueError) as wrong:
        raise click.ClickException(str(wrong)) from None


def _engine(config: Config) -> "Engine":
    from smartapp.store import connect, migrate

    engine = connect(config.database_url)
    migrate(engine)
    return engine


def _keys(config: Config | None, paths: tuple[Path, ...]) -> "AuditKeys":
    from smartapp.audit.checkpoint import AuditKeys

    return AuditKeys.load(*(paths or (() if config is None else (config.audit_key,))))


@audit.command("verify")
@key_option
def verify(keys: tuple[Path, ...]) -> None:
    """Read the whole log and say whether it is what was written; exit status 1 and where, when it is not."""
    from smartapp.audit.notary import CheckpointFile
    from smartapp.audit.reading import restores
    from smartapp.audit.verify import verify_log

    with _complaining():
        config = Config.from_env()
        engine = _engine(config)
        verdict = verify_log(engine, _keys(config, keys), CheckpointFile(config.audit_checkpoints))
        restored = restores(engine)
    for found in verdict.breaks:
        click.echo(f"✗ {found}")
    told = f"{verdict.size} events, {verdict.checkpoints} checkpoints, signed up to event {verdict.signed}"
    click.echo(f"{'✓ intact' if verdict.intact else 'NOT INTACT'}: {told}")
    for event in restored:
        held, signed = event.what["events"], event.what["signed_before"]
        lost = f"; events {held + 1} to {signed}, signed before, are lost" if signed > held else ""
        click.echo(f"restored from a backup on {event.at:%Y-%m-%d at %H:%M} UTC, as event {event.sequence}{lost}")
    if not verdict.intact:
        sys.exit(1)


@audit.command("prove")
@click.argument("what", metavar="CODE|EVENT")
@click.option("--encounter", metavar="ID", help="Of which encounter, for a code.")
def prove(what: str, encounter: str | None) -> None:
    """Print a proof, a JSON line each, that an event, or each event about a code, is in the log.

    `chartside audit check` verifies it with the public key alone.
    """
    from smartapp import utc_now
    from smartapp.audit import proof
    from smartapp.audit.reading import events_of_code, signed_up_to
    from smartapp.audit.verify import reading
    from smartapp.auditing import build_notary

    if not what.isdecimal() and not encounter:
        raise click.UsageError("say of which encounter the code is: --encounter ID")
    with _complaining():
        config = Config.from_env()
        engine = _engine(config)
        numbers = (int(what),) if what.isdecimal() else events_of_code(engine, what.upper(), encounter or "")
        if not numbers:
            raise click.ClickException(f"no event tells of {what.upper()} in encounter {encounter}")
        with reading(engine) as connection:
            signed = signed_up_to(connection)
        if max(numbers) > signed:  # what no checkpoint covers yet
            build_notary(config, engine, utc_now).sign()
        for number in numbers:
            click.echo(proof.to_line(proof.prove(engine, number)))


@audit.command("check")
@click.argument("proofs", type=click.File("r", encoding="utf-8"))
@key_option
def check(proofs: TextIO, keys: tuple[Path, ...]) -> None:
    """Verify proofs that `prove` printed (- is standard input); needs no database, with --key no settings either."""
    from smartapp.audit import proof

    with _complaining():
        known = _keys(None if keys else Config.from_env(), keys)
        for number, line in enumerate(proofs, 1):
            try:
                event = proof.check(json.loads(line), known)
            except (proof.NotProven, ValueError, AttributeError) as wrong:
                click.echo(f"✗ line {number}: {wrong}")
                sys.exit(1)
            click.echo(f"✓ event {event.sequence}: {event.kind} on {event.at:%Y-%m-%d at %H:%M:%S} UTC")


@audit.command("key")
def key() -> None:
    """Print the public key, for those who verify proofs and checkpoints."""
    from smartapp.audit.checkpoint import public_pem

    with _complaining():
        click.echo(public_pem(_keys(Config.from_env(), ()).public), nl=False)


@audit.command("export")
@click.option("--format", "form", type=click.Choice(["fhir", "csv"]), default="fhir", show_default=True)
@click.option("--from", "since", type=day_option, metavar="DAY", help="The first day or moment, in UTC.")
@click.option("--to", "until", type=day_option, metavar="DAY", help="The day or moment before which it ends, in UTC.")
@click.option("--out", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="Standard output without.")
def export(form: str, since: datetime | None, until: datetime | None, out: TextIO) -> None:
    """Write events as FHIR AuditEvent (NDJSON, after IHE BALP) or as CSV."""
    from smartapp import utc_now
    from smartapp.audit import AuditLog, Entry, Kind
    from smartapp.audit.account import account
    from smartapp.audit.reading import between

    with _complaining():
        config = Config.from_env()
        engine = _engine(config)
        days = {"from": since.isoformat() if since else None, "to": until.isoformat() if until else None}
        told = {"form": form, "account": account()} | days  # first: nothing leaves untold
        AuditLog(engine, utc_now).record(Entry(Kind.EXPORT, told))
        found = between(engine, _utc(since), _utc(until))
        for line in (_fhir_lines if form == "fhir" else _csv_lines)(found, config.public_url):
            out.write(line)


def _fhir_lines(found: "Iterator[tuple[Event, str]]", origin: str) -> Iterator[str]:
    from smartapp.fhir.audit_event import audit_event

    for event, text in found:
        yield json.dumps(audit_event(event, text, origin), ensure_ascii=False) + "\n"


def _csv_lines(found: "Iterator[tuple[Event, str]]", _origin: str) -> Iterator[str]:
    from smartapp.audit.events import canonical, hash_of

    class Line:
        text = ""

        def write(self, text: str) -> None:
            self.text = text

    line = Line()
    writer = csv.writer(line)
    writer.writerow(CSV_COLUMNS)
    yield line.text
    for event, text in found:
        what = event.what
        code = what.get("code") or " ".join(what.get("codes", ()))
        writer.writerow(
            (event.sequence, event.at.isoformat(), event.kind.value, event.ehr, event.patient, event.encounter,
             event.user, event.launch, code, canonical(what), event.previous, hash_of(text))
        )  # fmt: skip
        yield line.text


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None
