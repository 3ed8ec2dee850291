"""The more specific of two suggested codes stands."""

import pytest

from model.codebook import CodeBook
from model.document import Span
from model.features import Support
from model.guidelines.excluded import Excluder
from model.guidelines.specific import in_detail, yielding_codes
from model.prediction import Assertion
from model.reading import Mention
from model.sections import SectionKind


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
        ("I50.9", "I50.30"), ("J96.20", "J96.21"), ("S82.62XA", "S82.65XA"),
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


def support(start: int, key: str, gap: int = 0) -> Support:
    """Words that the note affirms, so many characters from its beginning."""
    mention = Mention(Span(start, start + 9), key, len(key.split()), 0, start, start + 9, bool(gap), gap=gap)
    return Support(
        mention, Assertion.PRESENT, SectionKind.ASSESSMENT, None, "", "x", 0, 1, 0.5, True, False, start / 100,
    )  # fmt: skip


def detailed(codebook: CodeBook, likely: dict[str, float], supports: dict[str, list[Support]]) -> dict[str, float]:
    titles = {code: entry.title for code in likely if (entry := codebook.get(code))}
    return in_detail(likely, titles, supports, Excluder(codebook))[0]


def test_a_stated_detail_is_as_likely_as_the_condition(codebook: CodeBook) -> None:
    """The side, kind or course that the note states takes the place of the code that leaves it open."""
    one, other = [support(50, "achilles rupture")], [support(0, "achilles rupture")]
    assert detailed(codebook, {"S86.019A": 0.5, "S86.011A": 0.4}, {"S86.019A": one, "S86.011A": other}) == {
        "S86.019A": 0.0, "S86.011A": 0.9,
    }  # fmt: skip
    permanent = {"I48.91": [support(50, "atrial fibrillation")], "I48.21": [support(0, "af permanent")]}
    assert detailed(codebook, {"I48.91": 0.9, "I48.21": 0.06}, permanent)["I48.91"] == 0.0
    refractory = {"D64.9": [support(50, "anemia")], "D46.4": [support(0, "anemia refractory")]}
    assert detailed(codebook, {"D64.9": 0.8, "D46.4": 0.5}, refractory) == {"D64.9": 0.0, "D46.4": 0.999}


def test_a_guessed_detail_stays_behind(codebook: CodeBook) -> None:
    """Where the same words speak for both, where it is far less likely, and where its words stand apart."""
    asthma = {"J45.909": 0.9, "J45.901": 0.2}
    words = [support(0, "asthma")]
    assert detailed(codebook, asthma, {"J45.909": words, "J45.901": words}) == asthma
    apart = {"J45.909": words, "J45.901": [support(20, "acute asthma", gap=3)]}
    assert detailed(codebook, asthma, apart) == asthma
    unlikely = {"J45.909": 0.9, "J45.901": 0.1}
    assert detailed(codebook, unlikely, {"J45.909": words, "J45.901": [support(20, "acute asthma")]}) == unlikely
