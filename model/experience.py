"""What coded notes taught about terms: how often a term was seen, and how often each of its codes was right."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Taught:
    """Documents of one kind: with the term among their mentions, with the code right, with it at least acceptable."""

    seen: int = 0
    right: int = 0
    acceptable: int = 0

    @property
    def rate(self) -> float:
        """How often the code was right; half a document of doubt on either side."""
        return (self.right + 0.5) / (self.seen + 1)

    @property
    def acceptable_rate(self) -> float:
        return (self.acceptable + 0.5) / (self.seen + 1)


_NOTHING = Taught()


@dataclass(frozen=True)
class Experience:
    """Counts by term and code, by code, and by category, from case reports and from encounters, each kept apart.

    Keys are 'term|code' for terms, the code, or the category; the values count documents.
    """

    terms: Mapping[str, Mapping[str, Taught]] = field(default_factory=dict)  # 'reports' | 'encounters' -> key -> counts
    codes: Mapping[str, Mapping[str, Taught]] = field(default_factory=dict)
    mentions: Mapping[str, str] = field(default_factory=dict)  # term -> 'c:CODE ...': annotated in case reports
    triggers: Mapping[str, str] = field(default_factory=dict)  # term -> 'u:CODE ...': quoted as evidence of encounters

    def of_term(self, kind: str, key: str, code: str) -> Taught:
        return self.terms.get(kind, {}).get(f"{key}|{code}", _NOTHING)

    def of_code(self, kind: str, code: str) -> Taught:
        """Of a code or a category."""
        return self.codes.get(kind, {}).get(code, _NOTHING)

    def save(self, path: Path) -> None:
        plain: dict[str, Any] = {
            "terms": {k: {t: _row(c) for t, c in sorted(v.items())} for k, v in sorted(self.terms.items())},
            "codes": {k: {t: _row(c) for t, c in sorted(v.items())} for k, v in sorted(self.codes.items())},
            "mentions": dict(sorted(self.mentions.items())),
            "triggers": dict(sorted(self.triggers.items())),
        }
        data = json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode()
        path.write_bytes(gzip.compress(data, mtime=0))

    @classmethod
    def load(cls, path: Path) -> "Experience":
        plain = json.loads(gzip.decompress(path.read_bytes()))
        return cls(
            terms={k: {t: Taught(*c) for t, c in v.items()} for k, v in plain["terms"].items()},
            codes={k: {t: Taught(*c) for t, c in v.items()} for k, v in plain["codes"].items()},
            mentions=plain["mentions"],
            triggers=plain["triggers"],
        )


def _row(taught: Taught) -> list[int]:
    return [taught.seen, taught.right, taught.acceptable]
