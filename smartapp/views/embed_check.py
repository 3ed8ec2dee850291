"""Tells an administrator whether the browser keeps Chartside's session inside their EHR's frame; no PHI, no launch.

A cookie like the session's own is set with one page and looked for with the next, in the same frame: a browser that
blocks it there loses the launch between the sign-in and the review.
"""

import re
import secrets

from flask import Blueprint, make_response, render_template, request, url_for
from werkzeug.wrappers import Response

from smartapp.views.wiring import wiring

pages = Blueprint("embed_check", __name__)
COOKIE = "__Host-chartside-check"  # its own, with the attributes of the session's: a session under way is left alone
LIFE = 300  # seconds
_SENT = re.compile(r"[A-Za-z0-9_-]{22}")


@pages.get("/embed-check")
def ask() -> Response:
    """Sets the cookie and goes on, by a script or by the link."""
    sent = secrets.token_urlsafe(16)
    answer = make_response(render_template("embed_check.html", step="ask", go_on=url_for(".tell", sent=sent)))
    _cookie(answer, sent, LIFE)
    return answer


@pages.get("/embed-check/result")
def tell() -> Response:
    """Whether the very cookie of the page before came back."""
    sent = request.args.get("sent", "")
    if not _SENT.fullmatch(sent):
        return ask()
    kept = secrets.compare_digest(request.cookies.get(COOKIE, "").encode(), sent.encode())
    origins = sorted({origin for ehr in wiring().ehrs for origin in ehr.embed_origins})
    where = {"iframe": "frame", "frame": "frame", "document": "window"}.get(request.headers.get("Sec-Fetch-Dest", ""))
    page = render_template(
        "embed_check.html", step="tell", kept=kept, where=where, origins=origins, site=wiring().config.public_url
    )
    answer = make_response(page)
    _cookie(answer, "", 0)
    return answer


def _cookie(answer: Response, value: str, life: int) -> None:
    answer.set_cookie(
        COOKIE, value, max_age=life, path="/", secure=True, httponly=True, samesite="None", partitioned=True
    )
