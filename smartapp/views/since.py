"""Whether notes came in, or were changed, since they were read: a part of the pages that is asked for by itself."""

from flask import render_template

from smartapp.reviews import NotesSince
from smartapp.views.launched import board_of, launched, pages
from smartapp.views.wiring import wiring


@pages.get("/since")
def since() -> str:
    here = launched()
    return render_template("review/_since.html", board=board_of(wiring().coding.look(here.key, here.client)))


def since_words(since: NotesSince) -> str:
    """`2 notes arrived and a note was changed`."""
    happened = ((since.arrived, "", "arrived"), (since.changed, "was", "changed"), (since.gone, "was", "withdrawn"))
    said = [_said(number, verb, what) for number, verb, what in happened if number]
    words = " and ".join(filter(None, [", ".join(said[:-1]), said[-1]])) if said else ""
    return words[:1].upper() + words[1:]


def _said(number: int, verb: str, what: str) -> str:
    many = "were " if verb else ""
    one = f"{verb} " if verb else ""
    return f"a note {one}{what}" if number == 1 else f"{number} notes {many}{what}"
