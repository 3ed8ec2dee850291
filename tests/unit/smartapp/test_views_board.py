"""What the page shows is worked out from the review alone."""

from dataclasses import replace

import pytest
from fake_coding import FakeCoding
from sample_review import KEY, NOTES, SUGGESTIONS, ready_review

from smartapp.checks import Level, Remark, rules
from smartapp.reviews import Action, Reviewer, ReviewStatus
from smartapp.views.board import Board, Tally
from smartapp.views.cards import card_id
from smartapp.views.dates import show_birth_date, show_date

BY = Reviewer("Practitioner/1", "Dr. Elena Ruiz")


def after(*acts: tuple[Action, str]) -> FakeCoding:
    coding = FakeCoding(ready_review())
    for action, code in acts:
        coding.decide(KEY, coding.review_now.version, action, code, None, BY)
    return coding


def test_nothing_is_accepted_beforehand() -> None:
    """However certain the predictor is, every card begins undecided."""
    board = Board(ready_review())
    assert {c.state for c in (*board.suggested, *board.less_certain)} == {"undecided"}
    assert board.tally == Tally(accepted=0, rejected=0, undecided=6)


@pytest.mark.parametrize(("heading", "words"), [("A", "Assessment"), ("P", "Plan"), ("Plan", "Plan"), (None, "")])
def test_a_soap_note_s_parts_are_named(heading: str | None, words: str) -> None:
    """The note heads them by a letter; beside a quote the letter alone says little."""
    review = ready_review()
    suggestion = review.suggestions[0]
    evidence = (replace(suggestion.evidence[0], section=heading),)
    alone = replace(review, notes=review.notes[:1], suggestions=(replace(suggestion, evidence=evidence),))
    assert [q.place for q in Board(alone).suggested[0].quotes] == [words]


def test_what_is_below_the_threshold_is_apart() -> None:
    """Suggestions below the threshold are a group of their own and are not counted as undecided."""
    board = Board(ready_review())
    assert [c.code for c in board.less_certain] == ["E66.9", "Z85.3"]
    assert len(board.suggested) == 6


def test_tally_counts_what_stands() -> None:
    """Accepted, rejected, added and taken back are counted as they stand now."""
    coding = after(
        (Action.ACCEPT, "I10"),
        (Action.REJECT, "J44.1"),
        (Action.ADD, "K21.9"),
        (Action.ACCEPT, "Z79.4"),
        (Action.UNDO, "Z79.4"),
    )
    board = Board(coding.review_now)
    assert board.tally == Tally(accepted=2, rejected=1, undecided=4)
    assert [c.code for c in board.added] == ["K21.9"]


def test_an_added_suggestion_is_no_second_card() -> None:
    """A code that is suggested and found by search stays one card."""
    board = Board(after((Action.ADD, "I10")).review_now)
    assert board.added == ()
    card = board.card("I10")
    assert card is not None and card.state == "accepted"


def test_each_quote_links_to_a_mark() -> None:
    """The address of each quote is the id of a piece of the note."""
    board = Board(ready_review())
    marks = {f"e{note.number}-{s.start}" for note in board.notes for s in note.segments if s.codes}
    quotes = [q for card in (*board.suggested, *board.less_certain) for q in card.quotes]
    assert {q.anchor for q in quotes} <= marks


def test_a_quote_of_a_note_without_text_has_no_link() -> None:
    """Evidence of a note that can no longer be read is quoted without a link."""
    notes = (replace(NOTES[0], text=None, unreadable="It is gone."), *NOTES[1:])
    board = Board(replace(ready_review(), notes=notes))
    assert board.suggested[0].quotes[0].anchor is None


def test_nothing_is_certain() -> None:
    """A confidence of one is shown as 99 %."""
    certain = replace(SUGGESTIONS[0], confidence=1.0)
    assert Board(replace(ready_review(), suggestions=(certain,))).suggested[0].percent == 99


@pytest.mark.parametrize(
    "status", [ReviewStatus.READING, ReviewStatus.CODING, ReviewStatus.SIGNED, ReviewStatus.WRITTEN]
)
def test_decisions_wait_for_the_chart_and_end_with_the_signature(status: ReviewStatus) -> None:
    """While the chart is read and after signing no decision is offered."""
    assert not Board(replace(ready_review(), status=status)).open


def test_card_ids_are_usable_in_selectors() -> None:
    """The dot of a code does not get into the id of its card."""
    assert card_id("E11.42") == "c-E11-42"


@pytest.mark.parametrize(
    ("birth_date", "words"),
    [("1961-03-12", "12 Mar 1961 (65 y)"), ("1961-03-13", "13 Mar 1961 (64 y)"), ("1961", "1961"), (None, "")],
)
def test_age_on_the_date_of_service(birth_date: str | None, words: str) -> None:
    """The age is that on the date of service, counted in whole years; a year alone is shown as it is."""
    header = ready_review().header
    assert header is not None
    assert show_birth_date(birth_date, header.date_of_service) == words
    assert show_date(None) == ""


def test_a_remark_stands_on_the_card_that_it_is_about() -> None:
    """One that would only come of accepting a code stands with that code alone, one on the whole claim with none."""
    rule, level = rules()["excludes1"], Level.WARNING
    said = [Remark(rule, level, codes, "", "") for codes in (("I10", "J44.1"), ("I10",), ("I10", "E11.42", "Z79.4"))]
    board = Board(after((Action.ACCEPT, "I10")).review_now, BY, lambda _: said)
    cards = {card.code: [r.codes for r in card.remarks] for card in board.suggested if card.remarks}
    assert cards == {"I10": [("I10",)], "J44.1": [("I10", "J44.1")]}


def test_what_is_not_coded_stands_by_its_reason() -> None:
    """A code at two places stands once, and a reason that is given for many codes last."""
    review = ready_review()
    uncertain, relative, denied = review.why_not
    again = replace(denied, evidence=uncertain.evidence)
    other = replace(denied, code="R05.9")
    board = Board(replace(review, why_not=(denied, again, other, relative, uncertain)))
    told = {reason: [(m.code, len(m.quotes), m.asks) for m in found] for reason, found in board.mentioned.items()}
    assert list(told) == [relative.reason, uncertain.reason, denied.reason]
    assert told[denied.reason] == [(denied.code, 2, True), ("R05.9", 1, False)]
    assert told[uncertain.reason] == [(uncertain.code, 1, True)]
