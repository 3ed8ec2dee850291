"""What the encoder learns from."""

import random
from pathlib import Path

from model.codebook.entries import Term, TermSource
from model.train.encoder_texts import (
    Wording,
    as_said,
    batches,
    misspelt,
    other_words,
    relations,
    turned,
    wordings,
)
from model.train.nearest_held import keys_of

ABSCESS = Term("Abscess, kidney, with calculus", "N20.-", TermSource.INDEX, ("Abscess", "kidney", "with calculus"))


def test_what_is_held_out_is_learnt_from_no_source_and_in_no_order() -> None:
    others = [
        Term("kidney abscess with calculus", "N20.0", TermSource.THESAURUS),
        Term("Calculus of kidney", "N20.0", TermSource.TITLE),
    ]
    kept = wordings([ABSCESS, *others], keys_of([ABSCESS]))
    assert [one.text for one in kept] == ["Calculus of kidney"]


def test_a_wording_of_a_code_is_learnt_once_and_the_code_bears_no_dash() -> None:
    twice = [ABSCESS, Term("kidney abscess with calculus", "N20", TermSource.THESAURUS)]
    assert [(one.code, one.levels) for one in wordings(twice)] == [("N20", ABSCESS.path)]


def test_index_terms_are_said_in_the_order_of_speech() -> None:
    assert turned(("Abscess", "kidney", "with calculus")) == "kidney Abscess with calculus"
    assert turned(("Foreign body", "retained", "eye")) == "eye retained Foreign body"


def test_a_misspelling_leaves_the_first_letter_and_short_words() -> None:
    for seed in range(50):
        wrong = misspelt("old asthma", random.Random(seed))
        assert wrong.startswith("old a") and abs(len(wrong) - 10) <= 1
    assert misspelt("old cyst", random.Random(1)) == "old cyst"


def test_the_same_seed_says_a_wording_the_same() -> None:
    one = Wording("I10", ("Hypertension", "essential"), ("benign", "malignant"))
    said = {as_said(one, {"hypertension": "htn"}, random.Random(seed)) for seed in range(40)}
    assert as_said(one, {}, random.Random(3)) == as_said(one, {}, random.Random(3))
    assert {"Hypertension, essential", "essential Hypertension"} <= said and any("htn" in text for text in said)


def test_a_batch_holds_siblings_beside_wordings_of_one_code() -> None:
    every = [Wording(f"A{c:02}.{s}", (f"{c} {s} {n}",)) for c in range(20) for s in range(4) for n in range(3)]
    found = list(batches(every, 48, random.Random(1)))
    assert [len(batch) for batch in found] == [48] * 5
    assert len({one for batch in found for one in batch}) == 240
    for batch in found:
        categories = {one.code[:3] for one in batch}
        assert len(categories) <= 6 and len({one.code for one in batch}) > len(categories)


def test_a_code_and_a_heading_above_it_are_related_and_not_the_same() -> None:
    same, related = relations(["J45", "J45.9", "J44", "J45.9"])
    assert same.tolist()[1] == [False, True, False, True]
    assert related.tolist()[0] == [True, True, False, True]


def test_abbreviations_stand_beside_their_likeliest_meaning(tmp_path: Path) -> None:
    (tmp_path / "abbreviations.tsv").write_text("# short\tlong\nms\tmultiple sclerosis; mitral stenosis\n")
    (tmp_path / "synonyms.tsv").write_text("acid reflux\tgastroesophageal reflux\n")
    pairs, short = other_words(tmp_path)
    assert [one.text for one in pairs] == ["ms", "multiple sclerosis", "acid reflux", "gastroesophageal reflux"]
    assert pairs[0].code == pairs[1].code != pairs[2].code == pairs[3].code
    assert short == {"multiple sclerosis": "ms"}
