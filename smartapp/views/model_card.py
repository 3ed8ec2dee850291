"""What the predictor is made of and how it fares here, for everybody; and, for admins, what the site adds to it."""

from itertools import groupby
from typing import cast

from flask import Blueprint, Flask, Response, current_app, g, jsonify, make_response, render_template, request

from smartapp.model_card import ModelCard
from smartapp.model_card.card import LONGEST, RULE, BadNote
from smartapp.views.admin import admins
from smartapp.views.admin import pages as admin_pages

EXTENSION = "chartside-model-card"
pages = Blueprint("card", __name__)


def register(app: Flask, card: ModelCard) -> None:
    """Gives the pages, which are among the others, what they show."""
    app.extensions[EXTENSION] = card


def _card() -> ModelCard:
    return cast(ModelCard, current_app.extensions[EXTENSION])


@pages.get("/model-card")
def show() -> str:
    card = _card()
    attributes = card.attributes()
    groups = [(title, list(found)) for title, found in groupby(attributes, lambda attribute: attribute.group)]
    return render_template(
        "site/model_card.html", groups=groups, number=len(attributes), revision=card.artifact().revision, rule=RULE
    )


@pages.get("/model-card.json")
def show_json() -> Response:
    return jsonify(_card().to_json())


@admin_pages.get("/model-card")
def card_notes() -> Response:
    return _notes()


@admin_pages.post("/model-card")
def write_card_note() -> Response:
    said, number = request.form.get("note", "").strip(), request.form.get("number", "")
    note = "\n".join(said.splitlines())
    try:
        changed = _card().notes.write(int(number) if number.isdecimal() and len(number) < 4 else 0, note)
    except BadNote as bad:
        return _notes(422, complaint=str(bad), number=number, said=said)
    if changed:
        admins().did("changed the model card", g.admin, number)
    return _notes(saved=number)


def _notes(status: int = 200, **more: object) -> Response:
    values = {"complaint": "", "number": "", "said": "", "saved": ""} | more
    attributes = _card().attributes()
    return make_response(
        render_template("admin/model_card.html", attributes=attributes, longest=LONGEST, **values), status
    )
