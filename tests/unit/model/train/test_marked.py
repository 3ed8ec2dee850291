"""Notes marked for training: labels of characters and of pieces, and the labels of public notes that come along."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny import tiny_tokenizer

from model.codebook import CodeBook
from model.tagger import ENCOUNTER_LABELS, REPORT_LABELS
from model.train.marked import add_own_labels, examples, mark_encounter, mark_report, read_rows
from model.windows import LENGTH

TRAINING = Path(__file__).parents[4] / "model" / "train"
LABELS = {path.stem: path for path in sorted((TRAINING / "labels").glob("*.jsonl"))}
WRITTEN = LABELS["written"]  # notes of our own, with their text; the others are of public notes and hold offsets
PUBLIC = sorted(LABELS.keys() - {WRITTEN.stem})
REASONS = {"negated", "family", "history", "hypothetical", "uncertain", "integral", "sibling", "other"}
SETTINGS = {"outpatient", "inpatient_discharge", "ed", "other"}


def encounter(text: str, core: list[str], acceptable: list[str], traps: list[tuple[str, str]]) -> dict[str, Any]:
    """`traps`: quote and reason."""
    return {
        "id": "note",
        "text": text,
        "core": [{"code": "I10", "evidence": core}],
        "acceptable": [{"code": "R05.9", "evidence": acceptable}],
        "must_not": [{"code": "R50.9", "quote": quote, "reason": reason} for quote, reason in traps],
    }


def letters(row: dict[str, Any]) -> str:
    """The label of every character of an encounter as a letter."""
    assert len(ENCOUNTER_LABELS) == 3
    return "".join(".cat"[label] for label in mark_encounter(row).labels)


def test_fragments_of_a_report() -> None:
    """Every fragment of every diagnosis is inside and begins; procedures are not marked."""
    row = {
        "id": "r",
        "text": "mass of lung, scan",
        "codes": [
            {"kind": "diagnosis", "evidence": [{"spans": [[0, 4], [8, 12]]}]},
            {"kind": "procedure", "evidence": [{"spans": [[14, 18]]}]},
        ],
    }
    assert len(REPORT_LABELS) == 2
    assert "".join(".bi"[label] for label in mark_report(row).labels) == "biii....biii......"


def test_overlapping_fragments_of_a_report() -> None:
    """Where fragments overlap, each still begins where it begins, whichever is told first."""
    spans = [[0, 8], [5, 12], [5, 8]]
    for order in (spans, spans[::-1]):
        row = {"id": "r", "text": "a" * 14, "codes": [{"kind": "diagnosis", "evidence": [{"spans": order}]}]}
        assert "".join(".bi"[label] for label in mark_report(row).labels) == "biiiibiiiiii.."


def test_quotes_of_an_encounter() -> None:
    """Wherever a quote stands its characters are marked, also where two places of it overlap."""
    assert letters(encounter("BP high. high?", ["high"], [], [])) == "...cccc..cccc."
    assert letters(encounter("aaaa b", ["aaa"], [], [])) == "cccc.."
    assert letters(encounter("Fever", ["fever", ""], [], [])) == "....."


def test_overlapping_quotes_of_an_encounter() -> None:
    """The claim outweighs what must not be coded, and that what may be."""
    row = encounter("chronic renal failure", ["renal failure"], ["chronic renal"], [("renal", "negated")])
    assert letters(row) == "aaaaaaaaccccccccccccc"
    row = encounter("chronic renal failure", [], ["chronic renal"], [("renal failure", "family")])
    assert letters(row) == "aaaaaaaattttttttttttt"


def test_a_sibling_is_no_trap() -> None:
    """The words of a wrong code are right where only the code is not."""
    assert letters(encounter("knee pain", [], [], [("pain", "sibling")])) == "." * 9
    assert letters(encounter("knee pain", [], [], [("pain", "sibling"), ("knee", "negated")])) == "tttt....."


def test_examples_of_pieces() -> None:
    """A piece has the first of the labels that it touches, and a piece for every label."""
    note = mark_encounter(encounter("PLAN\nfever or cough q", ["er or"], ["cough"], [("fev", "negated")]))
    (example,) = examples(tiny_tokenizer(), [note])
    assert [tiny_tokenizer().id_to_token(n) for n in example.ids[example.first : -1]] == [
        "p", "##l", "##a", "##n", "fever", "o", "##r", "cough", "q",
    ]  # fmt: skip
    assert example.labels == (0, 0, 0, 0, 1, 1, 1, 2, 0)


def test_examples_of_a_long_note() -> None:
    """Every label of a long note is learnt from somewhere, and each window has a label for each of its pieces."""
    note = mark_encounter(encounter("b " * 400 + "cough", [], ["cough"], []))
    found = examples(tiny_tokenizer(), [note, note])
    assert len(found) > 2 and sum(2 in example.labels for example in found) == 2
    assert all(len(e.ids) == e.first + len(e.labels) + 1 <= LENGTH for e in found)


@pytest.fixture
def labelled(tmp_path: Path) -> tuple[Path, Path]:
    """A label file of one note, and the file of notes."""
    row = {
        "id": "n1", "characters": 20, "setting": "outpatient", "first_listed": "I10",
        "core": [{"code": "I10", "spans": [[5, 8], [0, 2]]}],
        "acceptable": [{"code": "R05.9", "spans": []}],
        "must_not": [{"code": "R50.9", "span": [13, 18], "reason": "negated"}],
    }  # fmt: skip
    labels, notes = tmp_path / "labels.jsonl", tmp_path / "notes.jsonl"
    labels.write_text(json.dumps(row) + "\n\n", encoding="utf-8")
    notes.write_text(json.dumps({"id": "n1", "text": "BP, ühtn; no fever ok"[:20]}) + "\n", encoding="utf-8")
    return labels, notes


def test_own_labels_find_their_words(labelled: tuple[Path, Path]) -> None:
    """Offsets become quotes of the note, in characters whatever their bytes, as the other encounters have them."""
    (row,) = add_own_labels(labelled[0], [labelled[1]])
    assert row["core"] == [{"code": "I10", "evidence": ["htn", "BP"]}]
    assert row["acceptable"] == [{"code": "R05.9", "evidence": []}]
    assert row["must_not"] == [{"code": "R50.9", "quote": "fever", "reason": "negated"}]
    assert letters(row) == "cc...ccc.....ttttt.."


def test_own_labels_of_another_text(labelled: tuple[Path, Path]) -> None:
    """A note that was changed since is refused by its id, and so is one that is not there."""
    labels, notes = labelled
    notes.write_text(json.dumps({"id": "n1", "text": "BP and more"}), encoding="utf-8")
    with pytest.raises(ValueError, match="n1"):
        add_own_labels(labels, [notes])
    notes.write_text(json.dumps({"id": "n2", "text": "BP"}), encoding="utf-8")
    with pytest.raises(KeyError, match="n1"):
        add_own_labels(labels, [notes])


@pytest.fixture(scope="module", params=PUBLIC)
def own(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    return read_rows(LABELS[request.param])


def test_own_labels_are_complete(own: list[dict[str, Any]]) -> None:
    """Every note has an id of its own, its length, a setting and codes; what comes first is one of the claim's."""
    assert own and len({row["id"] for row in own}) == len(own)
    for row in own:
        assert row["characters"] > 0 and row["setting"] in SETTINGS, row["id"]
        codes = [code["code"] for code in row["core"]]
        assert len(set(codes)) == len(codes), row["id"]
        assert row["first_listed"] in (*codes, None), row["id"]
        assert {trap["reason"] for trap in row["must_not"]} <= REASONS, row["id"]
        assert all(code["spans"] for code in row["core"]), row["id"]


