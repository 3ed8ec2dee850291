"""The `chartside` command."""

import json
import os
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

import click

from smartapp.admin_commands import admin
from smartapp.audit_commands import audit
from smartapp.batch import BadLine, predict_file, read_documents
from smartapp.config import HERE, Config, MissingSettings
from smartapp.data_commands import backup, purge, restore
from smartapp.ehr_commands import ehr
from smartapp.key_commands import keys
from smartapp.process_commands import worker
from smartapp.session_commands import sessions
from smartapp.terminal import underline_codes

if TYPE_CHECKING:
    from model.predictor import Predictor

ARTIFACT = HERE / "model" / "artifact"
artifact_option = click.option(
    "--artifact",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(os.environ.get("CHARTSIDE_ARTIFACT", ARTIFACT)),
    show_default="model/artifact",
    help="The predictor's directory.",
)
policy_option = click.option(
    "--policy",
    type=click.Choice(["exhaustive", "encounter"]),
    default="encounter",
    show_default=True,
    help="encounter: what belongs on a US claim; exhaustive: every condition mentioned.",
)
setting_option = click.option(
    "--setting",
    type=click.Choice(["outpatient", "inpatient", "ed", "other"]),
    default="outpatient",
    show_default=True,
    help="Decides between Sections II/III and IV of the Official Guidelines.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chartside")
def main() -> None:
    """Chartside: billing codes with the very words that prove each one."""


def fail(message: str, code: int = 2) -> NoReturn:
    click.echo(f"chartside: {message}", err=True)
    sys.exit(code)


def loaded(artifact: Path) -> "Predictor":
    """The predictor, or a sentence that names the part of the artifact that is damaged."""
    from model.codebook import CodeBookError
    from model.parts import ArtifactError
    from model.predictor import Predictor

    try:
        return Predictor.load(artifact)
    except (ArtifactError, CodeBookError) as damaged:
        fail(f"{artifact}: {damaged}")


def require_file(name: str) -> None:
    if name != "-" and not Path(name).is_file():
        fail(f"{name} is a folder, not a file" if Path(name).is_dir() else f"there is no file {name}")


def is_text(text: str) -> bool:
    """Whether the characters are a person's words: hardly any that cannot be read or printed."""
    strange = sum(not (c.isprintable() or c.isspace()) or c == "\N{REPLACEMENT CHARACTER}" for c in text)
    return strange <= len(text) / 50


@main.command()
@click.argument("note", type=click.Path(allow_dash=True))
@policy_option
@setting_option
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Date of service; today's code set without it.",
)
@artifact_option
def code(note: str, policy: str, setting: str, day: object, artifact: Path) -> None:
    """Code one text file (`-` reads standard input); shows each code with its words underlined."""
    # Imported here and below so that `--help` answers at once.
    from model.document import Document, Setting
    from model.prediction import Policy
    from smartapp.fhir.text import Unreadable, to_text

    require_file(note)
    raw = sys.stdin.buffer.read() if note == "-" else Path(note).read_bytes()
    try:
        text = to_text(raw, None)
    except Unreadable as unreadable:
        fail(f"{note}: {unreadable}")
    if not is_text(text):
        fail(f"{note}: this is not a text, HTML, RTF, CDA or PDF file")
    service_date = date.fromisoformat(str(day)[:10]) if day else date.today()
    document = Document("note" if note == "-" else Path(note).name, text, Setting(setting), service_date)
    prediction = loaded(artifact).predict(document, Policy(policy))
    click.echo(underline_codes(prediction, text, color=sys.stdout.isatty()))


@main.command()
@policy_option
@click.argument("source", metavar="IN.jsonl", type=click.Path(allow_dash=True))
@click.argument("target", metavar="OUT.jsonl", type=click.Path(allow_dash=True))
@artifact_option
def predict(policy: str, source: str, target: str, artifact: Path) -> None:
    """Code many texts.

    IN holds {"id", "text", "setting"?} a line; OUT is written whole or not at all; `-` is a standard stream.
    """
    from model.prediction import Policy

    require_file(source)
    if "-" not in (source, target) and Path(source).resolve() == Path(target).resolve():
        fail("IN and OUT are the same file; name another for the codes")
    if target != "-" and not Path(target).resolve().parent.is_dir():
        fail(f"there is no folder for {target}")
    try:
        with sys.stdin.buffer if source == "-" else Path(source).open("rb") as lines:
            documents = read_documents(lines)
    except BadLine as bad:
        fail(f"{'standard input' if source == '-' else source}, line {bad.number}: {bad.what}")
    predict_file(documents, loaded(artifact), Policy(policy), None if target == "-" else Path(target))


