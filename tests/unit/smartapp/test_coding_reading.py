"""Reading and coding a chart in the background."""

import logging
import threading
from collections.abc import Callable

import pytest
from coding_bench import ANA, Bench
from fake_predictor import REVISION
from fhir_server import answers
from sample_chart import encounter, note
from threads import together

from model.document import NOTE_BREAK
from smartapp.errors import PredictorUnavailable, UnknownReview
from smartapp.jobs import Jobs
from smartapp.reviews import Action, ReviewKey, ReviewStatus

READING, CODING, READY, FAILED = (
    ReviewStatus.READING,
    ReviewStatus.CODING,
    ReviewStatus.READY,
    ReviewStatus.FAILED,
)


class DeadJobs(Jobs):
    """A process that is killed as soon as it has taken work on."""

    def submit(self, work: Callable[[], None], beat: Callable[[], None]) -> None:
        pass


def test_opening_reads_and_codes(bench: Bench) -> None:
    """An opened encounter is read and coded; each suggestion quotes its note exactly."""
    review = bench.ready()
    assert [s.code for s in review.suggestions] == ["E11.9", "I10"]
    texts = {n.id: n.text for n in review.notes}
    for suggestion in review.suggestions:
        for words in suggestion.evidence:
            assert texts[words.note_id][words.start : words.end] == words.quote
    assert (review.model_revision, review.code_set_edition) == (REVISION, "FY2026")
    assert review.header is not None and review.header.patient_name == "Noa L. Maier"
    assert (review.stage, review.failure) == ("", None)


def test_suggestions_say_why(bench: Bench) -> None:
    """Rules become reasons, and the candidates other than the code itself become alternatives."""
    suggestion = bench.ready().suggestions[0]
    assert [r.citation for r in suggestion.reasons] == ["Section IV.J, FY2026"]
    assert [a.code for a in suggestion.alternatives] == ["I15.9"]


def test_notes_become_one_document(bench: Bench) -> None:
    """The notes are coded together, one break apart, and evidence comes back to the note that says it."""
    bench.server.put(note("n2", "Former smoker; denies chest pain.", date="2026-03-02T15:00:00Z"))
    review = bench.ready()
    document = bench.predictor.documents[0]
    assert document.text.count(NOTE_BREAK) == 1
    assert str(document.date_of_service) == "2026-03-02"
    smoker = next(s for s in review.suggestions if s.code == "Z87.891").evidence[0]
    assert (smoker.note_id, smoker.quote) == ("n2", "Former smoker")
    assert [(w.code, w.evidence.note_id, w.reason) for w in review.why_not] == [("R07.9", "n2", "Denied.")]


def test_opening_twice_reads_once(bench: Bench) -> None:
    """A reload while the chart is being read, or after, starts no second job."""
    for _ in range(3):
        bench.coding.open(bench.key, bench.client)
    bench.until(READY)
    bench.coding.open(bench.key, bench.client)
    assert len(bench.server.sent("GET", "Patient/p1")) == 1


def test_simultaneous_first_opens_make_one_review(bench: Bench) -> None:
    """Two windows that open an encounter at the same moment get the same review, read once."""
    windows = [bench.another() for _ in range(4)]
    together(lambda window: window.coding.open(bench.key, bench.client), windows)
    bench.until(READY)
    assert len(bench.predictor.documents) + sum(len(w.predictor.documents) for w in windows) == 1


def test_progress_in_words(bench: Bench) -> None:
    """While the chart is coded the notes are there to read, and the stage says what goes on."""
    hold, seen = threading.Event(), threading.Event()
    bench.predictor.before = lambda: (seen.set(), hold.wait(5))
    first = bench.coding.open(bench.key, bench.client)
    assert first.status is READING
    assert seen.wait(5)
    review = bench.coding.review(bench.key)
    assert (review.status, review.stage, len(review.notes)) == (CODING, "in 1 note", 1)
    assert review.version > first.version
    hold.set()
    bench.until(READY)


