"""The list of trusted EHRs for admins: what `chartside ehr` does, behind a link that `chartside admin link` prints."""

import logging
import shlex
from datetime import timedelta
from itertools import groupby
from typing import cast

from flask import Blueprint, Flask, abort, current_app, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from launch.client_keys import ALGORITHMS
from launch.ehrs import GENERIC, PRIVATE_KEY, SECRET, VENDORS, InvalidEHRFile
from launch.transport import is_loopback
from smartapp import ehr_list
from smartapp.ehr_list import NewEHR
from smartapp.ehr_removal import Removal
from smartapp.fhir import ehr_check
from smartapp.fhir.hearing import asker
from smartapp.registration import MARKETPLACES
from smartapp.store.admin_store import LINK_LIFE, AdminStore, LinkRefused
from smartapp.views.csrf import FIELD, build_token, is_same_origin, is_token
from smartapp.views.wiring import wiring

log = logging.getLogger(__name__)
EXTENSION = "chartside-admin"
pages = Blueprint("admin", __name__, url_prefix="/admin")
# Another cookie than that of launches: never in a frame, so not Partitioned, and not sent from other sites at all.
COOKIE = "__Host-chartside-admin"
PURPOSE = "admin pages"  # in the place of a launch key
LONGEST = 500  # characters of a field
OPEN = ("admin.ask", "admin.enter")
DEVELOPMENT = "This Chartside runs for development on this machine, so checks may go to private addresses too."


def register(app: Flask, admins: AdminStore, removal: Removal) -> None:
    """Adds the pages to an application that has the others."""
    app.extensions[EXTENSION] = admins, removal
    app.register_blueprint(pages)


def admins() -> AdminStore:
    return cast(AdminStore, current_app.extensions[EXTENSION][0])


def removal() -> Removal:
    return cast(Removal, current_app.extensions[EXTENSION][1])


@pages.before_request
def _admit() -> Response | None:
    """Nothing is shown or done without a session; a form carries the session's token and comes from our own page."""
    g.admin = request.cookies.get(COOKIE, "")
    if request.endpoint in OPEN:
        if request.method == "POST" and not is_same_origin(request, wiring().config.public_url):
            abort(403)
        return None
    if not admins().is_in(g.admin):
        return _closed(401)
    if request.method == "POST":
        token = request.form.get(FIELD, "")
        ours = is_token(token, wiring().config.secret_keys, PURPOSE, g.admin)
        if not ours or not is_same_origin(request, wiring().config.public_url):
            abort(403)
    return None


@pages.context_processor
def _values() -> dict[str, object]:
    minutes = LINK_LIFE // timedelta(minutes=1)
    return {"csrf_token": build_token(wiring().config.secret_keys[0], PURPOSE, g.admin), "link_minutes": minutes}


@pages.get("/enter")
def ask() -> str:
    """A button: what looks at links in advance (mail, chat) must not use this one up."""
    return render_template("admin/enter.html", link=request.args.get("link", ""))


@pages.post("/enter")
def enter() -> Response:
    try:
        browser = admins().enter(request.form.get("link", ""))
    except LinkRefused as refused:
        log.warning("an admin link was refused: %s", refused)
        return _closed(403, f"This link was not taken: it is {refused}.")
    log.info("an admin session began")
    answer = redirect(url_for("admin.show"), 303)
    answer.set_cookie(COOKIE, browser, path="/", secure=True, httponly=True, samesite="Strict")
    return answer


@pages.post("/leave")
def leave() -> Response:
    admins().leave(g.admin)
    answer = _closed(200, "You have left the admin pages.")
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Strict")
    return answer


@pages.get("/")
def show() -> Response:
    return _page()


@pages.post("/ehrs")
def add() -> Response:
    said = {name: request.form.get(name, "").strip()[:LONGEST] for name in request.form if name != FIELD}
    path = wiring().config.ehrs_file
    new = _new(said)
    try:
        added = ehr_list.add(path, new)
    except InvalidEHRFile as invalid:
        return _page(422, complaints=invalid.complaints, said=said)
    except OSError as error:
        return _page(503, unwritable=(str(path), error.strerror or "", new.to_paste(), new.command()), said=said)
    admins().did("added an EHR", g.admin, added.iss)
    log.info("an EHR was added on the admin page")
    return _page(201, added=added, sheet=added.vendor if added.vendor in MARKETPLACES else GENERIC)


