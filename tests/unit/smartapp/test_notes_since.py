"""Looking whether notes came in or were changed since they were read, and what that does to decisions."""

from datetime import timedelta
from typing import Any

import pytest
from coding_bench import ANA, Bench
from fhir_server import FakeFHIRServer, answers, is_silent
from sample_chart import NOTE, encounter, note

from smartapp.errors import EncounterVoid
from smartapp.reviews import Action, NotesSince, ReviewStatus
from smartapp.views.board import Board
from smartapp.views.since import since_words

ANOTHER = note("n2", "Former smoker.", date="2026-03-02T16:00:00Z")


def look(bench: Bench, seconds: float = 61) -> NotesSince:
    bench.clock.forward(seconds)
    return bench.coding.look(bench.key, bench.client).since


def reread(bench: Bench) -> None:
    bench.coding.retry(bench.key, bench.client)
    bench.until(ReviewStatus.READY)


@pytest.mark.parametrize(
    ("resources", "since"),
    [
        ([], NotesSince()),
        ([note(meta={"tag": [{"code": "seen"}]})], NotesSince()),  # another version, the same content
        ([ANOTHER], NotesSince(arrived=1)),
        ([ANOTHER, note("n3", "Cough.")], NotesSince(arrived=2)),
        ([note(text=NOTE + "Cough.")], NotesSince(changed=1)),
        ([note(status="entered-in-error")], NotesSince(gone=1)),
        ([note("n3", relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/n1"}}])],
         NotesSince(changed=1)),
        ([note("n3", relatesTo=[{"code": "appends", "target": {"reference": "DocumentReference/n1"}}])],
         NotesSince(arrived=1)),
        ([note("n3", status="entered-in-error")], NotesSince()),
        ([note("n3", context={"encounter": [{"reference": "Encounter/e2"}]})], NotesSince()),
        ([note("n3", subject={"reference": "Patient/p2"})], NotesSince()),
    ],
)  # fmt: skip
def test_look(bench: Bench, resources: list[dict[str, Any]], since: NotesSince) -> None:
    """One search tells what arrived, changed or was withdrawn of this very encounter; nothing of it is read."""
    bench.ready()
    bench.server.put(*resources)
    bench.server.seen.clear()
    assert look(bench) == since
    assert [s.path for s in bench.server.seen] == ["DocumentReference"]
    assert bench.coding.review(bench.key).since == since


def test_once_a_minute(bench: Bench) -> None:
    """However many pages ask, in however many processes, the EHR is asked once a minute; the rest see what it said."""
    bench.ready()
    bench.server.put(ANOTHER)
    bench.server.seen.clear()
    assert look(bench, 59) == NotesSince()  # it was read less than a minute ago
    assert look(bench, 1) == NotesSince(arrived=1)
    assert look(bench.another(), 1) == NotesSince(arrived=1)
    assert len(bench.server.seen) == 1
    bench.server.put(note("n3", "Cough."))
    assert look(bench) == NotesSince(arrived=2)


@pytest.mark.parametrize("fault", [answers(500), answers(403), answers(401), answers(429, Retry_After="5"), is_silent])
def test_failures_are_silent(bench: Bench, fault: Any) -> None:
    """What was known stays, the EHR is asked once, and the next minute brings the next look."""
    bench.ready()
    bench.server.put(ANOTHER)
    bench.server.fail("GET", "DocumentReference", fault, times=2)
    bench.server.seen.clear()
    assert look(bench) == NotesSince()
    assert len(bench.server.seen) <= 2  # a 401 is answered with a fresh token
    bench.server.seen.clear()
    bench.server._faults.clear()
    assert look(bench) == NotesSince(arrived=1)


def test_incomplete_answer_tells_nothing(bench: Bench) -> None:
    """A list that is not whole is no proof that notes are gone."""
    bench.ready()
    bench.server.put(note(status="entered-in-error"))
    bench.server.says = ({"severity": "error", "code": "timeout", "diagnostics": "The archive did not answer."},)
    assert look(bench) == NotesSince()


def test_before_anything_was_read(bench: Bench) -> None:
    """An encounter that is being read for the first time is not looked at."""
    bench.server.fail("GET", "Patient", answers(403))
    bench.coding.open(bench.key, bench.client)
    bench.until(ReviewStatus.FAILED)
    assert look(bench) == NotesSince()


def test_reading_again_clears_it_and_keeps_decisions(bench: Bench) -> None:
    """After reading again there is nothing new, and what was decided stands."""
    review = bench.ready()
    bench.coding.decide(bench.key, review.version, Action.ACCEPT, "I10", None, ANA)
    bench.server.put(ANOTHER)
    assert look(bench) == NotesSince(arrived=1)
    reread(bench)
    review = bench.coding.review(bench.key)
    assert (review.since, len(review.notes)) == (NotesSince(), 2)
    assert [a.code for a in review.accepted()] == ["I10"]
    assert look(bench) == NotesSince()


def test_after_signing(bench: Bench) -> None:
    """It is told after the signature too; what was signed stays on the notes that it was signed on."""
    review = bench.ready()
    review = bench.coding.decide(bench.key, review.version, Action.ACCEPT, "I10", None, ANA)
    bench.coding.sign_off(bench.key, review.version, ANA, bench.client)
    bench.until(ReviewStatus.WRITTEN)
    bench.server.put(ANOTHER)
    assert look(bench) == NotesSince(arrived=1)
    assert len(bench.coding.review(bench.key).notes) == 1


@pytest.mark.parametrize("way", ["same id", "replaced"])
def test_decisions_on_text_that_changed_are_marked(bench: Bench, way: str) -> None:
    """A code decided on words of a note that then changed is marked until it is decided again; others are not."""
    bench.server.put(note("n2", "Former smoker."))
    review = bench.ready()
    for code in ("I10", "Z87.891"):
        review = bench.coding.decide(bench.key, review.version, Action.ACCEPT, code, None, ANA)
    bench.clock.forward(60)
    amended = NOTE + "Former smoker.\n"
    replaces = [{"code": "replaces", "target": {"reference": "DocumentReference/n1"}}]
    bench.server.put(note(text=amended) if way == "same id" else note("n9", amended, relatesTo=replaces))
    reread(bench)
    board = Board(bench.coding.review(bench.key))
    assert "changed after this was decided" in board.doubt("I10")
    bench.clock.forward(60)
    reread(bench)  # nothing changed this time: the mark stays
    review = bench.coding.review(bench.key)
    assert "changed after this was decided" in Board(review).doubt("I10")
    for action in (Action.UNDO, Action.ACCEPT):
        review = bench.coding.decide(bench.key, review.version, action, "I10", None, ANA)
    assert Board(review).doubt("I10") == ""


def test_decision_whose_words_are_gone(bench: Bench) -> None:
    """A code accepted from words that the notes no longer hold is said to be so; it stays accepted."""
    review = bench.ready()
    bench.coding.decide(bench.key, review.version, Action.ACCEPT, "I10", None, ANA)
    bench.clock.forward(60)
    bench.server.put(note(text="Type 2 diabetes without complications."))
    reread(bench)
    board = Board(bench.coding.review(bench.key))
    assert board.doubt("I10") == "The notes no longer hold the words that this was decided on."
    assert [a.code for a in board.claim] == ["I10"]


def test_text_read_again_unchanged(bench: Bench) -> None:
    """Another version with the same text leaves no mark."""
    review = bench.ready()
    bench.coding.decide(bench.key, review.version, Action.ACCEPT, "I10", None, ANA)
    bench.clock.forward(60)
    bench.server.put(note(docStatus="final"))
    reread(bench)
    assert Board(bench.coding.review(bench.key)).doubt("I10") == ""


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_encounter_that_did_not_take_place(bench: Bench, status: str) -> None:
    """It is shown as such, its notes are not read, and nothing is decided or signed; mended, it is coded."""
    review = bench.ready()
    review = bench.coding.decide(bench.key, review.version, Action.ACCEPT, "I10", None, ANA)
    bench.server.put(encounter(status=status))
    reread(bench)
    review = bench.coding.review(bench.key)
    assert review.header and review.header.void
    assert (review.notes, review.suggestions, Board(review).open) == ((), (), False)
    with pytest.raises(EncounterVoid):
        bench.coding.decide(bench.key, review.version, Action.ADD, "E11.9", None, ANA)
    with pytest.raises(EncounterVoid):
        bench.coding.sign_off(bench.key, review.version, ANA, bench.client)
    bench.server.put(encounter())
    reread(bench)
    assert [a.code for a in bench.coding.review(bench.key).accepted()] == ["I10"]
    assert Board(bench.coding.review(bench.key)).open


def test_waiting_is_told_on_the_page(bench: Bench, fhir_server: FakeFHIRServer) -> None:
    """While the EHR asks for patience, the stage of the review says so."""
    told: list[str] = []
    bench.client._connection._sleep = lambda _: told.append(bench.coding.review(bench.key).stage)
    fhir_server.fail("GET", "DocumentReference", answers(429, Retry_After="5"))
    bench.ready()
    assert told == ["The EHR asks us to wait 5 s"]


@pytest.mark.parametrize(
    ("since", "words"),
    [
        (NotesSince(arrived=1), "A note arrived"),
        (NotesSince(arrived=2), "2 notes arrived"),
        (NotesSince(changed=1), "A note was changed"),
        (NotesSince(2, 1), "2 notes arrived and a note was changed"),
        (NotesSince(1, 3, 2), "A note arrived, 3 notes were changed and 2 notes were withdrawn"),
        (NotesSince(), ""),
    ],
)
def test_words(since: NotesSince, words: str) -> None:
    """The banner speaks plainly."""
    assert since_words(since) == words


def test_life_of_the_look(bench: Bench) -> None:
    """A look that began before the chart was read anew does not count for it."""
    bench.ready()
    began = bench.clock() + timedelta(seconds=120)
    assert bench.store.begin_look(bench.key, began, began)
    bench.clock.forward(180)
    reread(bench)
    bench.store.end_look(bench.key, began, NotesSince(arrived=5))
    assert bench.coding.review(bench.key).since == NotesSince()
