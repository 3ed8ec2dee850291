"""Writes docs/smart-requirements.md: each client requirement of SMART App Launch 2.2 beside the tests that prove it."""

import ast
import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "tests" / "conformance" / "requirements.tsv"
TABLE = ROOT / "docs" / "smart-requirements.md"
GUIDE = "https://hl7.org/fhir/smart-app-launch/STU2.2/"
HEAD = """# SMART App Launch 2.2: what binds a client, and what proves it

Made by `make requirements` from `{list}` and the marks of the tests; do not edit.

These are the {all} client requirements of HL7's requirement set for [SMART App Launch 2.2]({guide}),
under the set's numbers and in words of our own. Of the {binding} that say SHALL or SHALL NOT, the tests
named prove {tested}, and {left} do not apply, for the reason given. ⚙ marks what Inferno's client suite checks by
machine.
"""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row of the list."""

    id: str
    level: str
    by_inferno: bool
    subject: str
    page: str  # of the guide
    rule: str
    reason: str  # why no test is needed; empty where one is

    @property
    def binds(self) -> bool:
        return self.level.startswith("SHALL")


@dataclass(frozen=True, slots=True)
class Proof:
    """A test with the mark of a requirement."""

    path: str  # from the checkout's root
    name: str
    says: str | None  # its docstring


def read_requirements() -> list[Requirement]:
    with LIST.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return [Requirement(id, level, inferno == "yes", *rest) for id, level, inferno, *rest in rows]


@cache
def find_proofs() -> dict[str, list[Proof]]:
    """The tests of each id, read from their source: nothing is run."""
    found: dict[str, list[Proof]] = {}
    for path in sorted((ROOT / "tests").glob("*/**/test_*.py")):
        for test in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(test, ast.FunctionDef):
                proof = Proof(path.relative_to(ROOT).as_posix(), test.name, ast.get_docstring(test))
                for id in _marked(test):
                    found.setdefault(id, []).append(proof)
    return found


def _marked(test: ast.FunctionDef) -> Iterator[str]:
    for mark in test.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.requirement":
            yield ast.literal_eval(mark.args[0])


def build_table() -> str:
    requirements, proofs = read_requirements(), find_proofs()
    binding = [r for r in requirements if r.binds]
    tested = sum(r.id in proofs for r in binding)
    numbers = {"all": len(requirements), "binding": len(binding), "tested": tested, "left": len(binding) - tested}
    parts = [HEAD.format(list=LIST.relative_to(ROOT).as_posix(), guide=GUIDE, **numbers)]
    for (subject, page), rows in groupby(requirements, key=lambda r: (r.subject, r.page)):
        lines = [_line(row, proofs.get(row.id, [])) for row in rows]
        head = "| id | level | rule | proof |\n|---|---|---|---|"
        parts.append("\n".join([f"## {subject}", "", f"In the guide: {page}.", "", head, *lines, ""]))
    return "\n".join(parts)


def _line(row: Requirement, proofs: list[Proof]) -> str:
    tests = "<br>".join(f"`{p.path.removeprefix('tests/')}::{p.name}`" for p in proofs)
    proof = tests or (f"does not apply, because {row.reason}" if row.reason else "no test")
    rule = row.rule.replace("|", "\\|")
    return f"| {row.id}{' ⚙' if row.by_inferno else ''} | {row.level} | {rule} | {proof} |"


if __name__ == "__main__":
    TABLE.write_text(build_table(), "utf-8")
