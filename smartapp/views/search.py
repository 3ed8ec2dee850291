"""Search for codes by words; by POST, because what is searched for says something about the patient."""

from flask import render_template, request

from smartapp.views.board import build_board
from smartapp.views.launched import launched, pages, wants_fragment
from smartapp.views.wiring import wiring

LONGEST = 200  # characters of a search


@pages.post("/search")
def search() -> str:
    key = launched().key
    words = request.form.get("words", "").strip()[:LONGEST]
    found = wiring().coding.search(key, words) if len(words) > 1 else ()
    board = build_board(wiring().coding.review(key))
    template = "review/_found.html" if wants_fragment() else "review/page.html"
    return render_template(template, board=board, words=words, found=found)