def _new(said: dict[str, str]) -> NewEHR:
    return NewEHR(
        iss=said.get("iss", ""),
        name=said.get("name", ""),
        client_id=said.get("client_id", ""),
        vendor=said.get("vendor", ""),
        client_auth=said.get("client_auth", ""),
        client_secret=said.get("client_secret") or None,
        alg=said["alg"] if said.get("alg") in ALGORITHMS else ALGORITHMS[0],
        scope_version="v1" if said.get("scope_version") == "v1" else "v2",
        embed_origins=tuple(said.get("embed_origins", "").split()),
    )


@pages.get("/remove")
def ask_to_remove() -> Response:
    """What becomes of what hangs on the EHR, and a button."""
    try:
        leaving = removal().look(request.args.get("iss", "")[:LONGEST])
    except InvalidEHRFile as invalid:
        return _page(404, complaints=invalid.complaints)
    return make_response(render_template("admin/remove.html", leaving=leaving))


@pages.post("/remove")
def remove() -> Response:
    iss = request.form.get("iss", "")[:LONGEST]
    try:
        gone = removal().remove(iss)
    except InvalidEHRFile as invalid:
        return _page(422, complaints=invalid.complaints)
    except OSError as error:
        complaint = f"Chartside may not write {wiring().config.ehrs_file} ({error.strerror}). "
        return _page(
            503, complaints=[complaint + f"On the server, say: {shlex.join(['chartside', 'ehr', 'remove', iss])}"]
        )
    admins().did("removed an EHR", g.admin, gone.iss)
    log.info("an EHR was removed on the admin page")
    return _page(removed=gone)


@pages.post("/check")
def check() -> Response:
    """Asks an address that somebody typed: public hosts over https only, but for development on this machine."""
    config, iss, vendor = wiring().config, request.form.get("iss", "").strip()[:LONGEST], request.form.get("vendor", "")
    development = is_loopback(config.public_url)
    try:
        asked = ehr_list.to_check(config.ehrs_file, iss, vendor if vendor in VENDORS else VENDORS[0])
    except InvalidEHRFile as invalid:
        return _page(422, complaints=invalid.complaints)
    except ValueError as wrong:
        return _page(422, complaints=[str(wrong)], wanted=iss)
    ask = asker(public_only=not development, loopback=is_loopback(asked.ehr.iss))
    findings = ehr_check.check(asked.ehr, ask, config.public_url, asked.broken)
    groups = [(about, list(found)) for about, found in groupby(findings, lambda finding: finding.about)]
    stopped = ehr_check.blocks(findings)
    return make_response(
        render_template("admin/check.html", asked=asked.ehr, listed=asked.listed, groups=groups, stopped=stopped)
    )


def _page(status: int = 200, **more: object) -> Response:
    """The list, the form, and what there is to say."""
    config = wiring().config
    unreadable: list[str] = []
    ehrs: tuple[object, ...] = ()
    try:
        ehrs = ehr_list.read(config.ehrs_file)
    except InvalidEHRFile as invalid:
        unreadable, ehrs = invalid.complaints, invalid.usable
    values = {"complaints": [], "unwritable": None, "added": None, "removed": None, "said": {}, "wanted": ""} | more
    return make_response(
        render_template(
            "admin/ehrs.html",
            ehrs=ehrs,
            unreadable=unreadable,
            vendors=VENDORS,
            algorithms=ALGORITHMS,
            methods=(PRIVATE_KEY, SECRET),
            path=config.ehrs_file,
            development=DEVELOPMENT if is_loopback(config.public_url) else "",
            **values,
        ),
        status,
    )


def _closed(status: int, told: str = "") -> Response:
    return cast(Response, make_response(render_template("admin/closed.html", told=told), status))
