"""The addresses an EHR knows of us: /launch, /callback, /jwks.json; and /logout."""

import re
import secrets
from collections.abc import Callable

from flask import Blueprint, jsonify, redirect, request
from werkzeug.wrappers import Response

from launch.launcher import Launcher
from launch.oauth import AuthorizationRequest
from launch.sessions import Session

# The one cookie. Only Partitioned ones come back inside an EHR's cross-site frame; __Host- keeps neighbours out.
COOKIE = "__Host-chartside"
_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")


def browser_id() -> str:
    """What our cookie says of this browser; empty where it did not come."""
    value = request.cookies.get(COOKIE, "")
    return value if _BROWSER.fullmatch(value) else ""


def blueprint(
    launcher: Launcher,
    review_url: Callable[[Session], str],
    hand_over: Callable[[AuthorizationRequest], Response],
    home_url: str = "/",
) -> Blueprint:
    """The routes; a LaunchError is left to the application's error pages.

    `hand_over` makes the page whose form takes the browser to an EHR that wants the request by POST.
    """
    routes = Blueprint("launch", __name__)

    @routes.get("/launch")
    def launch() -> Response:
        """Keeps the id of a browser that has one: another tab's launch may be under way under it."""
        browser = browser_id() or secrets.token_urlsafe(32)
        asked = launcher.begin(request.args.get("iss", ""), request.args.get("launch"), browser)
        answer = hand_over(asked) if asked.by_post else redirect(asked.url, 303)
        answer.set_cookie(COOKIE, browser, path="/", secure=True, httponly=True, samesite="None", partitioned=True)
        return answer

    @routes.get("/callback")
    def callback() -> Response:
        """Nothing of the query decides where to go next."""
        return redirect(review_url(launcher.complete(request.args, browser_id())), 303)

    @routes.post("/logout")
    def logout() -> Response:
        launcher.end(request.form.get("launch_key", ""), browser_id())
        return redirect(home_url, 303)

    @routes.get("/jwks.json")
    def jwks() -> Response:
        answer = jsonify(keys=launcher.ehrs.public_keys())
        answer.headers["Cache-Control"] = "public, max-age=3600"
        return answer

    @routes.after_request
    def keep_nothing(response: Response) -> Response:
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return routes
