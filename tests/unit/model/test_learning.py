"""What training takes from coded notes, on notes made up here."""

from dataclasses import replace

import pytest

from model.codebook.entries import Term, TermSource
from model.document import Document
from model.experience import Experience, Taught
from model.tokens import term_key
from model.train.kinship import Kinship
from model.train.learning import Coded, count, learn_mentions, learn_triggers
from model.train.shorthand import as_abbreviation, compose
from model.train.terms import index_terms

NOTHING_KNOWN = Kinship({})


def coded(kind: str, text: str, *quotes: tuple[str, str]) -> Coded:
    codes = frozenset(code for code, _ in quotes)
    return Coded(kind, Document(text[:8], text), codes, frozenset(), None, quotes)


def test_index_path_and_title() -> None:
    """A path of the index and a title become keys without the words no note writes."""
    terms = index_terms(
        [
            Term("Diabetes, type 2", "E11.9", TermSource.INDEX, ("Diabetes, diabetic", "type 2")),
            Term("Pain, joint, knee", "M25.56-", TermSource.INDEX, ("Pain", "joint", "knee")),
            Term("Essential (primary) hypertension", "I10", TermSource.TITLE),
            Term("Injury", "T14.90", TermSource.INDEX, ("Injury",)),
        ]
    )
    assert terms["2 diabete type"] == ["x:E11.9"]
    assert terms["knee pain"] == ["x:M25.56-"]
    assert terms["essential hypertension"] == ["t:I10"]
    assert "injury" not in terms


def test_half_of_a_heading_is_no_heading() -> None:
    """A general word that shares its adjective with another does not stand alone."""
    path = ("Cornual gestation or pregnancy", "with intrauterine pregnancy")
    assert "intrauterine pregnancy" not in index_terms([Term(", ".join(path), "O00.81", TermSource.INDEX, path)])


@pytest.mark.parametrize("word", ["they", "lb", "c", "stomach"])
def test_chance_is_not_learnt(word: str) -> None:
    """A single word annotated once is learnt where the code book calls the category so, and not otherwise."""
    notes = [coded("reports", f"{word} melena", ("K92.1", word), ("K92.1", "melena"))]
    assert learn_mentions(notes, Kinship({"melena": "x:K92.1"})) == {"melena": "c:K92.1"}


def test_one_annotation_against_the_code_book() -> None:
    """A term of the code book takes no other code from a single annotation."""
    notes = [coded("reports", "sigmoid diverticulosis", ("K57.32", "sigmoid diverticulosis"))]
    assert learn_mentions(notes, Kinship({"diverticulosis sigmoid": "h:K57.30"})) == {}
    assert learn_mentions(notes, Kinship({"diverticulosis sigmoid": "h:K57.3"})) != {}


def test_a_word_earns_its_code() -> None:
    """A word the code book does not know is learnt when it mostly goes with its code, in several documents."""
    notes = [coded("reports", f"{i} tarry", ("K92.1", "tarry")) for i in range(3)]
    notes = [replace(note, document=Document(str(i), note.document.text)) for i, note in enumerate(notes)]
    assert learn_mentions(notes, NOTHING_KNOWN) == {"tarry": "c:K92.1"}
    assert learn_mentions(notes[:1], NOTHING_KNOWN) == {}


def test_words_by_the_way_are_not_triggers() -> None:
    """Words of one quote that are not the code's own teach nothing; those that are do; a term of another code never."""
    notes = [coded("encounters", f"Angina started yesterday {i}.", ("I20.9", "Angina started yesterday")) for i in "1"]
    triggers = learn_triggers(notes, Kinship({"angina": "x:I20.9"}))
    assert triggers
    assert all("angina" in key for key in triggers)
    stemi = [coded("encounters", f"stemi {i}", ("I25.2", "stemi")) for i in range(5)]
    assert learn_triggers(stemi, Kinship({"stemi": "x:I21.3"})) == {}


def test_abbreviation_inside_a_longer_term() -> None:
    """'CKD stage 3b' is chronic kidney disease of that stage."""
    terms = {term_key(["chronic", "kidney", "disease", "stage", "3b"]): "t:N18.32 s:N18.9"}
    assert compose(terms, [(["ckd"], ["chronic", "kidney", "disease"])]) == {"3b ckd stage": "a:N18.32"}


@pytest.mark.parametrize(
    ("short", "codes"), [("mr", "A:I34.0"), ("hit", "A:I34.0"), ("bowel", ""), ("uti", "a:I34.0"), ("htn", "a:I34.0")]
)
def test_abbreviations_that_are_words(short: str, codes: str) -> None:
    """What may be another word is known in capitals alone, or not at all."""
    assert as_abbreviation("x:I34.0", [short]) == codes


def test_mentions_prefer_the_commonest_code() -> None:
    """The codes of a mention stand in the order of their number."""
    notes = [coded("reports", "fever", ("R50.9", "fever"))] * 2 + [coded("reports", "fever", ("R50.81", "fever"))]
    assert learn_mentions(notes, Kinship({"fever": "x:R50"})) == {"fever": "c:R50.9 c:R50.81"}


def test_triggers_go_with_their_code() -> None:
    """Words quoted for a code are learnt where they mostly go with it, and not where they stand everywhere."""
    notes = [coded("encounters", f"Takes metformin daily {i}.", ("Z79.84", "metformin")) for i in range(3)]
    notes += [coded("encounters", f"Takes nothing daily {i}.") for i in range(9)]
    triggers = learn_triggers(notes, NOTHING_KNOWN)
    assert triggers["metformin"] == "u:Z79.84"
    assert "daily" not in triggers


def test_words_that_stand_in_no_sentence_are_no_trigger() -> None:
    """A quote read by itself may part into sentences otherwise than in its note."""
    notes = [coded("encounters", f"Takes nothing {i}.", ("Z79.84", "metformin tablets")) for i in range(3)]
    assert learn_triggers(notes, Kinship({"metformin": "x:Z79.84"})) == {}


def test_counts_and_their_trip_to_disk(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Seen and right are counted by term and code, and come back from the file the same."""
    notes = [coded("reports", "fever", ("R50.9", "fever")), coded("reports", "No fever.")]
    experience = count(notes, lambda _: [("fever", "R50.9", "R50.9")], lambda code, gold: code in gold)
    assert experience.of_term("reports", "fever", "R50.9") == Taught(2, 1, 1)
    experience.save(tmp_path / "learnt.json.gz")
    assert Experience.load(tmp_path / "learnt.json.gz").of_code("reports", "R50") == Taught(2, 1, 1)


def test_doubt_is_no_part_of_a_term() -> None:
    """A cue of assertion in a trigger would take what is said of the mention with it; of Z codes it is a part."""
    pneumonia = [coded("encounters", f"{n} Suspected pneumonia.", ("J18.9", "Suspected pneumonia")) for n in "abc"]
    screening = [coded("encounters", f"{n} Screening colonoscopy.", ("Z12.11", "Screening colonoscopy")) for n in "abc"]
    known = Kinship({"pneumonia": "x:J18.9", "colonoscopy": "x:Z12.11"})
    triggers = learn_triggers([*pneumonia, *screening], known)
    assert term_key(["pneumonia", "suspected"]) not in triggers
    assert triggers[term_key(["screening", "colonoscopy"])] == "u:Z12.11"
