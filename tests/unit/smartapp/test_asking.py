"""A query on its way: kept as a draft, sent once, read back, answered or withdrawn; found in its own review only."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from coding_bench import ANA, BEN, Bench
from ladders import ladder

from smartapp.asking import Asking
from smartapp.errors import ReviewChanged, UnknownCode, UnknownQuery
from smartapp.queries import Form, Query, QueryState
from smartapp.reviews import ReviewKey
from smartapp.store import QueryStore

POOL = {"query_pool": "Group/clarifications"}


def asking(bench: Bench, *types: str, **settings: str) -> Asking:
    return Asking(bench.store, QueryStore(bench.engine), bench.clock, lambda _: ladder(*types, **(settings or POOL)))


@pytest.fixture
def ready(bench: Bench) -> Iterator[Bench]:
    bench.ready()
    yield bench


def drafted(ready: Bench, ask: Asking) -> Query:
    """With a recipient, where there is one, and vouched for."""
    query = ask.begin(ready.key, "I10", BEN)
    to = ask.ways(ready.key, ready.client).recipients
    wording = replace(query.wording, recipient=to[-1] if to else None, vouched=True)
    return ask.save(ready.key, query.id, query.version, wording, BEN)


def send(ready: Bench, ask: Asking, query: Query) -> Query:
    return ask.send(ready.key, query.id, query.version, BEN, ready.client)


def test_two_clicks_make_one_draft(ready: Bench) -> None:
    """The code's draft goes on where it was left; a code without words in the notes begins none."""
    ask = asking(ready, "Communication")
    assert ask.begin(ready.key, "I10", BEN) == ask.begin(ready.key, "I10", ANA)
    with pytest.raises(UnknownCode):
        ask.begin(ready.key, "J06.9", BEN)


def test_it_is_sent_once_and_read_back(ready: Bench) -> None:
    """As a message to who was chosen; a second click, and finishing, send nothing more."""
    ask = asking(ready, "Communication")
    query = drafted(ready, ask)
    sent = send(ready, ask, query)
    assert (sent.state, sent.line and sent.line.outcome) == (QueryState.SENT, "written")
    send(ready, ask, query)
    ask.finish(ready.key, query.id, BEN, ready.client)
    (message,) = ready.server.all("Communication")
    assert message["recipient"] == [{"reference": "Group/clarifications"}]
    assert message["topic"] == {"text": "Clarification of documentation"}
    assert "I10" not in json.dumps(message)


@pytest.mark.parametrize("types", [("Task",), ("DocumentReference",)])
def test_by_the_first_rung_that_leads_somewhere(ready: Bench, types: tuple[str, ...]) -> None:
    """Without a Communication by a Task; where no person can be named, as a document among the notes."""
    before = len(ready.server.all(types[0]))
    ask = asking(ready, *types, query_pool="Organization/clarifications")
    sent = send(ready, ask, drafted(ready, ask))
    assert (sent.line and sent.line.resource, len(ready.server.all(types[0]))) == (types[0], before + 1)


def test_an_ehr_that_takes_none(ready: Bench) -> None:
    """It is handed over on paper, and waits for its answer all the same."""
    ask = asking(ready)
    sent = send(ready, ask, drafted(ready, ask))
    assert (sent.state, sent.line and sent.line.outcome) == (QueryState.SENT, "not-written")


def test_what_leads_is_not_sent(ready: Bench) -> None:
    """Nor what nobody gets."""
    ask = asking(ready, "Communication")
    query = drafted(ready, ask)
    for changed in (
        replace(query.wording, question="Do you agree that the DRG is higher?"),
        replace(query.wording, form=Form.CHOICE, options=("Acute",)),
        replace(query.wording, recipient=None),
    ):
        query = ask.save(ready.key, query.id, query.version, changed, BEN)
        with pytest.raises(ReviewChanged):
            send(ready, ask, query)
    assert ready.server.all("Communication") == []


def test_quotes_cannot_be_made_up(ready: Bench) -> None:
    """They can be left out; other words than the notes' are refused, and so is an old page."""
    ask = asking(ready, "Communication")
    query = drafted(ready, ask)
    made_up = replace(query.wording.indicators[0], quote="malignant")
    with pytest.raises(ReviewChanged):
        ask.save(ready.key, query.id, query.version, replace(query.wording, indicators=(made_up,)), BEN)
    with pytest.raises(ReviewChanged):
        ask.save(ready.key, query.id, query.version - 1, query.wording, BEN)


def test_the_answer_ends_it(ready: Bench) -> None:
    """Once; and only of what was sent."""
    ask = asking(ready, "Communication")
    query = drafted(ready, ask)
    with pytest.raises(ReviewChanged):
        ask.answer(ready.key, query.id, query.version, "Stage 2", BEN)
    sent = send(ready, ask, query)
    answered = ask.answer(ready.key, query.id, sent.version, "Stage 2", BEN)
    assert (answered.state, answered.answer) == (QueryState.ANSWERED, "Stage 2")
    with pytest.raises(ReviewChanged):
        ask.withdraw(ready.key, query.id, answered.version, BEN, ready.client)


def test_a_withdrawn_query_is_marked_in_the_ehr(ready: Bench) -> None:
    """As entered in error; a draft is only put away."""
    ask = asking(ready, "Communication")
    sent = send(ready, ask, drafted(ready, ask))
    gone = ask.withdraw(ready.key, sent.id, sent.version, BEN, ready.client)
    assert (gone.state, gone.line and gone.line.outcome) == (QueryState.WITHDRAWN, "undone")
    assert [m["status"] for m in ready.server.all("Communication")] == ["entered-in-error"]
    draft = ask.begin(ready.key, "I10", BEN)
    assert draft.id != sent.id
    assert ask.withdraw(ready.key, draft.id, draft.version, BEN, ready.client).line is None


def test_another_review_does_not_find_it(ready: Bench) -> None:
    """Neither another EHR's, nor another patient's, nor another encounter's."""
    ask = asking(ready, "Communication")
    query = ask.begin(ready.key, "I10", BEN)
    for other in ({"iss": "https://other.example"}, {"patient": "p2"}, {"encounter": "e2"}):
        key = ReviewKey(**{**{n: getattr(ready.key, n) for n in ("iss", "patient", "encounter")}, **other})
        assert ask.queries(key) == ()
        with pytest.raises(UnknownQuery):
            ask.query(key, query.id)
