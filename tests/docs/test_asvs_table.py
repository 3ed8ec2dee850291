"""The table of OWASP ASVS 5.0 is whole and of today, and every test that it names is there."""

import ast
from collections import Counter
from pathlib import Path

from asvs_table import CHAPTERS, PROVED, STANDINGS, TABLE, build_table, read_requirements

TESTS = Path(__file__).resolve().parents[1]
# How many requirements of level 1 and of level 2 each chapter of ASVS 5.0.0 has.
EACH = {
    "1": (8, 19), "2": (4, 7), "3": (8, 11), "4": (2, 8), "5": (4, 5), "6": (13, 22), "7": (6, 12), "8": (4, 3),
    "9": (4, 3), "10": (5, 24), "11": (3, 11), "12": (3, 6), "13": (1, 12), "14": (2, 7), "15": (3, 10),
    "16": (0, 16), "17": (0, 7),
}  # fmt: skip


def test_every_test_that_is_named_is_there() -> None:
    """In its file, by its name."""
    missing = []
    for requirement in read_requirements():
        for named in requirement.tests:
            path, _, name = named.partition("::")
            tree = ast.parse((TESTS / path).read_text("utf-8")) if (TESTS / path).is_file() else ast.Module([], [])
            if name not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}:
                missing.append(f"{requirement.id} {named}")
    assert missing == []


def test_what_is_proved_names_tests_and_all_else_a_reason() -> None:
    """One of the two, never both."""
    for requirement in read_requirements():
        assert requirement.standing in STANDINGS, requirement.id
        assert bool(requirement.tests) is (requirement.standing == PROVED), requirement.id
        assert bool(requirement.reason) is (requirement.standing != PROVED), requirement.id
        assert requirement.rule, requirement.id


def test_the_list_is_whole() -> None:
    """All 253 of level 1 and 2, each once, in their order."""
    requirements = read_requirements()
    assert len({requirement.id for requirement in requirements}) == len(requirements) == 253
    assert [r.id for r in requirements] == sorted((r.id for r in requirements), key=lambda i: [*map(int, i.split("."))])
    found = Counter((requirement.id.partition(".")[0], requirement.level) for requirement in requirements)
    assert {chapter: (found[chapter, "1"], found[chapter, "2"]) for chapter in CHAPTERS} == EACH


def test_the_table_is_of_today() -> None:
    """`make asvs` would write what is there."""
    assert TABLE.read_text("utf-8") == build_table(), "stale: run `make asvs`"
