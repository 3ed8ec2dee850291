"""The `chartside` command, with the committed artifact."""

import contextlib
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smartapp.cli import main
from smartapp.demo import locked

NOTE = "ASSESSMENT:\n1. Type 2 diabetes mellitus.\n2. Essential hypertension.\nNo chest pain.\n"


def run(*words: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, list(words), input=stdin)


def line(id: str, text: str, **more: object) -> str:
    return json.dumps({"id": id, "text": text, **more}) + "\n"


@pytest.mark.parametrize("policy", ["encounter", "exhaustive"])
def test_predict_writes_a_line_a_document(tmp_path: Path, policy: str) -> None:
    """Codes with confidence and evidence whose characters are inside the text; nothing besides OUT is left behind."""
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(line("a", NOTE, setting="outpatient") + line("b", "") + line("c", "Weather \U0001f327 fine."))
    assert run("predict", "--policy", policy, str(source), str(target)).exit_code == 0
    first, empty, plain = (json.loads(row) for row in target.read_text("utf-8").splitlines())
    assert [first["id"], empty["id"], plain["id"]] == ["a", "b", "c"]
    found = {c["code"]: c for c in first["codes"] if c["suggested"]}
    assert {"E11.9", "I10"} <= found.keys()
    assert any("diabetes" in NOTE[e["start"] : e["end"]] for e in found["E11.9"]["evidence"])
    assert all(0 <= c["confidence"] <= 1 and c["evidence"] for c in first["codes"])
    assert sum(c["first_listed"] for c in first["codes"]) == (1 if policy == "encounter" else 0)
    assert empty["codes"] == []
    assert {p.name for p in tmp_path.iterdir()} == {"in.jsonl", "out.jsonl"}


def test_predict_reads_and_writes_standard_streams() -> None:
    """`-` twice: a line in, a line out, and nothing else on standard output."""
    result = run("predict", "--policy", "encounter", "-", "-", stdin=line("a", NOTE))
    assert result.exit_code == 0
    assert json.loads(result.stdout)["id"] == "a"


def test_a_bad_line_ends_with_its_number_and_leaves_out_as_it_was(tmp_path: Path) -> None:
    """Exit code 2, the line's number, what is wrong with it, and not a word of the note."""
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(line("a", "Secret words") + '{"id": "b", "texts": "Secret words"}\n')
    result = run("predict", str(source), str(target))
    assert result.exit_code == 2
    assert "line 2" in result.stderr
    assert '"text" is missing' in result.stderr
    assert "Secret" not in result.output
    assert not target.exists()


def test_predict_names_what_is_missing(tmp_path: Path) -> None:
    """No input file, no folder for the output, a damaged artifact: each in a sentence, exit code 2."""
    source = tmp_path / "in.jsonl"
    assert "there is no file" in run("predict", str(source), "-").stderr
    source.write_text(line("a", NOTE))
    assert "there is no folder" in run("predict", str(source), str(tmp_path / "none" / "out.jsonl")).stderr
    (tmp_path / "artifact").mkdir()
    damaged = run("predict", "--artifact", str(tmp_path / "artifact"), str(source), "-")
    assert damaged.exit_code == 2
    assert "manifest.json" in damaged.stderr


def test_predict_does_not_overwrite_its_input(tmp_path: Path) -> None:
    """IN and OUT the same: refused, and the notes are still there."""
    source = tmp_path / "notes.jsonl"
    source.write_text(line("a", NOTE))
    assert run("predict", str(source), str(source)).exit_code == 2
    assert json.loads(source.read_text())["text"] == NOTE


def test_code_underlines_the_words(tmp_path: Path) -> None:
    """A text file gives each code with its words underlined in their line."""
    note = tmp_path / "note.txt"
    note.write_bytes(NOTE.encode("latin-1"))
    shown = run("code", str(note)).stdout
    lines = shown.splitlines()
    at = next(n for n, text in enumerate(lines) if "Essential hypertension" in text)
    marks = lines[at + 1]
    assert lines[at][marks.index("~") : marks.rindex("~") + 1] == "Essential hypertension"
    assert "I10" in shown


def test_code_refuses_what_is_no_text(tmp_path: Path) -> None:
    """A missing file and a file that holds no text are named."""
    assert run("code", str(tmp_path / "none.txt")).exit_code == 2
    binary = tmp_path / "picture.png"
    binary.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20)
    result = run("code", str(binary))
    assert result.exit_code == 2
    assert "picture.png" in result.stderr


def test_search_answers_in_words_and_in_json() -> None:
    """Words on the command line, or a query a line on standard input."""
    assert run("search", "essential", "hypertension", "--limit", "1").stdout.startswith("I10 ")
    result = run("search", "-", "--limit", "3", "--json", stdin="asthma\nzzzzqqqq\n")
    asthma, nothing = (json.loads(row) for row in result.stdout.splitlines())
    assert (asthma["query"], len(asthma["results"])) == ("asthma", 3)
    assert set(asthma["results"][0]) == {"code", "title", "score"}
    assert nothing == {"query": "zzzzqqqq", "results": []}
    assert run("search", "zzzzqqqq").exit_code == 1


def test_search_knows_the_date_of_service() -> None:
    """A code that begins on 2026-10-01 is found from that day on."""
    before = run("search", "I42.01", "--json", "--date", "2026-09-30").stdout
    after = run("search", "I42.01", "--json", "--date", "2026-10-01").stdout
    assert "I42.01" not in {r["code"] for r in json.loads(before)["results"]}
    assert json.loads(after)["results"][0]["code"] == "I42.01"


def test_a_taken_port_is_named() -> None:
    """The demo says which port is taken and which setting chooses another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("demo", *free_ports(), "--app-port", str(port))
    assert result.exit_code == 1
    assert str(port) in result.stderr
    assert "CHARTSIDE_DEMO_APP_PORT" in result.stderr


def test_two_demos_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second demo on the same data is refused and named the setting; the first goes on."""
    with locked(tmp_path):
        result = run("demo", "--state", str(tmp_path), *free_ports())
    assert result.exit_code == 1
    assert "--state" in result.stderr


def free_ports() -> list[str]:
    """Options for the demo's three ports."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        ports = [str(probe.getsockname()[1]) for probe in probes]
    return [word for pair in zip(("--port", "--app-port", "--fhir-port"), ports, strict=True) for word in pair]


def test_missing_settings_are_listed_all_at_once() -> None:
    """The web application does not start without its settings, and says which ones."""
    started = subprocess.run([sys.executable, "-c", "import smartapp.wsgi"], capture_output=True, text=True, env={})
    assert started.returncode != 0
    for name in ("CHARTSIDE_PUBLIC_URL", "CHARTSIDE_SECRET_KEYS", "CHARTSIDE_EHRS"):
        assert name in started.stderr
    assert "Traceback" not in started.stderr


def test_help_names_every_command() -> None:
    """What a user may want is on the first page."""
    shown = run("--help").stdout
    for command in ("code", "predict", "search", "demo", "codebook", "predictor", "migrate", "keys", "ehr", "admin"):
        assert command in shown
