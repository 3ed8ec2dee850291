"""What a document says of which codes: terms in one piece, and terms whose words stand apart."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from model.candidates import Resolver
from model.document import Document
from model.experience import Experience
from model.features import Support, describe
from model.lexicon import Lexicon
from model.reading import Reading
from model.tagger import Tags
from model.tokens import content_words, term_key, tokenise
from model.understanding import Reader, Understanding

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


def lexicon(terms: dict[str, str]) -> Lexicon:
    return Lexicon({term_key(content_words(words)): f"x:{code}" for words, code in terms.items()})


def reader(triggers: dict[str, str] | None = None) -> Reader:
    return Reader((lexicon(TERMS), lexicon(triggers or {})), Resolver(AllBillable()), frozenset())


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


def read(text: str, tag: Callable[[Reading], Tags] | None) -> Understanding:
    return reader().read(Document("note", text), tag)


def words(understood: Understanding, code: str) -> list[str]:
    return [s.mention.span.of(understood.document.text) for s in understood.supports.get(code, ())]


def test_marked_words_of_no_term_are_no_mention() -> None:
    """The tagger marks words and names no code."""
    understood = read("She has wheezing.", marking("wheezing"))
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
    assert reader(triggers).read(Document("n", text), tag).supports == {}


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
    """Without a tagger, or where it marks nothing, mentions are those of the lexicon."""
    plain = read(text, None)
    found = lexicon(TERMS).find(plain.reading)
    assert {s.mention.span for x in plain.supports.values() for s in x} == {m.span for m in found}
    nothing = read(text, marking())
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
    assert row["gap"] == 0
    plain = describe("J45.909", [unmarked(s) for s in supports], understood.scene, Experience())
    assert plain == {name: value for name, value in row.items() if not name.startswith("tag_")}


def test_tokens_of_a_reading_are_those_of_its_text() -> None:
    """`Tags` and `Mention.places` count the same tokens."""
    text = "a, b\nc"
    assert Reading(text).tokens == tuple(tokenise(text))
