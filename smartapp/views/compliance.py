"""How each code of an encounter came about, for compliance: by reference and event number, behind an admin session."""

from dataclasses import dataclass, field
from typing import cast

from flask import Flask, abort, current_app, g, make_response, redirect, render_template, request, url_for
from sqlalchemy import Engine
from werkzeug.wrappers import Response

from smartapp.audit.checkpoint import AuditKeys
from smartapp.audit.events import Event, hash_of
from smartapp.audit.notary import CheckpointFile
from smartapp.audit.reading import Listed, chart_of, latest_charts, rows_of_chart, signed_up_to
from smartapp.audit.story import CodeStory, stories_of
from smartapp.audit.verify import Row, reading, told_by, verify_log, why_wrong
from smartapp.reviews import ReviewKey
from smartapp.views.admin import LONGEST, admins, pages
from smartapp.views.receipt import OUTCOMES

EXTENSION = "chartside-compliance"
MOST = 500_000  # events that are verified while somebody waits for the page
ACTIONS = {
    "accept": "Accepted",
    "reject": "Rejected",
    "add": "Added",
    "edit": "Taken in the place of another code",
    "lead": "Put first",
    "move": "Moved",
    "poa": "Present on admission",
    "note": "Note to self",
    "undo": "Taken back",
}


@dataclass(frozen=True, slots=True)
class Compliance:
    """The log, and what it is verified with."""

    engine: Engine
    keys: AuditKeys
    file: CheckpointFile


@dataclass(frozen=True, slots=True)
class Checked:
    """The events of a chart, and which of them are not what was written."""

    key: ReviewKey
    stories: tuple[CodeStory, ...]
    events: tuple[Event, ...]
    wrong: dict[int, str] = field(default_factory=dict)
    signed: int = 0  # the last event under a checkpoint


def register(app: Flask, compliance: Compliance) -> None:
    """Gives the pages, which are among those of the admin, what they show."""
    app.extensions[EXTENSION] = compliance


def _log() -> Compliance:
    return cast(Compliance, current_app.extensions[EXTENSION])


@pages.get("/audit/")
def charts() -> Response:
    with reading(_log().engine) as connection:
        found = latest_charts(connection)
    return _listed(found)


@pages.post("/audit/find")
def find() -> Response:
    """By a form, so that no id of a patient comes into an address."""
    wanted = request.form.get("wanted", "").strip()[:LONGEST]
    with reading(_log().engine) as connection:
        if wanted.isdecimal() and len(wanted) < 16 and chart_of(connection, int(wanted)):
            return redirect(url_for("admin.chart", event=int(wanted)), 303)
        found = latest_charts(connection, encounter=wanted) or latest_charts(connection, patient=wanted)
    if wanted and len(found) == 1:
        return redirect(url_for("admin.chart", event=found[0].last), 303)
    return _listed(found, wanted)


def _listed(found: tuple[Listed, ...], wanted: str = "") -> Response:
    """What was looked for may be a name, and is not told."""
    admins().did("listed charts of the audit log", g.admin, str(len(found)))
    return _charts(wanted=wanted, charts=found)


@pages.get("/audit/<int:event>")
def chart(event: int) -> Response:
    """The chart that the event is of: its number tells nobody whose it is."""
    with reading(_log().engine) as connection:
        key = chart_of(connection, event)
        if key is None:
            abort(404)
        checked = check(key, rows_of_chart(connection, key), signed_up_to(connection))
    admins().did("read the story of a chart", g.admin, str(event))
    return make_response(render_template("admin/story.html", checked=checked, outcomes=OUTCOMES, actions=ACTIONS))


@pages.post("/audit/verify")
def verify_all() -> Response:
    """All of the log, while one waits."""
    log = _log()
    with reading(log.engine) as connection:
        if signed_up_to(connection) > MOST:
            return _charts(too_large=True)
    return _charts(verdict=verify_log(log.engine, log.keys, log.file))


def check(key: ReviewKey, rows: tuple[Row, ...], signed: int) -> Checked:
    """Each event by itself; the chain and its end are for `verify_all`."""
    wrong = {row.sequence: why for row in rows if (why := why_wrong(row, told_by(row.event), hash_of(row.event)))}
    events = tuple(Event.from_text(row.event) for row in rows if row.sequence not in wrong)
    return Checked(key, stories_of(events), events, wrong, signed)


def _charts(**more: object) -> Response:
    if "charts" not in more:
        with reading(_log().engine) as connection:
            more["charts"] = latest_charts(connection)
    values = {"wanted": "", "verdict": None, "too_large": False} | more
    return make_response(render_template("admin/audit.html", **values))
