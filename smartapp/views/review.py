"""The review page: notes, suggestions, and a POST for each decision."""

from flask import Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from smartapp.errors import ReviewChanged
from smartapp.reviews import REJECT_REASONS, Action, Review
from smartapp.views.board import Board, build_board
from smartapp.views.launched import form_version, launched, pages, wants_fragment
from smartapp.views.summary import NOT_MOVED, summary_page
from smartapp.views.wiring import wiring


@pages.get("/")
def show() -> str:
    here, coding = launched(), wiring().coding
    coding.viewed(here.key, "review", here.by)
    return render_template("review/page.html", board=build_board(coding.open(here.key, here.client, here.by)))


@pages.get("/progress")
def progress() -> Response:
    """Asked every second while the chart is read and coded; sends the page's work area once there is more to show.
    Opening, not only looking: work whose process has died is begun anew."""
    here = launched()
    board = build_board(wiring().coding.open(here.key, here.client, here.by))
    if board.working and request.args.get("notes") == str(len(board.notes)):
        return make_response(render_template("review/_progress.html", board=board))
    return _whole_work(board, "")


@pages.post("/retry")
def retry() -> BaseResponse:
    """From a page that is behind nothing is begun: it shows what has changed since."""
    here, coding = launched(), wiring().coding
    if form_version() == coding.review(here.key).version:
        coding.retry(here.key, here.client, here.by)
    return redirect(url_for("review.show"), 303)


@pages.post("/decisions")
def decide() -> BaseResponse:
    here = launched()
    action, code, reason = _read_decision()
    try:
        review = wiring().coding.decide(here.key, form_version(), action, code, reason, here.by)
    except ReviewChanged as changed:
        return _changed(changed)
    if request.form.get("page") == "summary":
        return redirect(url_for("review.summary"), 303)
    board = build_board(review)
    if wants_fragment():
        return _decided(board, action, code)
    card = board.card(code) or next((c for c in board.added if c.code == code), None)
    return redirect(url_for("review.show", _anchor=card.id if card else "codes"), 303)


def _read_decision() -> tuple[Action, str, str | None]:
    """What the form says, or 400."""
    try:
        action = Action(request.form["action"])
    except ValueError:
        abort(400)
    reason = request.form.get("reason") if action is Action.REJECT else None
    if reason is not None and reason not in REJECT_REASONS:
        abort(400)
    return action, request.form["code"], reason


def _decided(board: Board, action: Action, code: str) -> Response:
    """The card alone, and the counters out of band: nothing else on the page moves."""
    card = board.card(code)
    asked_by = request.headers.get("HX-Trigger", "")
    response = make_response(
        render_template(
            "review/_decided.html",
            board=board,
            card=card,
            said=announcement(board.review, action, code),
            result=asked_by if asked_by.startswith("r-") else None,
        )
    )
    response.headers["HX-Retarget"] = f"#{card.id}" if card else "#added"
    response.headers["HX-Reswap"] = "outerHTML"
    return response


def announcement(review: Review, action: Action, code: str) -> str:
    """What a screen reader says after a decision."""
    tally, first = build_board(review).tally, "made principal" if review.inpatient else "listed first"
    word = {"accept": "accepted", "reject": "rejected", "add": "added", "undo": "put back", "lead": first}[action]
    if action is Action.UNDO and review.decision_on(code):
        word = "put one step back"
    return f"{code} {word}. {tally.accepted} accepted, {tally.undecided} undecided."


def _changed(changed: ReviewChanged) -> BaseResponse:
    """The state as it is now, with the reason why the decision was not taken."""
    if request.form.get("page") == "summary":
        return summary_page(NOT_MOVED, changed.status)
    board = build_board(wiring().coding.review(launched().key))
    return as_it_is_now(board, "your last decision was not taken. Decide again if needed.", changed)


def as_it_is_now(board: Board, told: str, changed: ReviewChanged, words: str = "") -> Response:
    """The page, or the whole of its work area, for a form that was made from an earlier version."""
    message = f"{changed.title}. This is its current state; {told}"
    if wants_fragment():
        response = _whole_work(board, message, words)
    else:
        response = make_response(render_template("review/page.html", board=board, message=message, words=words))
    response.status_code = changed.status
    return response


def _whole_work(board: Board, message: str, words: str = "") -> Response:
    response = make_response(render_template("review/_work_fragment.html", board=board, message=message, words=words))
    response.headers["HX-Retarget"] = "#work"
    response.headers["HX-Reswap"] = "outerHTML"
    return response
