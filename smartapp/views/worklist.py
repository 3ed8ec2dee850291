"""The coder's worklist: of this launch's EHR, and of it only what the person opened or the site shows to all coders."""

import csv
import io
from dataclasses import replace
from typing import Any, Final

from flask import Response, abort, make_response, render_template, request, url_for

from smartapp.store.worklist_store import MOST
from smartapp.views.dates import show_date, show_time
from smartapp.views.launched import Launched, coder, pages, tenant_of
from smartapp.views.wiring import wiring
from smartapp.worklists import Listing, Order, Row, Standing, Wanted

STANDINGS: Final = {
    Standing.OPENED: "Opened",
    Standing.PENDING: "Pending",
    Standing.CORRECTED: "Being corrected",
    Standing.SIGNED: "Signed",
    Standing.AMENDED: "Amended since",
}
ORDERS: Final = {Order.RECENT: "Opened last", Order.OLDEST: "Opened first", Order.CHANGED: "Worked on last"}
COLUMNS: Final = ("Patient", "MRN", "Encounter", "Date of service", "State", "Waits for", "Opened", "Changed")


@pages.get("/worklist")
def show_worklist() -> str:
    here = coder()
    listing = _listing(here, _wanted())
    wiring().worklist.tell_seen(listing.rows, here.by, "worklist")
    return render_template(
        "worklist.html", listing=listing, standings=STANDINGS, orders=ORDERS, everybody=_everybody(here), link=_link
    )


@pages.get("/worklist.csv")
def worklist_file() -> Response:
    """What the page shows, all pages of it; nothing more."""
    here = coder()
    listing = _listing(here, replace(_wanted(), page=1), MOST)
    wiring().worklist.tell_seen(listing.rows, here.by, "worklist file")
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([_plain(cell) for cell in _cells(row)] for row in listing.rows)
    response = make_response("\ufeff" + out.getvalue())
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = 'attachment; filename="chartside-worklist.csv"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _listing(here: Launched, wanted: Wanted, size: int | None = None) -> Listing:
    store, clock, context = wiring().worklist, wiring().asking.clock, here.session.context
    who = None if _everybody(here) else here.by.fhir_user
    more = {"size": size} if size else {}
    return store.listing(context.iss, tenant_of(here), who, wanted, clock(), **more)


def _everybody(here: Launched) -> bool:
    return wiring().ehrs.find(here.session.context.iss).worklist == "all"


def _wanted() -> Wanted:
    """What the address asks for, or 400; it holds nothing of a patient."""
    said = request.args
    try:
        standing = Standing(said["state"]) if said.get("state") else None
        page = int(said.get("page") or 1)
        return Wanted(standing, said.get("recent") == "yes", Order(said.get("order") or Order.RECENT), max(1, page))
    except ValueError:
        abort(400)


def _link(wanted: Wanted, page: int = 1, endpoint: str = "review.show_worklist") -> str:
    asked: dict[str, Any] = {
        "state": wanted.standing.value if wanted.standing else None,
        "recent": "yes" if wanted.recent else None,
        "order": wanted.order.value if wanted.order is not Order.RECENT else None,
        "page": page if page > 1 else None,
    }
    return url_for(endpoint, **{name: value for name, value in asked.items() if value is not None})


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.patient_name or "",
        row.mrn or "",
        row.encounter_title or "",
        show_date(row.date_of_service),
        STANDINGS[row.standing],
        "; ".join(row.reasons),
        show_time(row.opened_at),
        show_time(row.changed_at),
    )


def _plain(cell: str) -> str:
    """Spreadsheets take a cell that begins so for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.lstrip().startswith(("=", "+", "-", "@")) or cell.startswith(("\t", "\r")) else cell
