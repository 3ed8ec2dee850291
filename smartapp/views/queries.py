"""A query to the physician: from a card or a mention to a draft, its non-leading check, and where it stands."""

from dataclasses import replace
from typing import Final

from flask import Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from smartapp.asking import Ways
from smartapp.errors import ChartRemoved, ReviewChanged
from smartapp.queries import GROUNDS, Form, Ground, Query, QueryState, Recipient, Wording, check, write_query
from smartapp.queries.drafting import lines_of
from smartapp.reviews import Rung
from smartapp.views.launched import Launched, board_of, coder, form_version, pages
from smartapp.views.wiring import wiring

LONGEST: Final = 2000  # characters of a question or an answer; more is refused by its check
FORMS: Final = {
    Form.OPEN: "An open question",
    Form.CHOICE: "Several answers to choose from",
    Form.YES_NO: "Yes or no",
}
STATES: Final = {
    QueryState.DRAFT: "Draft",
    QueryState.SENT: "Sent, not answered yet",
    QueryState.ANSWERED: "Answered",
    QueryState.WITHDRAWN: "Withdrawn",
}
BEHIND: Final = "The query was changed in another window. This is its current state; do it again if needed."


@pages.post("/queries")
def begin_query() -> BaseResponse:
    """By a form, so that no code comes into an address."""
    here = coder()
    query = wiring().asking.begin(here.key, request.form["code"].strip().upper(), here.by)
    return _to(query)


@pages.get("/queries/<int:number>")
def query(number: int) -> Response:
    here = coder()
    return _page(here, wiring().asking.query(here.key, number))


@pages.post("/queries/<int:number>")
def save_query(number: int) -> BaseResponse:
    """Keeps what was edited; `send` goes on to send it, if nothing is found against it."""
    here, asking = coder(), wiring().asking
    before = asking.query(here.key, number)
    try:
        kept = asking.save(here.key, number, form_version(), _edited(here, before), here.by)
        if request.form.get("then") != "send" or check(kept.wording):
            return _to(kept) if request.form.get("then") != "send" else _page(here, kept, status=422)
        if _lacks_recipient(here, kept):
            return _page(here, kept, "Choose who is asked.", 422)
        return _to(asking.send(here.key, number, kept.version, here.by, here.client))
    except ReviewChanged as changed:
        return _page(here, asking.query(here.key, number), BEHIND, changed.status)


@pages.post("/queries/<int:number>/finish")
def finish_query(number: int) -> BaseResponse:
    """Goes on with a delivery that was cut short."""
    here = coder()
    return _to(wiring().asking.finish(here.key, number, here.by, here.client))


@pages.post("/queries/<int:number>/answer")
def answer_query(number: int) -> BaseResponse:
    here, asking = coder(), wiring().asking
    said = request.form.get("answer", "").strip()[:LONGEST]
    if not said:
        return _page(here, asking.query(here.key, number), "Write down what was answered.", 422)
    try:
        return _to(asking.answer(here.key, number, form_version(), said, here.by))
    except ReviewChanged as changed:
        return _page(here, asking.query(here.key, number), BEHIND, changed.status)


@pages.post("/queries/<int:number>/withdraw")
def withdraw_query(number: int) -> BaseResponse:
    here, asking = coder(), wiring().asking
    try:
        return _to(asking.withdraw(here.key, number, form_version(), here.by, here.client))
    except ReviewChanged as changed:
        return _page(here, asking.query(here.key, number), BEHIND, changed.status)


def _to(query: Query) -> BaseResponse:
    return redirect(url_for("review.query", number=query.id), 303)


def _page(here: Launched, query: Query, message: str = "", status: int = 200) -> Response:
    board = board_of(wiring().coding.review(here.key))
    if board.review.header is None:
        raise ChartRemoved
    wiring().coding.viewed(here.key, "query", here.by)
    open = query.state is QueryState.DRAFT
    page = render_template(
        "query.html", board=board, query=query, findings=check(query.wording) if open else (), forms=FORMS,
        grounds=GROUNDS, states=STATES, ways=wiring().asking.ways(here.key, here.client) if open else None,
        text=write_query(query, board.review.header), message=message, refused=status == 422 and not message,
    )  # fmt: skip
    return make_response(page, status)


def _lacks_recipient(here: Launched, query: Query) -> bool:
    message = wiring().asking.ways(here.key, here.client).choice.rung is Rung.MESSAGE
    return message and query.wording.recipient is None


def _edited(here: Launched, before: Query) -> Wording:
    """What the form says, or 400; what is quoted is named by its place in the draft."""
    said, was = request.form, before.wording
    try:
        form = Form(said.get("form", ""))
        ground = Ground(said["ground"]) if said.get("ground") else None
        kept = sorted({int(place) for place in said.getlist("indicator")})
        indicators = tuple(was.indicators[place] for place in kept if place >= 0)
    except (ValueError, IndexError):
        abort(400)
    return replace(
        was,
        form=form,
        question=" ".join(said.get("question", "").split())[:LONGEST],
        indicators=indicators,
        options=tuple(lines_of(said.get("options", "")))[:12],
        ground=ground if form is Form.YES_NO else None,
        vouched=form is Form.CHOICE and said.get("vouched") == "yes",
        recipient=_recipient(wiring().asking.ways(here.key, here.client), said.get("recipient", "")),
    )


def _recipient(ways: Ways, reference: str) -> Recipient | None:
    return next((recipient for recipient in ways.recipients if recipient.reference == reference), None)
