"""Which of several documents count, and what one has to do with another."""

from typing import Any

import pytest
from sample_chart import note

from smartapp.fhir.notes import stamp, standing

BASE = "https://ehr.example/fhir"
OTHER_TYPE = {"coding": [{"system": "http://loinc.org", "code": "34117-2"}]}


def related(id: str, code: str, *targets: str, hour: int = 15, **more: Any) -> dict[str, Any]:
    relations = [{"code": code, "target": {"reference": f"DocumentReference/{t}"}} for t in targets]
    return note(id, date=f"2026-03-02T{hour:02}:00:00Z", relatesTo=relations, **more)


def shown(*documents: dict[str, Any]) -> list[tuple[str, tuple[str, ...], str | None]]:
    return [(s.document["id"], s.replaces, s.appends) for s in standing(BASE, documents)]


def test_replaced_notes() -> None:
    """A note that another replaces is left out, also by way of a third; the last knows in whose place it stands."""
    assert shown(note("a"), related("b", "replaces", "a"), related("c", "replaces", "b", hour=16)) == [
        ("c", ("a", "b"), None)
    ]


def test_replaced_by_what_was_an_error() -> None:
    """A replacement that was entered in error replaces nothing."""
    assert shown(note("a"), related("b", "replaces", "a", status="entered-in-error")) == [("a", (), None)]


def test_replaced_by_what_is_not_here() -> None:
    """What replaces a note of another encounter, or was replaced by one that the EHR does not give, stands."""
    assert shown(related("b", "replaces", "elsewhere"), note("a", status="superseded", type=OTHER_TYPE)) == [
        ("a", (), None), ("b", (), None)
    ]  # fmt: skip


@pytest.mark.parametrize("dates", [(14, 15), (15, 14), (15, 15)])
def test_two_that_replace_each_other(dates: tuple[int, int]) -> None:
    """They do not both go: one stands."""
    a, b = related("a", "replaces", "b", hour=dates[0]), related("b", "replaces", "a", hour=dates[1])
    latest = "a" if dates[0] > dates[1] else "b"
    assert [one[0] for one in shown(a, b)] == [latest]


def test_three_that_replace_each_other() -> None:
    """Nor do three that go round; and one that names itself stays."""
    ring = [
        related(id, "replaces", target, hour=h) for id, target, h in (("a", "b", 14), ("b", "c", 15), ("c", "a", 16))
    ]
    assert len(shown(*ring)) == 1
    assert shown(related("d", "replaces", "d")) == [("d", (), None)]


def test_addenda_stand_behind_their_note() -> None:
    """An addendum is kept beside its original, and comes right after it whatever came in between."""
    between = note("x", date="2026-03-02T15:00:00Z", type=OTHER_TYPE)
    assert shown(related("add", "appends", "n1", hour=20), between, note()) == [
        ("n1", (), None), ("add", (), "n1"), ("x", (), None)
    ]  # fmt: skip


def test_addendum_does_not_supersede() -> None:
    """An original that the EHR calls superseded is not replaced by its addendum of the same type."""
    assert [one[0] for one in shown(note(status="superseded"), related("add", "appends", "n1"))] == ["n1", "add"]


def test_addendum_to_a_replaced_note() -> None:
    """It stands behind the note that took the other's place; one to a note that is not here stands by itself."""
    documents = note("a"), related("b", "replaces", "a", hour=16), related("add", "appends", "a", hour=17)
    assert shown(*documents) == [("b", ("a",), None), ("add", (), "b")]
    assert shown(related("add", "appends", "elsewhere")) == [("add", (), None)]


def test_superseded_by_status() -> None:
    """Superseded counts where a newer current note of its type is here, and not where there is none."""
    older = note("older", status="superseded", date="2026-03-02T13:00:00Z")
    assert shown(older, note()) == [("n1", ("older",), None)]
    assert [one[0] for one in shown(older, note(type=OTHER_TYPE))] == ["older", "n1"]
    assert [one[0] for one in shown(older, note("n2", status="superseded"))] == ["older", "n2"]


def test_stamp_follows_the_content() -> None:
    """A document whose content is told is stamped by it: another version with the same content has the same stamp."""
    one, again = note(meta={"versionId": "1"}), note(meta={"versionId": "2"})
    assert stamp(one) == stamp(again)
    assert stamp(one) != stamp(note(text="Another."))
    assert stamp(one) != stamp(note(docStatus="amended"))


def test_stamp_of_content_held_elsewhere() -> None:
    """Where the content is only pointed to, the version tells, or when it was last changed, or what else there is."""
    content = [{"attachment": {"url": "Binary/b1"}}]
    stamps = {
        stamp(note(content=content, **more))
        for more in (
            {"meta": {"versionId": "1"}},
            {"meta": {"versionId": "2"}},
            {"meta": {"lastUpdated": "2026-03-02T10:00:00Z"}},
            {},
            {"date": "2026-03-03"},
        )
    }
    assert len(stamps) == 5
    hashed = [[{"attachment": {"url": "Binary/b1", "hash": h}}] for h in ("AA==", "BB==")]
    assert stamp(note(content=hashed[0])) != stamp(note(content=hashed[1]))
