"""The packed code book: a damaged part is refused by name."""

import json
import shutil
from pathlib import Path

import pytest

from model.codebook import CodeBook, CorruptedPart

PACKED = Path(__file__).parents[3] / "model" / "artifact" / "codebook"


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACKED, tmp_path / "codebook"))


@pytest.mark.parametrize("part", sorted(p.name for p in PACKED.glob("*.gz")))
def test_changed_part_is_refused_by_name(packed: Path, part: str) -> None:
    """One flipped byte in any part stops the load, and the error names the file."""
    content = bytearray((packed / part).read_bytes())
    content[len(content) // 2] ^= 1
    (packed / part).write_bytes(content)
    with pytest.raises(CorruptedPart, match=part):
        CodeBook.load(packed)


def test_missing_part_is_refused_by_name(packed: Path) -> None:
    """A part that is not there is named."""
    (packed / "notes.json.gz").unlink()
    with pytest.raises(CorruptedPart, match=r"notes\.json\.gz is missing"):
        CodeBook.load(packed)


@pytest.mark.parametrize("manifest", ["", "[]", "{", '{"format": 99}', '{"format": 1}'])
def test_damaged_manifest_is_refused(packed: Path, manifest: str) -> None:
    """A manifest that is no manifest is refused as such."""
    (packed / "manifest.json").write_text(manifest)
    with pytest.raises(CorruptedPart, match=r"manifest\.json"):
        CodeBook.load(packed)


def test_manifest_without_editions_is_refused(packed: Path) -> None:
    """Without its editions the book cannot answer for a day."""
    manifest = json.loads((packed / "manifest.json").read_text())
    del manifest["editions"]
    (packed / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CorruptedPart, match="editions"):
        CodeBook.load(packed)


def test_missing_folder_is_refused(tmp_path: Path) -> None:
    """An empty folder holds no code book."""
    with pytest.raises(CorruptedPart, match="missing"):
        CodeBook.load(tmp_path)


def test_manifest_names_editions_and_sources() -> None:
    """The manifest tells the editions with their counts and the SHA-256 of every source file."""
    manifest = json.loads((PACKED / "manifest.json").read_text())
    assert [(e["name"], e["billable"]) for e in manifest["editions"]] == [("FY2026", 74_719), ("FY2027", 74_879)]
    assert len(manifest["sources"]) == 10 and all(len(sha) == 64 for sha in manifest["sources"].values())


def test_packed_book_stays_small() -> None:
    """The packed code book is smaller than 10 MB."""
    assert sum(p.stat().st_size for p in PACKED.iterdir()) < 10_000_000
