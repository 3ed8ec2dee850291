"""What the text says of a mention: negation scope, doubt, family, past."""

import pytest

from model.assertion import assert_mentions
from model.lexicon import Lexicon
from model.prediction import Assertion
from model.reading import Reading
from model.tokens import content_words, term_key

CONDITIONS = [
    "chest pain", "dyspnea", "edema", "pneumonia", "diabetes", "breast cancer", "hypertension", "fever", "cough",
    "stroke", "knee pain", "fracture", "wheezing", "heart disease", "swelling", "acute coronary syndrome", "alcohol",
]  # fmt: skip
LEXICON = Lexicon({term_key(content_words(c)): f"x:R{i:02}" for i, c in enumerate(CONDITIONS, 10)})
LASTING = {term_key(content_words(c)) for c in ("diabetes", "hypertension")}


def read(text: str) -> dict[str, Assertion]:
    """Assertion of every condition the text mentions, by the words of the text."""
    reading = Reading(text)
    mentions = LEXICON.find(reading)
    asserted = assert_mentions(reading, mentions, [m.key in LASTING for m in mentions])
    return {m.span.of(text).lower(): a for m, a in zip(mentions, asserted, strict=True)}


def of_a_stay(text: str, stay: bool) -> Assertion:
    """Assertion of the one condition of the text."""
    reading = Reading(text)
    mentions = LEXICON.find(reading)
    (asserted,) = assert_mentions(reading, mentions, [False], stay)
    return asserted


P, N, Q = Assertion.PRESENT, Assertion.ABSENT, Assertion.POSSIBLE
F, H, X = Assertion.FAMILY, Assertion.HISTORICAL, Assertion.HYPOTHETICAL


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Denies chest pain, dyspnea, or edema.", {"chest pain": N, "dyspnea": N, "edema": N}),
        ("She is negative for chest pain.", {"chest pain": N}),
        ("No further chest pain.", {"chest pain": N}),
        ("Denies fever but has a cough.", {"fever": N, "cough": P}),
        ("Denies fever; cough for two days.", {"fever": N, "cough": P}),
        ("No fever. Cough for two days.", {"fever": N, "cough": P}),
        ("Denies fever, she has had a cough.", {"fever": N, "cough": P}),
        ("Pneumonia was ruled out.", {"pneumonia": N}),
        ("No increase in dyspnea.", {"dyspnea": P}),
        ("Possible pneumonia.", {"pneumonia": Q}),
        ("?pneumonia", {"pneumonia": Q}),
        ("Stroke? Fever.", {"stroke": Q, "fever": P}),
        ("Do you have a fever? Cough.", {"fever": P, "cough": P}),
        ("Fever, doubt pneumonia.", {"fever": P, "pneumonia": Q}),
        ("Pneumonia is questionable.", {"pneumonia": Q}),
        ("I am not convinced she has pneumonia.", {"pneumonia": Q}),
        ("Pneumonia, organism not identified.", {"pneumonia": P}),
        ("Fever, edema, and dyspnea were not seen.", {"fever": N, "edema": N, "dyspnea": N}),
        ("Stroke without residual deficits, diabetes, and edema.", {"stroke": P, "diabetes": P, "edema": P}),
        ("Without fever, cough, or edema.", {"fever": N, "cough": N, "edema": N}),
        ("Knee pain, possible fracture.", {"knee pain": P, "fracture": Q}),
        ("Cannot rule out pneumonia.", {"pneumonia": Q}),
        ("Pneumonia, suspected.", {"pneumonia": Q}),
        ("Mother has breast cancer and hypertension.", {"breast cancer": F, "hypertension": F}),
        ("History of stroke.", {"stroke": H}),
        ("History of hypertension and stroke.", {"hypertension": P, "stroke": H}),
        ("Call if you develop fever or wheezing.", {"fever": X, "wheezing": X}),
        ("Prior stroke, now with cough.", {"stroke": H, "cough": P}),
        ("There is no acute coronary syndrome.", {"acute coronary syndrome": N}),
        ("Acute coronary syndrome.", {"acute coronary syndrome": P}),
        ("Diabetes and stroke with her first pregnancy.", {"diabetes": P, "stroke": H}),
        ("Her mother brought her in for knee pain.", {"knee pain": P}),
        ("Brought in by her mother for fever.", {"fever": P}),
        ("The parents are concerned about wheezing.", {"wheezing": P}),
        ("The parents report fever and cough.", {"fever": P, "cough": P}),
        ("His wife noticed swelling.", {"swelling": P}),
        ("She is a mother of two with edema.", {"edema": P}),
        ("Her mother had a stroke.", {"stroke": F}),
        ("Breast cancer in remission.", {"breast cancer": P}),
        ("Diabetes, well controlled.", {"diabetes": P}),
        ("Hypertension, stable, no edema.", {"hypertension": P, "edema": N}),
        ("Fever: No\nCough: Yes", {"fever": N, "cough": P}),
        ("Fever no cough.", {"fever": P, "cough": N}),
        ("Denies fever except with pneumonia.", {"fever": N, "pneumonia": P}),
        ("Denies fever other than with pneumonia.", {"fever": N, "pneumonia": P}),
        ("Denies fever but presents with cough.", {"fever": N, "cough": P}),
        ("Negative for: chest pain, dyspnea.", {"chest pain": N, "dyspnea": N}),
        ("No known fracture.", {"fracture": N}),
        ("Call with any signs or symptoms of pneumonia.", {"pneumonia": X}),
        ("Recently admitted with pneumonia.", {"pneumonia": H}),
        ("Admitted with pneumonia.", {"pneumonia": P}),
        ("The exam shows no swelling, but there is wheezing.", {"swelling": N, "wheezing": P}),
    ],
)
def test_scope(text: str, expected: dict[str, Assertion]) -> None:
    """A cue reaches over its list and no further than its statement."""
    assert read(text) == expected