def test_stopped_while_it_is_coded(bench: Bench) -> None:
    """What comes after is not kept; the notes stay to be coded by hand, and Try again begins anew."""
    hold, seen = threading.Event(), threading.Event()
    bench.predictor.before = lambda: (seen.set(), hold.wait(5))
    bench.coding.open(bench.key, bench.client)
    assert seen.wait(5)
    stopped = bench.coding.stop(bench.key, ANA)
    assert (stopped.status, stopped.failure) == (FAILED, f"{ANA.name} stopped it.")
    hold.set()
    assert bench.coding.retry(bench.key, bench.client).status in (READING, CODING, READY)
    review = bench.until(READY)
    assert bench.coding.stop(bench.key, ANA) == review  # there is nothing to stop any more


def test_survives_a_restart(bench: Bench) -> None:
    """A new process finds the whole review: notes, suggestions, decisions."""
    review = bench.ready()
    decided = bench.coding.decide(bench.key, review.version, Action.ACCEPT, "I10", None, ANA)
    assert bench.another().coding.open(bench.key, bench.client) == decided


def test_a_dead_job_is_started_again(bench: Bench) -> None:
    """Where the process died at work, the next open starts over, but not while the heartbeat may still come."""
    dead = bench.another(jobs=DeadJobs())
    assert dead.coding.open(bench.key, bench.client).status is READING
    bench.clock.forward(15)
    assert bench.coding.open(bench.key, bench.client).status is READING
    assert bench.predictor.documents == []
    bench.clock.forward(10)
    bench.coding.open(bench.key, bench.client)
    assert bench.until(READY).suggestions


def test_a_slow_job_lives_by_its_heartbeat(bench: Bench) -> None:
    """However long the predictor takes, a job that beats is not doubled."""
    hold, seen = threading.Event(), threading.Event()
    bench.predictor.before = lambda: (seen.set(), hold.wait(10))
    bench.coding.open(bench.key, bench.client)
    assert seen.wait(5)
    bench.clock.forward(60)
    wait_for_beat(bench)
    bench.another().coding.open(bench.key, bench.client)
    hold.set()
    bench.until(READY)
    assert len(bench.server.sent("GET", "Patient/p1")) == 1


def test_a_job_that_was_overtaken_changes_nothing(bench: Bench) -> None:
    """A job that seemed dead and wakes up finds its claim gone; the other one's result stays."""
    hold, seen = threading.Event(), threading.Event()
    bench.predictor.before = lambda: (seen.set(), hold.wait(10))
    bench.coding.open(bench.key, bench.client)
    assert seen.wait(5)
    bench.jobs.stop()  # no more heartbeats, as of a process that is paused
    bench.clock.forward(60)
    other = bench.another()
    other.coding.open(bench.key, bench.client)
    done = other.until(READY)
    hold.set()
    finished = threading.Event()
    bench.jobs.submit(finished.set, lambda: None)
    assert not finished.wait(0.2)  # stopped jobs begin nothing
    assert other.coding.review(bench.key) == done


def test_ehr_down_and_back(bench: Bench) -> None:
    """An EHR that does not answer leaves a review that says so; trying again completes it."""
    bench.server.fail("GET", "Encounter/e1", answers(503), times=3)
    bench.coding.open(bench.key, bench.client)
    failed = bench.until(FAILED)
    assert failed.failure is not None and failed.failure.startswith("The EHR does not answer")
    assert bench.coding.open(bench.key, bench.client).status is FAILED  # a reload alone does not hammer the EHR
    assert bench.coding.retry(bench.key, bench.client).status in (READING, CODING, READY)
    assert bench.until(READY).failure is None


def test_the_ehrs_words_are_shown(bench: Bench) -> None:
    """A refusal carries what the EHR said, on the page and sealed in the database."""
    bench.server.fail("GET", "Encounter/e1", answers(403, "Consent was withdrawn"))
    bench.coding.open(bench.key, bench.client)
    assert "Consent was withdrawn" in str(bench.until(FAILED).failure)
    assert b"Consent" not in whole_database(bench)


def test_foreign_encounter(bench: Bench) -> None:
    """An encounter of another patient is refused, and nothing of it is kept."""
    bench.server.put(encounter(subject={"reference": "Patient/p2"}))
    bench.coding.open(bench.key, bench.client)
    review = bench.until(FAILED)
    assert (review.header, review.notes) == (None, ())


