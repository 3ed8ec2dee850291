"""An artifact with and without taggers: a whole predictor in small, loaded from its parts."""

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import CATEGORIES, MARKED_ALONE, SAMPLE, WORDED, tiny_artifact

from model.codebook import CodeBook
from model.document import NOTE_BREAK, Document
from model.evaluate.gold import Gold
from model.evaluate.masking import mask
from model.evaluate.outcomes import judge
from model.parts import TAGGERS, DamagedPart, check_manifest, write_manifest
from model.prediction import Policy, Prediction
from model.predictor import Predictor

PARTS = ("terms.tsv.gz", "learnt.json.gz", "confidence.json")


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_artifact(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def predictor(artifact: Path) -> Predictor:
    return Predictor.load(artifact)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """The same without taggers."""
    return Predictor.load(tiny_artifact(tmp_path_factory.mktemp("plain"), taggers=False))


def suggested(predictor: Predictor, text: str, policy: Policy = Policy.EXHAUSTIVE) -> dict[str, list[str]]:
    """The words of every code that is suggested."""
    found = predictor.predict(Document("note", text), policy).codes
    return {c.code.text: [e.quote for e in c.evidence] for c in found if c.suggested}


def test_a_slice_of_the_code_book(artifact: Path, codebook: CodeBook) -> None:
    """What the small code book holds is what the whole one says, in every edition."""
    small = CodeBook.load(artifact / "codebook")
    assert small.editions == codebook.editions
    for day in (date(2025, 10, 1), date(2026, 10, 1)):
        codes = list(small.billable_codes(day))
        assert 100 < len(codes) < 3000
        assert codes == [code for code in codebook.billable_codes(day) if code[:3] in CATEGORIES]
        assert all(small.get(code, day) == codebook.get(code, day) for code in codes)
    assert small.children("I11") == codebook.children("I11")
    assert small.notes("I50.9") == codebook.notes("I50.9")
    assert "I10" in {found.code for found in small.search("hypertension")}
    named = {codes.split(":", 1)[1] for codes in WORDED.values()}
    assert all(small.billable_descendants(code) for code in named)


def test_the_same_artifact_each_time(artifact: Path, tmp_path: Path) -> None:
    """Made anew, every part has the same bytes and the artifact the same revision."""
    again = tiny_artifact(tmp_path)
    files = sorted(path.relative_to(artifact) for path in artifact.rglob("*") if path.is_file())
    assert {str(f) for f in files} >= {*PARTS, *TAGGERS, "manifest.json"}
    assert all((artifact / file).read_bytes() == (again / file).read_bytes() for file in files)


@pytest.mark.parametrize("policy", list(Policy))
def test_a_note_in_small(predictor: Predictor, policy: Policy) -> None:
    """What the note affirms is suggested with its words, what it denies is not."""
    found = suggested(predictor, SAMPLE, policy)
    assert found["I10"] == ["Hypertension"] and found["M25.561"] == ["Knee pain"]
    assert not {"R07.9", "R50.9"} & found.keys()


def test_a_tagger_finds_what_terms_in_one_piece_do_not(predictor: Predictor, plain: Predictor) -> None:
    """Marked words of a term that stand apart name its code; without taggers they do not."""
    text = "Lesions of the lung that prove metastasis."
    assert "lung that prove metastasis" in suggested(predictor, text)["C78.00"]
    assert suggested(plain, text) == {}


def test_without_taggers(plain: Predictor) -> None:
    """An artifact that has none reads terms alone."""
    assert suggested(plain, SAMPLE)["I10"] == ["Hypertension"]


PIECES = [*WORDED, MARKED_ALONE, "no", "PLAN:\n", ". ", ", ", "\n\n", NOTE_BREAK, "left", "BMI 42"]
TEXTS = st.text(st.characters(exclude_categories=()), max_size=80) | st.lists(st.sampled_from(PIECES), max_size=25).map(
    " ".join
)


@pytest.mark.parametrize("policy", list(Policy))
@given(text=TEXTS)
@settings(deadline=None, max_examples=40)
def test_any_text(predictor: Predictor, policy: Policy, text: str) -> None:
    """Every code has words, quotes are exact, and the prediction survives JSON, whatever the text."""
    prediction = predictor.predict(Document("note", text), policy)
    assert all(c.evidence and all(e.span.of(text) == e.quote for e in c.evidence) for c in prediction.codes)
    assert len({c.code for c in prediction.codes}) == len(prediction.codes)
    assert Prediction.from_json(json.loads(json.dumps(prediction.to_json()))) == prediction
    assert predictor.predict(Document("note", text), policy) == prediction


@pytest.mark.parametrize("policy", list(Policy))
@given(text=TEXTS)
@settings(deadline=None, max_examples=60, derandomize=True)
def test_masking_the_words_removes_the_code(predictor: Predictor, policy: Policy, text: str) -> None:
    """Also where its words stand apart or are marked alone."""
    document = Document("note", text)
    outcome = judge(Gold(document, {}), predictor.predict(document, policy), policy)
    assert mask(predictor, [outcome], policy).kept == ()


@pytest.mark.parametrize("part", [*PARTS, *TAGGERS, "manifest.json"])
def test_damaged_part_is_named(artifact: Path, tmp_path: Path, part: str) -> None:
    """A part that is missing, or is not the one of the manifest, is refused by name."""
    for name in (*PARTS, *TAGGERS, "manifest.json"):
        (tmp_path / name).write_bytes((artifact / name).read_bytes())
    (tmp_path / part).write_bytes(b"damaged")
    with pytest.raises(DamagedPart, match=part.replace(".", r"\.")):
        Predictor.load(tmp_path)
    (tmp_path / part).unlink()
    with pytest.raises(DamagedPart, match=part.replace(".", r"\.")):
        Predictor.load(tmp_path)


@pytest.mark.parametrize("part", TAGGERS)
def test_all_taggers_or_none(artifact: Path, tmp_path: Path, part: str) -> None:
    """A manifest that names only some parts of the taggers is refused."""
    for name in (*PARTS, *TAGGERS, "manifest.json"):
        (tmp_path / name).write_bytes((artifact / name).read_bytes())
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    del manifest["parts"][part]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(DamagedPart, match=f"does not name {part}"):
        check_manifest(tmp_path)
    (tmp_path / part).unlink()
    with pytest.raises(FileNotFoundError):
        write_manifest(tmp_path, "half")


def test_taggers_belong_to_the_revision(artifact: Path, tmp_path: Path) -> None:
    """Another tagger makes another revision, and so does none."""
    for name in (*PARTS, *TAGGERS):
        (tmp_path / name).write_bytes((artifact / name).read_bytes())
    revisions = {check_manifest(artifact).revision, write_manifest(tmp_path, "x").revision}
    assert len(revisions) == 1
    (tmp_path / TAGGERS[1]).write_bytes((artifact / TAGGERS[2]).read_bytes())
    revisions.add(write_manifest(tmp_path, "x").revision)
    for part in TAGGERS:
        (tmp_path / part).unlink()
    revisions.add(write_manifest(tmp_path, "x").revision)
    assert len(revisions) == 3