def test_family_section() -> None:
    """Whatever stands under a family history is the family's."""
    assert read("FAMILY HISTORY\n\nHeart disease.\n\nASSESSMENT\n\nDiabetes.") == {"heart disease": F, "diabetes": P}


def test_past_section() -> None:
    """A lasting condition under past history is present, a passing one is past."""
    assert read("PAST MEDICAL HISTORY: Diabetes, pneumonia.") == {"diabetes": P, "pneumonia": H}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A 3-day history of cough.", P),
        ("Several weeks' history of cough.", P),
        ("A long history of cough.", P),
        ("History of cough over the last two weeks.", P),
        ("History of cough x 2 days.", P),
        ("History of cough.", H),
        ("History of cough two weeks ago.", H),
        ("History of cough treated for 3 days.", H),
        ("History of cough, on oxygen for 3 days.", H),
    ],
)
def test_a_history_up_to_this_day(text: str, expected: Assertion) -> None:
    """What the words time up to now is why the patient comes; what they only tell of the past is past."""
    assert read(text) == {"cough": expected}


def test_capitals() -> None:
    """A note in capitals is read the same."""
    assert read("PATIENT DENIES CHEST PAIN BUT HAS COUGH.") == {"chest pain": N, "cough": P}


def test_denial_in_a_family_section() -> None:
    """What a family history denies is absent, and not said of a relative."""
    assert read("FAMILY HISTORY\n\nFather had a stroke. No alcohol.\n") == {"stroke": F, "alcohol": N}


def test_what_resolved_during_a_stay_was_treated_there() -> None:
    """The word denies nothing in the final diagnoses of a stay; in its review of systems and at an office it does."""
    assert of_a_stay("DISCHARGE DIAGNOSES:\n1. Pneumonia, resolved.", stay=True) is P
    assert of_a_stay("DISCHARGE DIAGNOSES:\n1. Pneumonia, resolved.", stay=False) is N
    assert of_a_stay("REVIEW OF SYSTEMS:\nPneumonia resolved.", stay=True) is N
    assert of_a_stay("DISCHARGE DIAGNOSES:\n1. Pneumonia, ruled out.", stay=True) is N
