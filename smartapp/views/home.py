"""What this is, for somebody who came without a launch or has ended one."""

from flask import Blueprint, render_template, request

pages = Blueprint("home", __name__)


@pages.get("/")
def show() -> str:
    return render_template("home.html", ended="ended" in request.args)
