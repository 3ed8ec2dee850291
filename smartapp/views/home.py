"""What this is, for somebody who came without a launch."""

from flask import Blueprint, render_template

pages = Blueprint("home", __name__)


@pages.get("/")
def show() -> str:
    return render_template("home.html")


@pages.get("/healthz")
def health() -> dict[str, str]:
    return {"status": "ok"}
