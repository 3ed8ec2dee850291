"""What a document says of which codes: terms, terms whose words stand apart, and marked words that are no term's."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from model.candidates import Resolver
from model.document import Document
from model.experience import Experience
from model.features import Support, describe
from model.lexicon import Lexicon
from model.prediction import Assertion
from model.reading import Reading
from model.tagger import Tags
from model.tokens import content_words, term_key, tokenise
from model.understanding import RETRIEVED, Reader, Understanding

LABELS = ("begin", "inside")
TERMS = {"lung metastasis": "C78.00", "asthma": "J45.909", "severe asthma": "J45.50", "fever": "R50.9"}


class AllBillable:
    """A code book in which every code may be billed and says no more than itself."""

    def is_billable(self, code: str, on: date | None) -> bool:
        return True

    def billable_descendants(self, code: str, on: date | None) -> Iterable[str]:
        return (code,)

    def title(self, code: str, on: date | None) -> str:
        return ""


class Nearest:
    """Answers from a table and remembers what it was asked."""

    def __init__(self, answers: dict[str, list[tuple[str, float]]]) -> None:
        self._answers = answers
        self.asked: list[str] = []

    def __call__(self, phrases: Sequence[str]) -> list[list[tuple[str, float]]]:
        self.asked += phrases
        return [self._answers.get(phrase, []) for phrase in phrases]


def lexicon(terms: dict[str, str]) -> Lexicon:
    return Lexicon({term_key(content_words(words)): f"x:{code}" for words, code in terms.items()})


def reader(nearest: Nearest | None = None, triggers: dict[str, str] | None = None) -> Reader:
    return Reader((lexicon(TERMS), lexicon(triggers or {})), Resolver(AllBillable()), frozenset(), nearest)


def marking(*runs: str) -> Callable[[Reading], Tags]:
    """Marks every word and mark of each run, where the text has it first; the rest is outside."""

    def tag(reading: Reading) -> Tags:
        values = np.tile(np.array([0.9, 0.05, 0.05], np.float32), (len(reading.tokens), 1))
        for run in runs:
            start = reading.text.index(run)
            inside = [start <= t.start and t.end <= start + len(run) for t in reading.tokens]
            values[inside] = [0.2, 0.5, 0.3]
        return Tags(LABELS, values)

    return tag


def read(text: str, tag: Callable[[Reading], Tags] | None, nearest: Nearest | None = None) -> Understanding:
    return reader(nearest).read(Document("note", text), tag)


def words(understood: Understanding, code: str) -> list[str]:
    return [s.mention.span.of(understood.document.text) for s in understood.supports.get(code, ())]


def test_marked_words_of_no_term_are_looked_up() -> None:
    """They get the codes nearest to them, in order, each with its fit."""
    nearest = Nearest({"wheezing at night": [("J45.901", 0.8), ("R06.2", 0.6)]})
    understood = read("She has wheezing at night and fever.", marking("wheezing at night", "fever"), nearest)
    assert nearest.asked == ["wheezing at night"]
    found = {code: understood.supports[code][0] for code in ("J45.901", "R06.2")}
    assert [(s.source, s.rank, s.choices, s.fit) for s in found.values()] == [
        (RETRIEVED, 0, 2, 0.8), (RETRIEVED, 1, 2, 0.6),
    ]  # fmt: skip
    assert words(understood, "R06.2") == ["wheezing at night"]
    assert found["R06.2"].mention.key == "night wheezing" and found["R06.2"].mention.length == 2
    assert understood.supports["R50.9"][0].fit == 1.0


def test_assertion_of_looked_up_words() -> None:
    """What is denied is denied by whatever name."""
    nearest = Nearest({"wheezing": [("R06.2", 0.9)]})
    (support,) = read("She denies wheezing.", marking("wheezing"), nearest).supports["R06.2"]
    assert support.assertion is Assertion.ABSENT


@pytest.mark.parametrize(
    ("text", "marked", "asked"),
    [
        ("She has asthma.", "asthma", []),  # a term
        ("She has severe asthma.", "severe", []),  # a part of one
        ("She has severe, asthma.", "severe, asthma", []),
        ("She has brittle asthma.", "brittle asthma", ["brittle asthma"]),  # more than one
        ("She has brittle asthma.", "brittle", ["brittle"]),  # beside one
        ("It is of the and.", "of the", []),  # words that say nothing
        ("Dose 120 mg.", "120 mg", []),
        ("It is, so.", ",", []),
        ("She wheezes. At night.", "wheezes. At night", []),  # two sentences
        ("It wheezes.", "wheezes.", ["wheezes"]),  # marks at the edge are not of the words
    ],
)  # fmt: skip
def test_what_is_looked_up(text: str, marked: str, asked: list[str]) -> None:
    """Runs of marked words that no term covers whole and that say something, in one sentence."""
    nearest = Nearest({})
    read(text, marking(marked), nearest)
    assert nearest.asked == asked


def test_a_learnt_trigger_is_a_term() -> None:
    """Words that the second lexicon holds are not looked up."""
    nearest = Nearest({})
    reader(nearest, {"puffs of relief": "J45.20"}).read(
        Document("n", "Two puffs of relief."), marking("puffs of relief")
    )
    assert nearest.asked == []


def test_no_answer_is_no_mention() -> None:
    """Words that are like no term stand for nothing."""
    understood = read("She has wheezing.", marking("wheezing"), Nearest({}))
    assert understood.supports == {} and understood.mentions == 0


def test_scattered_terms_are_read() -> None:
    """The words of a term stand apart; the support knows the marks of its own words."""
    text = "Lesions of the lung that are compatible with metastasis."
    assert read(text, None).supports == {}
    (support,) = read(text, marking("lung", "metastasis")).supports["C78.00"]
    assert support.mention.gap == 1 and support.mention.broken
    assert support.marks is not None
    assert support.marks.inside == pytest.approx(0.8)
    assert [p for _, p in support.marks.labels] == pytest.approx([0.5, 0.3])
    assert support.marks.cover == pytest.approx(2 / 6)


def test_triggers_are_not_gathered_from_words_apart() -> None:
    """Only terms of the code book are: the words of a trigger prove too little."""
    text = "Two puffs today for quick relief."
    triggers = {"puffs relief": "J45.20"}
    tag = marking("puffs", "relief")
    assert reader(None, triggers).read(Document("n", text), tag).supports == {}


def test_every_mention_has_marks() -> None:
    """Those of terms in one piece too, marked or not; without a tagger there are none."""
    text = "Severe asthma, no fever."
    marked = read(text, marking("Severe asthma"))
    inside = {code: s.marks.inside for code, (s,) in marked.supports.items() if s.marks and not s.nested}
    assert inside == pytest.approx({"J45.50": 0.8, "R50.9": 0.1})
    assert all(s.marks is None for found in read(text, None).supports.values() for s in found)


TEXTS = ["Lesions of the lung compatible with metastasis.", "Severe asthma; wheezing. No fever, asthma.", "", "of the"]


def unmarked(support: Support) -> Support:
    return replace(support, marks=None)


@pytest.mark.parametrize("text", TEXTS)
def test_without_tags_only_terms_in_one_piece(text: str) -> None:
    """Without a tagger, or where it marks nothing, mentions are those of the lexicon and nothing is looked up."""
    nearest = Nearest({"wheezing": [("R06.2", 0.9)]})
    plain = read(text, None, nearest)
    assert nearest.asked == []
    found = lexicon(TERMS).find(plain.reading)
    assert {s.mention.span for x in plain.supports.values() for s in x} == {m.span for m in found}
    nothing = read(text, marking(), nearest)
    assert nearest.asked == []
    assert {c: [unmarked(s) for s in x] for c, x in nothing.supports.items()} == plain.supports
    assert nothing.mentions == plain.mentions == len(found)


def test_numbers_of_marks() -> None:
    """What the tagger says of the mentions of a code is among the numbers that its confidence rests on."""
    text = "Asthma. Then asthma of childhood."
    understood = read(text, marking("Asthma"))
    supports = understood.supports["J45.909"]
    row = describe("J45.909", supports, understood.scene, Experience())
    assert row["tag_any"] == pytest.approx(0.8) and row["tag_mean"] == pytest.approx(0.45)
    assert row["tag_least"] == pytest.approx(0.8) and row["tag_cover"] == 1.0 and row["tag_often"] == 1.0
    assert row["tag_begin"] == pytest.approx(0.5) and row["tag_begin_mean"] == pytest.approx(0.275)
    assert row["tag_inside"] == pytest.approx(0.3) and row["tag_inside_mean"] == pytest.approx(0.175)
    assert (row["gap"], row["fit"]) == (0, 1.0)
    plain = describe("J45.909", [unmarked(s) for s in supports], understood.scene, Experience())
    assert plain == {name: value for name, value in row.items() if not name.startswith("tag_")}


def test_gap_and_fit_of_the_best() -> None:
    """The mention whose words stand closest counts, and the term that fits best."""
    text = "Lung seat of metastasis. Wheezing."
    nearest = Nearest({"Wheezing": [("C78.00", 0.4)]})
    understood = read(text, marking("Lung", "metastasis", "Wheezing"), nearest)
    found = understood.supports["C78.00"]
    assert [(s.mention.gap, s.fit) for s in found] == [(1, 1.0), (0, 0.4)]
    row = describe("C78.00", found, understood.scene, Experience())
    assert (row["gap"], row["fit"], row["source_r"]) == (0, 1.0, 1.0)
    assert describe("C78.00", found[1:], understood.scene, Experience())["fit"] == 0.4


def test_tokens_of_a_reading_are_those_of_its_text() -> None:
    """`Tags` and `Mention.places` count the same tokens."""
    text = "a, b\nc"
    assert Reading(text).tokens == tuple(tokenise(text))
