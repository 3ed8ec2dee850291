"""The one place where an error becomes a page."""

import logging
import secrets
import traceback

import sqlalchemy.exc
from flask import Flask, Response, g, make_response, render_template, request, url_for
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from launch.errors import LaunchError, SessionEnded
from smartapp.errors import ChartsideError, SessionExpired, TooManyRequests
from smartapp.views.launched import current_launch, wants_fragment

log = logging.getLogger(__name__)

SIGN_IN_AGAIN = "Your decisions are saved. Sign in again and choose the same encounter to go on where you were."
AGAIN_AFTER = 5  # seconds; what is away for a moment is back by then, and many who wait ask seldom enough
DATABASE_AWAY = (
    sqlalchemy.exc.OperationalError,
    sqlalchemy.exc.InterfaceError,
    sqlalchemy.exc.TimeoutError,
)  # fmt: skip - it is away, full or locked, or all connections to it are taken
WORDS = {
    400: ("The request was not understood", "Go back, reload the page and try again."),
    403: ("This form did not come from this page", "Nothing was changed. Reload the page and try again."),
    404: ("There is nothing at this address", "Open Chartside from the patient's chart in the EHR."),
    405: ("This address does not work that way", "Go back and use the buttons on the page."),
    413: ("That is too much at once", "Shorten what you entered and try again."),
    500: (ChartsideError.title, ChartsideError.advice),
    503: ("Chartside cannot reach its database", "What you decided before is saved. Wait a moment, then do it again."),
}


def register(app: Flask) -> None:
    app.register_error_handler(LaunchError, show_known)
    app.register_error_handler(ChartsideError, show_known)
    app.register_error_handler(HTTPException, show_http)
    for away in DATABASE_AWAY:
        app.register_error_handler(away, show_away)
    app.register_error_handler(sqlalchemy.exc.DataError, show_unstorable)
    app.register_error_handler(Exception, show_unexpected)


def show_known(error: LaunchError | ChartsideError) -> Response:
    """An error of our own tree carries its words."""
    detail = error.detail if error.detail != error.title else ""
    if iss := _standalone(error):
        return _page(error, error.status, error.title, SIGN_IN_AGAIN, detail, url_for("launch.launch", iss=iss))
    return _page(error, error.status, error.title, error.advice, detail)


def _standalone(error: Exception) -> str:
    """The EHR with which to sign in again, where the session that has ended was not opened from a chart."""
    if isinstance(error, SessionEnded):
        return error.relaunch
    here = current_launch() if isinstance(error, SessionExpired) else None
    return here.session.context.iss if here and here.session.context.standalone else ""


def show_http(error: HTTPException) -> Response:
    """What Flask itself refuses. Werkzeug's descriptions are left out: they may quote the request."""
    status = error.code or 500
    if status < 400:
        return make_response(error.get_response())
    title, advice = WORDS.get(status, WORDS[500 if status >= 500 else 400])
    page = _page(error, status, title, advice)
    if isinstance(error, MethodNotAllowed):
        page.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))  # RFC 9110, 15.5.6
    return page


def show_away(error: Exception) -> Response:
    """Nothing was changed: whatever the request began ended with its transaction."""
    return _page(error, 503, *WORDS[503])


def show_unstorable(error: Exception) -> Response:
    """A value that no database of ours holds, such as a character U+0000 in PostgreSQL: the request's, not a defect."""
    _log_place(error)
    return _page(error, 400, *WORDS[400])


def show_unexpected(error: Exception) -> Response:
    """The log gets the place, never the message: it may hold what was in the chart."""
    _log_place(error)
    return _page(error, 500, *WORDS[500])


def _log_place(error: Exception) -> None:
    log.error("unexpected %s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))


def _page(error: Exception, status: int, title: str, advice: str, detail: str = "", relaunch: str = "") -> Response:
    reference = secrets.token_hex(4).upper()
    g.error = type(error).__name__  # for the audit log, where it is a denial
    log.warning("error %s: %s (%d) on %s", reference, type(error).__name__, status, request.endpoint)
    template = "_notice.html" if wants_fragment() else "error.html"
    back = bool(g.get("launched"))
    again = error.again if isinstance(error, TooManyRequests) else AGAIN_AFTER if status == 503 else 0
    response = make_response(
        render_template(
            template,
            title=title,
            advice=advice,
            detail=detail,
            reference=reference,
            back=back,
            relaunch=relaunch,
            again=again if request.method == "GET" else 0,
        )
    )
    response.status_code = status
    if again:
        response.headers["Retry-After"] = str(again)
    if wants_fragment():
        response.headers["HX-Retarget"] = "#notice"
        response.headers["HX-Reswap"] = "innerHTML"
    return response
