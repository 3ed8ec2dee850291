"""Words of a note: the shorthand of sides is read where it can be nothing else."""

import pytest

from model.tokens import tokenise


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("R knee pain", "right"), ("pain in the L hip", "left"), ("(L) shoulder", "left"), ("Pain: R elbow", "right"),
        ("L AC joint", "left"), ("hammertoe R 2nd", "right"), ("Shoulder pain, L.", "left"), ("OA knee R", "right"),
        ("sudden SNHL L\n", "left"),
        ("b/l knee pain", "bilateral"), ("B/L edema", "bilateral"),
    ],
)  # fmt: skip
def test_a_letter_says_the_side(text: str, side: str) -> None:
    (token,) = (t for t in tokenise(text) if t.norm == side)
    assert text[token.start : token.end] in ("R", "L", "b/l", "B/L")


@pytest.mark.parametrize(
    "text",
    [
        "R/O fracture",
        "2 L oxygen",
        "O2 at\n2 L nasal",
        "disc L5",
        "L4-L5",
        "type r wave",
        "l hip",
        "R. Smith",
        "John R. Smith",
        "Smith, R. saw him",
        "Humulin R, 5 units",
        "vital signs: R 18",
        "urine output 2 L.",
        "club/league",
    ],
)
def test_a_letter_that_says_something_else(text: str) -> None:
    assert not {"right", "left", "bilateral"} & {t.norm for t in tokenise(text)}