def test_predictor_down(bench: Bench) -> None:
    """Without the predictor the notes are there and coding by hand works; trying again brings suggestions."""
    bench.predictor.before = unavailable
    bench.coding.open(bench.key, bench.client)
    review = bench.until(FAILED)
    assert "code by hand" in str(review.failure)
    assert len(review.notes) == 1 and not review.suggestions
    by_hand = bench.coding.decide(bench.key, review.version, Action.ADD, "J06.9", None, ANA)
    assert [a.code for a in by_hand.accepted()] == ["J06.9"]
    bench.predictor.before = lambda: None
    bench.coding.retry(bench.key, bench.client)
    again = bench.until(READY)
    assert [s.code for s in again.suggestions] == ["E11.9", "I10"]
    assert [a.code for a in again.accepted()] == ["J06.9"]


def test_no_readable_note(bench: Bench) -> None:
    """Notes that cannot be read say why; the review is ready for coding by hand and the predictor is not asked."""
    bench.server.put(note("n1", b"GIF89a", "image/gif"))
    review = bench.ready()
    assert review.suggestions == () and review.notes[0].unreadable
    assert bench.predictor.documents == []


def test_an_unforeseen_error_ends_in_words(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A bug in the job ends it with words on the page; the log names type and place, never the text."""
    bench.server.put(note("n1", "Essential hypertension of Mr. Canary; fail"))
    with caplog.at_level(logging.DEBUG):
        bench.coding.open(bench.key, bench.client)
        review = bench.until(FAILED)
    assert "Press Try again" in str(review.failure)
    assert "RuntimeError" in caplog.text
    assert "Canary" not in caplog.text and "Canary" not in str(review.failure)


def test_rereading_keeps_decisions_and_follows_the_notes(bench: Bench) -> None:
    """A chart read anew has the new notes and suggestions; what was decided stays."""
    review = bench.ready()
    bench.coding.decide(bench.key, review.version, Action.ACCEPT, "E11.9", None, ANA)
    bench.server.put(note("n1", "Addendum: Former smoker. Type 2 diabetes."))
    bench.coding.retry(bench.key, bench.client)
    review = bench.until(READY)
    assert [s.code for s in review.suggestions] == ["E11.9", "Z87.891"]
    accepted = review.accepted()[0]
    assert accepted.code == "E11.9"
    assert str(review.notes[0].text)[accepted.evidence[0].start :].startswith("Type 2 diabetes")


def test_a_reading_that_fails_at_coding_takes_nothing_away(bench: Bench) -> None:
    """Read anew without a predictor, the page keeps its suggestions and the notes they quote, and says what failed."""
    before = bench.ready()
    bench.server.put(note("n1", "Addendum: Former smoker. Type 2 diabetes."))
    bench.predictor.before = unavailable
    bench.coding.retry(bench.key, bench.client)
    failed = bench.until(FAILED)
    assert (failed.suggestions, failed.notes) == (before.suggestions, before.notes)
    assert failed.model_revision == before.model_revision
    assert "not running" in str(failed.failure)
    bench.predictor.before = lambda: None
    bench.coding.retry(bench.key, bench.client)
    assert [s.code for s in bench.until(READY).suggestions] == ["E11.9", "Z87.891"]


def test_unknown_review(bench: Bench) -> None:
    """An encounter that was never opened has no review."""
    with pytest.raises(UnknownReview):
        bench.coding.review(ReviewKey(bench.key.iss, "p1", "e-other"))


def test_patient_data_is_sealed(bench: Bench) -> None:
    """Neither name, note, quote nor reason is readable in the database files."""
    review = bench.ready()
    bench.coding.decide(bench.key, review.version, Action.REJECT, "I10", "unsupported", ANA)
    held = whole_database(bench)
    for words in (b"Maier", b"MRN-0042", b"not at goal", b"1961-04-05", b"unsupported"):
        assert words not in held
    assert b"Practitioner/ana" in held  # who decided is not sealed, so the search above can find things


def unavailable() -> None:
    raise PredictorUnavailable("The predictor is not running.")


def wait_for_beat(bench: Bench) -> None:
    """Until a heartbeat has carried the clock's present moment into the database."""
    deadline = threading.Event()
    for _ in range(500):
        with bench.store.change(bench.key, bench.clock()) as draft:
            if draft.claimed_since == bench.clock():
                return
        deadline.wait(0.01)
    raise AssertionError("no heartbeat came")


def whole_database(bench: Bench) -> bytes:
    files = bench.database.parent.glob(f"{bench.database.name}*")
    return b"".join(file.read_bytes() for file in files)
