"""The code book beside the review: its pages and what can be built on them. By POST, as the search is, so that no
address tells which codes were looked at; the way back and forth is therefore on the page."""

from dataclasses import dataclass

from flask import abort, make_response, render_template, request
from flask.wrappers import Response

from model.codebook import Choices, OpenBook, Page
from smartapp.errors import ReviewChanged
from smartapp.views.launched import board_of, form_version, launched, pages, wants_fragment
from smartapp.views.review import as_it_is_now
from smartapp.views.wiring import wiring

LONGEST = 400  # characters of a place
MOST_STEPS = 30  # of the way back
MOST_LINES = 12  # notes of a kind that are shown at once
SEPARATOR = "\n"

KINDS = {  # as the Tabular List prints them, in the order in which a coder wants them
    "excludes1": "Excludes1: not coded here, never together",
    "excludes2": "Excludes2: not included here, may be coded too",
    "code_first": "Code first",
    "use_additional": "Use additional code",
    "code_also": "Code also",
    "includes": "Includes",
}


@dataclass(frozen=True, slots=True)
class Way:
    """The places that were open before, and those that lie ahead after going back."""

    behind: tuple[str, ...]
    here: str
    ahead: tuple[str, ...]

    def turned(self, place: str) -> "Way":
        if place == self.here:
            return self
        return Way((*self.behind, self.here)[-MOST_STEPS:], place, ())

    def back(self) -> "Way":
        return Way(self.behind[:-1], self.behind[-1], (self.here, *self.ahead)) if self.behind else self

    def forward(self) -> "Way":
        return Way((*self.behind, self.here), self.ahead[0], self.ahead[1:]) if self.ahead else self


@pages.post("/book")
def book() -> Response:
    """A page of the code book on the date of service; where there is no such page, the one before says so."""
    coding = wiring().coding
    board = board_of(coding.review(launched().key))
    if form_version() != board.review.version:  # what is looked up can be added, as what is found
        return as_it_is_now(board, "look at it, then open the code book again.", ReviewChanged())
    opened = coding.book(board.review)
    way, missing = _way(), ""
    around = opened.choices(way.here) if request.form.get("go") == "build" else None
    if around:  # what sets this code apart from its neighbours is chosen at their heading
        way = Way((), around.heading, ())
    page = opened.turn_to(way.here)
    if page is None:
        missing, way = way.here, way.back()
        page = opened.turn_to(way.here) or opened.turn_to("")
    if page is None:  # a code book without chapters
        abort(404)
    chosen = {group: request.form.get(group, "")[:2] for group in ("kind", "side", "seventh")}
    shown = {
        "board": board,
        "book": opened,
        "way": way,
        "leaf": page,
        "missing": missing,
        "note_kinds": KINDS,
        "chosen": chosen,
        "built": _built(opened, page, chosen),
        "separator": SEPARATOR,
    }
    template = "review/_book.html" if wants_fragment() else "review/book.html"
    return make_response(render_template(template, **shown))


def _way() -> Way:
    """Where the form leads; a form that begins anew carries no way."""
    places = [place[:LONGEST] for place in request.form.get("way", "").split(SEPARATOR)][: MOST_STEPS + 1]
    ahead = [place[:LONGEST] for place in request.form.get("ahead", "").split(SEPARATOR) if place][:MOST_STEPS]
    way = Way(tuple(places[:-1]), places[-1], tuple(ahead))
    if request.form.get("go") == "back":
        return way.back()
    if request.form.get("go") == "forward":
        return way.forward()
    place = request.form.get("place")
    if "way" not in request.form:
        return Way((), (place or "")[:LONGEST], ())
    return way if place is None else way.turned(place.strip()[:LONGEST])


def _built(opened: OpenBook, page: Page, chosen: dict[str, str]) -> str | None:
    """The code that was put together; None while a choice is open, or where the book has no code for it."""
    if page.choices is None:
        return None
    keys = tuple(chosen[group] or _only(page.choices, place) for place, group in enumerate(("kind", "side", "seventh")))
    return page.choices.codes.get((keys[0], keys[1], keys[2]))


def _only(choices: Choices, place: int) -> str:
    """The key of a group in which there is nothing to choose."""
    keys = {key[place] for key in choices.codes}
    return keys.pop() if len(keys) == 1 else ""
