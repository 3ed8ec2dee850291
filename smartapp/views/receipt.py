"""The receipt: what is in the chart now, what is not, and what to do about it."""

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response as BaseResponse

from smartapp.reviews import ReviewStatus
from smartapp.views.board import build_board
from smartapp.views.launched import launched, pages
from smartapp.views.wiring import wiring

OUTCOMES = {
    "written": "Written",
    "already-there": "Already in the chart",
    "not-written": "Not written",
    "failed": "Failed",
}


@pages.get("/receipt")
def receipt() -> str | BaseResponse:
    board = build_board(wiring().coding.review(launched().key))
    if not board.closed:
        return redirect(url_for("review.show"), 303)
    unfinished = board.review.status is ReviewStatus.SIGNED or any(w.outcome == "failed" for w in board.review.receipt)
    return render_template("receipt.html", board=board, outcomes=OUTCOMES, unfinished=unfinished)


@pages.post("/finish")
def finish() -> BaseResponse:
    """Goes on with a write-back that was cut short; what is in the chart already is not written again."""
    here = launched()
    wiring().coding.finish(here.key, here.client)
    return redirect(url_for("review.receipt"), 303)
