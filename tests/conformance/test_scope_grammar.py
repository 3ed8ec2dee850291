"""Scopes, read and weighed. Guide page: Scopes and launch context."""

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launch.ehrs import NEEDED_SCOPES, VENDORS
from launch.scopes import MINIMUM, ResourceScope, allows, is_scope
from smartapp.scopes import scope_words

LEVELS = ("patient", "user", "system")
LETTERS = "cruds"
EVERY = ["".join(chosen) for n in range(1, 6) for chosen in combinations(LETTERS, n)]  # in their order, each once
types = st.from_regex(r"[A-Z][A-Za-z]{2,20}", fullmatch=True)
words = st.from_regex(r"[A-Za-z_][A-Za-z0-9_:.-]{0,15}", fullmatch=True)
pairs = st.lists(st.tuples(words, st.from_regex(r"[A-Za-z0-9:/.|_,-]{1,30}", fullmatch=True)), min_size=1, max_size=3)


@pytest.mark.requirement("@135")
@pytest.mark.requirement("@235")
@pytest.mark.requirement("@137")
@pytest.mark.requirement("@141")
@pytest.mark.requirement("@143")
@given(level=st.sampled_from(LEVELS), kind=types | st.just("*"), letters=st.sampled_from(EVERY))
def test_every_scope_of_the_grammar_is_understood(level, kind, letters):
    """A scope is level (`patient/`, `user/`, `system/`), type, a point and letters of `cruds` in that order."""
    scope = f"{level}/{kind}.{letters}"
    assert ResourceScope.parse(scope) == ResourceScope(level, kind, letters, None)
    assert is_scope(scope)


@pytest.mark.requirement("@132")
@given(kind=types, letters=st.sampled_from(EVERY), only=pairs)
def test_a_finer_scope_ends_in_parameters(kind, letters, only):
    """Finer scopes: `?param=value`, further pairs joined by `&`; such a grant does not open the whole type."""
    suffix = "&".join(f"{name}={value}" for name, value in only)
    scope = f"patient/{kind}.{letters}?{suffix}"
    assert ResourceScope.parse(scope) == ResourceScope("patient", kind, letters, suffix)
    assert not any(allows([scope], letter, kind) for letter in LETTERS)


@pytest.mark.requirement("@135")
@given(st.text(max_size=40) | st.from_regex(r"(patient|user|system|Patient|launch)?/?[A-Za-z*]*\.?[a-z*]*(\?.*)?"))
def test_nothing_outside_the_grammar_is_taken_for_a_scope(text):
    """Whatever is understood, put together again from what was understood, is the same scope: nothing is guessed."""
    parsed = ResourceScope.parse(text)
    if parsed is not None:
        can = text.removeprefix(f"{parsed.level}/{parsed.type}.").partition("?")[0]
        assert {"read": "rs", "write": "cud", "*": "cruds"}.get(can, can) == parsed.letters
        assert parsed.level in LEVELS
        assert text == f"{parsed.level}/{parsed.type}.{can}" + (f"?{parsed.only}" if parsed.only else "")
        assert re.fullmatch("c?r?u?d?s?", parsed.letters)
        assert parsed.letters


@pytest.mark.requirement("@120")
@pytest.mark.requirement("@121")
@pytest.mark.requirement("@122")
@pytest.mark.requirement("@124")
@pytest.mark.requirement("@125")
@given(level=st.sampled_from(LEVELS), kind=types, letters=st.sampled_from(EVERY))
def test_each_letter_allows_its_own_interaction_and_no_other(level, kind, letters):
    """c creates; r reads, also versions; u updates and patches; d deletes; s searches."""
    granted = [f"{level}/{kind}.{letters}"]
    assert "".join(letter for letter in LETTERS if allows(granted, letter, kind)) == letters
    assert not any(allows(granted, letter, kind + "X") for letter in LETTERS)


@pytest.mark.requirement("@124")
def test_deleting_is_never_asked_for():
    """d deletes, and Chartside deletes nothing."""
    assert not any("d" in parsed.letters for scope in MINIMUM if (parsed := ResourceScope.parse(scope)))


@pytest.mark.requirement("@146")
@given(level=st.sampled_from(LEVELS), kind=types)
def test_a_star_grants_every_type(level, kind):
    """The wildcard is `*` in the place of the type; it is understood in a grant and never asked for."""
    assert allows([f"{level}/*.r"], "r", kind)
    assert not allows([f"{level}/*.r"], "s", kind)
    assert not any("*" in scope for scope in MINIMUM)


@pytest.mark.requirement("@151")
@pytest.mark.requirement("@155")
@given(st.from_regex(r"[A-Za-z]{1,20}", fullmatch=True))
def test_context_scopes_begin_with_launch_and_name_types_in_lower_case(kind):
    """`launch`, or `launch/` and a type in lower case."""
    assert is_scope("launch")
    assert is_scope(f"launch/{kind.lower()}")
    assert is_scope(f"launch/{kind}") == kind.islower()


@pytest.mark.requirement("@37")
@pytest.mark.requirement("@46")
@pytest.mark.requirement("@148")
def test_what_is_asked_for_unless_told_otherwise_is_the_least():
    """Scopes are limited to what is needed: reading the chart, the user, no wildcard, no writing, no offline access."""
    assert set(NEEDED_SCOPES) <= set(MINIMUM)
    assert all(is_scope(scope) for scope in MINIMUM)
    parsed = [found for scope in MINIMUM if (found := ResourceScope.parse(scope))]
    assert {scope.type for scope in parsed if scope.level != "patient"} == {"Practitioner"}  # who is signed in
    assert {letter for scope in parsed for letter in scope.letters} == {"r", "s"}
    assert "offline_access" not in MINIMUM


@pytest.mark.requirement("@131")
@pytest.mark.parametrize("vendor", VENDORS)
def test_scopes_are_combined_to_their_shortest_form(vendor):
    """Several interactions on one type are one scope: no two that are asked for differ in their letters only."""
    for asked in (MINIMUM, scope_words(vendor, "v2")):
        parsed = [found for scope in asked if (found := ResourceScope.parse(scope))]
        assert len({(scope.level, scope.type, scope.only) for scope in parsed}) == len(parsed)
