"""The packed form of a code book: compressed files and the manifest that names them, byte for byte reproducible."""

import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.codebook.entries import CorruptedPart

MANIFEST = "manifest.json"
FORMAT = 1


def write_parts(directory: Path, parts: Mapping[str, bytes], about: Mapping[str, Any]) -> None:
    """Packs `parts` under `directory`, with a manifest that holds `about` and the SHA-256 of every file."""
    directory.mkdir(parents=True, exist_ok=True)
    listed = {}
    for name, content in sorted(parts.items()):
        packed = gzip.compress(
            content, compresslevel=9, mtime=0
        )  # no time inside: the same sources give the same bytes
        (directory / f"{name}.gz").write_bytes(packed)
        listed[f"{name}.gz"] = {"sha256": hashlib.sha256(packed).hexdigest(), "bytes": len(packed)}
    manifest = {"format": FORMAT, **about, "parts": listed}
    (directory / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest; raises CorruptedPart."""
    try:
        manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CorruptedPart(f"code book: {MANIFEST} is missing") from None
    except ValueError:
        raise CorruptedPart(f"code book: {MANIFEST} is damaged") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CorruptedPart(f"code book: {MANIFEST} is not of format {FORMAT}")
    return manifest


def read_part(directory: Path, manifest: Mapping[str, Any], name: str) -> bytes:
    """One part, unpacked after its SHA-256 has been compared; raises CorruptedPart with the name of the file."""
    file = f"{name}.gz"
    listed = manifest.get("parts", {}).get(file)
    if listed is None:
        raise CorruptedPart(f"code book: {MANIFEST} does not name {file}")
    try:
        packed = (directory / file).read_bytes()
    except FileNotFoundError:
        raise CorruptedPart(f"code book: {file} is missing") from None
    if hashlib.sha256(packed).hexdigest() != listed["sha256"]:
        raise CorruptedPart(f"code book: {file} is damaged or not the file of this manifest")
    return gzip.decompress(packed)
