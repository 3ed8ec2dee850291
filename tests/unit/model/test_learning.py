"""What training takes from coded notes, on notes made up here."""

from model.codebook.entries import Term, TermSource
from model.document import Document
from model.experience import Experience, Taught
from model.train.learning import Coded, count, learn_mentions, learn_triggers
from model.train.terms import index_terms


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


def test_mentions_prefer_the_commonest_code() -> None:
    """The codes of a mention stand in the order of their number."""
    notes = [coded("reports", "fever", ("R50.9", "fever"))] * 2 + [coded("reports", "fever", ("R50.81", "fever"))]
    assert learn_mentions(notes) == {"fever": "c:R50.9 c:R50.81"}


def test_triggers_go_with_their_code() -> None:
    """Words quoted for a code are learnt where they mostly go with it, and not where they stand everywhere."""
    notes = [coded("encounters", f"Takes metformin daily {i}.", ("Z79.84", "metformin")) for i in range(3)]
    notes += [coded("encounters", f"Takes nothing daily {i}.") for i in range(9)]
    triggers = learn_triggers(notes)
    assert triggers["metformin"] == "u:Z79.84"
    assert "daily" not in triggers


def test_counts_and_their_trip_to_disk(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Seen and right are counted by term and code, and come back from the file the same."""
    notes = [coded("reports", "fever", ("R50.9", "fever")), coded("reports", "No fever.")]
    experience = count(notes, lambda _: [("fever", "R50.9", "R50.9")], lambda code, gold: code in gold)
    assert experience.of_term("reports", "fever", "R50.9") == Taught(2, 1, 1)
    experience.save(tmp_path / "learnt.json.gz")
    assert Experience.load(tmp_path / "learnt.json.gz").of_code("reports", "R50") == Taught(2, 1, 1)
