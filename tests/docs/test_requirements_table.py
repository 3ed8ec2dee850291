"""The table of SMART requirements is whole and of today."""

from requirements_table import TABLE, build_table, find_proofs, read_requirements


def test_every_binding_requirement_has_a_test_or_a_reason() -> None:
    """A SHALL is proved in tests/conformance, or the list says why it does not apply; never both."""
    proofs = find_proofs()
    bare, both = [], []
    for requirement in read_requirements():
        tested = any(proof.path.startswith("tests/conformance/") for proof in proofs.get(requirement.id, []))
        if requirement.binds and not tested and not requirement.reason:
            bare.append(f"{requirement.id} {requirement.rule}")
        if requirement.reason and requirement.id in proofs:
            both.append(requirement.id)
    assert bare == []
    assert both == []


def test_marks_name_requirements_that_exist() -> None:
    """A mistyped id would prove nothing."""
    assert find_proofs().keys() <= {requirement.id for requirement in read_requirements()}


def test_every_proof_says_the_rule() -> None:
    """Its docstring is where a reader finds what is required."""
    assert [f"{p.path}::{p.name}" for proofs in find_proofs().values() for p in proofs if not p.says] == []


def test_the_list_is_whole() -> None:
    """All 164 of the set, 121 of them SHALL or SHALL NOT, each once, each with a rule."""
    requirements = read_requirements()
    assert len({requirement.id for requirement in requirements}) == len(requirements) == 164
    assert sum(requirement.binds for requirement in requirements) == 121
    assert all(requirement.rule and requirement.page for requirement in requirements)


def test_the_table_is_of_today() -> None:
    """`make requirements` would write what is there."""
    assert TABLE.read_text("utf-8") == build_table(), "stale: run `make requirements`"
