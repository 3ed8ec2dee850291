"""Writes docs/asvs.md: each requirement of OWASP ASVS 5.0 up to level 2, and the tests that prove it or the reason."""

import csv
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "tests" / "docs" / "asvs.tsv"
TABLE = ROOT / "docs" / "asvs.md"
PROVED, ARGUED, NOT_APPLICABLE, MISSING = STANDINGS = ("proved", "argued", "not applicable", "missing")
CHAPTERS = {
    "1": "Encoding and sanitization",
    "2": "Validation and business logic",
    "3": "Web frontend",
    "4": "API and web service",
    "5": "Files",
    "6": "Authentication",
    "7": "Sessions",
    "8": "Authorization",
    "9": "Self-contained tokens",
    "10": "OAuth and OpenID Connect",
    "11": "Cryptography",
    "12": "Secure communication",
    "13": "Configuration",
    "14": "Data protection",
    "15": "Secure coding and architecture",
    "16": "Logging and errors",
    "17": "WebRTC",
}
HEAD = """# OWASP ASVS 5.0, level 2: what holds, and how that is known

Made by `make asvs` from `{list}`; do not edit.

These are the {all} requirements of level 1 and 2 of the
[OWASP Application Security Verification Standard 5.0.0](https://github.com/OWASP/ASVS/tree/v5.0.0)
under their numbers and in a few words of our own; what binds is the text of the standard. This is a self-assessment:
nobody else has looked at it.

| standing | how many | meaning |
|---|---|---|
| proved | {proved} | the tests named would fail if it did not hold |
| argued | {argued} | it holds for the reason given; no test proves it |
| not applicable | {na} | there is nothing here that it could be about |
| missing | {missing} | it does not hold, or not wholly; the reason says what is lacking |
"""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the list."""

    id: str
    level: str
    standing: str
    rule: str
    tests: tuple[str, ...]  # path below tests/, `::` and name
    reason: str


def read_requirements() -> list[Requirement]:
    with LIST.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [Requirement(*said, tuple(tests.split()), reason) for *said, tests, reason in rows]


def build_table() -> str:
    requirements = read_requirements()
    count = Counter(requirement.standing for requirement in requirements)
    parts = [
        HEAD.format(
            list=LIST.relative_to(ROOT).as_posix(), all=len(requirements), proved=count[PROVED], argued=count[ARGUED],
            na=count[NOT_APPLICABLE], missing=count[MISSING],
        )
    ]  # fmt: skip
    for chapter, rows in groupby(requirements, key=lambda requirement: requirement.id.partition(".")[0]):
        head = "| id | level | rule | standing | proof or reason |\n|---|---|---|---|---|"
        parts.append("\n".join([f"## V{chapter} {CHAPTERS[chapter]}", "", head, *map(_line, rows), ""]))
    return "\n".join(parts)


def _line(row: Requirement) -> str:
    said = "<br>".join(f"`{test}`" for test in row.tests) or row.reason
    standing = f"**{row.standing}**" if row.standing == MISSING else row.standing
    return f"| {row.id} | {row.level} | {row.rule} | {standing} | {said} |"


if __name__ == "__main__":
    TABLE.write_text(build_table(), "utf-8")
