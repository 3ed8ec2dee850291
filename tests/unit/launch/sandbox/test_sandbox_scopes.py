"""Scopes in both grammars: what is granted and what it permits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launch.sandbox.scopes import grant_scopes, parse_scope, permits

_TYPES = st.sampled_from(["Patient", "Condition", "Claim", "*"])
_LETTERS = st.sampled_from(["c", "r", "u", "d", "s", "rs", "cruds", "cu", "read", "write", "*"])
_SCOPES = st.lists(st.builds("{}/{}.{}".format, st.sampled_from(["patient", "user"]), _TYPES, _LETTERS), max_size=5)


@pytest.mark.parametrize(
    ("requested", "allowed", "granted"),
    [
        ("patient/Condition.rs", ["patient/Condition.rs"], "patient/Condition.rs"),
        ("patient/Condition.rs", ["patient/Condition.r"], "patient/Condition.r"),
        ("patient/Condition.read", ["patient/Condition.rs"], "patient/Condition.read"),
        ("patient/Condition.rs", ["patient/Condition.read"], "patient/Condition.rs"),
        ("patient/Condition.write", ["patient/Condition.c"], "patient/Condition.c"),
        ("patient/Condition.*", ["patient/*.rs", "patient/Condition.u"], "patient/Condition.rus"),
        ("patient/*.rs", ["patient/Condition.rs", "user/Claim.c"], "patient/Condition.rs"),
        ("user/Condition.rs", ["patient/Condition.rs"], ""),
        ("patient/Condition.sr", ["patient/*.*"], ""),
        ("patient/Observation.rs?category=laboratory", ["patient/*.rs"], ""),
        ("launch openid launch", ["launch", "openid"], "launch openid"),
        ("offline_access", ["online_access"], ""),
    ],
)
def test_grants_the_intersection(requested: str, allowed: list[str], granted: str) -> None:
    """Request and registration are intersected letter by letter."""
    assert grant_scopes(requested, allowed).replace("rus", "rus") == granted


@given(_SCOPES, _SCOPES)
def test_never_grants_more_than_either_side(requested: list[str], allowed: list[str]) -> None:
    """Whatever is asked and registered, the grant permits nothing that one of the two does not."""
    granted = grant_scopes(" ".join(requested), allowed)
    for resource_type in ("Patient", "Condition", "Claim", "Task"):
        for letter in "cruds":
            if permits(granted, resource_type, letter):
                assert permits(" ".join(requested), resource_type, letter)
                assert permits(" ".join(allowed), resource_type, letter)


@pytest.mark.parametrize(
    ("scope", "permitted"), [("patient/Claim.read", "rs"), ("user/Claim.write", "cud"), ("user/*.cu", "cu")]
)
def test_permits_what_the_letters_say(scope: str, permitted: str) -> None:
    """v1 read is r and s, v1 write is c, u and d."""
    assert "".join(letter for letter in "cruds" if permits(scope, "Claim", letter)) == permitted


@pytest.mark.parametrize(
    "text", ["patient/Claim.", "patient/claim.rs", "system/Claim.rs", "patient/Claim.sr", "launch"]
)
def test_reads_no_resource_scope_into_other_text(text: str) -> None:
    """Text outside the grammar is not a resource scope."""
    assert parse_scope(text) is None
