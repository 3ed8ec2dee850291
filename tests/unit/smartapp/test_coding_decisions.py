"""What a person decides, and when it counts."""

from datetime import date
from typing import Any

import pytest
from coding_bench import ANA, BEN, Bench
from fhir_server import answers
from sample_chart import encounter
from threads import together

from smartapp.errors import ReviewChanged, ReviewClosed, UnknownCode
from smartapp.reviews import Action, Review, ReviewStatus

ACCEPT, REJECT, ADD, UNDO = Action.ACCEPT, Action.REJECT, Action.ADD, Action.UNDO


def decide(bench: Bench, review: Review, action: Action, code: str, by: Any = ANA, reason: str | None = None) -> Review:
    return bench.coding.decide(bench.key, review.version, action, code, reason, by)


def codes(review: Review) -> list[str]:
    return [a.code for a in review.accepted()]


def test_accept(bench: Bench) -> None:
    """An accepted suggestion is an accepted code with its evidence, the person and the time; the version grows."""
    review = bench.ready()
    after = decide(bench, review, ACCEPT, "I10")
    (accepted,) = after.accepted()
    assert (accepted.code, accepted.title, accepted.rank) == ("I10", "Essential (primary) hypertension", 1)
    assert accepted.evidence[0].quote == "Essential hypertension"
    assert (accepted.decision.by, accepted.decision.at) == (ANA, bench.clock())
    assert after.version == review.version + 1


def test_the_first_listed_suggestion_leads(bench: Bench) -> None:
    """However late it is accepted, the suggested first-listed code is ranked first."""
    review = decide(bench, bench.ready(), ACCEPT, "I10")
    assert codes(decide(bench, review, ACCEPT, "E11.9")) == ["E11.9", "I10"]


def test_reject_with_a_reason(bench: Bench) -> None:
    """A rejection keeps its reason and takes the code off the claim."""
    review = decide(bench, decide(bench, bench.ready(), ACCEPT, "I10"), REJECT, "I10", reason="unsupported")
    assert codes(review) == []
    assert review.decisions[-1].reason == "unsupported"


def test_undo_goes_back_one_step_at_a_time(bench: Bench) -> None:
    """Undoing a rejection brings the acceptance before it back; undoing that leaves the code undecided."""
    review = decide(bench, decide(bench, bench.ready(), ACCEPT, "I10"), REJECT, "I10")
    review = decide(bench, review, UNDO, "I10")
    assert codes(review) == ["I10"]
    review = decide(bench, review, UNDO, "I10")
    assert review.decision_on("I10") is None
    assert [d.action for d in review.decisions] == [ACCEPT, REJECT, UNDO, UNDO]


def test_nothing_to_undo(bench: Bench) -> None:
    """Undoing where no decision stands is refused and keeps nothing."""
    review = bench.ready()
    with pytest.raises(ReviewChanged):
        decide(bench, review, UNDO, "I10")
    assert bench.coding.review(bench.key) == review


def test_add_by_hand(bench: Bench) -> None:
    """Any billable code can be added, written in small letters too; its title is the code book's."""
    review = decide(bench, bench.ready(), ADD, " j06.9 ")
    (added,) = review.accepted()
    assert (added.code, added.title, added.evidence) == (
        "J06.9",
        "Acute upper respiratory infection, unspecified",
        (),
    )


@pytest.mark.parametrize("code", ["E11", "Z99.99", "Q00.0", "", "<script>", "I10' OR 1=1"])
def test_codes_that_cannot_be_used(bench: Bench, code: str) -> None:
    """Headings, unknown codes, codes not in force on the date of service and nonsense are refused; nothing is kept."""
    review = bench.ready()
    with pytest.raises(UnknownCode):
        decide(bench, review, ADD, code)
    assert bench.coding.review(bench.key) == review


def test_the_date_of_service_decides_what_is_billable(bench: Bench) -> None:
    """A code that has since expired is found and can be added for a visit of its time."""
    period = {"start": "2025-05-02T09:00:00Z", "end": "2025-05-02T10:00:00Z"}
    bench.server.put(encounter(period=period))
    review = bench.ready()
    assert bench.coding.book(review).on == date(2025, 5, 2)
    assert codes(decide(bench, review, ADD, "Q00.0")) == ["Q00.0"]


