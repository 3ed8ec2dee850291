"""Shorthand of short notes, and the words beside it that make it something else."""

from collections.abc import Callable

import pytest

from model.candidates import Resolver
from model.codebook import CodeBook
from model.document import Document
from model.guidelines.claim import Claimed, for_claim
from model.lexicon import Lexicon
from model.predictor import BookCodes
from model.tokens import content_words, term_key
from model.train.house import read_house_terms, read_thesaurus
from model.train.shorthand import compose
from model.understanding import Reader, lasting_conditions

TERMS = {
    "flu vaccine": "Z23", "low potassium": "E87.6", "low sodium": "E87.1", "breast ca": "C50.919",
    "ovarian ca": "C56.9", "icd": "Z95.810", "aortic valve replacement": "Z95.2", "roux en y": "Z98.84",
}  # fmt: skip


@pytest.fixture(scope="module")
def read(codebook: CodeBook) -> Callable[[str], Claimed]:
    lexicon = Lexicon({term_key(content_words(term)): f"x:{code}" for term, code in TERMS.items()})
    reader = Reader((lexicon,), Resolver(BookCodes(codebook)), lasting_conditions())

    def claimed(text: str) -> Claimed:
        understood = reader.read(Document("note", text))
        return for_claim(understood.reading, understood.document, understood.supports)

    return claimed


@pytest.mark.parametrize(
    ("said", "meant", "rule"),
    [
        ("Flu vaccine here.", "Today she declined the flu vaccine.", "vaccination-declined"),
        ("Flu vaccine here.", "Flu vaccine, not available.", "vaccination-declined"),
        ("Flu vaccine here.", "Flu vaccine next month.", "vaccination-not-given"),
        ("Low potassium, repleted.", "Low potassium diet.", "diet-is-no-measure"),
        ("Low sodium on labs.", "Advised a low sodium, low fat diet.", "diet-is-no-measure"),
        ("Breast ca, 2 cm.", "Breast Ca 9.4 albumin 4.1.", "calcium-or-tumor-marker"),
        ("Ovarian ca on treatment.", "Ovarian CA 125 of 12.", "calcium-or-tumor-marker"),
        ("ICD in place.", "Candidate for ICD.", "implant-to-come"),
        ("Aortic valve replacement in 2014.", "Scheduled for aortic valve replacement.", "implant-to-come"),
        ("ICD, no shocks.", "ICD-10 I10.", "classification-and-no-defibrillator"),
        ("Roux-en-Y in 2018.", "Roux-en-Y hepaticojejunostomy in 2018.", "loop-of-another-operation"),
    ],
)
def test_words_that_make_it_something_else(read: Callable[[str], Claimed], said: str, meant: str, rule: str) -> None:
    """The words right beside a mention decide what it is; without them it is what its term says."""
    code = next(iter(read(said).supports))
    refused = read(meant)
    assert code not in refused.supports
    assert refused.refused[code][1].id == rule


def test_what_to_call_for_is_not_there(read: Callable[[str], Claimed]) -> None:
    assert "E87.1" in read("Low sodium.").supports
    assert "E87.1" not in read("Call for low sodium.").supports


def test_shorthand_of_one_word_inside_a_term() -> None:
    """Only where the other words tell that it is meant, and none of calcium."""
    terms = {"breast carcinoma": "n:C50.91 s:D05.90", "carcinoma parathyroid": "n:C75.0", "deficiency iron": "t:E61.1"}
    pairs = [(["ca"], ["carcinoma"]), (["def"], ["deficiency"]), (["rt"], ["iron"])]
    assert compose(terms, pairs) == {"breast ca": "a:C50.91", "def iron": "a:E61.1"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("glargine", "Z79.4"), ("tacro", "Z79.621"), ("mmf", "Z79.624"), ("wears 2 liters continuously", "Z99.81"),
        ("low k", "E87.6"), ("nsaid hypersensitivity", "Z88.6"), ("roux-en-y", "Z98.84"), ("ckd g3a", "N18.31"),
        ("exocrine insufficiency", "K86.81"), ("stress leakage", "N39.3"), ("preconception planning", "Z31.69"),
        ("surveillance colonoscopy", "Z12.11"), ("sleeping in a tent", "Z59.02"), ("iron deficiency", "E61.1"),
    ],
)  # fmt: skip
def test_plain_words_of_short_notes(words: str, code: str) -> None:
    key = term_key(content_words(words.removeprefix("wears ")))
    assert f"w:{code}" in read_thesaurus()[key].split()


def test_a_deficiency_of_iron_is_no_anemia() -> None:
    """The index has D50.9 under Deficiency, iron, anemia, and E61.1 under Deficiency, iron (Section I.B.1)."""
    terms = read_house_terms()
    assert "iron deficiency" not in terms
    assert terms[term_key(["iron", "deficiency", "anemia"])] == "h:D50.9"
