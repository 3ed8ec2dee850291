"""Codes that do not stand beside others."""

import pytest

from model.document import Span
from model.guidelines.beside import beside_rules, choose_one, not_beside


def gone(*codes: str, confirmed: tuple[str, ...] = (), same_words: bool = False) -> dict[str, str]:
    """Which of the codes, the likeliest first, go by which rule; each proved by words of its own."""
    words = {code: [Span(0 if same_words else at, at + 1 if not same_words else 9)] for at, code in enumerate(codes)}
    return {code: rule.id for code, rule in not_beside(codes, (*codes, *confirmed), words).items()}


@pytest.mark.parametrize(
    ("goes", "stays"),
    [
        ("I10", "I11.9"), ("E11.9", "O24.414"), ("Z79.4", "O24.414"), ("Z79.84", "O24.410"), ("Z79.4", "E10.9"),
        ("Z33.1", "O24.419"), ("Z34.02", "O24.419"), ("M81.0", "M80.051A"), ("Z72.0", "F17.210"),
        ("Z87.891", "F17.210"), ("Z86.73", "I69.351"), ("F10.10", "F10.20"), ("F10.90", "F10.10"), ("F11.90", "F11.20"),
        ("J96.00", "J96.21"), ("I50.22", "I50.23"), ("I50.31", "I50.33"), ("I50.40", "I50.43"), ("J90", "J91.0"),
        ("J18.9", "J69.0"), ("D63.8", "D63.1"),
        ("I11.9", "I11.0"), ("I12.9", "I12.0"),
    ],
)  # fmt: skip
def test_one_goes(goes: str, stays: str) -> None:
    """The rule acts whichever of the two is likelier, and not without the other."""
    told = ("I50.9", "N18.6")
    assert set(gone(goes, stays, confirmed=told)) == {goes}
    assert set(gone(stays, goes, confirmed=told)) == {goes}
    assert gone(goes, confirmed=told) == gone(stays, confirmed=told) == {}


@pytest.mark.parametrize(
    "both", [("I10", "I16.0"), ("Z79.4", "E11.9"), ("F17.210", "J44.9"), ("I12.9", "N18.4"), ("E11.22", "E11.65")]
)
def test_both_stay(both: tuple[str, str]) -> None:
    assert gone(*both) == {}


def test_the_same_words_are_not_said_twice() -> None:
    """'Alcohol use disorder' read as use and as dependence: the likelier reading is decided elsewhere (I.C.5.b.2)."""
    assert gone("F10.20", "F10.90", same_words=True) == {}


@pytest.mark.parametrize(
    ("code", "needed"), [("Z68.41", "E66.01"), ("Z3A.28", "O24.419"), ("I11.0", "I50.9"), ("I12.9", "N18.4")]
)
def test_not_without(code: str, needed: str) -> None:
    """Weeks, body mass index and combinations stand only beside what they belong to."""
    assert set(gone(code, "J44.9")) == {code}
    assert gone(code, needed) == {}


def test_what_is_said_need_not_stand() -> None:
    """Heart failure that the note confirms keeps the combination also where its own code is not suggested."""
    assert gone("I13.0", confirmed=("I50.9", "N18.4")) == {}
    assert set(gone("I13.0", confirmed=("N18.4",))) == {"I13.0"}


def test_all_of_hypertension_is_one_code() -> None:
    codes = ("I10", "I11.0", "I12.9", "I13.0", "I50.9", "N18.4")
    assert set(gone(*codes)) == {"I10", "I11.0", "I12.9"}


def test_one_seventh_character() -> None:
    """Of two 7th characters of one injury the likelier stays; the same injury of the other side is another."""
    assert gone("S52.501D", "S52.501A", "S52.502A") == {"S52.501A": "one-seventh-character"}


def test_rules_are_cited() -> None:
    rules = [r.rule for r in beside_rules()]
    assert len({r.id for r in rules}) == len(rules)
    assert all("FY2026" in r.citation and r.reason.endswith(".") for r in rules)


@pytest.mark.parametrize(
    ("likely", "stays", "surely"),
    [
        ({"Z00.00": 0.3, "Z00.01": 0.4}, "Z00.00", 0.7),
        ({"Z00.00": 0.3, "Z00.01": 0.4, "R05.9": 0.9}, "Z00.01", 0.7),
        ({"Z00.00": 0.5, "Z00.01": 0.4, "R05.9": 0.9}, "Z00.00", 0.9),
        ({"Z00.00": 0.3, "Z00.01": 0.4, "R05.9": 0.2, "Z23": 0.9}, "Z00.00", 0.7),
        ({"Z00.00": 0.9, "Z00.01": 0.9}, "Z00.00", 0.999),
    ],
)
def test_one_code_of_a_routine_examination(likely: dict[str, float], stays: str, surely: float) -> None:
    """Without abnormal findings where no condition is coded, as sure as both together (I.C.21.c.13)."""
    chosen, dropped = choose_one(likely, 0.48)
    assert chosen[stays] == pytest.approx(surely)
    assert {code for code, p in chosen.items() if not p} == set(dropped) == {"Z00.00", "Z00.01"} - {stays}


def test_examinations_alone_stand_as_they_are() -> None:
    assert choose_one({"Z00.00": 0.3, "I10": 0.9}, 0.48) == ({"Z00.00": 0.3, "I10": 0.9}, {})
