"""What decisions say beyond yes and no: order, edits, indicators, notes to self, chosen words, viewed evidence."""

import pytest
from coding_bench import ANA, BEN, Bench

from smartapp.audit import Kind
from smartapp.audit.events import Event
from smartapp.audit.reading import rows_of_chart
from smartapp.errors import ReviewChanged, UnknownCode
from smartapp.reviews import Action, NoteEvidence, Particulars, PresentOnAdmission, Review

ACCEPT, REJECT, ADD, EDIT = Action.ACCEPT, Action.REJECT, Action.ADD, Action.EDIT
LEAD, MOVE, POA, NOTE, UNDO = Action.LEAD, Action.MOVE, Action.POA, Action.NOTE, Action.UNDO
Act = tuple[Action, str] | tuple[Action, str, Particulars]


def before(code: str | None) -> Particulars:
    return Particulars(before=code)


def instead_of(code: str) -> Particulars:
    return Particulars(instead_of=code)


def after(bench: Bench, *acts: Act) -> Review:
    """The review after these acts; E11.9 is the model's first-listed code, I10 another suggestion."""
    review = bench.ready()
    for act in acts:
        particulars = act[2] if len(act) == 3 else Particulars()
        review = bench.coding.decide(bench.key, review.version, act[0], act[1], None, ANA, particulars)
    return review


def codes(review: Review) -> list[str]:
    return [a.code for a in review.accepted()]


ALL: tuple[Act, ...] = ((ACCEPT, "E11.9"), (ACCEPT, "I10"), (ADD, "J06.9"))


@pytest.mark.parametrize(
    ("acts", "order"),
    [
        (((MOVE, "J06.9", before("I10")),), ["E11.9", "J06.9", "I10"]),
        (((MOVE, "E11.9", before(None)),), ["I10", "J06.9", "E11.9"]),
        (((MOVE, "J06.9", before("I10")), (UNDO, "J06.9")), ["E11.9", "I10", "J06.9"]),
        (((MOVE, "J06.9", before("I10")), (REJECT, "E11.9")), ["J06.9", "I10"]),
        (((MOVE, "J06.9", before("I10")), (UNDO, "E11.9")), ["J06.9", "I10"]),
        (((LEAD, "I10"), (MOVE, "I10", before("J06.9"))), ["E11.9", "I10", "J06.9"]),
        (((LEAD, "J06.9"), (MOVE, "I10", before("J06.9")), (UNDO, "J06.9"), (UNDO, "J06.9")), ["E11.9", "I10"]),
    ],
)
def test_moving_in_the_order(bench: Bench, acts: tuple[Act, ...], order: list[str]) -> None:
    """A code goes before the one that is named, or to the end; what happens to other codes leaves it there."""
    assert codes(after(bench, *ALL, *acts)) == order


@pytest.mark.parametrize(
    ("code", "particulars"), [("Q00.0", before("I10")), ("I10", before("Q00.0")), ("I10", before("I10"))]
)
def test_only_the_claim_has_an_order(bench: Bench, code: str, particulars: Particulars) -> None:
    """Neither a code that is not on the claim is moved, nor one before a code that is not there, or before itself."""
    review = after(bench, *ALL)
    with pytest.raises((ReviewChanged, UnknownCode)):
        bench.coding.decide(bench.key, review.version, MOVE, code, None, ANA, particulars)
    assert bench.coding.review(bench.key) == review


def test_moved_again_is_kept_once(bench: Bench) -> None:
    """The same press once more changes nothing; the same move after another one is a new one."""
    review = after(bench, *ALL, (MOVE, "J06.9", before("I10")))
    again = bench.coding.decide(bench.key, review.version - 1, MOVE, "J06.9", None, ANA, before("I10"))
    assert again == review
    for code, following, order in (("I10", "J06.9", "I10 J06.9"), ("J06.9", "I10", "J06.9 I10")):
        review = bench.coding.decide(bench.key, review.version, MOVE, code, None, ANA, before(following))
        assert codes(review) == ["E11.9", *order.split()]


