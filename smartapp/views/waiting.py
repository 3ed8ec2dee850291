"""While a page waits: for how long, how the person stays signed in, and how the reading of the chart is stopped."""

import time
from typing import Any

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from smartapp.views.launched import launched, pages
from smartapp.views.wiring import wiring


@pages.get("/stay")
def stay() -> tuple[str, int]:
    """Being asked is enough: the session has been used."""
    return "", 204


@pages.post("/stop")
def stop() -> Response:
    """Whatever version the page shows: what is stopped can be begun again, and no decision hangs on it."""
    here = launched()
    wiring().coding.stop(here.key, here.by)
    return redirect(url_for("review.show"), 303)


@pages.context_processor
def _waited() -> dict[str, Any]:
    """Since when this page shows the work under way: it asks every second and says so each time."""
    now = int(time.time())
    began = request.args.get("began", now, type=int)
    minutes, seconds = divmod(max(0, now - began), 60)
    return {"began": began, "waited": f"{minutes} min {seconds} s" if minutes else f"{seconds} s"}