coded_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@main.command()
@click.option("--reports", type=coded_file, help="Coded case reports (JSON lines), measured as exhaustive.")
@click.option("--split", type=coded_file, help="Codes of an old edition that any descendant meets, one a line.")
@click.option("--encounters", type=coded_file, help="Coded encounters (JSON lines), measured as encounter.")
@click.option("--unseen", type=coded_file, help="Notes of our own labels that nothing learnt from, for --encounters.")
@click.option("--train", type=coded_file, nargs=2, metavar="REPORTS ENCOUNTERS", help="What the predictor learnt from.")
@click.option("--masking", type=click.IntRange(0), default=20, show_default=True, help="Notes of each kind to mask.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the results.")
@artifact_option
def evaluate(
    reports: Path | None, split: Path | None, encounters: Path | None, unseen: Path | None,
    train: tuple[Path, Path] | None, masking: int, out: Path, artifact: Path,
) -> None:  # fmt: skip
    """Measure the predictor on coded notes.

    Prints tables; --out holds them with all numbers, pictures, and every error with the words of the notes.
    """
    from model.codebook import CodeBook
    from model.evaluate import BadGold, Sources, report

    if (encounters and unseen) or not (reports or encounters or unseen):
        fail("name coded notes with --reports, and with one of --encounters and --unseen")
    try:
        sources = Sources.read(reports, encounters, unseen, split, train)
    except BadGold as bad:
        fail(str(bad))
    try:
        made = report(loaded(artifact), CodeBook.load(artifact / "codebook"), sources, masking, out)
    except OSError as unwritable:
        fail(f"{out}: {unwritable.strerror}")
    click.echo(made.tables, nl=False)
    if not made.grounded:
        fail("a code lacks its exact words; figures.json names each", code=1)


@main.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(1, 200), default=10, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON line a query.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Date of service.")
@artifact_option
def search(words: tuple[str, ...], limit: int, as_json: bool, day: object, artifact: Path) -> None:
    """Find codes by words or by the beginning of a code. With `-`, a query a line is read, a JSON line written."""
    from model.codebook import CodeBook, CodeBookError

    try:
        codebook = CodeBook.load(artifact / "codebook")
    except CodeBookError as damaged:
        fail(f"{artifact / 'codebook'}: {damaged}")
    service_date = date.fromisoformat(str(day)[:10]) if day else None
    stream = words == ("-",)
    for query in queries(sys.stdin) if stream else iter([" ".join(words)]):
        found = codebook.search(query, service_date, limit)
        if as_json or stream:
            results = [{"code": str(r.code), "title": r.title, "score": round(r.score, 4)} for r in found]
            click.echo(json.dumps({"query": query, "results": results}, ensure_ascii=False))
        elif found:
            click.echo("\n".join(f"{r.code!s:9} {r.title}" for r in found))
        else:
            fail("no code fits these words; try fewer or other words", code=1)


def queries(lines: TextIO) -> Iterator[str]:
    yield from (line.rstrip("\r\n") for line in lines)


@main.command()
@click.option("--port", type=int, default=8090, envvar="CHARTSIDE_DEMO_EHR_PORT", show_default=True, help="Of the EHR.")
@click.option(
    "--app-port", type=int, default=8080, envvar="CHARTSIDE_DEMO_APP_PORT", show_default=True, help="Of Chartside."
)
@click.option("--fhir-port", type=int, default=8095, envvar="CHARTSIDE_DEMO_FHIR_PORT", show_default=True)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    multiple=True,
    help="A further folder of FHIR resources (*.ndjson) to load into the demo EHR.",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var/demo"),
    show_default=True,
    help="Where data is kept.",
)
def demo(port: int, app_port: int, fhir_port: int, data: tuple[Path, ...], state: Path) -> None:
    """Run the demo EHR and Chartside on this machine until Ctrl-C."""
    from smartapp.demo import run_demo
    from smartapp.demo_settings import DemoFailed

    try:
        run_demo(port, app_port, fhir_port, data, state.resolve())
    except DemoFailed as failed:
        fail(str(failed), code=1)


@main.group()
def codebook() -> None:
    """The compiled code sets."""


@codebook.command("build")
@click.argument("sources", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=ARTIFACT / "codebook",
    show_default="model/artifact/codebook",
)
def codebook_build(sources: Path, out: Path) -> None:
    """Compile the code book and lexicon from the published files in SOURCES."""
    try:
        from model.codebook.build import build
    except ImportError as missing:
        fail(f"the package {missing.name} is not installed; say: pip install 'chartside[codebook]'")
    build(sources, out, lambda line: click.echo(line, err=True))


def config() -> Config:
    try:
        return Config.from_env()
    except MissingSettings as missing:
        fail(str(missing))


@main.command()
def predictor() -> None:
    """Serve the model to the web processes over a Unix socket."""
    from contextlib import closing
    from functools import partial

    from smartapp import logs
    from smartapp.inference import serve
    from smartapp.model_process import ModelProcess

    logs.configure()
    settings = config()
    with closing(ModelProcess(partial(loaded, settings.artifact)).start()) as model:
        serve(model, settings.predictor_socket, settings.secret_keys)


@main.command()
def migrate() -> None:
    """Bring the database to the current schema."""
    from smartapp.store import connect, migrate

    migrate(connect(config().database_url))


for command in (admin, audit, backup, ehr, keys, purge, restore, sessions, worker):
    main.add_command(command)

if __name__ == "__main__":
    main()
