"""The more specific of two suggested codes stands."""

import pytest

from model.codebook import CodeBook
from model.document import Span
from model.guidelines.specific import yielding_codes
from model.predictor import Excluder


def yielding(codebook: CodeBook, **words: tuple[int, int]) -> set[str]:
    """Codes written with _ for the dot, each with the characters that prove it."""
    spans = {code.replace("_", "."): [Span(*span)] for code, span in words.items()}
    titles = {code: entry.title for code in spans if (entry := codebook.get(code))}
    return set(yielding_codes(spans, titles, spans, Excluder(codebook)))


@pytest.mark.parametrize(
    ("vague", "specific"),
    [
        ("I50.9", "I50.22"), ("I50.9", "I50.23"), ("N18.9", "N18.31"), ("E78.5", "E78.2"), ("E11.9", "E11.22"),
        ("E11.9", "E11.65"), ("I48.91", "I48.0"), ("F03.90", "F03.A0"), ("J45.909", "J45.20"), ("F32.A", "F33.1"),
        ("F03.A0", "G30.1"), ("F41.9", "F41.1"), ("M25.569", "M25.561"),
    ],
)  # fmt: skip
def test_unspecified_yields(codebook: CodeBook, vague: str, specific: str) -> None:
    """An unspecified code goes beside a specific one of its category, or one it excludes, wherever each is said."""
    words = {vague.replace(".", "_"): (50, 60), specific.replace(".", "_"): (0, 9)}
    assert yielding(codebook, **words) == {vague}


@pytest.mark.parametrize(
    ("one", "other"),
    [("I48.92", "I48.0"), ("M25.561", "M25.562"), ("I11.0", "I50.22"), ("E11.22", "E11.65"), ("J06.9", "J45.20"),
     ("M54.50", "M54.59"), ("F51.05", "F33.1"),
     ("F17.200", "Z87.891"), ("F17.210", "Z87.891")],
)  # fmt: skip
def test_different_conditions_stand(codebook: CodeBook, one: str, other: str) -> None:
    """Flutter beside fibrillation, two knees, and a condition with its manifestation: both stay."""
    assert yielding(codebook, **{one.replace(".", "_"): (0, 9), other.replace(".", "_"): (50, 60)}) == set()


def test_words_inside_longer_words(codebook: CodeBook) -> None:
    """Of two codes that exclude each other, one proved only inside the other's words goes."""
    assert yielding(codebook, M54_50=(6, 19), M54_41=(0, 30)) == {"M54.50"}


def in_other_words(codebook: CodeBook, **terms: str) -> set[str]:
    """Codes that go, each proved by words of its own with the given term."""
    words = {code.replace("_", "."): [Span(at, at + 1)] for at, code in enumerate(terms)}
    titles = {code: entry.title for code in words if (entry := codebook.get(code))}
    keys = {code.replace("_", "."): [term] for code, term in terms.items()}
    return set(yielding_codes(words, titles, words, lambda code, other: False, keys))


@pytest.mark.parametrize(
    ("plain", "fuller", "said", "unsaid"),
    [
        ("F03.A0", "F03.A4", "anxiety dementia mild", "dementia mild"),
        ("S06.0X0A", "S06.0X1A", "concussion consciousness loss", "concussion"),
        ("E10.10", "E10.11", "coma diabete ketoacidosis", "diabete ketoacidosis"),
        ("I73.00", "I73.01", "gangrene raynaud", "phenomenon raynaud"),
    ],
)
def test_without_and_with(codebook: CodeBook, plain: str, fuller: str, said: str, unsaid: str) -> None:
    """Of the same condition without and with something, the one stands that the words say."""
    names = plain.replace(".", "_"), fuller.replace(".", "_")
    assert in_other_words(codebook, **dict.fromkeys(names, said)) == {plain}
    assert in_other_words(codebook, **dict.fromkeys(names, unsaid)) == {fuller}


def test_the_same_in_other_words(codebook: CodeBook) -> None:
    """Malnutrition beside moderate malnutrition is one condition, in two categories."""
    assert in_other_words(codebook, E46="malnutrition", E44_0="malnutrition moderate") == {"E46"}
    assert in_other_words(codebook, D64_9="anemia", D50_9="anemia deficiency iron") == {"D64.9"}


def test_what_is_said_apart_stands(codebook: CodeBook) -> None:
    """Words of its own, a symptom, or the detail that a combination code asks for: both stay."""
    assert in_other_words(codebook, E46="wasting", E44_0="malnutrition moderate") == set()
    assert in_other_words(codebook, R60_9="edema", J81_0="acute edema lung") == set()
    assert in_other_words(codebook, I50_9="failure heart", I11_0="disease failure heart hypertensive") == set()
    assert in_other_words(codebook, N18_9="chronic disease kidney", I12_9="chronic disease kidney") == set()


def test_reason_names_the_code_that_stands(codebook: CodeBook) -> None:
    """The rule cites the Guidelines and says which code says more."""
    titles = {"N18.9": "Chronic kidney disease, unspecified", "N18.4": "Chronic kidney disease, stage 4 (severe)"}
    rule = yielding_codes(titles, titles, {c: [Span(0, 3)] for c in titles}, Excluder(codebook))["N18.9"]
    assert "N18.4" in rule.reason
    assert rule.citation.endswith("I.B.2 and I.B.18")


@pytest.mark.parametrize(("bare", "complicated"), [("E11.9", "E11.40"), ("E10.9", "E10.65"), ("F10.20", "F10.230")])
def test_without_complications_beside_one(codebook: CodeBook, bare: str, complicated: str) -> None:
    """A code that says that nothing goes with the condition is wrong beside one that names it, however vaguely."""
    words = {bare.replace(".", "_"): (50, 60), complicated.replace(".", "_"): (0, 9)}
    assert yielding(codebook, **words) == {bare}


def test_words_that_deny_the_attribute(codebook: CodeBook) -> None:
    """'Concussion without loss of consciousness' holds all the words of its opposite."""
    terms = {
        "S06_0X0A": "concussion consciousness loss without",
        "S06_0X9A": "concussion consciousness loss without",
    }
    assert in_other_words(codebook, **terms) == {"S06.0X9A"}


def test_a_detail_that_no_word_says(codebook: CodeBook) -> None:
    """The very same words speak for the vaguer code, and likelier so."""
    words = {"D51.0": [Span(0, 9)], "D51.9": [Span(0, 9)]}
    titles = {code: entry.title for code in words if (entry := codebook.get(code))}
    dropped = yielding_codes(words, titles, words, Excluder(codebook), likely={"D51.0": 0.5, "D51.9": 0.9})
    assert set(dropped) == {"D51.0"}
    assert set(yielding_codes(words, titles, words, Excluder(codebook), likely={"D51.0": 0.9})) == {"D51.9"}
