"""From a heading to a billable code by kind, side and 7th character."""

from datetime import date

import pytest

from model.codebook import CodeBook, OpenBook

DAY = date(2026, 11, 1)


@pytest.fixture(scope="session")
def opened(codebook: CodeBook) -> OpenBook:
    return OpenBook(codebook, DAY)


def test_a_fracture_wants_side_and_encounter(opened: OpenBook) -> None:
    """`ankle fracture` leads to the heading of the index, not to a guess; its 7th characters are those of S82."""
    found = opened.find("ankle fracture")[0]
    assert found.choices is not None and found.choices.heading == "S82.89"
    assert found.choices.needs == ("side", "7th character")
    assert [option.key for option in found.choices.sides] == ["R", "L", "U"]
    assert (
        len(found.choices.sevenths) == 16 and found.choices.sevenths[0].words == "initial encounter for closed fracture"
    )
    assert found.choices.codes["", "L", "D"] == "S82.892D"


def test_placeholders_are_filled_in(opened: OpenBook) -> None:
    """A 7th character keeps its place where the code is shorter (Section I.A.4)."""
    choices = opened.choices("S93.0")
    assert choices is not None and choices.codes[choices.keys_of("S93.01XD")[0], "R", "A"] == "S93.01XA"
    fall = opened.choices("W19")
    assert fall is not None and (fall.needs, fall.codes["", "", "A"]) == (("7th character",), "W19.XXXA")


def test_what_the_words_say_is_not_asked_again(opened: OpenBook) -> None:
    """A side that was said is no choice any more; with nothing left to choose the code itself is the answer."""
    ankle = opened.find("left ankle fracture")[0].choices
    assert ankle is not None and (ankle.heading, ankle.needs) == ("S82.892", ("7th character",))
    knee = opened.find("left knee pain")[0]
    assert (knee.result.code, knee.choices) == ("M25.562", None)
    assert opened.find("S82.61XA")[0].choices is None


def test_sides_are_found_where_the_title_says_them_otherwise(opened: OpenBook) -> None:
    """`bilateral upper limbs` is a side as `right upper limb` is."""
    choices = opened.choices("G56.0")
    assert choices is not None and [o.words for o in choices.sides] == ["right", "left", "bilateral", "unspecified"]
    assert choices.kinds == () and choices.codes["", "B", ""] == "G56.03"


def test_kinds_are_chosen_first(opened: OpenBook) -> None:
    """Displaced or not is a choice of its own."""
    choices = opened.choices("S82.61XA")
    assert choices is not None and choices.heading == "S82.6"
    assert [o.words.split()[0] for o in choices.kinds] == ["Displaced", "Nondisplaced"]
    assert choices.keys_of("S82.65XB") == ("2", "L", "B")


@pytest.mark.parametrize("heading", ["S82.6", "T36.0X1", "M1A.9", "G56.0", "H40.11", "S06.0", "E11.321", "O31.1"])
def test_every_billable_code_of_a_heading_can_be_built(codebook: CodeBook, opened: OpenBook, heading: str) -> None:
    """Nothing but billable codes is built, and every one under the heading; each option leads to one at least."""
    choices = opened.choices(heading)
    assert choices is not None
    assert sorted(choices.codes.values()) == sorted(codebook.billable_descendants(choices.heading, DAY))
    for place, options in enumerate((choices.kinds, choices.sides, choices.sevenths)):
        assert {o.key for o in options} >= {keys[place] for keys in choices.codes} - {""}


def test_codes_without_side_or_encounter_leave_nothing_to_choose(opened: OpenBook) -> None:
    """A plain code or a wide category has no builder."""
    assert opened.choices("I10") is None and opened.choices("E11") is None and opened.choices("S82") is None


def test_answers_with_the_same_choices_are_one(opened: OpenBook) -> None:
    """Codes that differ by what is still to be chosen do not fill the list."""
    headings = [f.choices.heading for f in opened.find("wrist fracture") if f.choices]
    assert len(headings) == len(set(headings))
