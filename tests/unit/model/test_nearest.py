"""Words that are no term find the codes of the terms most like them."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from model.candidates import Resolver
from model.codebook.entries import Term, TermSource
from model.confidence import Tree
from model.encoder import Meanings, Small
from model.evaluate.terms import Found, as_table, ask, wilson
from model.nearest import NearestTerms
from model.nearest_features import FEATURES
from model.nearest_tables import Tables
from model.train.boosting import Settings
from model.train.nearest import learn_words, pack, prepare, train_forest, with_forest
from model.train.nearest_held import hold_out

TITLES = {
    "C64": "Malignant neoplasm of kidney",
    "C64.1": "Malignant neoplasm of right kidney",
    "C64.9": "Malignant neoplasm of unspecified kidney",
    "C18": "Malignant neoplasm of colon",
    "J18.9": "Pneumonia, unspecified organism",
    "J15": "Bacterial pneumonia",
    "J15.9": "Unspecified bacterial pneumonia",
    "N28.1": "Cyst of kidney",
    "D12": "Benign neoplasm of colon",
    "M54.2": "Cervicalgia",
}
BILLABLE = ("C18", "C64.1", "C64.9", "D12", "J15.9", "J18.9", "M54.2", "N28.1")
TERMS = {
    "kidney malignant neoplasm": "t:C64",
    "kidney malignant neoplasm right": "t:C64.1",
    "carcinoma renal": "x:C64",
    "carcinoma kidney": "x:C64",
    "colon malignant neoplasm": "t:C18",
    "carcinoma colon": "x:C18",
    "colon tumor": "x:C18 n:D12",
    "pneumonia": "t:J18.9",
    "bacterial pneumonia": "t:J15",
    "cyst kidney": "t:N28.1",
    "cyst renal": "x:N28.1",
    "benign colon neoplasm": "t:D12",
    "neck pain": "x:M54.2",
}


class SmallBook:
    """As much of a code book as is asked."""

    def is_billable(self, code: str, on: date | None) -> bool:
        return code in BILLABLE

    def billable_descendants(self, code: str, on: date | None) -> Sequence[str]:
        return [leaf for leaf in BILLABLE if leaf.startswith(code)]

    def title(self, code: str, on: date | None) -> str:
        return TITLES.get(code, "")

    def lineage(self, code: str) -> list[str]:
        return [code, code[:3]] if len(code) > 3 else [code]


BOOK = SmallBook()


@pytest.fixture(scope="module")
def tables() -> Tables:
    return prepare(TERMS, BOOK, TITLES)


@pytest.fixture(scope="module")
def nearest(tables: Tables) -> NearestTerms:
    return NearestTerms(tables, Resolver(BOOK))


def first(nearest: NearestTerms, phrase: str) -> str:
    return nearest([phrase])[0][0][0]


@pytest.mark.parametrize(
    ("phrase", "code"),
    [
        ("large cyst of the left kidney", "N28.1"),
        ("pnuemonia of bacterial origin", "J15"),  # misspelt
        ("colonic carcinoma", "C18"),  # another form of the word
        ("severe pain in the neck", "M54.2"),
    ],
)
def test_finds_the_code_of_the_term_most_like_the_words(nearest: NearestTerms, phrase: str, code: str) -> None:
    assert first(nearest, phrase) == code


def test_a_term_with_words_that_nobody_said_comes_after_one_without(nearest: NearestTerms) -> None:
    codes = [code for code, _ in nearest(["community acquired pneumonia"])[0]]
    assert codes.index("J18.9") < codes.index("J15")


def test_words_like_none_of_a_term_find_nothing(nearest: NearestTerms) -> None:
    assert list(nearest(["zzyzx qwkqj", "", "of the"])) == [(), (), ()]


def test_an_encoder_finds_what_no_word_says() -> None:
    """'Neck pain' is the wording that lies closest; without the encoder its words are like none of the phrase."""
    directions = {"neck pain": [1.0, 0.0], "cyst kidney": [0.0, 1.0], "cervicalgy of the kidney": [0.9, 0.1]}

    def encode(phrases: Sequence[str]) -> Small:
        return np.array([directions[phrase] for phrase in phrases], np.float32)

    meanings = Meanings.of([("M54.2", "neck pain"), ("N28.1", "cyst kidney")], encode)
    tables = prepare(TERMS, BOOK, TITLES)
    plain = NearestTerms(tables, Resolver(BOOK)).describe("cervicalgy of the kidney")
    found = NearestTerms(tables, Resolver(BOOK), (encode, meanings)).describe("cervicalgy of the kidney")
    assert plain is not None and found is not None
    close = dict(zip(found.codes, found.table[:, FEATURES.index("close")].tolist(), strict=True))
    assert max(close, key=lambda code: close[code]) == "M54.2"
    assert not plain.table[:, FEATURES.index("close")].any()


def test_scores_fall_and_no_billable_code_comes_twice(nearest: NearestTerms) -> None:
    answer = nearest(["malignant tumor of kidney"])[0]
    scores = [score for _, score in answer]
    leaves = [Resolver(BOOK).resolve(code, frozenset(), None)[0] for code, _ in answer]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert len(set(leaves)) == len(leaves) <= 8


def test_threads_get_the_same_answers(nearest: NearestTerms) -> None:
    phrases = ["renal mass malignant", "neck stiffness pain", "bacterial lung pneumonia"] * 8
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda phrase: nearest([phrase])[0], phrases))
    assert together == list(nearest(phrases))


def test_words_in_whose_place_another_keeps_the_code_are_learnt_to_be_alike() -> None:
    number = {word: at for at, word in enumerate(("kidney", "renal", "colon", "carcinoma", "cyst", "abscess"))}
    keys = [
        f"{growth} {organ}" for growth in ("carcinoma", "cyst", "abscess") for organ in ("kidney", "renal", "colon")
    ]
    codes = {"carcinoma": "C64", "cyst": "N28.1", "abscess": "N15.1"}
    items = [[("x", codes[key.split()[0]] if "colon" not in key else f"K{at}")] for at, key in enumerate(keys)]
    alike, likeness, _ = learn_words(keys, items, number)
    assert alike[number["kidney"]].tolist() == [number["renal"]]
    assert alike[number["colon"]].size == 0
    assert likeness == pytest.approx([3 / 5.5] * 2)


def test_tables_are_read_as_they_were_written(tables: Tables, tmp_path: Path) -> None:
    forest = pack(-1.0, (Tree((0, -1, -1), (0.5, 0.0, 0.0), (1, 0, 0), (2, 0, 0), (0.0, -2.0, 2.0)),), depth=1)
    path = tmp_path / "nearest.npz"
    with_forest(tables, forest).save(path)
    read = NearestTerms(Tables.load(path), Resolver(BOOK))
    written = NearestTerms(with_forest(tables, forest), Resolver(BOOK))
    assert read(["renal growth", "neck pains"]) == written(["renal growth", "neck pains"])


def test_packed_trees_say_what_each_tree_says() -> None:
    trees = (
        Tree((0, -1, 1, -1, -1), (0.5, 0, 0.2, 0, 0), (1, 0, 3, 0, 0), (2, 0, 4, 0, 0), (0, -1.0, 0, 0.5, 2.0)),
        Tree((-1,), (0.0,), (0,), (0,), (0.25,)),
    )
    rows = [[0.4, 0.9], [0.6, 0.1], [0.6, 0.9]]
    expected = [1 / (1 + np.exp(-(0.1 + sum(tree.value(row) for tree in trees)))) for row in rows]
    assert pack(0.1, trees, depth=2).probabilities(np.array(rows)) == pytest.approx(expected)


def test_trees_for_other_features_are_refused(tables: Tables) -> None:
    tree = Tree((len(FEATURES), -1, -1), (0.5, 0, 0), (1, 0, 0), (2, 0, 0), (0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="other features"):
        with_forest(tables, pack(0.0, (tree,), depth=1))


def test_trees_learn_which_candidates_are_right(tables: Tables, nearest: NearestTerms) -> None:
    asked = [("renal malignant growth", "C64"), ("kidney cyst simple", "N28.1"), ("neck pain chronic", "M54.2")] * 8
    settings = Settings(rounds=20, depth=2, lightest=0.5, ridge=1.0, columns=1.0)
    taught = NearestTerms(with_forest(tables, train_forest(nearest, asked, settings)), Resolver(BOOK))
    right = taught(["kidney cyst simple"])[0]
    assert right[0][0] == "N28.1"
    assert right[0][1] > 0.5 > right[1][1]


def index_term(text: str, code: str) -> Term:
    return Term(text, code, TermSource.INDEX, tuple(text.split(", ")))


def test_only_terms_that_nothing_else_says_are_held_out() -> None:
    alone = [index_term(f"Growth, organ{at}", f"N{at}") for at in range(10, 50)]
    twice = [index_term("Cyst, kidney", "N28.1"), index_term("Kidney, cyst", "N28.1")]
    causes = [index_term(f"Fall, place{at}", f"W{at}") for at in range(10, 50)]
    held = hold_out([*alone, *twice, *causes], {"growth organ10"})
    asked = {*held.tested, *held.taught}
    assert len(held.tested) == 2 and len(held.taught) == 4
    assert asked <= set(alone[1:])
    assert {*held.rest, *asked} == {*alone, *twice, *causes}
    assert held == hold_out([*alone, *twice, *causes], {"growth organ10"})


def test_counts_right_codes_and_those_under_the_code_of_the_term() -> None:
    answers = {"a": [("N28.1", 0.9)], "b": [("X", 0.9), ("C64", 0.5)], "c": [("X", 0.9)], "d": []}
    terms = [index_term(text, code) for text, code in (("a", "N28"), ("b", "C64.9"), ("c", "J18.9"), ("d", "J18.9"))]

    def resolve(code: str, _words: str) -> str | None:
        return {"C64": "C64.9"}.get(code, code)

    found = ask(terms, lambda phrases: [answers[phrase] for phrase in phrases], resolve)
    assert (found.asked, found.first, found.among_five) == (4, 1, 2)


def test_wilson_interval() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), page 861: 81 of 263 gives 0.2553 to 0.3662."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


def test_table_names_shares_with_their_interval() -> None:
    assert "| index | 263 | 0.308 (0.255 to 0.366) | 1.000" in as_table({"index": Found(263, 81, 263, 0.004)})
