"""SMART scopes. Guide page: Scopes and launch context."""

import pytest

from launch.scopes import MINIMUM, Abilities, ResourceScope, allows, is_scope, to_ask, to_v1

CREATE, READ, UPDATE, DELETE, SEARCH = "cruds"


@pytest.mark.requirement("@135")
@pytest.mark.requirement("@137")
@pytest.mark.requirement("@141")
@pytest.mark.requirement("@143")
@pytest.mark.requirement("@132")
@pytest.mark.requirement("@146")
@pytest.mark.parametrize(
    ("scope", "parsed"),
    [
        ("patient/Patient.r", ("patient", "Patient", "r", None)),
        ("user/Condition.cruds", ("user", "Condition", "cruds", None)),
        ("system/Claim.us", ("system", "Claim", "us", None)),
        ("patient/*.rs", ("patient", "*", "rs", None)),
        ("patient/Observation.rs?category=x|lab", ("patient", "Observation", "rs", "category=x|lab")),
        ("patient/Observation.s?a=b&c=d", ("patient", "Observation", "s", "a=b&c=d")),
        ("patient/Patient.read", ("patient", "Patient", "rs", None)),
        ("user/Condition.write", ("user", "Condition", "cud", None)),
        ("user/*.*", ("user", "*", "cruds", None)),
    ],
)
def test_a_resource_scope_is_read(scope, parsed):
    """level / type . letters ? narrowing; the words of the first version stand for letters."""
    assert ResourceScope.parse(scope) == ResourceScope(*parsed)


@pytest.mark.requirement("@235")
@pytest.mark.parametrize(
    "scope",
    [
        "",
        "patient",
        "patient/Patient",
        "patient/Patient.",
        "patient/Patient.sr",
        "patient/Patient.rr",
        "patient/Patient.x",
        "patient/patient.r",
        "Patient/Patient.r",
        "group/Patient.r",
        "patient/Patient.r?",
        "patient/Patient.r?category",
        "patient/Patient.r patient/Encounter.r",
        "launch/",
        "launch/Patient",
        "openId",
    ],
)
def test_what_breaks_the_grammar_is_no_scope(scope):
    """Order, case and spelling matter."""
    assert not is_scope(scope)


@pytest.mark.requirement("@151")
@pytest.mark.requirement("@155")
@pytest.mark.requirement("@235")
@pytest.mark.parametrize(
    "scope", [*MINIMUM, "launch/patient", "launch/encounter", "launch/imagingstudy", "offline_access"]
)
def test_the_scopes_of_the_guide_are_scopes(scope):
    """Context scopes begin with launch and name their type in lower case."""
    assert is_scope(scope)


@pytest.mark.requirement("@120")
@pytest.mark.requirement("@121")
@pytest.mark.requirement("@122")
@pytest.mark.requirement("@124")
@pytest.mark.requirement("@125")
@pytest.mark.parametrize("letter", [CREATE, READ, UPDATE, DELETE, SEARCH])
def test_each_letter_allows_one_thing(letter):
    """c creates, r reads, u updates and patches, d deletes, s searches; none of them implies another."""
    granted = [f"user/Condition.{letter}"]
    assert [other for other in "cruds" if allows(granted, other, "Condition")] == [letter]


@pytest.mark.parametrize(
    ("granted", "letter", "allowed"),
    [
        ("user/Condition.c", CREATE, True),
        ("patient/Condition.c", CREATE, True),
        ("user/*.c", CREATE, True),
        ("user/Condition.write", CREATE, True),
        ("user/Condition.read", SEARCH, True),
        ("user/Condition.read", CREATE, False),
        ("user/Encounter.c", CREATE, False),
        ("user/Condition.c?category=problem-list-item", CREATE, False),
        ("launch openid fhirUser", READ, False),
        ("user/Condition.rs user/Condition.c", CREATE, True),
        ("", READ, False),
        ("nonsense/Condition.c", CREATE, False),
    ],
)
def test_what_is_granted_decides(granted, letter, allowed):
    """Only a grant for the type, or for all, with the letter and not narrowed to a part, allows."""
    assert allows(granted.split(), letter, "Condition") is allowed


@pytest.mark.requirement("@147")
@pytest.mark.parametrize(
    ("granted", "wanted", "allowed"),
    [
        ("patient/Condition.rs user/Condition.c", "Condition.crs", True),
        ("patient/Condition.rs", "Condition.crs", False),
        ("user/Condition.write patient/Condition.read", "Condition.cruds", True),
        ("user/*.cruds", "Claim.c", True),
        ("patient/*.*", "Claim.c", True),
        ("patient/Condition.rs", "Condition", False),
        ("patient/Condition.rs", "Condition.", False),
    ],
)
def test_abilities_follow_the_grant(granted, wanted, allowed):
    """All of the letters, from whichever grants together, in either grammar, with wildcards; none is no ability."""
    assert Abilities(tuple(granted.split())).allow(wanted) is allowed


@pytest.mark.parametrize(
    ("scope", "older"),
    [
        ("patient/Condition.rs", ["patient/Condition.read"]),
        ("patient/Patient.r", ["patient/Patient.read"]),
        ("user/Condition.c", ["user/Condition.write"]),
        ("user/Condition.crs", ["user/Condition.read", "user/Condition.write"]),
        ("user/Encounter.ud", ["user/Encounter.write"]),
        ("patient/Observation.s?category=x|lab", ["patient/Observation.read"]),
        ("patient/Condition.read", ["patient/Condition.read"]),
        ("openid", ["openid"]),
        ("launch/patient", ["launch/patient"]),
    ],
)
def test_each_scope_has_its_like_in_the_older_grammar(scope, older):
    """.read covers reading and searching, .write the rest; what is not about resources stays."""
    assert list(to_v1(scope)) == older


def test_what_is_asked_in_the_older_grammar_covers_what_was_meant():
    """Every letter of the first list is allowed by the second."""
    wanted = [*MINIMUM, "user/Condition.crs", "user/Encounter.ru", "user/Claim.c"]
    older = Abilities(to_ask(wanted, v1=True, standalone=False))
    for scope in filter(None, map(ResourceScope.parse, wanted)):
        assert older.allow(f"{scope.type}.{scope.letters}")


def test_a_scope_is_asked_once():
    """Two scopes may be one in the older grammar."""
    asked = to_ask(["launch", "patient/Condition.r", "patient/Condition.s"], v1=True, standalone=False)
    assert asked == ("launch", "patient/Condition.read")


@pytest.mark.requirement("@152")
@pytest.mark.requirement("@153")
@pytest.mark.requirement("@166")
def test_without_a_launch_the_chart_is_asked_for():
    """Standalone: `launch` would need a launch of the EHR; patient and encounter are asked for in its place."""
    assert to_ask(["launch", "openid", "patient/Patient.r"], v1=False, standalone=True) == (
        "launch/patient",
        "launch/encounter",
        "openid",
        "patient/Patient.r",
    )


@pytest.mark.requirement("@124")
@pytest.mark.requirement("@146")
def test_the_default_asks_for_no_write_and_no_wildcard():
    """The least: reading, by type."""
    parsed = [scope for scope in map(ResourceScope.parse, MINIMUM) if scope]
    assert parsed
    assert not any(set(scope.letters) & set("cud") or scope.type == "*" for scope in parsed)