@pytest.mark.parametrize("action", [ACCEPT, REJECT])
def test_only_suggestions_are_accepted_or_rejected(bench: Bench, action: Action) -> None:
    """A code that was not suggested can be added, not accepted or rejected."""
    review = bench.ready()
    with pytest.raises(UnknownCode):
        decide(bench, review, action, "J06.9")


def test_a_stale_page_decides_nothing(bench: Bench) -> None:
    """A decision made on an old state of the page is refused; the newer decision stands."""
    review = bench.ready()
    decide(bench, review, ACCEPT, "I10")
    with pytest.raises(ReviewChanged):
        decide(bench, review, REJECT, "I10", by=BEN)
    with pytest.raises(ReviewChanged):
        decide(bench, review, ACCEPT, "E11.9", by=BEN)
    assert codes(bench.coding.review(bench.key)) == ["I10"]


@pytest.mark.parametrize("action", [ACCEPT, REJECT, ADD])
def test_double_click(bench: Bench, action: Action) -> None:
    """The same POST twice is one decision, and the second answers with the review as it is."""
    review = bench.ready()
    first = decide(bench, review, action, "I10")
    assert decide(bench, review, action, "I10") == first


def test_double_click_on_undo(bench: Bench) -> None:
    """The same UNDO twice takes back one decision, not two."""
    review = decide(bench, decide(bench, bench.ready(), ACCEPT, "I10"), REJECT, "I10")
    decide(bench, review, UNDO, "I10")
    assert codes(decide(bench, review, UNDO, "I10")) == ["I10"]


def test_the_same_words_of_another_person_are_another_decision(bench: Bench) -> None:
    """Only one's own click is a repetition: a second person's stale POST is refused, a fresh one is kept."""
    review = bench.ready()
    first = decide(bench, review, ACCEPT, "I10")
    with pytest.raises(ReviewChanged):
        decide(bench, review, ACCEPT, "I10", by=BEN)
    both = decide(bench, first, ACCEPT, "I10", by=BEN)
    assert [d.by for d in both.decisions] == [ANA, BEN]


def test_exactly_one_of_simultaneous_decisions_wins(bench: Bench) -> None:
    """Of many windows deciding differently on the same version, one wins and the others are told."""
    review = bench.ready()
    windows = [bench.another() for _ in range(4)]
    acts = [(window, action) for window in windows for action in (ACCEPT, REJECT)]
    people = {n: type(ANA)(f"Practitioner/{n}", f"Person {n}") for n in range(len(acts))}

    def act(subject: tuple[int, tuple[Bench, Action]]) -> Review:
        place, (window, action) = subject
        return decide(window, review, action, "I10", by=people[place])

    results = together(act, list(enumerate(acts)))
    won = [r for r in results if isinstance(r, Review)]
    assert len(won) == 1
    assert all(isinstance(r, ReviewChanged) for r in results if r is not won[0])
    after = bench.coding.review(bench.key)
    assert len(after.decisions) == 1 and after.version == review.version + 1


def test_no_decision_while_the_chart_is_read(bench: Bench) -> None:
    """Before there is a chart, and while it is read anew, nothing is decided."""
    bench.server.fail("GET", "Encounter/e1", answers(503), times=3)
    bench.coding.open(bench.key, bench.client)
    review = bench.until(ReviewStatus.FAILED)
    with pytest.raises(ReviewChanged):
        decide(bench, review, ADD, "J06.9")


def test_no_decision_after_the_signature(bench: Bench) -> None:
    """A signed review is closed to decisions of every kind, its own repeated clicks too."""
    review = decide(bench, bench.ready(), ACCEPT, "I10")
    signed = bench.coding.sign_off(bench.key, review.version, ANA, bench.client)
    for action, code in ((ACCEPT, "I10"), (ADD, "J06.9"), (UNDO, "I10")):
        with pytest.raises(ReviewClosed):
            decide(bench, signed, action, code)
    assert bench.coding.review(bench.key).decisions == signed.decisions
