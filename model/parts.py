"""The parts of a trained predictor on disk: named, weighed and loaded as one."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MANIFEST = "manifest.json"
TERMS = "terms.tsv.gz"
LEARNT = "learnt.json.gz"
CONFIDENCE = "confidence.json"
CODEBOOK = "codebook"
TOKENIZER = "tokenizer.json"
REPORTS_TAGGER = "reports.onnx"
ENCOUNTERS_TAGGER = "encounters.onnx"
# The code book is not among them: it has a manifest of its own and is renewed every year without training.
_PARTS = (TERMS, LEARNT, CONFIDENCE)
# All three or none: a predictor can do without taggers, and one that was measured without them has none.
TAGGERS = (TOKENIZER, REPORTS_TAGGER, ENCOUNTERS_TAGGER)


class ArtifactError(Exception):
    """The artifact cannot be loaded.

    ArtifactError
    └── DamagedPart    a part is missing or is not the one the manifest names; nothing is loaded
    """


class DamagedPart(ArtifactError):
    """A part is missing, or its SHA-256 is not the one the manifest names."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an artifact is: its name, its revision and the SHA-256 of every part."""

    name: str
    revision: str
    parts: Mapping[str, str]


def write_manifest(directory: Path, name: str) -> Manifest:
    """Seals the parts; the revision follows from their content, so the same parts are the same revision."""
    tagging = TAGGERS if any((directory / part).exists() for part in TAGGERS) else ()
    parts = {part: _sha256(directory / part) for part in (*_PARTS, *tagging)}
    revision = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    manifest = Manifest(name, revision, parts)
    text = json.dumps({"name": name, "revision": revision, "parts": parts}, indent=2, sort_keys=True)
    (directory / MANIFEST).write_text(text + "\n", encoding="utf-8")
    return manifest


def check_manifest(directory: Path) -> Manifest:
    """Reads the manifest and proves every part; raises DamagedPart with the name of the first that is not itself."""
    try:
        value = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        manifest = Manifest(value["name"], value["revision"], value["parts"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedPart(f"{MANIFEST} is missing or cannot be read") from error
    needed = (*_PARTS, *TAGGERS) if any(part in manifest.parts for part in TAGGERS) else _PARTS
    missing = [part for part in needed if part not in manifest.parts]
    if missing:
        raise DamagedPart(f"{MANIFEST} does not name {missing[0]}")
    for part, sha256 in sorted(manifest.parts.items()):
        path = directory / part
        if not path.is_file():
            raise DamagedPart(f"{part} is missing")
        if _sha256(path) != sha256:
            raise DamagedPart(f"{part} is damaged: its SHA-256 is not the one in {MANIFEST}")
    return manifest


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
