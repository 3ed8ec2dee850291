"""Search for codes by words; by POST, because what is searched for says something about the patient."""

from flask import make_response, render_template, request
from flask.wrappers import Response

from smartapp.errors import ReviewChanged
from smartapp.views.board import build_board
from smartapp.views.launched import form_version, launched, pages, wants_fragment
from smartapp.views.review import as_it_is_now
from smartapp.views.wiring import wiring

LONGEST = 200  # characters of a search


@pages.post("/search")
def search() -> Response:
    """What is found can be added, so a page that is behind first shows all that changed since."""
    key, coding = launched().key, wiring().coding
    words = request.form.get("words", "").strip()[:LONGEST]
    board = build_board(coding.review(key))
    if form_version() != board.review.version:
        return as_it_is_now(board, "look at it, then search again.", ReviewChanged(), words)
    found = coding.search(key, words) if len(words) > 1 else ()
    template = "review/_found.html" if wants_fragment() else "review/page.html"
    return make_response(render_template(template, board=board, words=words, found=found))
