"""How a suggested code stands to the others, from which the first-listed is chosen."""

from model.features import in_order


def test_each_code_knows_its_rank() -> None:
    """Two codes: the one named first has none before it; the likelier one falls short by nothing."""
    rows = {"I10": {"first_place": 0.1, "mentions": 2.0}, "E11.9": {"first_place": 0.4, "mentions": 1.0}}
    compared = in_order(rows, {"I10": 0.6, "E11.9": 0.9})
    assert (compared["I10"]["first_place_before"], compared["E11.9"]["first_place_before"]) == (0.0, 1.0)
    assert compared["E11.9"]["likely_short"] == 0.0
    assert round(compared["I10"]["likely_short"], 6) == -0.3
    assert compared["I10"]["suggested"] == 2.0


def test_what_some_lack_is_not_compared() -> None:
    """A code that a rule made has no marks; then none is compared by marks."""
    rows = {"I10": {"mentions": 1.0, "tag_core": 0.9}, "Z68.41": {"mentions": 1.0}}
    compared = in_order(rows, {"I10": 0.6, "Z68.41": 0.6})
    assert "tag_core_before" not in compared["I10"]
    assert compared["I10"]["mentions_before"] == 0.0