def test_an_edit_takes_the_place_of_the_former_code(bench: Bench) -> None:
    """The new code stands where the former stood, on its words; the former is decided, and no longer accepted."""
    review = after(bench, *ALL, (EDIT, "Z87.891", instead_of("I10")))
    assert codes(review) == ["E11.9", "Z87.891", "J06.9"]
    assert review.accepted()[1].evidence[0].quote == "Essential hypertension"
    decision = review.decision_on("I10")
    assert decision is not None and (decision.action, decision.code) == (EDIT, "Z87.891")
    assert review.rejected() == {"I10"}


@pytest.mark.parametrize("named", ["I10", "Z87.891"])
def test_undoing_an_edit(bench: Bench, named: str) -> None:
    """Taken back on either of its codes, the former stands as it stood before."""
    review = after(bench, *ALL, (EDIT, "Z87.891", instead_of("I10")), (UNDO, named))
    assert codes(review) == ["E11.9", "I10", "J06.9"]
    assert review.decision_on("Z87.891") is None and review.rejected() == frozenset()


def test_an_undecided_suggestion_can_be_edited(bench: Bench) -> None:
    """It is then decided, without having been accepted."""
    review = after(bench, (EDIT, "J06.9", instead_of("I10")))
    assert codes(review) == ["J06.9"] and review.decision_on("I10") is not None


@pytest.mark.parametrize("former", ["J06.9", "Q00.0", "I10"])
def test_what_cannot_be_edited(bench: Bench, former: str) -> None:
    """A code that is neither suggested nor accepted, and a code to itself."""
    review = bench.ready()
    with pytest.raises(UnknownCode):
        bench.coding.decide(bench.key, review.version, EDIT, "I10", None, ANA, instead_of(former))


def test_present_on_admission(bench: Bench) -> None:
    """The latest indicator stands and goes with the accepted code; undoing brings the one before back."""
    yes, no = (Particulars(poa=indicator) for indicator in (PresentOnAdmission.YES, PresentOnAdmission.NO))
    review = after(bench, (ACCEPT, "I10"), (POA, "I10", yes), (POA, "I10", no))
    assert review.accepted()[0].poa is PresentOnAdmission.NO
    review = bench.coding.decide(bench.key, review.version, UNDO, "I10", None, ANA)
    assert review.accepted()[0].poa is PresentOnAdmission.YES
    with pytest.raises(ReviewChanged):
        bench.coding.decide(bench.key, review.version, POA, "E11.9", None, ANA, yes)


def test_a_word_on_admission_needs_no_newest_page(bench: Bench) -> None:
    """One follows fast upon another, from one page; what somebody else said meanwhile is not overwritten unseen."""
    yes, no = (Particulars(poa=indicator) for indicator in (PresentOnAdmission.YES, PresentOnAdmission.NO))
    review = after(bench, (ACCEPT, "I10"), (ACCEPT, "E11.9"))
    for code, said in (("I10", yes), ("E11.9", yes), ("I10", no)):
        bench.coding.decide(bench.key, review.version, POA, code, None, ANA, said)
    assert {a.code: a.poa for a in bench.coding.review(bench.key).accepted()} == {"I10": "N", "E11.9": "Y"}
    with pytest.raises(ReviewChanged):
        bench.coding.decide(bench.key, review.version, POA, "I10", None, BEN, yes)


def test_a_note_to_self(bench: Bench) -> None:
    """The latest counts, only for who wrote it; it decides nothing and undoing passes it by."""
    review = after(
        bench, (ACCEPT, "I10"), (NOTE, "I10", Particulars(text="ask")), (NOTE, "I10", Particulars(text="ask Ben"))
    )
    assert review.note_on("I10", ANA) == "ask Ben" and review.note_on("I10", BEN) == ""
    review = bench.coding.decide(bench.key, review.version, UNDO, "I10", None, ANA)
    assert codes(review) == [] and review.note_on("I10", ANA) == "ask Ben"
    review = bench.coding.decide(bench.key, review.version, NOTE, "I10", None, ANA, Particulars())
    assert review.note_on("I10", ANA) == ""


def words_of(review: Review, quote: str) -> NoteEvidence:
    note = next(n for n in review.notes if quote in (n.text or ""))
    start = (note.text or "").index(quote)
    return NoteEvidence(note.id, start, start + len(quote), quote, None, "present")


