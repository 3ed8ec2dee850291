"""What stands above the work: the role in which somebody works, why the review waits, its queries."""

from typing import Any

from flask import abort, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from smartapp.errors import RoleGiven
from smartapp.roles import ROLES
from smartapp.views.launched import launched, pages
from smartapp.views.wiring import wiring
from smartapp.worklists import PENDING_REASONS

LONGEST = 300  # characters of a note why the review waits


@pages.post("/role")
def choose_role() -> BaseResponse:
    """Only where the site allows it: elsewhere what was chosen would count for nothing."""
    here = launched()
    role = request.form.get("role", "")
    if not _may_switch():
        raise RoleGiven
    if role not in ROLES:
        abort(400)
    wiring().worklist.choose_role(here.key, role, here.by)
    return redirect(url_for("review.show"), 303)


@pages.post("/pending")
def set_pending() -> BaseResponse:
    """A reason and a note, or no reason: then it waits no longer."""
    here, clock = launched(), wiring().asking.clock
    reason, note = request.form.get("pending", ""), request.form.get("note", "").strip()[:LONGEST]
    if reason and reason not in PENDING_REASONS:
        abort(400)
    if reason:
        wiring().worklist.set_pending(here.key, reason, note, here.by, clock())
    else:
        wiring().worklist.end_pending(here.key, here.by)
    return redirect(url_for("review.show"), 303)


def _may_switch() -> bool:
    ehr = wiring().ehrs.find(launched().session.context.iss)
    return ehr.role_switch and not ehr.role


@pages.context_processor
def _words() -> dict[str, Any]:
    """What `_work_state.html` asks for, on the pages that it stands on."""
    return {"work_state": _state}


def _state() -> dict[str, Any]:
    key = launched().key
    return {
        "pending": wiring().worklist.pending(key),
        "queries": wiring().asking.queries(key),
        "may_switch": _may_switch(),
        "roles": tuple(ROLES),
        "pending_reasons": PENDING_REASONS,
    }
