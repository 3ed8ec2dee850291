"""`chartside evaluate` on two made-up notes, with a small artifact."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smartapp.cli import main

pytestmark = pytest.mark.xdist_group("evaluated")  # the notes are evaluated once
REPORT = "A 60-year-old man with hypertension and knee pain. His sister has asthma."
VISIT = "ASSESSMENT:\n1. Type 2 diabetes mellitus.\n2. Essential hypertension.\nNo chest pain.\n"
Run = Callable[..., Result]
PICTURES = {f"{name}.{ending}" for name in ("reliability", "risk-coverage") for ending in ("svg", "png")}


def report_line(**changes: object) -> dict[str, object]:
    at = REPORT.index("knee pain")
    codes = [
        {"kind": "diagnosis", "code": "I10", "evidence": [{"spans": [[24, 36]]}]},
        {"kind": "diagnosis", "code": "M25.56", "evidence": [{"spans": [[at, at + 9]]}]},
        {"kind": "procedure", "code": "0BH17EZ", "evidence": []},
    ]
    return {"id": "r1", "text": REPORT, "codes": codes} | changes


def visit_line(**changes: object) -> dict[str, object]:
    core = [{"code": "E11.9", "evidence": ["Type 2 diabetes"]}, {"code": "I10", "evidence": ["hypertension"]}]
    barred = [{"code": "R07.9", "reason": "negated", "quote": "chest pain"}]
    line = {"id": "v1", "setting": "inpatient_discharge", "text": VISIT, "core": core, "acceptable": []}
    return line | {"must_not": barred, "first_listed": "E11.9"} | changes


def write(folder: Path, name: str, *lines: object) -> str:
    (folder / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return str(folder / name)


@pytest.fixture(scope="module")
def run(small_artifact: Path) -> Run:
    return lambda *words: CliRunner().invoke(main, ["evaluate", "--artifact", str(small_artifact), *words])


@pytest.fixture(scope="module")
def evaluated(run: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    tmp_path = tmp_path_factory.mktemp("evaluated")
    reports, visits = write(tmp_path, "r.jsonl", report_line()), write(tmp_path, "v.jsonl", visit_line())
    (tmp_path / "split.txt").write_text("M25.56\n")
    out = tmp_path / "new" / "out"
    files = ["--reports", reports, "--encounters", visits, "--split", str(tmp_path / "split.txt")]
    return run(*files, "--train", reports, visits, "--masking", "1", "--out", str(out)), out


def test_one_command_leaves_tables_numbers_and_errors(evaluated: tuple[Result, Path]) -> None:
    """What is printed is figures.md; figures.json has the same figures; a split code is met by a descendant."""
    result, out = evaluated
    assert result.exit_code == 0, result.output
    assert result.stdout == (out / "figures.md").read_text("utf-8")
    figures = json.loads((out / "figures.json").read_text("utf-8"))
    assert figures["exhaustive"]["measures"]["recall"]["value"] == 1
    assert figures["exhaustive"]["gold_codes"] == 2
    assert figures["encounter"]["measures"]["trap_rate"]["value"] == 0
    assert figures["encounter"]["masking"]["gone"]["value"] == 1
    assert figures["encounter"]["ungrounded"] == []
    assert figures["encounter"]["bands"]["1-5"]["gold"] == 2
    assert "1.000 [1.000, 1.000]" in result.stdout


def test_every_error_has_a_line_and_is_counted(evaluated: tuple[Result, Path]) -> None:
    """One line an error with all columns; the counts by kind are those of the lines."""
    _, out = evaluated
    head, *rows = [line.split("\t") for line in (out / "errors.tsv").read_text("utf-8").splitlines()]
    assert head == ["document", "code", "title", "kind", "words", "confidence", "policy", "remark"]
    assert all(len(row) == len(head) and row[2] for row in rows)
    figures = json.loads((out / "figures.json").read_text("utf-8"))
    for policy, plain in figures.items():
        kinds = [row[3] for row in rows if row[6] == policy]
        assert {kind: kinds.count(kind) for kind in plain["errors"]} == plain["errors"]


def test_numbers_hold_no_words_of_the_notes(evaluated: tuple[Result, Path]) -> None:
    """figures.json and figures.md may be shown to anybody."""
    _, out = evaluated
    for name in ("figures.json", "figures.md"):
        assert "sister" not in (out / name).read_text("utf-8")
        assert "hypertension" not in (out / name).read_text("utf-8")


def test_pictures_are_drawn_and_the_same_each_time(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra train")
    visits = write(tmp_path, "v.jsonl", visit_line())
    for name in ("one", "two"):
        assert run("--encounters", visits, "--out", str(tmp_path / name)).exit_code == 0
    assert {p.name for p in (tmp_path / "one").iterdir()} == PICTURES | {"figures.md", "figures.json", "errors.tsv"}
    for name in PICTURES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
        assert (tmp_path / "one" / name).stat().st_size > 5_000


def test_without_matplotlib_it_says_so_and_measures_all_the_same(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.evaluate.reporting.find_spec", lambda name: None)
    result = run("--encounters", write(tmp_path, "v.jsonl", visit_line()), "--out", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert "No pictures: matplotlib is not installed" in result.stderr
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"figures.md", "figures.json", "errors.tsv"}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"id": "r1", "text": REPORT}, '"codes" is missing'),
        (
            report_line(codes=[{"kind": "diagnosis", "code": "I10", "evidence": [{"spans": [[5, 5]]}]}]),
            "not a coded note",
        ),
        ([REPORT], "not a coded note"),
    ],
)
def test_a_bad_line_is_named_without_its_words(run: Run, tmp_path: Path, line: object, complaint: str) -> None:
    reports = write(tmp_path, "r.jsonl", report_line(), line)
    result = run("--reports", reports, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "line 2" in result.stderr
    assert complaint in result.stderr
    assert "sister" not in result.output
    assert not (tmp_path / "out").exists()


def test_something_must_be_measured(run: Run, tmp_path: Path) -> None:
    """No file, or a file without a note."""
    assert run("--out", str(tmp_path)).exit_code == 2
    empty = run("--reports", write(tmp_path, "empty.jsonl"), "--out", str(tmp_path))
    assert empty.exit_code == 2
    assert "no coded note" in empty.stderr


def test_own_labels_are_measured_under_their_name(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The offsets find their words in the notes, and the tables say whose labels they are."""
    at = VISIT.index("hypertension")
    row = {"id": "v1", "characters": len(VISIT), "setting": "outpatient", "first_listed": "I10", "acceptable": []}
    row |= {"core": [{"code": "I10", "spans": [[at, at + 12]]}], "must_not": []}
    monkeypatch.setattr("model.evaluate.gold.UNSEEN_LABELS", Path(write(tmp_path, "labels.jsonl", row)))
    notes = write(tmp_path, "notes.jsonl", {"id": "v0", "text": ""}, {"id": "v1", "text": VISIT})
    result = run("--unseen", notes, "--out", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert "Encounters: own labels, by language models working as coders; seen by no training." in result.stdout
    figures = json.loads((tmp_path / "out" / "figures.json").read_text("utf-8"))["encounter"]
    assert figures["measures"]["evidence_given_right_code"]["value"] == 1 and figures["gold_codes"] == 1


def test_own_labels_need_their_own_notes(run: Run, tmp_path: Path) -> None:
    """Another file of notes is refused, and so are two kinds of encounters at once."""
    visits = write(tmp_path, "v.jsonl", visit_line())
    other = run("--unseen", visits, "--out", str(tmp_path / "out"))
    assert other.exit_code == 2 and '"mts-' in other.stderr and "is missing" in other.stderr
    both = run("--unseen", visits, "--encounters", visits, "--out", str(tmp_path / "out"))
    assert both.exit_code == 2 and "one of --encounters and --unseen" in both.stderr
    bad = run("--unseen", write(tmp_path, "bad.jsonl", ["words"]), "--out", str(tmp_path / "out"))
    assert bad.exit_code == 2 and "does not hold the notes" in bad.stderr


def test_a_list_of_split_codes_must_be_text(run: Run, tmp_path: Path) -> None:
    (tmp_path / "split.txt").write_bytes(b"\xff\xfe\x00")
    files = ["--reports", write(tmp_path, "r.jsonl", report_line()), "--split", str(tmp_path / "split.txt")]
    result = run(*files, "--out", str(tmp_path / "out"))
    assert result.exit_code == 2
    assert "not a list of codes" in result.stderr


def test_a_code_without_its_exact_words_fails_the_command(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables are there all the same, and say how many."""
    monkeypatch.setattr("model.evaluate.running.is_grounded", lambda text, code: str(code.code) != "I10")
    result = run("--encounters", write(tmp_path, "v.jsonl", visit_line()), "--out", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert "encounters: 1 of" in result.stdout
    assert json.loads((tmp_path / "out" / "figures.json").read_text())["encounter"]["ungrounded"] == [["v1", "I10"]]
