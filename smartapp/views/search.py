"""Search for codes by words; by POST, because what is searched for says something about the patient."""

from flask import make_response, render_template, request
from flask.wrappers import Response

from smartapp.errors import ReviewChanged
from smartapp.views.launched import board_of, form_version, launched, pages, wants_fragment
from smartapp.views.review import as_it_is_now
from smartapp.views.wiring import wiring

LONGEST = 200  # characters of a search


@pages.post("/search")
def search() -> Response:
    """What is found can be added, so a page that is behind first shows all that changed since."""
    coding = wiring().coding
    words = request.form.get("words", "").strip()[:LONGEST]
    board = board_of(coding.review(launched().key))
    if form_version() != board.review.version:
        return as_it_is_now(board, "look at it, then search again.", ReviewChanged(), words)
    book = coding.book(board.review)
    found = book.find(words) if len(words) > 1 else ()
    template = "review/_found.html" if wants_fragment() else "review/page.html"
    return make_response(render_template(template, board=board, words=words, found=found, edition=book.edition.name))