def test_own_labels_are_codes(codebook: CodeBook, own: list[dict[str, Any]]) -> None:
    """What is to be coded can be billed, and what must not be coded is a code too."""
    for row in own:
        assert all(codebook.is_billable(c["code"]) for c in row["core"] + row["acceptable"]), row["id"]
        assert all(codebook.get(trap["code"]) for trap in row["must_not"]), row["id"]


def test_own_labels_lie_in_their_notes(own: list[dict[str, Any]]) -> None:
    """Every span has a beginning before its end, and both in the note."""
    for row in own:
        spans = [span for code in row["core"] + row["acceptable"] for span in code["spans"]]
        spans += [trap["span"] for trap in row["must_not"]]
        assert all(0 <= start < end <= row["characters"] for start, end in spans), row["id"]


def test_own_labels_hold_no_words(own: list[dict[str, Any]]) -> None:
    """They are offsets, codes and names of ours: no note comes along."""
    kept = {"id", "characters", "setting", "first_listed", "core", "acceptable", "must_not"}
    for row in own:
        assert row.keys() == kept
        assert all(code.keys() == {"code", "spans"} for code in row["core"] + row["acceptable"])
        assert all(trap.keys() == {"code", "span", "reason"} for trap in row["must_not"])


def test_written_notes_hold_what_is_quoted(codebook: CodeBook) -> None:
    """Every quote stands in its note, every code can be billed, and what comes first is one of the claim's."""
    for row in read_rows(WRITTEN):
        codes = [code["code"] for code in row["core"]]
        assert row["first_listed"] in codes and len(set(codes)) == len(codes), row["id"]
        assert row["setting"] in SETTINGS, row["id"]
        for code in row["core"] + row["acceptable"]:
            assert codebook.is_billable(code["code"]), (row["id"], code["code"])
            assert code["evidence"] and all(quote in row["text"] for quote in code["evidence"]), row["id"]
        for trap in row["must_not"]:
            assert trap["quote"] in row["text"] and trap["reason"] in REASONS, row["id"]


def test_unseen_labels_are_kept_apart() -> None:
    """No note is labelled in two files, so none that measures teaches; and training knows no file of the unseen."""
    ids = {name: [row["id"] for row in read_rows(path)] for name, path in LABELS.items()}
    assert ids["unseen"] and ids["mtsamples"]
    every = [note for notes in ids.values() for note in notes]
    assert len(set(every)) == len(every)
    assert not [path.name for path in TRAINING.glob("*.py") if LABELS["unseen"].name in path.read_text("utf-8")]
