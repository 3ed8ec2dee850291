"""By which rung each resource reaches which EHR, and why no better one: one expected plan for each vendor."""

import tomllib
from typing import Any

import pytest
from capability_digest import FILES, FIXTURES, load
from metadata_server import statement

from launch.ehrs import EHR, VENDORS
from smartapp.fhir.capability import Capability
from smartapp.fhir.ladder import WRITTEN, Ladder, decide
from smartapp.fhir.vendors import GENERIC, Fact, vendor
from smartapp.reviews import Rung

EVERY_SCOPE = tuple(
    f"user/{type}.cruds" for type in (*WRITTEN, "DocumentReference", "Communication", "Task")
)  # fmt: skip
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((FIXTURES / "plans.toml").read_text("utf-8"))
EVERYTHING: dict[str, dict[str, Any]] = {
    "Condition": {"interaction": ["create", "update"]},
    "Encounter": {"interaction": ["update", "patch"], "versioning": "versioned-update"},
    "Claim": {"interaction": ["create"]},
    "Provenance": {"interaction": ["create"]},
    "DocumentReference": {"interaction": ["create"]},
    "Communication": {"interaction": ["create"]},
    "Task": {"interaction": ["create"]},
}


def ehr(**settings: Any) -> EHR:
    return EHR("https://ehr.example/fhir", "Sample", "chartside", **settings)


def ladder(
    types: dict[str, dict[str, Any]] = EVERYTHING,
    system: tuple[str, ...] = (),
    granted: tuple[str, ...] = EVERY_SCOPE,
    **settings: Any,
) -> Ladder:
    return decide(Capability.from_resource(statement(types, interaction=list(system))), granted, ehr(**settings))


def rungs(found: Ladder) -> dict[str, str]:
    return {choice.resource: choice.rung.value for choice in found.choices}


def reasons(found: Ladder) -> list[str]:
    return [f"{choice.resource} {passed.rung}: {passed.reason}" for choice in found.choices for passed in choice.passed]


def without(*types: str, **changed: Any) -> dict[str, dict[str, Any]]:
    return {type: facts for type, facts in EVERYTHING.items() if type not in types} | changed


@pytest.mark.parametrize("name", EXPECTED)
def test_the_plan_of_each_vendor_is_as_expected(name: str) -> None:
    wanted = EXPECTED[name]
    settings: dict[str, Any] = {"vendor": wanted["vendor"]}
    if wanted.get("cds"):
        settings |= {"cds_issuer": "https://ehr.example", "cds_jwks_url": "https://ehr.example/jwks"}
    if wanted.get("pool"):
        settings |= {"billing_pool": "Group/billing"}
    found = decide(Capability.from_resource(load(wanted.get("file", name))), EVERY_SCOPE, ehr(**settings))
    assert rungs(found) == wanted["rungs"]
    for reason in wanted["reasons"]:
        assert any(said.startswith(reason) for said in reasons(found)), reason


def test_every_vendor_file_has_an_expected_plan() -> None:
    assert set(FILES) == {path.stem for path in FIXTURES.glob("*.json")}
    assert set(FILES) <= set(EXPECTED)


def test_who_takes_everything_gets_one_transaction() -> None:
    found = ladder(system=("transaction",))
    assert set(rungs(found).values()) == {"transaction"}
    assert reasons(found) == []


def test_without_transactions_one_after_the_other() -> None:
    assert set(rungs(ladder()).values()) == {"single-writes"}


def test_a_transaction_that_may_be_a_batch_is_not_relied_on() -> None:
    found = ladder(system=("transaction", "batch"), vendor="medplum")
    assert set(rungs(found).values()) == {"single-writes"}
    assert any("as a batch" in reason for reason in reasons(found))


def test_an_encounter_that_is_patched_follows_by_itself() -> None:
    """A Bundle with a Condition in it and a patch of the Encounter after it would not be one transaction."""
    found = ladder(without(Encounter={"interaction": ["patch"]}), system=("transaction",))
    assert rungs(found) == dict.fromkeys(WRITTEN, "single-writes") | {"Encounter": "json-patch"}


def test_one_type_less_does_not_spoil_the_transaction() -> None:
    found = ladder(without("Claim"), system=("transaction",))
    assert rungs(found) == dict.fromkeys(WRITTEN, "transaction") | {"Claim": "document"}


def test_a_scope_that_was_not_granted_is_named() -> None:
    granted = tuple(scope for scope in EVERY_SCOPE if "Claim" not in scope)
    found = ladder(granted=(*granted, "user/Claim.rs", "user/Claim.c?status=draft"))
    assert found.rung("Claim") is Rung.DOCUMENT
    assert "Claim single-writes: the scope user/Claim.c was not granted" in reasons(found)


def test_scopes_of_the_first_grammar_count() -> None:
    granted = tuple(f"user/{type}.write" for type in WRITTEN)
    assert set(rungs(ladder(granted=granted)).values()) == {"single-writes"}


def test_nothing_granted_leaves_files() -> None:
    assert set(rungs(ladder(granted=(), billing_pool="Group/1")).values()) == {"export"}


def test_without_versions_nothing_is_changed() -> None:
    found = ladder(without(Encounter={"interaction": ["update"], "versioning": "no-version"}))
    assert found.rung("Encounter") is Rung.DOCUMENT
    assert any("keeps no versions" in reason for reason in reasons(found))


def test_an_encounter_cannot_list_diagnoses_that_are_not_there() -> None:
    found = ladder(without("Condition"))
    assert rungs(found) == {
        "Condition": "document", "Encounter": "document", "Claim": "single-writes", "Provenance": "single-writes"
    }  # fmt: skip
    assert any(reason.startswith("Encounter json-patch: the diagnoses do not get") for reason in reasons(found))


@pytest.mark.parametrize(
    ("pool", "types", "message"),
    [
        ("Group/1", without("DocumentReference"), "Communication"),
        ("Organization/1", without("DocumentReference", "Communication"), "Task"),
        ("Group/1", without("DocumentReference", "Communication"), None),  # Task.owner may be no Group
    ],
)
def test_who_bills_gets_what_the_ehr_can_give_them(
    pool: str, types: dict[str, dict[str, Any]], message: str | None
) -> None:
    found = ladder({t: f for t, f in types.items() if t not in WRITTEN}, billing_pool=pool)
    assert found.message == message
    assert found.rung("Condition") is (Rung.MESSAGE if message else Rung.EXPORT)


def test_a_card_only_where_the_vendor_or_the_admin_says_so() -> None:
    """Of a vendor without facts nothing speaks against it once its calls are set up; of others the facts decide."""
    unset = without("Condition")
    assert ladder(unset).rung("Condition") is Rung.DOCUMENT
    assert ladder(unset, cds_issuer="https://ehr.example").rung("Condition") is Rung.CDS_SUGGESTION
    assert ladder(unset, cds_issuer="https://ehr.example", vendor="canvas").rung("Condition") is Rung.DOCUMENT


def test_marking_as_an_error_needs_to_be_allowed() -> None:
    assert ladder().condition_updates
    assert not ladder(without(Condition={"interaction": ["create"]})).condition_updates


def test_facts_have_sources_and_known_effects() -> None:
    known = [vendor(name) for name in VENDORS if name != "generic"]
    assert all(one.facts for one in known)
    assert all(fact.source for one in known for fact in one.facts)
    assert vendor("generic") is GENERIC
    with pytest.raises(ValueError, match="asks for"):
        Fact("It wants something.", "a page", asks=("wings",))
