"""The summary before signing: exactly what will be written, what will not, and the sentence that is signed."""

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from smartapp.errors import ReviewChanged
from smartapp.views.board import build_board
from smartapp.views.launched import form_version, launched, pages
from smartapp.views.rungs import HOW, INSTEAD, NAMES
from smartapp.views.wiring import wiring

UNTICKED = "Tick the box to say that you stand for these codes, then sign."
CHANGED = "The review was changed in another window and was not signed. Check the list below as it is now."
NOT_MOVED = "The review was changed in another window; the order was left as it is. Check the list below as it is now."


@pages.get("/summary")
def summary() -> BaseResponse:
    return summary_page()


@pages.post("/sign")
def sign() -> BaseResponse:
    here = launched()
    if request.form.get("attest") != "yes":
        return summary_page(UNTICKED, 422)
    try:
        wiring().coding.sign_off(here.key, form_version(), here.by, here.client)
    except ReviewChanged as changed:
        return summary_page(CHANGED, changed.status)
    return redirect(url_for("review.receipt"), 303)


def summary_page(message: str = "", status: int = 200) -> BaseResponse:
    here = launched()
    board = build_board(wiring().coding.look(here.key, here.client))
    if board.closed:
        return redirect(url_for("review.receipt"), 303)
    wiring().coding.viewed(here.key, "summary", here.by)
    plan = wiring().coding.summary(here.key, here.client) if board.claim else None
    page = render_template(
        "summary.html", board=board, plan=plan, message=message, how=HOW, names=NAMES, instead=INSTEAD
    )
    response: Response = make_response(page)
    response.status_code = status
    return response