def test_a_code_added_for_chosen_words(bench: Bench) -> None:
    """The words that a person chose in the note prove the code; they are kept as long as the decision."""
    words = words_of(bench.ready(), "hypertension")
    review = after(bench, (ADD, "J06.9", Particulars(evidence=(words,))))
    assert review.accepted()[0].evidence == (words,)
    assert bench.another().coding.review(bench.key).accepted()[0].evidence == (words,)


def test_words_that_the_note_does_not_hold(bench: Bench) -> None:
    """Nothing is proved by words that stand elsewhere, or in no note."""
    review = bench.ready()
    words = words_of(review, "hypertension")
    shifted = NoteEvidence(words.note_id, words.start + 1, words.end + 1, words.quote, None, "present")
    other = NoteEvidence("of-another-chart", words.start, words.end, words.quote, None, "present")
    for wrong in (shifted, other):
        with pytest.raises(ReviewChanged):
            bench.coding.decide(bench.key, review.version, ADD, "J06.9", None, ANA, Particulars(evidence=(wrong,)))


def test_only_what_was_viewed_is_accepted_at_once(bench: Bench) -> None:
    """Each code whose evidence this very person has seen, one decision each; what others saw does not count."""
    review = bench.ready()
    bench.coding.saw(bench.key, ["I10"], ANA)
    bench.coding.saw(bench.key, ["E11.9"], BEN)
    bench.coding.saw(bench.key, ["Q00.0"], ANA)
    review = bench.coding.accept_viewed(bench.key, review.version, ANA)
    assert [(d.action, d.code, d.by) for d in review.decisions] == [(ACCEPT, "I10", ANA)]


def test_viewing_leaves_the_version(bench: Bench) -> None:
    """To look at evidence makes no page stale; the first look is kept."""
    review = bench.ready()
    bench.coding.saw(bench.key, ["I10"], ANA)
    bench.clock.forward(60)
    bench.coding.saw(bench.key, ["I10"], ANA)
    (viewing,) = bench.coding.review(bench.key).viewings
    assert viewing.code == "I10" and viewing.at < bench.clock()
    assert bench.coding.review(bench.key).version == review.version


def test_the_audit_log_tells_of_all_of_it(bench: Bench) -> None:
    """Codes, places and offsets are told; quotes and notes to self are not."""
    words = words_of(bench.ready(), "hypertension")
    after(
        bench,
        (ADD, "J06.9", Particulars(evidence=(words,))),
        (EDIT, "Z87.891", instead_of("I10")),
        (MOVE, "Z87.891", before("J06.9")),
        (POA, "Z87.891", Particulars(poa=PresentOnAdmission.YES)),
        (NOTE, "Z87.891", Particulars(text="mulberry")),
    )
    bench.coding.saw(bench.key, ["E11.9"], ANA)
    with bench.engine.connect() as connection:
        told = [Event.from_text(row.event) for row in rows_of_chart(connection, bench.key)]
    added, edited, moved, poa, note = (e.what for e in told if e.kind is Kind.DECISION)
    assert (added["evidence"][0]["start"], added["evidence"][0]["end"]) == (words.start, words.end)
    assert (edited["instead_of"], moved["before"], poa["poa"]) == ("I10", "J06.9", "Y")
    assert note == {"action": "note", "code": "Z87.891"}
    assert [e.what for e in told if e.kind is Kind.VIEWED] == [{"page": "evidence", "code": "E11.9"}]
    assert not any("mulberry" in str(e.what) or words.quote in str(e.what) for e in told)


def test_the_audit_log_tells_how_long_the_evidence_was_known_before_the_decision(bench: Bench) -> None:
    """From the first look of this very person; who decides without a look is told without it."""
    review = bench.ready()
    bench.coding.saw(bench.key, ["I10", "E11.9"], ANA)
    bench.clock.forward(42)
    review = bench.coding.decide(bench.key, review.version, ACCEPT, "I10", None, ANA)
    bench.coding.decide(bench.key, review.version, ACCEPT, "E11.9", None, BEN)
    with bench.engine.connect() as connection:
        told = [Event.from_text(row.event) for row in rows_of_chart(connection, bench.key)]
    decided = {e.what["code"]: e.what.get("seconds_since_viewed") for e in told if e.kind is Kind.DECISION}
    assert decided == {"I10": 42, "E11.9": None}
